package ort

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordo/models/heads"
	"ordo/models/onnxgraph"
)

// Names that the training API and package autodiff agree on.
const (
	imagesName    = "images"
	drawnName     = heads.Draws
	resetName     = "lazy_reset_grad"
	bufferSuffix  = "_grad.accumulation.buffer"
	gradNormName  = "grad_norm"
	gradientsName = "gradients"
	lossDomain    = "ordo"
	lossOperator  = "Loss"
	floatType     = 1       // TensorProto.FLOAT
	maxBytes      = 1 << 34 // of one tensor; more is a damaged graph
)

// contract is what the graphs promise each other; ONNX Runtime takes it on trust.
type contract struct {
	inputs     []string // images, and parameters if the graph takes them, in its order
	images     []int64  // [batch, channels, height, width]; 0 is free
	drawn      []int64  // [batch, columns] of the input parameters; nil where the graph has none
	views      int      // of each image in a batch, 0: any
	parameters []Parameter
	statistics []string // running means and variances, which the forward pass overwrites
	lossInputs []string
}

// checkArtifacts reads the graphs and gives the first thing that would make ONNX Runtime compute something else, or crash.
func checkArtifacts(a Artifacts) (contract, error) {
	var c contract
	training, err := parse("training graph", a.Training)
	if err != nil {
		return c, err
	}
	if err := c.readTraining(training.Graph); err != nil {
		return c, fmt.Errorf("training graph: %w", err)
	}
	if err := c.readMetadata(training); err != nil {
		return c, fmt.Errorf("training graph: %w", err)
	}
	if len(a.Eval) > 0 {
		eval, err := parse("evaluation graph", a.Eval)
		if err != nil {
			return c, err
		}
		if err := c.checkEval(eval.Graph); err != nil {
			return c, fmt.Errorf("evaluation graph: %w", err)
		}
	}
	if len(a.Optimizer) == 0 {
		if err := c.checkGradients(training.Graph); err != nil {
			return c, fmt.Errorf("training graph: %w", err)
		}
	} else {
		optimizer, err := parse("optimizer graph", a.Optimizer)
		if err != nil {
			return c, err
		}
		if err := checkOptimizer(optimizer.Graph); err != nil {
			return c, fmt.Errorf("optimizer graph: %w", err)
		}
	}
	if len(a.Checkpoint) == 0 {
		return c, fmt.Errorf("the checkpoint is empty")
	}
	return c, nil
}

func parse(what string, data []byte) (*onnxgraph.Model, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("the %s is missing", what)
	}
	m := new(onnxgraph.Model)
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("the %s is not an ONNX model: %w", what, err)
	}
	if m.Graph == nil {
		return nil, fmt.Errorf("the %s holds no graph", what)
	}
	return m, nil
}

// readMetadata finds what a head that looks at several views of an image asks of the batches.
func (c *contract) readMetadata(m *onnxgraph.Model) (err error) {
	for _, e := range m.GetMetadataProps() {
		if e.GetKey() != heads.MetaViews {
			continue
		}
		if c.views, err = strconv.Atoi(e.GetValue()); err != nil || c.views < 1 {
			return fmt.Errorf("%s is %q among its metadata", heads.MetaViews, e.GetValue())
		}
	}
	return nil
}

func (c *contract) readTraining(g *onnxgraph.Graph) error {
	buffers := map[string][]int64{}
	reset := false
	for _, in := range g.Input {
		name := in.GetName()
		if name == resetName {
			reset = true
			continue
		}
		shape, err := floatShape(in)
		if err != nil {
			return fmt.Errorf("input %s: %w", name, err)
		}
		switch param, isBuffer := strings.CutSuffix(name, bufferSuffix); {
		case isBuffer:
			buffers[param] = shape
		case name == imagesName:
			c.images = shape
			c.inputs = append(c.inputs, name)
		case name == drawnName:
			if len(shape) != 2 {
				return fmt.Errorf("input %s must be [batch, columns], it is %v", name, shape)
			}
			c.drawn = shape
			c.inputs = append(c.inputs, name)
		default:
			c.parameters = append(c.parameters, Parameter{Name: name, Shape: shape})
		}
	}
	if len(c.images) != 4 {
		return fmt.Errorf("input %s must be [batch, channels, height, width], it is %v", imagesName, c.images)
	}
	if !reset {
		return fmt.Errorf("input %s is missing", resetName)
	}
	for i := range c.parameters {
		p := &c.parameters[i]
		shape, ok := buffers[p.Name]
		if ok && !slices.Equal(shape, p.Shape) {
			return fmt.Errorf("parameter %s has shape %v, its gradient buffer %v", p.Name, p.Shape, shape)
		}
		p.Trainable = ok
		delete(buffers, p.Name)
	}
	for name := range buffers {
		return fmt.Errorf("gradient buffer %s%s belongs to no parameter", name, bufferSuffix)
	}
	return c.readNodes(g)
}

func (c *contract) readNodes(g *onnxgraph.Graph) error {
	isOutput := map[string]bool{}
	for _, o := range g.Output {
		isOutput[o.GetName()] = true
	}
	if !isOutput[gradNormName] {
		return fmt.Errorf("output %s is missing", gradNormName)
	}
	seen := map[string]bool{}
	for _, n := range g.Node {
		switch {
		case n.GetDomain() == lossDomain && n.GetOpType() == "BatchNorm":
			if len(n.Input) < 5 {
				return fmt.Errorf("node %s: ordo::BatchNorm needs 5 inputs", n.GetName())
			}
			for _, s := range n.Input[3:5] {
				if !seen[s] {
					seen[s] = true
					c.statistics = append(c.statistics, s)
				}
			}
		case n.GetOpType() == "BatchNormInternal":
			if len(n.Input) != 5 || len(n.Output) != 5 {
				return fmt.Errorf("node %s: BatchNormInternal needs 5 inputs and 5 outputs", n.GetName())
			}
			for k := 1; k <= 2; k++ {
				if isOutput[n.Output[k]] {
					return fmt.Errorf("node %s: %s must not be a graph output, the statistics would not be updated", n.GetName(), n.Output[k])
				}
				if s := n.Input[k+2]; !seen[s] {
					seen[s] = true
					c.statistics = append(c.statistics, s)
				}
			}
		case n.GetDomain() == lossDomain && n.GetOpType() == lossOperator:
			if c.lossInputs != nil {
				return fmt.Errorf("there is more than one operator %s::%s", lossDomain, lossOperator)
			}
			if len(n.Input) == 0 || len(n.Input) != len(n.Output) {
				return fmt.Errorf("operator %s::%s has %d inputs and %d outputs", lossDomain, lossOperator, len(n.Input), len(n.Output))
			}
			c.lossInputs = n.Input
		}
	}
	if c.lossInputs == nil {
		return fmt.Errorf("there is no operator %s::%s", lossDomain, lossOperator)
	}
	return nil
}

// checkEval: ONNX Runtime feeds the training graph's parameters to the evaluation graph by position, not by name.
func (c *contract) checkEval(g *onnxgraph.Graph) error {
	next := 0
	for _, in := range g.Input {
		name := in.GetName()
		shape, err := floatShape(in)
		if err != nil {
			return fmt.Errorf("input %s: %w", name, err)
		}
		if name == imagesName {
			if len(shape) != 4 || !slices.Equal(shape[1:], c.images[1:]) {
				return fmt.Errorf("input %s has shape %v, in the training graph %v", name, shape, c.images)
			}
			continue
		}
		if next == len(c.parameters) || c.parameters[next].Name != name {
			return fmt.Errorf("input %s stands out of the order of the training graph's parameters", name)
		}
		if p := c.parameters[next]; !slices.Equal(p.Shape, shape) {
			return fmt.Errorf("parameter %s has shape %v, in the training graph %v", name, shape, p.Shape)
		}
		next++
	}
	if next < len(c.parameters) {
		return fmt.Errorf("parameter %s is no input", c.parameters[next].Name)
	}
	return nil
}

func checkOptimizer(g *onnxgraph.Graph) error {
	want := []string{"learning_rate", "step", "params", "gradients", "first_order_moments", "second_order_moments"}
	var got []string
	for _, in := range g.Input {
		got = append(got, in.GetName())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		return fmt.Errorf("its inputs are %v, they must be %v", got, want)
	}
	return nil
}

// checkGradients looks at the output with all gradients, which an optimizer in Go needs.
func (c *contract) checkGradients(g *onnxgraph.Graph) error {
	want := 0
	for _, p := range c.parameters {
		if p.Trainable {
			want += p.size()
		}
	}
	for _, o := range g.Output {
		if o.GetName() != gradientsName {
			continue
		}
		shape, err := floatShape(o)
		if err != nil {
			return fmt.Errorf("output %s: %w", gradientsName, err)
		}
		if !slices.Equal(shape, []int64{int64(want)}) {
			return fmt.Errorf("output %s has shape %v, the trainable parameters have %d values", gradientsName, shape, want)
		}
		return nil
	}
	return fmt.Errorf("it has no output %s, which it needs without an optimizer graph", gradientsName)
}

// checkState holds the loaded state against the parameters that the graphs name.
func (t *Trainer) checkState() error {
	for _, p := range t.contract.parameters {
		kind, shape, err := t.stateShape(p.Name)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		if kind != floatType || !slices.Equal(shape, p.Shape) {
			return fmt.Errorf("parameter %s has shape %v (type %d) in the checkpoint, %v (float32) in the training graph",
				p.Name, shape, kind, p.Shape)
		}
	}
	return nil
}

// checkInputs holds a batch against the training graph's inputs.
func (c *contract) checkInputs(in Inputs) error {
	if err := c.checkImages(in.Images.shape); err != nil {
		return err
	}
	rows := in.Images.shape[0]
	if c.views > 0 && rows%int64(c.views) != 0 {
		return fmt.Errorf("a batch of %d rows, the model takes %d views of each image", rows, c.views)
	}
	switch {
	case c.drawn == nil && in.Draws == nil:
	case c.drawn == nil:
		return fmt.Errorf("the model takes no input %s", drawnName)
	case in.Draws == nil:
		return fmt.Errorf("the model takes the input %s too, [%d, %d]", drawnName, rows, c.drawn[1])
	case !slices.Equal(in.Draws.shape, []int64{rows, c.drawn[1]}):
		return fmt.Errorf("%s have shape %v, the model takes [%d, %d] for these images", drawnName, in.Draws.shape, rows, c.drawn[1])
	}
	return nil
}

// checkImages holds a batch against the graph's input.
func (c *contract) checkImages(shape []int64) error {
	if len(shape) != len(c.images) {
		return fmt.Errorf("images have shape %v, the model takes %v", shape, c.images)
	}
	for i, d := range c.images {
		if d != 0 && d != shape[i] {
			return fmt.Errorf("images have shape %v, the model takes %v (0 is free)", shape, c.images)
		}
	}
	return nil
}

// floatShape gives a float32 tensor's shape, with 0 for a free first dimension.
func floatShape(v *onnxgraph.ValueInfo) ([]int64, error) {
	tensor := v.GetType().GetTensorType()
	if tensor.GetElemType() != floatType {
		return nil, fmt.Errorf("element type %d is not float32", tensor.GetElemType())
	}
	if tensor.GetShape() == nil {
		return nil, fmt.Errorf("it has no shape")
	}
	shape := []int64{}
	bytes := int64(4)
	for i, d := range tensor.GetShape().GetDim() {
		n := d.GetDimValue()
		if n < 0 || (n == 0 && (i > 0 || d.GetDimParam() == "")) {
			return nil, fmt.Errorf("dimension %d is not fixed", i)
		}
		shape = append(shape, n)
		if bytes *= max(n, 1); bytes > maxBytes {
			return nil, fmt.Errorf("shape %v is larger than anything that ordo trains", shape)
		}
	}
	return shape, nil
}
