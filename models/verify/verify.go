package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

const embedding = graph.Embedding

// Options say how to check.
type Options struct {
	// Reference is compared with, unless it is nil.
	Reference *Reference
	// Tolerance bounds the relative errors of gradients against the reference and of running statistics; those of
	// outputs may be a tenth of it. Default 1e-4.
	Tolerance float64
	// Differences turns the check by finite differences on. Default true.
	Differences bool
	// DifferenceTolerance bounds its relative errors. Default 0.03.
	DifferenceTolerance float64
	// Batch is the number of images without a reference, in [2, 256]. Default 4. A model with a head that looks at
	// several views of an image gets so many of each.
	Batch int
	// Seed starts the random images, gradients and directions. Default 1.
	Seed uint64
	// Threads are ONNX Runtime's; 0 is one a core.
	Threads int
}

// DefaultOptions checks without a reference.
func DefaultOptions() Options {
	return Options{Tolerance: 1e-4, Differences: true, DifferenceTolerance: 0.03, Batch: 4, Seed: 1}
}

const maxBatch = 256

// Validate returns every fault, joined.
func (o Options) Validate() error {
	var faults []error
	for _, t := range []struct {
		key   string
		value float64
	}{{"tolerance", o.Tolerance}, {"difference-tolerance", o.DifferenceTolerance}} {
		if !(t.value > 0 && t.value <= 1) {
			faults = append(faults, fmt.Errorf("%s: must be in (0, 1], got %v", t.key, t.value))
		}
	}
	if o.Batch < 2 || o.Batch > maxBatch {
		faults = append(faults, fmt.Errorf("batch: must be in [2, %d], got %d", maxBatch, o.Batch))
	}
	return errors.Join(faults...)
}

// Progress is told how many of the parameters' finite differences are measured.
type Progress func(done, total int)

// check is the state of one Run.
type check struct {
	o       Options
	library *ort.Runtime
	trainer *ort.Trainer
	images  *ort.Tensor
	drawn   *ort.Tensor // the input parameters, nil where the model takes none
	random  *rand.Rand

	norms   []norm
	dz      map[string][]float32 // by output; nil where it is zero
	z       map[string][]float32 // of the last pass
	columns map[string]int
	report  *Report
}

// Run checks artifacts. Its error is about what kept it from checking; what it found wrong stands in the report.
func Run(ctx context.Context, library *ort.Runtime, a graph.Artifacts, o Options, progress Progress) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, fault.Wrap(fault.Config, err)
	}
	c := &check{
		o: o, library: library, random: rand.New(rand.NewPCG(o.Seed, 0)),
		dz: map[string][]float32{}, z: map[string][]float32{}, columns: map[string]int{},
		report: &Report{
			Failures: []string{}, Notes: []string{}, Outputs: []OutputReport{}, Statistics: []StatisticReport{},
			Tolerance: o.Tolerance, DifferenceTolerance: o.DifferenceTolerance,
		},
	}
	if err := c.run(ctx, a, progress); err != nil {
		return nil, err
	}
	c.report.OK = len(c.report.Failures) == 0
	return c.report, nil
}

func (c *check) run(ctx context.Context, a graph.Artifacts, progress Progress) (err error) {
	if err := c.expose(&a); err != nil {
		return err
	}
	if c.trainer,
		err = c.library.NewTrainer(a, c.loss,
		ort.TrainerOptions{SessionOptions: ort.SessionOptions{Threads: c.o.Threads}}); err != nil {
		return err
	}
	defer c.trainer.Close()
	if err := c.makeImages(); err != nil {
		return err
	}
	defer c.images.Close()
	if columns := c.trainer.InputColumns(); columns > 0 {
		if c.drawn, err = c.library.NewTensor(int(c.images.Shape()[0]), columns); err != nil {
			return err
		}
		defer c.drawn.Close()
		c.draw(c.drawn)
	}
	c.report.Batch = int(c.images.Shape()[0])

	// One pass tells the outputs' sizes, from which dz is made; its gradients are not looked at.
	if _, err := c.pass(); err != nil {
		return err
	}
	if err := c.makeGradients(); err != nil {
		return err
	}
	p, err := c.pass()
	if err != nil {
		return err
	}
	gradients, err := c.gradients(p)
	if err != nil {
		return err
	}
	c.checkNorm(p, gradients)
	if err := c.compareOutputs(a); err != nil {
		return err
	}
	c.compareGradients(gradients)
	if err := c.checkStatistics(p); err != nil {
		return err
	}
	if !c.o.Differences {
		return nil
	}
	return c.differences(ctx, gradients, progress)
}

// loss hands the fixed gradients out and keeps the outputs.
func (c *check) loss(outputs []ort.Output) error {
	for _, o := range outputs {
		c.z[o.Name] = append(c.z[o.Name][:0], o.Data...)
		c.columns[o.Name] = o.Columns
		dz, ok := c.dz[o.Name]
		switch {
		case !ok || dz == nil:
			clear(o.Grad)
		case len(dz) != len(o.Grad):
			return fmt.Errorf("output %s has %d values [%d, %d], its dz has %d", o.Name, len(o.Grad), o.Rows, o.Columns,
				len(dz))
		default:
			copy(o.Grad, dz)
		}
	}
	return nil
}

// pass runs the graph forward and backward, dropout always with the same masks.
func (c *check) pass() (ort.Probe, error) {
	if err := c.library.SetSeed(int64(c.o.Seed & (1<<62 - 1))); err != nil {
		return ort.Probe{}, err
	}
	return c.trainer.Probe(ort.Inputs{Images: c.images, Draws: c.drawn})
}

// makeImages takes the reference's images or draws some, evenly in [-1, 1].
func (c *check) makeImages() error {
	shape := c.trainer.ImageShape()
	var data []float32
	if r := c.o.Reference; r != nil {
		images := r.arrays["images"]
		for i, want := range shape {
			if want != 0 && want != int64(images.Shape[i]) {
				return fault.New(fault.Data, "not a reference file: its images are %v, the model takes %v (0 is free)",
					images.Shape, shape)
			}
			shape[i] = int64(images.Shape[i])
		}
		data = images.Data
	} else if shape[0] == 0 {
		shape[0] = int64(c.o.Batch)
		if views := c.trainer.Views(); views > 0 {
			shape[0] *= int64(views)
		}
	}
	sizes := make([]int, len(shape))
	for i, d := range shape {
		sizes[i] = int(d)
	}
	var err error
	if c.images, err = c.library.NewTensor(sizes...); err != nil {
		return err
	}
	if data != nil {
		copy(c.images.Data(), data)
		return nil
	}
	c.draw(c.images)
	return nil
}

// draw fills a tensor evenly from [-1, 1].
func (c *check) draw(t *ort.Tensor) {
	for i := range t.Data() {
		t.Data()[i] = float32(2*c.random.Float64() - 1)
	}
}

// makeGradients takes the reference's dz or draws one for each output, from a normal distribution.
func (c *check) makeGradients() error {
	names := c.lossOutputs()
	if r := c.o.Reference; r != nil {
		for _, name := range r.names("dz/") {
			if !slices.Contains(names, name) {
				return fault.New(fault.Data, "not a reference file: it has dz/%s, the model's outputs are: %s", name,
					strings.Join(names, ", "))
			}
		}
		for _, name := range names {
			if dz, ok := r.output("dz", name); ok {
				if len(dz.Data) != len(c.z[name]) {
					return fault.New(fault.Data,
						"not a reference file: dz for output %s is %v, the output has %d columns", name, dz.Shape,
						c.columns[name])
				}
				c.dz[name] = dz.Data
			}
		}
		if len(c.dz) == 0 {
			return fault.New(fault.Data, "not a reference file: its dz is for an output %s, the model has none",
				embedding)
		}
		return nil
	}
	for _, name := range names {
		dz := make([]float32, len(c.z[name]))
		for i := range dz {
			dz[i] = float32(c.random.NormFloat64())
		}
		c.dz[name] = dz
	}
	return nil
}

func (c *check) lossOutputs() []string {
	names := make([]string, 0, len(c.z))
	for name := range c.z {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// gradient of a trained parameter.
type gradient struct {
	graph.Parameter
	values []float32
	length float64 // L2
	summed float64 // see summing; 0: not known
}

func (c *check) gradients(p ort.Probe) ([]gradient, error) {
	at := map[string]int{}
	for i, name := range c.trainer.StepOutputs() {
		at[name] = i
	}
	var list []gradient
	for _, parameter := range c.trainer.Parameters() {
		if !parameter.Trainable {
			continue
		}
		i, ok := at[graph.GradOutput+parameter.Name]
		if !ok {
			return nil, fmt.Errorf("the gradient of %s can't be read", parameter.Name)
		}
		g := gradient{Parameter: parameter, values: p.Outputs[i]}
		if i, ok := at[summedOutput+parameter.Name]; ok {
			g.summed = float64(p.Outputs[i][0])
		}
		for _, v := range g.values {
			g.length += float64(v) * float64(v)
		}
		g.length = math.Sqrt(g.length)
		if !(g.length < math.Inf(1)) {
			c.failf("the gradient of %s is not finite", parameter.Name)
		}
		list = append(list, g)
		c.report.Parameters = append(c.report.Parameters, ParameterReport{
			Name: parameter.Name, Shape: parameter.Shape, Largest: largest(g.values), Reference: none(),
			Difference: none(),
		})
	}
	return list, nil
}

func (c *check) failf(format string, a ...any) {
	c.report.Failures = append(c.report.Failures, fmt.Sprintf(format, a...))
}

func (c *check) notef(format string, a ...any) {
	c.report.Notes = append(c.report.Notes, fmt.Sprintf(format, a...))
}

// checkNorm holds the graph's norm of all gradients against theirs.
func (c *check) checkNorm(p ort.Probe, gradients []gradient) {
	i := slices.Index(c.trainer.StepOutputs(), graph.GradNorm)
	var square float64
	for _, g := range gradients {
		square += g.length * g.length
	}
	want := math.Sqrt(square)
	c.report.GradNorm = float64(p.Outputs[i][0])
	if !(math.Abs(c.report.GradNorm-want) <= 1e-4*want) {
		c.failf("%s is %v, the gradients' norm is %v", graph.GradNorm, c.report.GradNorm, want)
	}
}

// compareOutputs fills in the outputs' part of the report.
func (c *check) compareOutputs(a graph.Artifacts) error {
	var eval [][]float32
	if len(a.Eval) > 0 {
		var err error
		if eval, err = c.trainer.Eval(nil, c.images); err != nil {
			return err
		}
	}
	limit := c.o.Tolerance / 10
	for _, name := range c.lossOutputs() {
		o := OutputReport{Name: name, Dim: int64(c.columns[name]), Training: none(), Eval: none()}
		if r := c.o.Reference; r != nil {
			if want, ok := r.output("z", name); ok {
				o.Training = distance(c.z[name], want.Data)
				c.limit(o.Training, limit, "output %s in training mode is off by %s of the reference", name, o.Training)
			}
			i := slices.Index(c.trainer.EvalOutputs(), name)
			if want, ok := r.output("z_eval", name); ok && i >= 0 {
				o.Eval = distance(eval[i], want.Data)
				c.limit(o.Eval, limit, "output %s in evaluation mode is off by %s of the reference", name, o.Eval)
			}
		}
		c.report.Outputs = append(c.report.Outputs, o)
	}
	return nil
}

// limit makes a failure of an error that is too large.
func (c *check) limit(n Number, limit float64, format string, a ...any) {
	if n.Is() && !(float64(n) <= limit) {
		c.failf(format, a...)
	}
}

// distance is |got − want| / |want| in L2; infinite where the numbers of values differ or something isn't finite.
func distance(got, want []float32) Number {
	if len(got) != len(want) {
		return Number(math.Inf(1))
	}
	var difference, norm float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		difference += d * d
		norm += float64(w) * float64(w)
	}
	return ratio(math.Sqrt(difference), math.Sqrt(norm))
}

// ratio is a/b as a Number: 0 for 0/0, infinite for what isn't a number.
func ratio(a, b float64) Number {
	switch q := a / b; {
	case a == 0:
		return 0
	case math.IsNaN(q):
		return Number(math.Inf(1))
	default:
		return Number(q)
	}
}

// deviation is the largest |got − want|; infinite where the numbers of values differ or something isn't finite.
func deviation(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if !(d <= worst) {
			worst = d
		}
		if math.IsNaN(d) {
			return math.Inf(1)
		}
	}
	return worst
}

func largest(values []float32) float64 {
	worst := 0.0
	for _, v := range values {
		worst = max(worst, math.Abs(float64(v)))
	}
	return worst
}

// floorShare is the share of the largest gradient below which a gradient is compared with that share instead of with
// itself: rounding noise where the true gradient is zero.
const floorShare = 1e-3

// compareGradients fills in the reference's part of the parameters' report.
func (c *check) compareGradients(gradients []gradient) {
	r := c.o.Reference
	if r == nil {
		return
	}
	floor := 0.0
	for _, name := range r.names("grad/") {
		floor = max(floor, floorShare*largest(r.arrays["grad/"+name].Data))
	}
	seen := map[string]bool{}
	for i, g := range gradients {
		want, ok := r.arrays["grad/"+g.Name]
		if !ok {
			c.notef("the reference has no gradient of %s", g.Name)
			continue
		}
		seen[g.Name] = true
		against := max(floor, largest(want.Data))
		if g.isZero() {
			against = max(against, g.summed)
		}
		e := ratio(deviation(g.values, want.Data), against)
		c.report.Parameters[i].Reference = e
		c.limit(e, c.o.Tolerance, "the gradient of %s is off by %s of the reference's largest", g.Name, e)
	}
	var names []string
	for _, p := range c.trainer.Parameters() {
		names = append(names, p.Name)
	}
	for _, name := range r.names("grad/") {
		switch {
		case seen[name]:
		case slices.Contains(names, name):
			c.notef("%s is frozen, so its gradient is not compared", name)
		default:
			c.failf("the reference has a gradient of %s, the model no such parameter", name)
		}
	}
	if len(seen) == 0 {
		c.failf("the reference has no gradient of any trained parameter")
	}
}

// expose adds to the training graph, as outputs of a step, the gradients, what they were summed of, and the inputs of
// batch norms.
func (c *check) expose(a *graph.Artifacts) error {
	m, err := a.Model()
	if err != nil {
		return err
	}
	m = proto.CloneOf(m)
	g := m.GetGraph()
	types := graph.Declared(g)
	b := onnxgraph.Extend(m)
	sums := newSumming(b, g)
	show := func(value, name string, t onnxgraph.TensorType) {
		if b.Has(name) {
			return
		}
		// The training API hides outputs whose names end as gradients do; a copy under another name is seen.
		b.Op("Identity", name, []string{value})
		b.Output(name, t)
	}
	for _, n := range slices.Clone(g.GetNode()) {
		switch n.GetOpType() {
		case graph.Accumulator:
			parameter, _ := graph.BufferOf(n.In(0))
			show(n.In(1), graph.GradOutput+parameter, types[parameter])
			if elements, ok := types[parameter].Shape.Elements(); ok && elements > 0 {
				if sum := sums.of(n.In(1), elements); sum != "" {
					show(sum, summedOutput+parameter, onnxgraph.FloatType(onnxgraph.Static(1)))
				}
			}
		case graph.StockBatchNorm, graph.BatchNorm, graph.BatchNormBF16:
			out := fmt.Sprintf("verify/norm%d", len(c.norms))
			t, ok := types[n.In(0)]
			if !ok {
				t = types[n.Out(0)]
			}
			x, half := n.In(0), t.Elem == onnxgraph.BFloat16
			if half {
				x, t.Elem = widened(b, x), onnxgraph.Float32
			}
			if t.Elem != onnxgraph.Float32 {
				// Its shape isn't declared, but its number of dimensions is needed; without, it is left out.
				continue
			}
			momentum := float64(n.Float("momentum", 0.9))
			if half || n.GetOpType() == graph.BatchNorm { // of images that have their channels last
				momentum = 1 - float64(n.Float("momentum", 0.1))
				plain := b.Unique(out + "/plain")
				b.Append(&onnxgraph.Node{
					Name: plain, OpType: graph.Reorder, Domain: graph.Domain, Input: []string{x}, Output: []string{plain},
					Attribute: []*onnxgraph.Attribute{onnxgraph.StringAttr("to", "nchw")},
				})
				x = plain
				b.ValueInfo(x, t)
			}
			show(x, out, t)
			c.norms = append(c.norms, norm{output: out, mean: n.In(3), variance: n.In(4), momentum: momentum,
				shape: t.Shape})
		}
	}
	a.Training, err = m.Encode()
	return err
}
