package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDeterminationByHand(t *testing.T) {
	none := Value{}
	for _, c := range []struct {
		name                 string
		targets, predictions []float64
		columns              int
		pooled, per          Value
		constant             int
	}{
		{"perfect", []float64{1, 2, 4}, []float64{1, 2, 4}, 1, Defined(1), Defined(1), 0},
		{"the mean", []float64{1, 2, 3}, []float64{2, 2, 2}, 1, Defined(0), Defined(0), 0},
		{"worse than the mean", []float64{1, 2, 3}, []float64{3, 2, 1}, 1, Defined(-3), Defined(-3), 0},
		// Columns 0, 2 and 10, 30: errors 1 and 0. One mean of all is 10.5.
		{"two columns", []float64{0, 10, 2, 30}, []float64{1, 10, 2, 30}, 2,
			Defined(1 - 1/(110.25+0.25+72.25+380.25)), Defined(0.75), 0},
		{"a constant column", []float64{0, 7, 2, 7}, []float64{1, 7, 2, 7}, 2, Defined(1 - 1.0/(16+9+4+9)), Defined(0.5), 1},
		{"constants", []float64{0.1, 0.1, 0.1}, []float64{0, 0.1, 0.3}, 1, none, none, 1},
		{"different constants", []float64{1, 3, 1, 3}, []float64{1, 3, 1, 3}, 2, Defined(1), none, 2},
		{"one row", []float64{5}, []float64{4}, 1, none, none, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := DeterminationOf(c.targets, c.predictions, c.columns)
			for _, v := range []struct{ got, want Value }{{r.Pooled, c.pooled}, {r.PerDimension, c.per}} {
				near(t, "R²", v.got.Number, v.want.Number, 1e-12)
				if v.got.Defined != v.want.Defined {
					t.Errorf("got %v, want %v", v.got, v.want)
				}
			}
			if r.Constant != c.constant || len(r.Columns) != c.columns {
				t.Errorf("%d constant, %d columns", r.Constant, len(r.Columns))
			}
		})
	}
}

func TestAngularErrorsByHand(t *testing.T) {
	predicted := append(Angles([]float64{180, 1, 90, 350}), 0, 0)
	got := AngularErrors(Angles([]float64{0, 359, 90, 10, 45}), predicted)
	allNear(t, "degrees", got, []float64{180, 2, 0, 20, 90}, 1e-9)
	// A row that is right in direction and not in length.
	allNear(t, "length", AngularErrors(Angles([]float64{30}), []float64{0.1 * math.Sqrt(3) / 2, 0.05}), []float64{0}, 1e-6)
}

// circle is rows from which the angle, in degrees, can be read linearly.
func circle(seed uint64, n int, noise float64) Sample {
	r := rand.New(rand.NewPCG(seed, 5))
	degrees, x := make([]float64, n), Rows{Dim: 4}
	for i := range degrees {
		degrees[i] = 360 * r.Float64()
		sin, cos := math.Sincos(degrees[i] * math.Pi / 180)
		x.Data = append(x.Data, float32(3*cos+noise*r.NormFloat64()), float32(sin-cos+noise*r.NormFloat64()),
			float32(r.NormFloat64()), 7)
	}
	return Sample{Rows: x, Targets: Angles(degrees), Columns: 2, Cyclic: true}
}

func TestCyclicFamily(t *testing.T) {
	train, test := circle(1, 200, 0.01), circle(2, 300, 0.01)
	r := must(must(FitRidge(train, DefaultRidgeOptions()))(t).Evaluate(test))(t)
	if !(r.Degrees.Number < 2 && r.Pooled.Number > 0.99) || math.Abs(r.DegreesConstant.Number-90) > 10 {
		t.Errorf("%v degrees, a constant %v, R² %v", r.Degrees, r.DegreesConstant, r.Pooled)
	}
	near(t, "per row", mean(r.Angular), r.Degrees.Number, 1e-12)
	blind := Sample{Rows: Rows{Data: make([]float32, 300), Dim: 1}, Targets: test.Targets, Columns: 2, Cyclic: true}
	r = must(must(FitRidge(blind, DefaultRidgeOptions()))(t).Evaluate(blind))(t)
	near(t, "blind", r.Degrees.Number, r.DegreesConstant.Number, 1e-9)
}

// views is n images at scales drawn in [0, 1]; read gives a row of the image's own value and the scale.
func views(seed uint64, n int, read func(own, scale float64) []float32) (Rows, []float64) {
	r := rand.New(rand.NewPCG(seed, 6))
	var x Rows
	scales := make([]float64, n)
	for i := range scales {
		scales[i] = r.Float64()
		row := read(r.NormFloat64(), scales[i])
		x.Dim = len(row)
		x.Data = append(x.Data, row...)
	}
	return x, scales
}

func TestRelativeAndBeyondRange(t *testing.T) {
	x, s := views(1, 400, func(own, scale float64) []float32 { return []float32{float32(own + scale), float32(own)} })
	y := Rows{Data: make([]float32, len(x.Data)), Dim: 2}
	scales := make([]float64, len(s))
	for i := range scales { // the same images at another scale
		scales[i] = 1 - s[i]*s[i]
		y.Data[2*i], y.Data[2*i+1] = x.Data[2*i+1]+float32(scales[i]), x.Data[2*i+1]
	}
	between := make([]float64, len(s))
	for i := range s {
		between[i] = scales[i] - s[i]
	}
	side := must(Concatenate(x, y))(t)
	if side.Dim != 4 || !slices.Equal(side.Row(3), slices.Concat(x.Row(3), y.Row(3))) {
		t.Errorf("side by side %v", side.Row(3))
	}
	all := Sample{Rows: side, Targets: between, Columns: 1}
	fit, rest := Within(s, 0, 0.7), Within(s, 0.7, 1)
	if len(fit)+len(rest) != len(s) {
		t.Fatalf("%d and %d", len(fit), len(rest))
	}
	r := must(must(FitRidge(all.Select(fit), DefaultRidgeOptions()))(t).Evaluate(all.Select(rest)))(t)
	if r.Rows != len(rest) || r.Pooled.Number < 0.99 {
		t.Errorf("R² %v on %d rows", r.Pooled, r.Rows)
	}
}

func TestRidgeChoosesPenaltyByImage(t *testing.T) {
	// Every image has three rows with almost the same features and the same target, and features beyond number: if
	// rows of an image were held out alone, its other rows would give it away.
	r := rand.New(rand.NewPCG(1, 7))
	s := Sample{Rows: Rows{Dim: 80}, Columns: 1}
	for image := range 40 {
		own := make([]float64, 80)
		for j := range own {
			own[j] = r.NormFloat64()
		}
		target := r.NormFloat64()
		for range 3 {
			for _, v := range own {
				s.Rows.Data = append(s.Rows.Data, float32(v+1e-3*r.NormFloat64()))
			}
			s.Targets = append(s.Targets, target)
			s.Images = append(s.Images, image)
		}
	}
	o := DefaultRidgeOptions()
	together := must(FitRidge(s, o))(t)
	if together.Penalty != 10 || !together.AtEdge || together.HeldOut != 24 {
		t.Errorf("chose %+v of noise", together.Choice)
	}
	s.Images = nil
	if alone := must(FitRidge(s, o))(t); alone.Penalty > 0.1 || alone.Scores[0] > 0.1 {
		t.Errorf("chose %+v where rows give each other away", alone.Choice)
	}
}

func TestMLPReadsWhatIsNotLinear(t *testing.T) {
	read := func(own, scale float64) []float32 {
		sign := math.Copysign(1, own)
		return []float32{float32(sign * scale), float32(own)}
	}
	x, s := views(1, 1200, read)
	y, u := views(2, 400, read)
	train := Sample{Rows: x, Targets: s, Columns: 1}
	test := Sample{Rows: y, Targets: u, Columns: 1}
	o := DefaultMLPOptions()
	o.Hidden, o.BatchSize, o.Epochs = []int{32, 16}, 64, 60
	linear := must(must(FitRidge(train, DefaultRidgeOptions()))(t).Evaluate(test))(t)
	m := must(FitMLP(train, o))(t)
	bent := must(m.Evaluate(test))(t)
	if linear.Pooled.Number > 0.1 || bent.Pooled.Number < 0.95 {
		t.Errorf("R² of the linear head %v, of the MLP %v", linear.Pooled, bent.Pooled)
	}
	if m.Best < 1 || m.Best > m.Epochs || m.Epochs > o.Epochs || m.HeldOut != 240 {
		t.Errorf("best epoch %d of %d, %d rows held out", m.Best, m.Epochs, m.HeldOut)
	}
	all := onProcessors(t, func() []float64 { return must(FitMLP(train, o))(t).Predict(test.Rows) })
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Error("the head depends on the number of processors")
	}
	o.Seed = 2
	if slices.Equal(all[0], must(FitMLP(train, o))(t).Predict(test.Rows)) {
		t.Error("the seed changes nothing")
	}
	o.Hidden = nil
	none := must(must(FitMLP(train, o))(t).Evaluate(test))(t)
	if math.Abs(none.Pooled.Number-linear.Pooled.Number) > 0.05 {
		t.Errorf("without hidden layers %v, ridge %v", none.Pooled, linear.Pooled)
	}
}

func TestMLPOfConstants(t *testing.T) {
	s := Sample{Rows: repeated(20, 3, 3), Targets: slices.Repeat([]float64{0.7}, 20), Columns: 1}
	o := DefaultMLPOptions()
	o.Epochs, o.Hidden = 200, []int{8}
	r := must(must(FitMLP(s, o))(t).Evaluate(s))(t)
	if r.Pooled.Defined || r.MeanAbsoluteError > 0.05 {
		t.Errorf("R² %v, error %g", r.Pooled, r.MeanAbsoluteError)
	}
}

func TestMLPGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	s := Sample{Rows: Rows{Dim: 3}, Columns: 2}
	for range 5 {
		s.Rows.Data = append(s.Rows.Data, float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64()))
		s.Targets = append(s.Targets, r.NormFloat64(), r.NormFloat64())
	}
	o := DefaultMLPOptions()
	o.Hidden, o.BatchSize = []int{6, 4}, 5
	m := newMLP(s, o)
	tr := newTrainer(m, o, 2)
	x, y := m.inputs(s.Rows), m.standardise(s.Targets)
	copy(tr.acts[0], x.Data)
	copy(tr.targets, y)
	tr.gradients(5)
	for i := range m.layers {
		l := &m.layers[i]
		for j := range l.params {
			const h = 1e-3
			at := l.params[j]
			l.params[j] = at + h
			up := meanSquare(m.forward(x), y)
			l.params[j] = at - h
			down := meanSquare(m.forward(x), y)
			l.params[j] = at
			near(t, fmt.Sprintf("layer %d, %d", i, j), float64(l.grad[j]), (up-down)/(2*h), 2e-3)
		}
	}
}

func TestValueInJSON(t *testing.T) {
	type result struct{ A, B Value }
	text, err := json.Marshal(result{Defined(-0.25), Value{}})
	if err != nil || string(text) != `{"A":-0.25,"B":null}` {
		t.Fatalf("%s, %v", text, err)
	}
	back := result{B: Defined(1)}
	if err := json.Unmarshal(text, &back); err != nil || back != (result{Defined(-0.25), Value{}}) {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"x"}`), &back); err == nil {
		t.Error("text is a value")
	}
	if got := fmt.Sprint(Defined(1.0/3), Value{}); got != "0.333333 undefined" {
		t.Error(got)
	}
}
