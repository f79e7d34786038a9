// Package npy writes arrays in NumPy's format, .npy, version 1.0: a header of text that says type and shape, in a whole
// number of 64 bytes, and then the values.
package npy
