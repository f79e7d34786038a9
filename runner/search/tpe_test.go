package search

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

func uniform(low, high float64) Parameter { return Parameter{Kind: Uniform, Low: low, High: high} }

// objective is a function whose smallest value is looked for.
type objective struct {
	name  string
	space Space
	value func(x []float64) float64
}

// objectives are standard functions; the last one is like a training: a rate, a size, a kind, and a weight that only
// one kind has.
var objectives = []objective{
	{"sphere", Space{uniform(-5, 5), uniform(-5, 5), uniform(-5, 5), uniform(-5, 5)}, func(x []float64) (sum float64) {
		for _, v := range x {
			sum += v * v
		}
		return sum
	}},
	{"Branin", Space{uniform(-5, 10), uniform(0, 15)}, func(x []float64) float64 {
		bend := x[1] - 5.1/(4*math.Pi*math.Pi)*x[0]*x[0] + 5/math.Pi*x[0] - 6
		return bend*bend + 10*(1-1/(8*math.Pi))*math.Cos(x[0]) + 10
	}},
	{"Rastrigin", Space{uniform(-5.12, 5.12), uniform(-5.12, 5.12), uniform(-5.12, 5.12), uniform(-5.12, 5.12)},
		func(x []float64) (sum float64) {
			for _, v := range x {
				sum += 10 + v*v - 10*math.Cos(2*math.Pi*v)
			}
			return sum
		}},
	{"mixed", Space{
		{Kind: Log, Low: 1e-5, High: 1}, {Kind: Integer, Low: 1, High: 12},
		{Kind: Choice, Probabilities: []float64{0.25, 0.25, 0.25, 0.25}},
		{Kind: Log, Low: 1e-2, High: 1e2, When: []Condition{{2, []float64{3}}}},
	}, func(x []float64) float64 {
		rate, size := math.Log10(x[0])+2.5, x[1]-5
		loss := rate*rate + 0.05*size*size + []float64{0.8, 0.5, 0.2, 0.4}[int(x[2])]
		if x[2] == 3 {
			loss += min(1, math.Abs(math.Log10(x[3]))) - 0.6
		}
		return loss
	}},
}

// minimise gives the trials of a search one after the other; random ones, if they are all at the start.
func minimise(s TPE, f func([]float64) float64, trials int) (seen []Observation) {
	for n := range trials {
		x := s.Propose(n, 0, seen)
		seen = append(seen, Observation{Point: x, Value: f(x)})
	}
	return seen
}

// best is the smallest value.
func best(seen []Observation) float64 {
	least := math.Inf(1)
	for _, o := range seen {
		least = min(least, o.Value)
	}
	return least
}

// TestBetterThanRandom: on every function the middle of 15 searches of 80 trials is better than that of as many random
// ones. The folder compare has more of this.
func TestBetterThanRandom(t *testing.T) {
	for _, f := range objectives {
		var found, random []float64
		for seed := range uint64(15) {
			s := DefaultTPE(f.space, seed)
			found = append(found, best(minimise(s, f.value, 80)))
			s.Startup = 80
			random = append(random, best(minimise(s, f.value, 80)))
		}
		if a, b := median(found), median(random); !(a < b) {
			t.Errorf("%s: found %v, random draws %v", f.name, a, b)
		}
	}
}

// TestPropose: what is proposed is of the space; it is the same for the same question, another for another seed,
// number or attempt, and the same where a value is to be large that was to be small.
func TestPropose(t *testing.T) {
	s := DefaultTPE(tree, 3)
	value := func(x []float64) float64 { return x[1] + x[3] + x[0] }
	seen := minimise(s, value, 60)
	for _, o := range seen {
		inside(t, o.Point)
	}
	if again := minimise(s, value, 60); !same(seen, again) {
		t.Error("the same search gave other trials")
	}
	up := s
	up.Maximize = true
	turned := minimise(up, func(x []float64) float64 { return -value(x) }, 60)
	for i := range turned {
		turned[i].Value = -turned[i].Value
	}
	if !same(seen, turned) {
		t.Error("to maximise -f is another search than to minimise f")
	}
	other := s
	other.Seed = 4
	ask := map[string][]float64{
		"seed": other.Propose(60, 0, seen), "number": s.Propose(61, 0, seen), "attempt": s.Propose(60, 1, seen),
	}
	for what, x := range ask {
		if x[1] == s.Propose(60, 0, seen)[1] {
			t.Errorf("another %s gave the same point", what)
		}
	}
}

// same compares searches; a NaN is equal to another.
func same(a, b []Observation) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestSplit says which trials count as good.
func TestSplit(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name  string
		seen  []Observation
		trial func(i int) Observation // of 20, in place of seen
		good  []float64               // by their only parameter
	}{
		{"the best tenth", nil, func(i int) Observation {
			return Observation{Value: float64((i * 7) % 20)}
		}, []float64{0, 3}},
		{"of equal ones the first", nil, func(int) Observation { return Observation{} }, []float64{0, 1}},
		{"those that came further", nil, func(i int) Observation {
			return Observation{Value: float64(i), Level: i / 19}
		}, []float64{0, 19}},
		{"none that failed, runs or has no number", nil, func(i int) Observation {
			return Observation{Value: []float64{-1, -1, nan, 5}[i%4], Pending: i%4 == 0, Failed: i%4 == 1}
		}, []float64{3, 7}},
		{"nothing is known", []Observation{{Pending: true}, {Failed: true}, {Value: nan}}, nil, nil},
	} {
		if c.trial != nil {
			for i := range 20 {
				c.seen = append(c.seen, c.trial(i))
			}
		}
		for i := range c.seen {
			c.seen[i].Point = []float64{float64(i)}
		}
		good, others := DefaultTPE(nil, 1).split(c.seen)
		var got []float64
		for _, x := range good {
			got = append(got, x[0])
		}
		if !slices.Equal(got, c.good) || len(good)+len(others) != len(c.seen) {
			t.Errorf("%s: good are %v of %d, want %v", c.name, got, len(c.seen), c.good)
		}
	}
	many := make([]Observation, 900)
	if good, _ := DefaultTPE(nil, 1).split(many); len(good) != 25 {
		t.Errorf("of 900 trials %d are good, want 25", len(good))
	}
}

// TestTogether: workers at once ask for different things: fewer of them for nearly the same than if none knew of the
// others.
func TestTogether(t *testing.T) {
	space := Space{uniform(0, 1), uniform(0, 1)}
	value := func(x []float64) float64 { return math.Hypot(x[0]-0.3, x[1]-0.7) }
	clashes := func(liar bool) (n int) {
		for seed := range uint64(20) {
			s := DefaultTPE(space, seed)
			seen := minimise(s, value, 30)
			var asked [][]float64
			for k := range 8 {
				x := s.Propose(30+k, 0, seen)
				for _, y := range asked {
					if math.Hypot(x[0]-y[0], x[1]-y[1]) < 0.05 {
						n++
					}
				}
				asked = append(asked, x)
				if liar {
					seen = append(seen, Observation{Point: x, Pending: true})
				}
			}
		}
		return n
	}
	if with, without := clashes(true), clashes(false); !(with < without) {
		t.Errorf("%d pairs are nearly the same, and %d if none knows of the others", with, without)
	}
}

// TestDiverging: where half of the range has no number, a search leaves it.
func TestDiverging(t *testing.T) {
	lost := 0
	for seed := range uint64(10) {
		for _, o := range minimise(DefaultTPE(Space{uniform(0, 1)}, seed), func(x []float64) float64 {
			if x[0] > 0.5 {
				return math.NaN()
			}
			return math.Abs(x[0] - 0.25)
		}, 60)[10:] {
			if math.IsNaN(o.Value) {
				lost++
			}
		}
	}
	if lost > 100 { // of 500; half of random draws would be lost
		t.Errorf("%d of 500 trials went where there is no number", lost)
	}
}

// TestQuestionIsKept: what a search is told isn't changed by it.
func TestQuestionIsKept(t *testing.T) {
	seen := minimise(DefaultTPE(Space{uniform(0, 1)}, 1), func(x []float64) float64 { return -x[0] }, 20)
	was := slices.Clone(seen)
	DefaultTPE(Space{uniform(0, 1)}, 1).Propose(20, 0, seen)
	if !reflect.DeepEqual(seen, was) {
		t.Error("the observations were changed")
	}
}

func ExampleTPE_Propose() {
	// A rate between 1e-4 and 1, for which a training is best at 0.01.
	s := DefaultTPE(Space{{Kind: Log, Low: 1e-4, High: 1}}, 1)
	var seen []Observation
	for n := range 30 {
		rate := s.Propose(n, 0, seen)
		loss := math.Abs(math.Log10(rate[0]) + 2)
		seen = append(seen, Observation{Point: rate, Value: loss})
	}
	good, _ := s.split(seen)
	for _, rate := range good {
		fmt.Println(rate[0] > 0.005 && rate[0] < 0.02)
	}
	// Output:
	// true
	// true
	// true
}

// BenchmarkPropose is a search of ten parameters: a proposal when as many trials are known.
func BenchmarkPropose(b *testing.B) {
	space := slices.Concat(tree, Space{uniform(0, 1), uniform(0, 1)})
	s := DefaultTPE(space, 1)
	seen := minimise(s, func(x []float64) float64 { return x[1] + x[3] }, 1000)
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Propose(n, 0, seen[:n])
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/proposal")
		})
	}
}
