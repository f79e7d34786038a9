// Package half converts numbers of IEEE 754's binary16, float16 in the words of NumPy and ONNX, for which Go has no
// type.
package half
