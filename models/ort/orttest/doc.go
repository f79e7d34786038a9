// Package orttest gives tests the ONNX Runtime library.
package orttest
