package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// tree is a space with a parameter of every kind, and one that is there under a condition.
var tree = Space{
	{Kind: Choice, Probabilities: []float64{0.5, 0.3, 0.2}},
	{Kind: Uniform, Low: -1, High: 3},
	{Kind: Log, Low: 1e-4, High: 1e-1},
	{Kind: Integer, Low: 2, High: 6},
	{Kind: Normal, Mean: 1, Deviation: 2},
	{Kind: Uniform, Low: 0, High: 1, Step: 0.25, When: []Condition{{Parameter: 0, Values: []float64{1, 2}}}},
	{Kind: Log, Low: 1, High: 100, Step: 10, When: []Condition{{Parameter: 5, Values: []float64{0.5}}}},
	{Kind: Normal, Deviation: 1, Step: 0.5},
}

func TestValidate(t *testing.T) {
	if err := DefaultTPE(tree, 1).Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p    Parameter
		says string
	}{
		{Parameter{Kind: "x"}, `"x" is no kind`},
		{Parameter{Kind: Choice}, "0 choices"},
		{Parameter{Kind: Choice, Probabilities: []float64{0.5, 0.4}}, "add up to 0.9"},
		{Parameter{Kind: Choice, Probabilities: []float64{-1, 2}}, "a probability is -1"},
		{Parameter{Kind: Uniform, Low: 1, High: 1}, "bounds are 1 and 1"},
		{Parameter{Kind: Uniform, Low: 1, High: math.Inf(1)}, "out of range"},
		{Parameter{Kind: Uniform, High: 1, Step: -1}, "out of range"},
		{Parameter{Kind: Log, High: 1}, "logarithm"},
		{Parameter{Kind: Integer, Low: 2, High: 1}, "bounds are 2 and 1"},
		{Parameter{Kind: Normal}, "deviation is 0"},
		{Parameter{Kind: Uniform, High: 1, When: []Condition{{Parameter: 1}}}, "none before it"},
	} {
		err := DefaultTPE(Space{c.p, {Kind: Uniform, High: 1}}, 1).Validate()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %q", c.p, err, c.says)
		}
	}
	if err := (TPE{Startup: 1}).Validate(); err == nil {
		t.Error("no draws were taken")
	}
}

// inside fails where a point is none of the tree.
func inside(t *testing.T, x []float64) {
	t.Helper()
	multiple := func(v, q float64) bool { return math.Abs(v/q-math.Round(v/q)) < 1e-9 }
	for i, ok := range []bool{
		x[0] == 0 || x[0] == 1 || x[0] == 2,
		x[1] >= -1 && x[1] <= 3,
		x[2] >= 1e-4 && x[2] <= 1e-1,
		x[3] == math.Round(x[3]) && x[3] >= 2 && x[3] <= 6,
		!math.IsNaN(x[4]),
		math.IsNaN(x[5]) == (x[0] == 0) && (math.IsNaN(x[5]) || multiple(x[5], 0.25) && x[5] >= 0 && x[5] <= 1),
		math.IsNaN(x[6]) == (x[5] != 0.5) && (math.IsNaN(x[6]) || multiple(x[6], 10) && x[6] >= 0 && x[6] <= 100),
		multiple(x[7], 0.5),
	} {
		if !ok {
			t.Fatalf("parameter %d of %v is not of the space", i, x)
		}
	}
}

// TestDraw: values of the prior are of the space, and as frequent as it says.
func TestDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 20_000
	choices, whole, decade := map[float64]int{}, map[float64]int{}, 0
	for range n {
		x := tree.draw(r)
		inside(t, x)
		choices[x[0]]++
		whole[x[3]]++
		if x[2] < 1e-3 {
			decade++
		}
	}
	near := func(what string, got int, want float64) {
		if share := float64(got) / n; math.Abs(share-want) > 0.015 { // four deviations
			t.Errorf("%s: %.3f of the draws, want %.3f", what, share, want)
		}
	}
	for c, p := range tree[0].Probabilities {
		near("a choice", choices[float64(c)], p)
	}
	for v := 2.; v <= 6; v++ {
		near("a whole number", whole[v], 0.2)
	}
	near("a decade of three", decade, 1./3)
}

// TestDensity: a mixture is a distribution: over a parameter's values, or an even grid of them, its density adds up
// to 1, whatever the observations are; over those of a tree as well.
func TestDensity(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for i, p := range tree {
		p.When = nil
		s := Space{p}
		for _, n := range []int{0, 1, 3, 40} {
			var points [][]float64
			for range n {
				points = append(points, s.draw(r))
			}
			m := newMixture(s, points)
			sum := 0.
			for _, v := range grid(p) {
				sum += v.width * math.Exp(m.logDensity([]float64{v.x}))
			}
			if math.Abs(sum-1) > 2e-3 {
				t.Errorf("parameter %d with %d observations: its density adds up to %v", i, n, sum)
			}
		}
	}
	both := Space{tree[0], {Kind: Integer, Low: 1, High: 3, When: []Condition{{0, []float64{1}}}}}
	m := newMixture(both, [][]float64{{0, math.NaN()}, {1, 2}, {1, 3}, {2, math.NaN()}})
	sum := 0.
	for _, x := range [][]float64{{0, math.NaN()}, {1, 1}, {1, 2}, {1, 3}, {2, math.NaN()}} {
		sum += math.Exp(m.logDensity(x))
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("a tree's density adds up to %v", sum)
	}
}

type cell struct{ x, width float64 }

// grid are a parameter's values, each of width 1, or an even grid in its coordinate.
func grid(p Parameter) (all []cell) {
	low, high := p.edges()
	switch {
	case p.Kind == Choice:
		low, high = 0, float64(len(p.Probabilities)-1)
	case p.Kind == Normal:
		low, high = p.Mean-12*p.Deviation, p.Mean+12*p.Deviation
	}
	if q := p.step(); q > 0 || p.Kind == Choice {
		if q == 0 {
			q = 1
		}
		if p.Kind == Integer {
			low, high = p.Low, p.High
		}
		for n := math.Round(low / q); n <= math.Round(high/q); n++ {
			all = append(all, cell{n * q, 1})
		}
		return all
	}
	a, b := p.into(low), p.into(high)
	const n = 20_000
	for i := range n {
		all = append(all, cell{p.out(a + (float64(i)+0.5)*(b-a)/n), (b - a) / n})
	}
	return all
}

// TestRecent: the weights of what was seen fall in a line from the 25 last ones on.
func TestRecent(t *testing.T) {
	for _, c := range []struct {
		n           int
		first, last float64
	}{{0, 0, 0}, {1, 1, 1}, {25, 1, 1}, {26, 1. / 26, 1}, {100, 0.01, 1}} {
		w := recent(c.n)
		if len(w) != c.n || c.n > 0 && (w[0] != c.first || w[c.n-1] != c.last || !slices.IsSorted(w)) {
			t.Errorf("%d weights: %v", c.n, w)
		}
	}
}

// TestLogMass: what is too small for a number has a finite logarithm still, on both sides alike.
func TestLogMass(t *testing.T) {
	for _, c := range []struct{ from, to, want float64 }{
		{-1, 1, math.Log(0.6826894921370859)},
		{3, 4, math.Log(0.0013182267897969746)},
		{-4, -3, math.Log(0.0013182267897969746)},
		{8, 9, math.Log(6.219831857115e-16)}, // Φ(-8) - Φ(-9)
		{60, 60.1, -0.5*60.05*60.05 - 0.5*math.Log(2*math.Pi) + math.Log(0.1)},
	} {
		if got := logMass(c.from, c.to); math.Abs(got-c.want) > 1e-6*math.Abs(c.want) {
			t.Errorf("from %v to %v: got %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
