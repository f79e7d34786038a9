package onnxgraph

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// NewFloats makes a float32 tensor. It panics if the number of values is not the product of dims.
func NewFloats(name string, dims []int64, values []float32) *Tensor {
	mustHold(name, dims, len(values))
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return &Tensor{Name: name, Dims: dims, DataType: Float32, RawData: raw}
}

// NewDouble makes a float64 scalar.
func NewDouble(name string, v float64) *Tensor {
	raw := binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	return &Tensor{Name: name, DataType: Tensor_DOUBLE, RawData: raw}
}

// NewInts makes an int64 tensor of one dimension, as shapes, axes and the like are given.
func NewInts(name string, values ...int64) *Tensor {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return &Tensor{Name: name, Dims: []int64{int64(len(values))}, DataType: Int64, RawData: raw}
}

func mustHold(name string, dims []int64, n int) {
	if want, ok := Static(dims...).Elements(); !ok || want != int64(n) {
		panic(fmt.Sprintf("onnxgraph: tensor %q of shape %v given %d values", name, dims, n))
	}
}

// elementBytes is the size of an element in raw_data; 0 for the types that ordo doesn't read.
func elementBytes(t DataType) int64 {
	switch t {
	case Tensor_BOOL, Tensor_INT8, Tensor_UINT8:
		return 1
	case Tensor_INT16, Tensor_UINT16, Tensor_FLOAT16, Tensor_BFLOAT16:
		return 2
	case Tensor_FLOAT, Tensor_INT32, Tensor_UINT32:
		return 4
	case Tensor_DOUBLE, Tensor_INT64, Tensor_UINT64, Tensor_COMPLEX64:
		return 8
	case Tensor_COMPLEX128:
		return 16
	}
	return 0
}

// Type is the tensor's type.
func (t *Tensor) Type() TensorType {
	return TensorType{Elem: t.GetDataType(), Shape: Static(t.GetDims()...)}
}

// Floats returns the values of a float32 tensor, row-major, from whichever field holds them.
func (t *Tensor) Floats() ([]float32, error) {
	n, err := t.elements(Float32)
	if err != nil {
		return nil, err
	}
	if t.RawData != nil {
		if int64(len(t.RawData)) != 4*n {
			return nil, fmt.Errorf("tensor %q: %d bytes of raw data for %d float32 values", t.GetName(), len(t.RawData),
				n)
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.RawData[4*i:]))
		}
		return values, nil
	}
	if int64(len(t.GetFloatData())) != n {
		return nil, fmt.Errorf("tensor %q: %d values for shape %v", t.GetName(), len(t.GetFloatData()), t.GetDims())
	}
	return t.GetFloatData(), nil
}

// Ints returns the values of an int64 tensor, row-major, from whichever field holds them.
func (t *Tensor) Ints() ([]int64, error) {
	n, err := t.elements(Int64)
	if err != nil {
		return nil, err
	}
	if t.RawData != nil {
		if int64(len(t.RawData)) != 8*n {
			return nil, fmt.Errorf("tensor %q: %d bytes of raw data for %d int64 values", t.GetName(), len(t.RawData),
				n)
		}
		values := make([]int64, n)
		for i := range values {
			values[i] = int64(binary.LittleEndian.Uint64(t.RawData[8*i:]))
		}
		return values, nil
	}
	if int64(len(t.GetInt64Data())) != n {
		return nil, fmt.Errorf("tensor %q: %d values for shape %v", t.GetName(), len(t.GetInt64Data()), t.GetDims())
	}
	return t.GetInt64Data(), nil
}

// Integers returns the values of an int64, int32 or bool tensor, row-major; true is 1.
func (t *Tensor) Integers() ([]int64, error) {
	elem := t.GetDataType()
	if elem == Int64 {
		return t.Ints()
	}
	if elem != Int32 && elem != Bool {
		return nil, fmt.Errorf("tensor %q holds %v values, not integers", t.GetName(), elem)
	}
	if err := t.Check(); err != nil {
		return nil, err
	}
	n, err := t.elements(elem)
	if err != nil {
		return nil, err
	}
	values := make([]int64, n)
	for i := range values {
		switch {
		case t.RawData == nil:
			values[i] = int64(t.GetInt32Data()[i])
		case elem == Bool:
			values[i] = int64(t.RawData[i])
		default:
			values[i] = int64(int32(binary.LittleEndian.Uint32(t.RawData[4*i:])))
		}
		if elem == Bool && values[i] != 0 {
			values[i] = 1
		}
	}
	return values, nil
}

// NewIntegers makes a tensor of type int64, int32 or bool. It panics if the number of values is not the product of
// dims.
func NewIntegers(name string, elem DataType, dims []int64, values []int64) *Tensor {
	mustHold(name, dims, len(values))
	if elem == Int64 {
		t := NewInts(name, values...)
		t.Dims = dims
		return t
	}
	raw := make([]byte, 0, elementBytes(elem)*int64(len(values)))
	for _, v := range values {
		if elem == Bool {
			raw = append(raw, byte(v))
		} else {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
		}
	}
	return &Tensor{Name: name, Dims: dims, DataType: elem, RawData: raw}
}

// elements checks all but the data and returns the number of elements. Since a reader allocates that many values only
// when the data are as long, a damaged shape costs nothing.
func (t *Tensor) elements(want DataType) (int64, error) {
	if t.GetDataType() != want {
		return 0, fmt.Errorf("tensor %q holds %v values, not %v", t.GetName(), t.GetDataType(), want)
	}
	if t.GetDataLocation() == Tensor_EXTERNAL {
		return 0, fmt.Errorf("tensor %q is stored in a file of its own, which was not read", t.GetName())
	}
	n, ok := Static(t.GetDims()...).Elements()
	if !ok || n > math.MaxInt64/16 {
		return 0, fmt.Errorf("tensor %q: impossible shape %v", t.GetName(), t.GetDims())
	}
	return n, nil
}

// Check finds what is wrong with a stored tensor without copying its data.
func (t *Tensor) Check() error {
	if t == nil {
		return errors.New("the tensor is missing")
	}
	n, err := t.elements(t.GetDataType())
	if err != nil {
		return err
	}
	size := elementBytes(t.GetDataType())
	if t.RawData != nil {
		if size == 0 || int64(len(t.RawData)) != size*n {
			return fmt.Errorf("tensor %q: %d bytes of raw data for type %v", t.GetName(), len(t.RawData), t.Type())
		}
		return nil
	}
	var have int
	switch t.GetDataType() {
	case Tensor_FLOAT:
		have = len(t.GetFloatData())
	case Tensor_DOUBLE:
		have = len(t.GetDoubleData())
	case Tensor_INT64:
		have = len(t.GetInt64Data())
	case Tensor_UINT32, Tensor_UINT64:
		have = len(t.GetUint64Data())
	case Tensor_STRING:
		have = len(t.GetStringData())
	case Tensor_COMPLEX64:
		have = len(t.GetFloatData()) / 2
	case Tensor_COMPLEX128:
		have = len(t.GetDoubleData()) / 2
	case Tensor_UNDEFINED:
		return fmt.Errorf("tensor %q has no element type", t.GetName())
	default:
		have = len(t.GetInt32Data())
	}
	if int64(have) != n {
		return fmt.Errorf("tensor %q: %d values for type %v", t.GetName(), have, t.Type())
	}
	return nil
}
