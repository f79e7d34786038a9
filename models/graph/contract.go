package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordo/models/onnxgraph"
)

// Contract is what a training graph takes and gives. ONNX Runtime takes it on trust.
type Contract struct {
	// Inputs names what a batch is made of, images and perhaps draws, in the graph's order.
	Inputs []string
	// Images is the shape of the images, [batch, channels, height, width]; 0 is a free batch.
	Images []int64
	// Draws is the shape of the draws, [batch, columns]; nil where the graph takes none.
	Draws []int64
	// Views of each image in a batch, base views among them and the place of the plain view, as heads that look at
	// several views of an image need them; 0: any.
	Views, BaseViews, PlainView int
	// Outputs are what the loss gets, in order.
	Outputs []Output
	// Parameters are the model's, in the graph's order.
	Parameters []Parameter
	// Statistics names the running means and variances, which the forward pass overwrites.
	Statistics []string
	// FlatGradients: the graph has the output [Gradients].
	FlatGradients bool
	// Kernels: the graph has operators of domain ordo beside the loss.
	Kernels bool
}

// Parameter is a stored tensor of a model: a weight that is trained, or a frozen one such as a running mean.
type Parameter struct {
	Name      string  `json:"name"`
	Shape     []int64 `json:"shape"`
	Trainable bool    `json:"trainable"`
}

// Size is the number of values.
func (p Parameter) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= int(d)
	}
	return n
}

// Output is a matrix [batch, Columns] that the loss gets.
type Output struct {
	Name    string `json:"name"`
	Columns int64  `json:"dim"` // 0: not declared as a matrix
}

// maxBytes bounds a tensor; what is larger is a damaged graph.
const maxBytes = 1 << 34

// Read reads the contract of a training graph. Its error says what would make ONNX Runtime compute something else than
// is meant, or crash.
func Read(m *onnxgraph.Model) (*Contract, error) {
	c := new(Contract)
	g := m.GetGraph()
	buffers, reset, err := c.readInputs(g)
	if err != nil {
		return nil, err
	}
	if len(c.Images) != 4 {
		return nil, fmt.Errorf("input %s must be [batch, channels, height, width], it is %v", Images, c.Images)
	}
	if !reset {
		return nil, fmt.Errorf("input %s is missing", LazyReset)
	}
	if err := c.matchBuffers(buffers); err != nil {
		return nil, err
	}
	if err := c.readNodes(g); err != nil {
		return nil, err
	}
	if err := c.readGradients(g); err != nil {
		return nil, err
	}
	return c, c.readMetadata(m)
}

// ReadForward reads what a forward pass in training mode takes and gives: all of a contract but gradients and
// statistics.
func ReadForward(m *onnxgraph.Model) (*Contract, error) {
	c := new(Contract)
	if _, _, err := c.readInputs(m.GetGraph()); err != nil {
		return nil, err
	}
	types := Declared(m.GetGraph())
	for _, v := range m.GetGraph().GetOutput() {
		c.Outputs = append(c.Outputs, Output{v.GetName(), columns(types[v.GetName()])})
	}
	if len(c.Images) != 4 || len(c.Outputs) == 0 {
		return nil, fmt.Errorf("it takes no images or gives nothing")
	}
	return c, nil
}

// readInputs tells the inputs apart, and gives the shapes of gradient buffers by parameter.
func (c *Contract) readInputs(g *onnxgraph.Graph) (buffers map[string][]int64, reset bool, err error) {
	buffers = map[string][]int64{}
	for _, in := range g.GetInput() {
		name := in.GetName()
		if name == LazyReset {
			reset = true
			continue
		}
		shape, err := floatShape(in)
		if err != nil {
			return nil, false, fmt.Errorf("input %s: %w", name, err)
		}
		switch parameter, isBuffer := BufferOf(name); {
		case isBuffer:
			buffers[parameter] = shape
		case name == Images:
			c.Images = shape
			c.Inputs = append(c.Inputs, name)
		case name == Draws:
			if len(shape) != 2 {
				return nil, false, fmt.Errorf("input %s must be [batch, columns], it is %v", name, shape)
			}
			c.Draws = shape
			c.Inputs = append(c.Inputs, name)
		default:
			c.Parameters = append(c.Parameters, Parameter{Name: name, Shape: shape})
		}
	}
	return buffers, reset, nil
}

// matchBuffers finds out which parameters are trained: those with a gradient buffer.
func (c *Contract) matchBuffers(buffers map[string][]int64) error {
	for i := range c.Parameters {
		p := &c.Parameters[i]
		shape, ok := buffers[p.Name]
		if ok && !slices.Equal(shape, p.Shape) {
			return fmt.Errorf("parameter %s has shape %v, its gradient buffer %v", p.Name, p.Shape, shape)
		}
		p.Trainable = ok
		delete(buffers, p.Name)
	}
	for name := range buffers {
		return fmt.Errorf("gradient buffer %s belongs to no parameter", Buffer(name))
	}
	return nil
}

func (c *Contract) readNodes(g *onnxgraph.Graph) error {
	isOutput := map[string]bool{}
	for _, o := range g.GetOutput() {
		isOutput[o.GetName()] = true
	}
	if !isOutput[GradNorm] {
		return fmt.Errorf("output %s is missing", GradNorm)
	}
	for _, n := range g.GetNode() {
		switch {
		case n.GetOpType() == StockBatchNorm:
			if len(n.Input) != 5 || len(n.Output) != 5 {
				return fmt.Errorf("node %s: %s needs 5 inputs and 5 outputs", n.GetName(), StockBatchNorm)
			}
			for _, s := range n.Output[1:3] {
				if isOutput[s] {
					return fmt.Errorf("node %s: %s must not be a graph output, the statistics would not be updated",
						n.GetName(), s)
				}
			}
			c.addStatistics(n.Input[3:5])
		case n.GetDomain() != Domain:
		case n.GetOpType() == Loss:
			if err := c.readLoss(n, g); err != nil {
				return err
			}
		case n.GetOpType() == BatchNorm:
			if len(n.Input) < 5 {
				return fmt.Errorf("node %s: %s::%s needs 5 inputs", n.GetName(), Domain, BatchNorm)
			}
			c.addStatistics(n.Input[3:5])
			c.Kernels = true
		default:
			c.Kernels = true
		}
	}
	if c.Outputs == nil {
		return fmt.Errorf("there is no operator %s::%s", Domain, Loss)
	}
	return nil
}

func (c *Contract) addStatistics(names []string) {
	for _, s := range names {
		if !slices.Contains(c.Statistics, s) {
			c.Statistics = append(c.Statistics, s)
		}
	}
}

func (c *Contract) readLoss(n *onnxgraph.Node, g *onnxgraph.Graph) error {
	if c.Outputs != nil {
		return fmt.Errorf("there is more than one operator %s::%s", Domain, Loss)
	}
	if len(n.Input) == 0 || len(n.Input) != len(n.Output) {
		return fmt.Errorf("operator %s::%s has %d inputs and %d outputs", Domain, Loss, len(n.Input), len(n.Output))
	}
	types := Declared(g)
	for _, name := range n.Input {
		c.Outputs = append(c.Outputs, Output{name, columns(types[name])})
	}
	return nil
}

// Declared are the types that a graph declares, of inputs, outputs and inner values.
func Declared(g *onnxgraph.Graph) map[string]onnxgraph.TensorType {
	types := map[string]onnxgraph.TensorType{}
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			if t, err := v.TensorType(); err == nil {
				types[v.GetName()] = t
			}
		}
	}
	return types
}

// columns is the second dimension of a matrix whose columns are fixed; 0 for all else.
func columns(t onnxgraph.TensorType) int64 {
	if len(t.Shape) != 2 || !t.Shape[1].Static() {
		return 0
	}
	return t.Shape[1].Size
}

// readGradients looks at the output with all gradients, if there is one.
func (c *Contract) readGradients(g *onnxgraph.Graph) error {
	i := slices.IndexFunc(g.GetOutput(), func(v *onnxgraph.ValueInfo) bool { return v.GetName() == Gradients })
	if i < 0 {
		return nil
	}
	shape, err := floatShape(g.Output[i])
	if err != nil {
		return fmt.Errorf("output %s: %w", Gradients, err)
	}
	want := 0
	for _, p := range c.Parameters {
		if p.Trainable {
			want += p.Size()
		}
	}
	if !slices.Equal(shape, []int64{int64(want)}) {
		return fmt.Errorf("output %s has shape %v, the trainable parameters have %d values", Gradients, shape, want)
	}
	c.FlatGradients = true
	return nil
}

// readMetadata finds what heads that look at several views of an image ask of the batches.
func (c *Contract) readMetadata(m *onnxgraph.Model) error {
	for _, e := range m.GetMetadataProps() {
		at := map[string]*int{MetaViews: &c.Views, MetaBaseViews: &c.BaseViews, MetaPlainView: &c.PlainView}[e.GetKey()]
		if at == nil {
			continue
		}
		n, err := strconv.Atoi(e.GetValue())
		if err != nil || n < 0 || n == 0 && at == &c.Views {
			return fmt.Errorf("%s is %q among its metadata", e.GetKey(), e.GetValue())
		}
		*at = n
	}
	return nil
}

// Trained is the number of parameters that are trained.
func (c *Contract) Trained() int {
	n := 0
	for _, p := range c.Parameters {
		if p.Trainable {
			n++
		}
	}
	return n
}

// checkEval: ONNX Runtime feeds the training graph's parameters to the evaluation graph by position, not by name.
func (c *Contract) checkEval(g *onnxgraph.Graph) error {
	next := 0
	for _, in := range g.GetInput() {
		name := in.GetName()
		shape, err := floatShape(in)
		if err != nil {
			return fmt.Errorf("input %s: %w", name, err)
		}
		if name == Images {
			if len(shape) != 4 || !slices.Equal(shape[1:], c.Images[1:]) {
				return fmt.Errorf("input %s has shape %v, in the training graph %v", name, shape, c.Images)
			}
			continue
		}
		if next == len(c.Parameters) || c.Parameters[next].Name != name {
			return fmt.Errorf("input %s stands out of the order of the training graph's parameters", name)
		}
		if p := c.Parameters[next]; !slices.Equal(p.Shape, shape) {
			return fmt.Errorf("parameter %s has shape %v, in the training graph %v", name, shape, p.Shape)
		}
		next++
	}
	if next < len(c.Parameters) {
		return fmt.Errorf("parameter %s is no input", c.Parameters[next].Name)
	}
	return nil
}

// optimizerInputs are those that ONNX Runtime demands of an optimizer graph, in this order.
const optimizerInputs = "learning_rate step params gradients first_order_moments second_order_moments"

func checkOptimizer(g *onnxgraph.Graph) error {
	var got []string
	for _, in := range g.GetInput() {
		got = append(got, in.GetName())
	}
	if strings.Join(got, " ") != optimizerInputs {
		return fmt.Errorf("its inputs are %v, they must be [%s]", got, optimizerInputs)
	}
	return nil
}

// floatShape gives a float32 tensor's shape, with 0 for a free first dimension.
func floatShape(v *onnxgraph.ValueInfo) ([]int64, error) {
	tensor := v.GetType().GetTensorType()
	if tensor.GetElemType() != onnxgraph.Float32 {
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
