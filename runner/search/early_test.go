package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestNext(t *testing.T) {
	h := Halving{Min: 2, Eta: 3}
	for _, c := range []struct{ epoch, epochs, want int }{
		{0, 20, 2}, {1, 20, 2}, {2, 20, 6}, {6, 20, 18}, {18, 20, 20}, {0, 2, 2}, {0, 1, 1}, {6, 18, 18}, {5, 6, 6},
	} {
		if got := h.Next(c.epoch, c.epochs); got != c.want {
			t.Errorf("after epoch %d of %d: got %d, want %d", c.epoch, c.epochs, got, c.want)
		}
	}
}

func TestPromote(t *testing.T) {
	rung := func(values ...float64) (all []Paused) {
		for i, v := range values {
			all = append(all, Paused{Trial: i + 1, Value: v})
		}
		return all
	}
	nan := math.NaN()
	gone := rung(3, 1, 2, 4, 6, 5)
	gone[1].Gone = true
	for _, c := range []struct {
		name     string
		maximize bool
		rung     []Paused
		want     int // 0: none
	}{
		{"too few", false, rung(1, 2), 0},
		{"the smallest", false, rung(3, 1, 2), 2},
		{"the largest", true, rung(3, 1, 2), 1},
		{"the first of equal ones", false, rung(1, 1, 1), 1},
		{"the next best", false, gone, 3},
		{"no number", false, rung(nan, nan, nan), 0},
		{"no number is the worst", true, rung(nan, -5, nan), 2},
		{"nobody", true, nil, 0},
	} {
		trial, ok := Halving{Min: 1, Eta: 3, Maximize: c.maximize}.Promote(c.rung)
		if ok != (c.want > 0) || trial != c.want {
			t.Errorf("%s: got %d, %v, want %d", c.name, trial, ok, c.want)
		}
	}
}

// simulate runs a halving of so many trials by workers that end in a random order, and gives its rungs by epoch. It
// fails where a trial goes on that is not among the best of its rung at that moment.
func simulate(t *testing.T, h Halving, trials, epochs, workers int, seed uint64) map[int][]Paused {
	r := rand.New(rand.NewPCG(seed, 0))
	rungs := map[int][]Paused{}
	skill := make([]float64, trials+1)
	for i := range skill {
		skill[i] = r.Float64()
	}
	type job struct{ trial, until int }
	var running []job
	begun := 0
	next := func() (job, bool) {
		for _, at := range slices.Backward(slices.Sorted(keys(rungs))) {
			trial, ok := h.Promote(rungs[at])
			if !ok {
				continue
			}
			i := slices.IndexFunc(rungs[at], func(p Paused) bool { return p.Trial == trial })
			better := 0
			for _, p := range rungs[at] {
				if compare(p.Value, rungs[at][i].Value, h.Maximize) < 0 {
					better++
				}
			}
			if better >= len(rungs[at])/h.Eta {
				t.Fatalf("trial %d goes on from epoch %d, where %d of %d are better", trial, at, better, len(rungs[at]))
			}
			rungs[at][i].Gone = true
			return job{trial, h.Next(at, epochs)}, true
		}
		if begun < trials {
			begun++
			return job{begun, h.Next(0, epochs)}, true
		}
		return job{}, false
	}
	for {
		for len(running) < workers {
			j, ok := next()
			if !ok {
				break
			}
			running = append(running, j)
		}
		if len(running) == 0 {
			return rungs
		}
		i := r.IntN(len(running))
		j := running[i]
		running = slices.Delete(running, i, i+1)
		if h.Maximize {
			rungs[j.until] = append(rungs[j.until], Paused{j.trial, skill[j.trial] + 0.1*r.Float64(), j.until == epochs})
		} else {
			rungs[j.until] = append(rungs[j.until], Paused{j.trial, -skill[j.trial] - 0.1*r.Float64(), j.until == epochs})
		}
	}
}

func keys(m map[int][]Paused) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestHalving: at the end the best 1/η of every rung went on, and no more others than chance makes of it; what was
// spent is a fraction of all epochs.
func TestHalving(t *testing.T) {
	for _, c := range []struct{ trials, epochs, workers, eta int }{
		{300, 27, 1, 3}, {300, 27, 8, 3}, {256, 16, 4, 2}, {200, 100, 16, 4}, {2, 9, 1, 3},
	} {
		for seed := range uint64(5) {
			h := Halving{Min: 1, Eta: c.eta, Maximize: seed%2 == 0}
			rungs := simulate(t, h, c.trials, c.epochs, c.workers, seed)
			spent, last := 0, 0
			for _, at := range slices.Sorted(keys(rungs)) {
				rung := rungs[at]
				spent += (at - last) * len(rung)
				last = at
				if at == c.epochs {
					continue
				}
				gone := 0
				for _, p := range rung {
					if p.Gone {
						gone++
					}
				}
				if _, more := h.Promote(rung); more {
					t.Errorf("%+v: one of the best at epoch %d was left behind", c, at)
				}
				share := len(rung) / c.eta
				if surplus := gone - share; surplus < 0 || float64(surplus) > 3*math.Sqrt(float64(len(rung))) {
					t.Errorf("%+v: %d of %d went on from epoch %d", c, gone, len(rung), at)
				}
			}
			if len(rungs[1]) != c.trials {
				t.Errorf("%+v: %d trials came to the first rung", c, len(rungs[1]))
			}
			if c.trials > 100 && spent > c.trials*c.epochs/2 {
				t.Errorf("%+v: %d epochs were spent of %d", c, spent, c.trials*c.epochs)
			}
		}
	}
}

func TestMedian(t *testing.T) {
	nan := math.NaN()
	finished := [][]float64{{1, 3}, {2, 4}, {3, 5}} // means 2, 3, 4
	for _, c := range []struct {
		name     string
		trials   int
		maximize bool
		own      []float64
		finished [][]float64
		want     bool
	}{
		{"worse", 1, true, []float64{2.9}, finished, true},
		{"as good", 1, true, []float64{3}, finished, false},
		{"better once", 1, true, []float64{3.5, 0}, finished, false},
		{"worse, small is good", 1, false, []float64{3.1, 4}, finished, true},
		{"better, small is good", 1, false, []float64{9, 2}, finished, false},
		{"too few are finished", 4, true, []float64{0}, finished, false},
		{"those without numbers don't count", 3, true, []float64{0}, [][]float64{{1}, {2}, {nan}, {}}, false},
		{"no number of its own", 1, true, []float64{nan}, finished, true},
		{"an even number", 1, true, []float64{1.4}, [][]float64{{1}, {2}}, true},
		{"nothing is finished", 1, true, []float64{0}, nil, false},
	} {
		if got := (Median{c.trials, c.maximize}).Stops(c.own, c.finished); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func ExampleHalving_Promote() {
	h := Halving{Min: 1, Eta: 3, Maximize: true}
	rung := []Paused{{Trial: 1, Value: 0.6}, {Trial: 2, Value: 0.8}}
	fmt.Println(h.Promote(rung)) // one of three goes on
	rung = append(rung, Paused{Trial: 3, Value: 0.5})
	fmt.Println(h.Promote(rung))
	fmt.Println("until epoch", h.Next(1, 10))
	// Output:
	// 0 false
	// 2 true
	// until epoch 3
}
