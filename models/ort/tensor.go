package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Tensor is a float32 array in C memory, aligned to a cache line, that Go fills in place and ONNX Runtime reads in
// place.
type Tensor struct {
	rt    *Runtime
	data  unsafe.Pointer
	shape []int64
	row   int // values of one entry of the first dimension
	rows  int // entries that there is memory for
}

// NewTensor makes a zeroed tensor. Each dimension must be at least 1.
func (rt *Runtime) NewTensor(shape ...int) (*Tensor, error) {
	if len(shape) == 0 {
		return nil, fmt.Errorf("ort: new tensor: no shape given")
	}
	t := &Tensor{rt: rt, shape: make([]int64, len(shape)), row: 1, rows: shape[0]}
	for i, d := range shape {
		if d < 1 {
			return nil, fmt.Errorf("ort: new tensor %v: dimensions must be at least 1", shape)
		}
		t.shape[i] = int64(d)
		if i > 0 {
			t.row *= d
		}
	}
	bytes := C.size_t(t.rows) * C.size_t(t.row) * 4
	if C.posix_memalign(&t.data, 64, bytes) != 0 {
		return nil, fmt.Errorf("ort: new tensor %v: no memory for %d bytes", shape, bytes)
	}
	clear(t.Data())
	return t, nil
}

// Data is the tensor's values in row-major order; valid until Close.
func (t *Tensor) Data() []float32 {
	return unsafe.Slice((*float32)(t.data), int(t.shape[0])*t.row)
}

// Shape is the current shape.
func (t *Tensor) Shape() []int64 { return t.shape }

// SetRows makes the first dimension n, at most what NewTensor was given; the values of the first n rows stay.
func (t *Tensor) SetRows(n int) error {
	if n < 1 || n > t.rows {
		return fmt.Errorf("ort: set rows: %d is not in [1, %d]", n, t.rows)
	}
	t.shape[0] = int64(n)
	return nil
}

// Close frees the memory. No step may be using it.
func (t *Tensor) Close() {
	C.free(t.data)
	t.data = nil
}

// value wraps the tensor for one call; the caller releases it.
func (t *Tensor) value() (*C.OrtValue, error) {
	return t.rt.wrap(t.data, t.shape)
}

// wrap makes a value over float32 memory that is not Go's.
func (rt *Runtime) wrap(data unsafe.Pointer, shape []int64) (*C.OrtValue, error) {
	n := C.size_t(4)
	for _, d := range shape {
		n *= C.size_t(d)
	}
	var dims *C.int64_t
	if len(shape) > 0 {
		dims = (*C.int64_t)(&shape[0])
	}
	var v *C.OrtValue
	err := status(C.ort_CreateTensorWithDataAsOrtValue(rt.memory, data, n, dims, C.size_t(len(shape)), C.ORT_FLOAT, &v))
	return v, err
}

// floats copies a float32 value into dst, which is grown where it is too small, and gives its shape.
func floats(dst []float32, v *C.OrtValue) ([]float32, []int64, error) {
	data, shape, err := view(v)
	if err != nil {
		return dst, nil, err
	}
	return append(dst[:0], data...), shape, nil
}

// readOutputs copies the outputs of these names into dst, which is grown where it is too small.
func readOutputs(dst [][]float32, outputs []*C.OrtValue, names []string) ([][]float32, error) {
	for len(dst) < len(outputs) {
		dst = append(dst, nil)
	}
	dst = dst[:len(outputs)]
	for i, v := range outputs {
		var err error
		if dst[i], _, err = floats(dst[i], v); err != nil {
			return dst, fmt.Errorf("output %s: %w", names[i], err)
		}
	}
	return dst, nil
}

// view gives a float32 value's memory in place and its shape.
func view(v *C.OrtValue) ([]float32, []int64, error) {
	var info *C.OrtTensorTypeAndShapeInfo
	if err := status(C.ort_GetTensorTypeAndShape(v, &info)); err != nil {
		return nil, nil, err
	}
	defer C.ort_ReleaseTensorTypeAndShapeInfo(info)
	kind, shape, err := typeAndShape(info)
	if err != nil {
		return nil, nil, err
	}
	if kind != floatType {
		return nil, nil, fmt.Errorf("element type %d is not float32", kind)
	}
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	var p unsafe.Pointer
	if err := status(C.ort_GetTensorMutableData(v, &p)); err != nil {
		return nil, nil, err
	}
	return unsafe.Slice((*float32)(p), n), shape, nil
}

// typeAndShape reads an ONNX element type and a shape; the caller keeps info.
func typeAndShape(info *C.OrtTensorTypeAndShapeInfo) (int, []int64, error) {
	var kind C.int
	var rank C.size_t
	if err := status(C.ort_GetTensorElementType(info, &kind)); err != nil {
		return 0, nil, err
	}
	if err := status(C.ort_GetDimensionsCount(info, &rank)); err != nil {
		return 0, nil, err
	}
	shape := make([]int64, rank)
	if rank > 0 {
		if err := status(C.ort_GetDimensions(info, (*C.int64_t)(&shape[0]), rank)); err != nil {
			return 0, nil, err
		}
	}
	return int(kind), shape, nil
}
