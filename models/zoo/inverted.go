package zoo

import (
	"fmt"

	"ordo/models/onnxgraph"
)

// inverted says how the inverted residual blocks of a network differ from another's.
type inverted struct {
	n    *network
	norm batchNorm
}

// activation adds a nonlinearity.
type activation func(n *network, name, x string) string

func relu(n *network, name, x string) string { return n.relu(name, x) }

func hardSwish(n *network, name, x string) string { return n.b.Op("HardSwish", name, []string{x}) }

// hardSigmoid is clip(x/6 + 1/2, 0, 1).
func hardSigmoid(n *network, name, x string) string {
	return n.b.Op("HardSigmoid", name, []string{x}, onnxgraph.FloatAttr("alpha", 1.0/6),
		onnxgraph.FloatAttr("beta", 0.5))
}

func sigmoid(n *network, name, x string) string { return n.b.Op("Sigmoid", name, []string{x}) }

// swish is x·sigmoid(x), which torch calls SiLU.
func swish(n *network, name, x string) string {
	return n.b.Op("Mul", name, []string{x, sigmoid(n, name+".sigmoid", x)})
}

// block is an inverted residual block: a 1x1 convolution widens x, unless it is wide already, a convolution of each
// channel by itself follows, then squeeze and excitation, and a 1x1 convolution narrows the result without
// nonlinearity.
type block struct {
	in, expanded, out int
	kernel, stride    int
	squeezed          int // channels of squeeze and excitation; 0: none
	act               activation
}

// unit is a convolution without bias, batch norm and a nonlinearity, if act isn't nil.
func (v inverted) unit(name, x string, in, out int, w window, act activation) string {
	n := v.n
	weight := n.kaiming(name+".0.weight", out, in/max(w.groups, 1), w.kernel)
	x = n.batchNorm(name+".1", n.convolve(name+".0", []string{x, weight}, w), out, v.norm)
	if act != nil {
		x = act(n, name+".2", x)
	}
	return x
}

// squeezeExcite weighs the channels of x by a function of their averages: of two 1x1 convolutions, with inner between
// and gate behind them.
func (n *network) squeezeExcite(name, x string, channels, squeezed int, inner, gate activation) string {
	layer := func(name, x string, in, out int) string {
		inputs := []string{x, n.kaiming(name+".weight", out, in, 1), n.filled(name+".bias", 0, int64(out))}
		return n.convolve(name, inputs, same(1, 1))
	}
	y := n.b.Op("GlobalAveragePool", name+".avgpool", []string{x})
	y = inner(n, name+".activation", layer(name+".fc1", y, channels, squeezed))
	y = gate(n, name+".scale", layer(name+".fc2", y, squeezed, channels))
	return n.b.Op("Mul", name, []string{x, y})
}

// block adds a block, whose squeeze and excitation has the nonlinearities inner and gate.
func (v inverted) block(name, x string, b block, inner, gate activation) string {
	n, y, layer := v.n, x, 0
	next := func() string {
		layer++
		return fmt.Sprintf("%s.block.%d", name, layer-1)
	}
	if b.expanded != b.in {
		y = v.unit(next(), y, b.in, b.expanded, same(1, 1), b.act)
	}
	depthwise := same(b.kernel, b.stride)
	depthwise.groups = b.expanded
	y = v.unit(next(), y, b.expanded, b.expanded, depthwise, b.act)
	if b.squeezed > 0 {
		y = n.squeezeExcite(next(), y, b.expanded, b.squeezed, inner, gate)
	}
	y = v.unit(next(), y, b.expanded, b.out, same(1, 1), nil)
	if b.stride == 1 && b.in == b.out {
		y = n.b.Op("Add", name+".add", []string{y, x})
	}
	return y
}

// stemStride is the stride of the first convolution.
func stemStride(stem string) int {
	if stem == standardStem {
		return 2
	}
	return 1
}
