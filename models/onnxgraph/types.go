package onnxgraph

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// DataType is the type of a tensor's elements.
type DataType = Tensor_DataType

// The element types that ordo's own graphs use.
const (
	Float32 = Tensor_FLOAT
	// BFloat16 is the type of activations in ordo's own operators alone.
	BFloat16 = Tensor_BFLOAT16
	Int64    = Tensor_INT64
	Int32    = Tensor_INT32
	Bool     = Tensor_BOOL
)

// maxDim bounds a dimension, so that no product of a few of them overflows unseen.
const maxDim = math.MaxInt32

// Dim is one dimension of a shape: a size, or a name where Param is set (the same name is the same size), or unknown:
// Size < 0. With a name, a Size above 1 is a factor: 64·batch, which is what 64 windows an image give.
type Dim struct {
	Size  int64
	Param string
	// outer is the part of the factor that lies outside of the name, 0 for none: 49 places of every image in turn are
	// 49*batch as the images' 49 places each are, but come apart otherwise. Only InferFree tells them apart.
	outer int64
}

// Unknown is the dimension that nothing is known of.
var Unknown = Dim{Size: -1}

// Static says whether the size is a number.
func (d Dim) Static() bool { return d.Param == "" && d.Size >= 0 }

func (d Dim) String() string {
	switch {
	case d.Param != "" && d.Size > 1:
		return strconv.FormatInt(d.Size, 10) + "*" + d.Param
	case d.Param != "":
		return d.Param
	case d.Size < 0:
		return "?"
	}
	return strconv.FormatInt(d.Size, 10)
}

// Shape is a tensor's dimensions, outermost first; empty for a scalar.
type Shape []Dim

// Static makes a shape of numbers.
func Static(sizes ...int64) Shape {
	s := make(Shape, len(sizes))
	for i, n := range sizes {
		s[i] = Dim{Size: n}
	}
	return s
}

// Batch makes a shape whose outermost dimension is free and named "batch".
func Batch(sizes ...int64) Shape {
	return append(Shape{{Param: "batch"}}, Static(sizes...)...)
}

// Sizes returns the numbers, and false if a dimension isn't one.
func (s Shape) Sizes() ([]int64, bool) {
	sizes := make([]int64, len(s))
	for i, d := range s {
		if !d.Static() {
			return nil, false
		}
		sizes[i] = d.Size
	}
	return sizes, true
}

// Elements is the number of elements, and false if a dimension isn't a number or the product leaves int64.
func (s Shape) Elements() (int64, bool) {
	n := int64(1)
	for _, d := range s {
		if !d.Static() || d.Size > maxDim || (d.Size > 0 && n > math.MaxInt64/d.Size) {
			return 0, false
		}
		n *= d.Size
	}
	return n, true
}

// Equal says whether both shapes are known to be the same.
func (s Shape) Equal(t Shape) bool {
	return slices.Equal(s, t) && !slices.Contains(s, Unknown)
}

func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = d.String()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// TensorType is the type of a value: element type and shape.
type TensorType struct {
	Elem  DataType
	Shape Shape
}

func (t TensorType) String() string { return strings.ToLower(t.Elem.String()) + t.Shape.String() }

// FloatType is the float32 tensor type of a shape.
func FloatType(s Shape) TensorType { return TensorType{Elem: Float32, Shape: s} }

// NewValueInfo declares a value's type.
func NewValueInfo(name string, t TensorType) *ValueInfo {
	return &ValueInfo{Name: name, Type: t.proto()}
}

// NewSequenceInfo declares a value that is a sequence of tensors of any shape.
func NewSequenceInfo(name string, elem DataType) *ValueInfo {
	tensor := &Type{Value: &Type_TensorType_{TensorType: &Type_TensorType{ElemType: elem}}}
	return &ValueInfo{Name: name, Type: &Type{
		Value: &Type_SequenceType_{SequenceType: &Type_SequenceType{ElemType: tensor}},
	}}
}

func (t TensorType) proto() *Type {
	dims := &Dimensions{}
	for _, d := range t.Shape {
		p := &Dimensions_Dimension{}
		switch {
		case d.Param != "":
			p.Value = &Dimensions_Dimension_DimParam{DimParam: d.String()}
		case d.Size >= 0:
			p.Value = &Dimensions_Dimension_DimValue{DimValue: d.Size}
		}
		dims.Dim = append(dims.Dim, p)
	}
	return &Type{Value: &Type_TensorType_{TensorType: &Type_TensorType{ElemType: t.Elem, Shape: dims}}}
}

// TensorType returns the declared type of a value. It fails if that isn't a tensor with a known number of dimensions.
func (v *ValueInfo) TensorType() (TensorType, error) {
	tensor := v.GetType().GetTensorType()
	if tensor == nil {
		return TensorType{}, fmt.Errorf("value %q is not declared as a tensor", v.GetName())
	}
	if tensor.GetShape() == nil {
		return TensorType{}, fmt.Errorf("value %q is declared without a shape", v.GetName())
	}
	t := TensorType{Elem: tensor.GetElemType(), Shape: Shape{}}
	var faults []error
	for i, d := range tensor.GetShape().GetDim() {
		switch x := d.GetValue().(type) {
		case *Dimensions_Dimension_DimValue:
			if x.DimValue == -1 { // as PaddlePaddle says that it isn't known
				t.Shape = append(t.Shape, Unknown)
				continue
			}
			if x.DimValue < 0 || x.DimValue > maxDim {
				faults = append(faults, fmt.Errorf("value %q: dimension %d is %d, must be in [0, %d]", v.GetName(), i,
					x.DimValue, maxDim))
			}
			t.Shape = append(t.Shape, Dim{Size: x.DimValue})
		case *Dimensions_Dimension_DimParam:
			if x.DimParam == "" {
				t.Shape = append(t.Shape, Unknown)
				continue
			}
			t.Shape = append(t.Shape, Dim{Param: x.DimParam})
		default:
			t.Shape = append(t.Shape, Unknown)
		}
	}
	return t, errors.Join(faults...)
}
