package onnxgraph

import (
	"fmt"
	"slices"
)

// NormAxis returns the first of the dimensions over which a LayerNormalization or RMSNormalization node normalises.
func NormAxis(n *Node, rank int) (int, error) { return normalAxis(n.Int("axis", -1), rank) }

func layerNormShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	axis, err := NormAxis(n, len(x))
	if err != nil {
		return nil, err
	}
	for i, name := range n.GetInput()[1:] {
		if name == "" {
			continue
		}
		if s, err := broadcast(x, in[i+1].Shape); err != nil || !slices.Equal(s, x) {
			return nil, fmt.Errorf("a parameter of shape %v for an input of shape %v", in[i+1].Shape, x)
		}
	}
	statistics := slices.Clone(x)
	for i := axis; i < len(x); i++ {
		statistics[i] = Dim{Size: 1}
	}
	s := TensorType{Elem: Float32, Shape: statistics}
	return []TensorType{in[0], s, s}, nil
}

func instanceNormShape(_ *typing, _ *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	if len(x) < 3 {
		return nil, fmt.Errorf("input of shape %v has no spatial dimension", x)
	}
	for _, p := range in[1:3] {
		if !p.Shape.Equal(Shape{x[1]}) {
			return nil, fmt.Errorf("a parameter of shape %v for an input of shape %v", p.Shape, x)
		}
	}
	return in[:1], nil
}

func groupNormShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	x := in[0].Shape
	groups := n.Int("num_groups", 0)
	if len(x) < 2 || !x[1].Static() || groups < 1 || x[1].Size%groups != 0 {
		return nil, fmt.Errorf("%d groups of an input of shape %v", groups, x)
	}
	// Up to opset 20 a group has one scale, since then each channel.
	for _, p := range in[1:3] {
		if !p.Shape.Equal(Shape{x[1]}) && !p.Shape.Equal(Static(groups)) {
			return nil, fmt.Errorf("a parameter of shape %v for %d groups of an input of shape %v", p.Shape, groups, x)
		}
	}
	return in[:1], nil
}
