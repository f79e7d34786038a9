package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ordo/loss/matrix"
	"ordo/models/fault"
)

// MLPOptions sets the small network that reads numbers from rows.
type MLPOptions struct {
	Hidden       []int   `yaml:"hidden"`        // widths of the hidden layers; default 512, 256; at most 8, in [1, 8192]
	LearningRate float64 `yaml:"learning_rate"` // of Adam; default 1e-3, range (0, 1]
	WeightDecay  float64 `yaml:"weight_decay"`  // added to the gradient as in torch's Adam; default 1e-3, range [0, 1]
	BatchSize    int     `yaml:"batch_size"`    // default 256, range [1, 65536]
	Epochs       int     `yaml:"epochs"`        // at most; default 100, range [1, 100000]
	Patience     int     `yaml:"patience"`      // epochs without a better error on held-out images; default 10, at least 1
	HoldOut      float64 `yaml:"hold_out"`      // share of the training images; default 0.2, range (0, 1)
	Seed         uint64  `yaml:"seed"`          // draws held-out images, weights and batches; default 1
}

// DefaultMLPOptions returns the defaults.
func DefaultMLPOptions() MLPOptions {
	return MLPOptions{Hidden: []int{512, 256}, LearningRate: 1e-3, WeightDecay: 1e-3, BatchSize: 256, Epochs: 100,
		Patience: 10, HoldOut: 0.2, Seed: 1}
}

// Validate returns all faults of the options, joined.
func (o MLPOptions) Validate() error {
	var faults []error
	if len(o.Hidden) > 8 || slices.ContainsFunc(o.Hidden, func(w int) bool { return w < 1 || w > 8192 }) {
		faults = append(faults, fmt.Errorf("hidden: must be at most 8 widths in [1, 8192], got %v", o.Hidden))
	}
	if !(o.LearningRate > 0 && o.LearningRate <= 1) {
		faults = append(faults, fmt.Errorf("learning_rate: must be in (0, 1], got %g", o.LearningRate))
	}
	if !(o.WeightDecay >= 0 && o.WeightDecay <= 1) {
		faults = append(faults, fmt.Errorf("weight_decay: must be in [0, 1], got %g", o.WeightDecay))
	}
	if o.BatchSize < 1 || o.BatchSize > 65536 {
		faults = append(faults, fmt.Errorf("batch_size: must be in [1, 65536], got %d", o.BatchSize))
	}
	if o.Epochs < 1 || o.Epochs > 100000 {
		faults = append(faults, fmt.Errorf("epochs: must be in [1, 100000], got %d", o.Epochs))
	}
	if o.Patience < 1 {
		faults = append(faults, fmt.Errorf("patience: must be 1 or more, got %d", o.Patience))
	}
	return invalid(append(faults, shareFaults(o.HoldOut)...))
}

// MLP is a network from rows to targets: linear layers with ReLU between them, in float32.
type MLP struct {
	Epochs  int     // trained, with those after the best one
	Best    int     // the epoch whose weights are kept
	HeldOut int     // training rows that chose it
	Error   float64 // on them, mean squared, of standardised targets

	layers         []layer
	scaler         scaler
	centre, spread []float64 // [columns] of the training targets
}

// layer is y = x·w + b with the moments of Adam.
type layer struct {
	in, out    int
	params     []float32 // w [in, out], then b [out]
	grad, m, v []float32
}

func (l *layer) w() matrix.Matrix[float32] { return matrix.Of(l.params, l.in, l.out) }

// FitMLP trains an MLP head on frozen features by Adam on the mean squared error of standardised targets, and keeps
// the weights of the epoch that is best on training images that are held out. Beside FitRidge it tells how much of
// what can be read is not linear. Widths, rates and patience are those of synesis (2025); SIE (Garrido et al. 2023)
// has 1024, 1024. Weights and biases begin uniform in ±1/√in, as torch's Linear; rows are standardised as for
// FitRidge.
//
// The same options give the same head for any number of processors; other kinds of processors round differently.
// Errors: rows or targets that are not finite, or training that leaves the range of numbers (fault.Numeric), fewer
// than two training images (fault.Data), options out of range (fault.Config).
func FitMLP(train Sample, o MLPOptions) (*MLP, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := train.check("MLP head: training rows"); err != nil {
		return nil, err
	}
	fit, held := holdOutByImage(train.images(), o.HoldOut, o.Seed)
	if len(held) == 0 {
		return nil, fault.New(fault.Data, "MLP head: there is one training image, which can't be held out").
			Advise("give more training images")
	}
	part, rest := train.Select(fit), train.Select(held)
	m := newMLP(part, o)
	x, y := m.inputs(part.Rows), m.standardise(part.Targets)
	heldX, heldY := m.inputs(rest.Rows), m.standardise(rest.Targets)
	m.HeldOut, m.Error = len(held), math.Inf(1)
	t := newTrainer(m, o, part.Columns)
	var best [][]float32
	for m.Epochs < o.Epochs && m.Epochs-m.Best < o.Patience {
		m.Epochs++
		t.epoch(x, y)
		e := meanSquare(m.forward(heldX), heldY)
		if !finite(e) {
			break
		}
		if e < m.Error {
			m.Error, m.Best = e, m.Epochs
			best = best[:0]
			for i := range m.layers {
				best = append(best, slices.Clone(m.layers[i].params))
			}
		}
	}
	if best == nil {
		return nil, fault.New(fault.Numeric, "MLP head: training leaves the range of numbers in epoch %d", m.Epochs).
			Advise("set a smaller learning rate")
	}
	for i := range m.layers {
		m.layers[i] = layer{in: m.layers[i].in, out: m.layers[i].out, params: best[i]}
	}
	return m, nil
}

func newMLP(train Sample, o MLPOptions) *MLP {
	columns := train.Columns
	m := &MLP{scaler: newScaler(train.Rows, true), centre: make([]float64, columns), spread: make([]float64, columns)}
	n := float64(train.Rows.Len())
	for i, t := range train.Targets {
		m.centre[i%columns] += t / n
	}
	for i, t := range train.Targets {
		d := t - m.centre[i%columns]
		m.spread[i%columns] += d * d / n
	}
	for c, s := range m.spread {
		if m.spread[c] = math.Sqrt(s); s == 0 {
			m.spread[c] = 1
		}
	}
	r := draws(o.Seed, 1)
	widths := append(append([]int{train.Rows.Dim}, o.Hidden...), columns)
	for i, out := range widths[1:] {
		l := layer{in: widths[i], out: out}
		l.params = make([]float32, (l.in+1)*out)
		l.grad, l.m, l.v = make([]float32, len(l.params)), make([]float32, len(l.params)), make([]float32, len(l.params))
		bound := 1 / math.Sqrt(float64(l.in))
		for j := range l.params {
			l.params[j] = float32((2*r.Float64() - 1) * bound)
		}
		m.layers = append(m.layers, l)
	}
	return m
}

func (m *MLP) inputs(r Rows) Rows {
	x := Rows{Data: make([]float32, len(r.Data)), Dim: r.Dim}
	for i, v := range m.scaler.apply(r) {
		x.Data[i] = float32(v)
	}
	return x
}

func (m *MLP) standardise(targets []float64) []float32 {
	y := make([]float32, len(targets))
	for i, t := range targets {
		c := i % len(m.centre)
		y[i] = float32((t - m.centre[c]) / m.spread[c])
	}
	return y
}

// forward returns the standardised targets of scaled rows.
func (m *MLP) forward(x Rows) []float32 {
	a := x.Data
	for i := range m.layers {
		l := &m.layers[i]
		var w matrix.Packed[float32]
		w.Pack(l.w())
		y := make([]float32, x.Len()*l.out)
		multiplyPacked(matrix.Of(y, x.Len(), l.out), matrix.Of(a, x.Len(), l.in), &w)
		l.bend(y, i < len(m.layers)-1)
		a = y
	}
	return a
}

// bend adds the biases and, in hidden layers, takes what is above zero.
func (l *layer) bend(y []float32, hidden bool) {
	bias := l.params[l.in*l.out:]
	for i := 0; i < len(y); i += l.out {
		row := y[i:][:l.out]
		for j, b := range bias {
			row[j] += b
			if hidden {
				row[j] = max(row[j], 0)
			}
		}
	}
}

func meanSquare(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

// Predict returns the targets of rows that are as wide as the training rows, [rows.Len(), columns].
func (m *MLP) Predict(rows Rows) []float64 {
	y := m.forward(m.inputs(rows))
	predicted := make([]float64, len(y))
	for i, v := range y {
		c := i % len(m.centre)
		predicted[i] = float64(v)*m.spread[c] + m.centre[c]
	}
	return predicted
}

// Evaluate predicts test rows and compares. Errors: rows or targets that are not finite (fault.Numeric).
func (m *MLP) Evaluate(test Sample) (Regression, error) {
	if err := test.check("MLP head: test rows"); err != nil {
		return Regression{}, err
	}
	if test.Rows.Dim != len(m.scaler.mean) || test.Columns != len(m.centre) {
		return Regression{}, fmt.Errorf("eval: MLP from %d to %d on rows of %d with %d targets",
			len(m.scaler.mean), len(m.centre), test.Rows.Dim, test.Columns)
	}
	return Regress(test, m.Predict(test.Rows))
}

// mlpTrainer holds a batch's rows, activations and gradients.
type mlpTrainer struct {
	*MLP
	options MLPOptions
	columns int
	order   []int
	draw    *rand.Rand
	steps   int
	acts    [][]float32 // inputs of every layer, then the output
	back    [][]float32 // gradients of the same
	targets []float32
	packed  matrix.Packed[float32]
}

func newTrainer(m *MLP, o MLPOptions, columns int) *mlpTrainer {
	t := &mlpTrainer{MLP: m, options: o, columns: columns, draw: draws(o.Seed, 2)}
	t.targets = make([]float32, o.BatchSize*columns)
	for _, l := range m.layers {
		t.acts = append(t.acts, make([]float32, o.BatchSize*l.in))
	}
	t.acts = append(t.acts, make([]float32, o.BatchSize*columns))
	for _, a := range t.acts {
		t.back = append(t.back, make([]float32, len(a)))
	}
	return t
}

// epoch takes a step for every batch of the rows, in an order of its own.
func (t *mlpTrainer) epoch(x Rows, y []float32) {
	for i := len(t.order); i < x.Len(); i++ {
		t.order = append(t.order, i)
	}
	t.draw.Shuffle(len(t.order), func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
	for rows := range slices.Chunk(t.order, t.options.BatchSize) {
		for i, r := range rows {
			copy(t.acts[0][i*x.Dim:], x.Row(r))
			copy(t.targets[i*t.columns:], y[r*t.columns:][:t.columns])
		}
		t.gradients(len(rows))
		t.steps++
		for i := range t.layers {
			t.layers[i].adam(t.options, t.steps)
		}
	}
}

// gradients goes forward and back with the n rows of the batch; the loss is the mean over rows and columns.
func (t *mlpTrainer) gradients(n int) {
	last := len(t.layers) - 1
	for i := range t.layers {
		l := &t.layers[i]
		t.packed.Pack(l.w())
		y := t.acts[i+1][:n*l.out]
		multiplyPacked(matrix.Of(y, n, l.out), matrix.Of(t.acts[i], n, l.in), &t.packed)
		l.bend(y, i < last)
	}
	scale := 2 / float32(n*t.columns)
	for i, y := range t.acts[last+1][:n*t.columns] {
		t.back[last+1][i] = scale * (y - t.targets[i])
	}
	for i := last; i >= 0; i-- {
		l := &t.layers[i]
		x, dy := matrix.Of(t.acts[i], n, l.in), matrix.Of(t.back[i+1], n, l.out)
		t.packed.Pack(dy)
		multiplyPacked(matrix.Of(l.grad, l.in, l.out), x.T(), &t.packed)
		bias := l.grad[l.in*l.out:]
		clear(bias)
		for r := range n {
			for j, g := range dy.Data[r*l.out:][:l.out] {
				bias[j] += g
			}
		}
		if i == 0 {
			return
		}
		t.packed.Pack(l.w().T())
		dx := t.back[i][:n*l.in]
		multiplyPacked(matrix.Of(dx, n, l.in), dy, &t.packed)
		for j, a := range t.acts[i][:n*l.in] {
			if a <= 0 {
				dx[j] = 0
			}
		}
	}
}

// adam is Kingma and Ba's step with torch's constants.
func (l *layer) adam(o MLPOptions, step int) {
	const beta1, beta2, eps = 0.9, 0.999, 1e-8
	rate := float32(o.LearningRate / (1 - math.Pow(beta1, float64(step))))
	root := float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step))))
	decay := float32(o.WeightDecay)
	for i, p := range l.params {
		g := l.grad[i] + decay*p
		l.m[i] += (1 - beta1) * (g - l.m[i])
		l.v[i] += (1 - beta2) * (g*g - l.v[i])
		l.params[i] = p - rate*l.m[i]/(float32(math.Sqrt(float64(l.v[i])))*root+eps)
	}
}
