package autodiff

import (
	"maps"
	"slices"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// kernelPrefix stands before the operators of domain ordo in trainingRules.
const kernelPrefix = graph.Domain + "::"

// trainingRules maps the operators of a training graph to their rules: those of the forward graph and ordo's own, which
// take the place of some.
func trainingRules() map[string]rule {
	table := rules()
	maps.Copy(table, map[string]rule{
		kernelPrefix + graph.Conv:        {gradient: kernelConvGradient},
		kernelPrefix + graph.BatchNorm:   {gradient: kernelBatchNormGradient, twice: true},
		kernelPrefix + graph.MaxPool:     {gradient: kernelMaxPoolGradient},
		kernelPrefix + graph.AveragePool: {gradient: kernelAveragePoolGradient},
		kernelPrefix + graph.Linear:      {gradient: kernelLinearGradient},
		kernelPrefix + graph.MatMul:      {gradient: kernelMatMulGradient},

		kernelPrefix + graph.Activation:   {gradient: kernelActivationGradient},
		kernelPrefix + graph.ChannelScale: {gradient: kernelChannelScaleGradient},
		kernelPrefix + graph.LayerNorm:    {gradient: kernelLayerNormGradient},
	})
	return table
}

func kernelConvGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, weights, bias := n.In(0), n.In(1), n.In(2)
	outputs := []value{t.gradientOf(x), t.gradientOf(weights), t.gradientOf(bias)}
	return t.domainOp(graph.Domain, graph.ConvGrad, []string{dy[0], x, weights}, outputs, n.GetAttribute()...), nil
}

// kernelBatchNormGradient: only behind a residual must y say where the ReLU let through. Else the kernel computes that
// from x, or doesn't ask; x stands there, so that y isn't kept for it. Without a ReLU the residual's gradient is dy
// itself, unless it is of two parts.
func kernelBatchNormGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	x, scale, bias, residual := n.In(0), n.In(1), n.In(2), n.In(5)
	outputs := make([]value, 3, 4)
	for i, name := range []string{x, scale, bias} {
		outputs[i] = value{name + graph.Gradient, t.typeOf(name)}
	}
	relu, second := n.Int("relu", 0), dy[len(dy)-1]
	apart := residual != "" && (relu != 0 || second != "")
	if apart {
		outputs = append(outputs, t.gradientOf(residual))
	}
	y, gate := x, ""
	switch {
	case relu != 0 && residual != "":
		y = n.Out(0)
	case relu != 0:
		gate = bias
	}
	inputs := []string{dy[0], x, y, scale, n.Out(1), n.Out(2), second, gate}
	for inputs[len(inputs)-1] == "" {
		inputs = inputs[:len(inputs)-1]
	}
	made := t.domainOp(graph.Domain, graph.BatchNormGrad, inputs, outputs, onnxgraph.IntAttr("relu", relu),
		n.Attr("layout", onnxgraph.Attribute_STRING))
	dx := slices.Concat(made[:3], []string{"", "", ""})[:len(n.GetInput())]
	switch {
	case residual == "":
	case apart:
		dx[5] = made[3]
	default:
		dx[5] = dy[0]
	}
	return dx, nil
}

func kernelMaxPoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.kernelPoolGradient(graph.MaxPoolGrad, n, []string{dy[0], n.Out(1)}), nil
}

func kernelAveragePoolGradient(t *training, n *onnxgraph.Node, dy []string) ([]string, error) {
	return t.kernelPoolGradient(graph.AveragePoolGrad, n, dy[:1]), nil
}

func (t *training) kernelPoolGradient(op string, n *onnxgraph.Node, inputs []string) []string {
	x := n.In(0)
	sizes, _ := t.typeOf(x).Shape[2:].Sizes()
	attributes := append(slices.Clone(n.GetAttribute()), onnxgraph.IntsAttr("image_shape", sizes...))
	return t.domainOp(graph.Domain, op, inputs, []value{t.gradientOf(x)}, attributes...)
}
