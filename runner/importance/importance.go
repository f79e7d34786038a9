package importance

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// The settings; package's documentation says what they mean.
const (
	Quantile    = 0.1  // γ
	LeastTop    = 5    // trials in the top at least
	LeastTrials = 20   // below that nothing is said
	Cells       = 50   // of numbers at most
	Shuffles    = 399  // tops that are drawn at random
	Level       = 0.05 // of p, above which a key can't be told from one that means nothing
)

// Kind is what the values of a key are.
type Kind int

// Kinds.
const (
	Categories Kind = iota // without an order: words
	Steps                  // numbers of a list, in their order
	Numbers                // drawn between bounds
)

// Key is what trials differ in.
type Key struct {
	Name      string
	Kind      Kind
	Low, High float64 // bounds of Numbers, Low < High
	Log       bool    // Numbers are spread by their logarithm; Low is above 0 then
	Step      float64 // between Numbers; 0: any
}

// Trial is a combination of values and what it gave.
type Trial struct {
	Values []string // of the keys; "" is not set
	Result float64
}

// Report is how much each key decides.
type Report struct {
	Trials int      `json:"trials"`
	Top    int      `json:"top"`            // of them are the best
	Note   string   `json:"note,omitempty"` // why nothing can be told; "": it can
	Keys   []Weight `json:"keys"`           // the most important first; none with a note
}

// Weight is how much a key decides.
type Weight struct {
	Key    string  `json:"key"`
	Trials int     `json:"trials"` // that have it set
	Value  float64 `json:"value"`  // v(d)
	Share  float64 `json:"share"`  // of the sum over the keys
	// P is how often a top that is drawn at random gives this key as much. Nil: too few trials have the key set, which
	// have no value and no share then.
	P *float64 `json:"p"`
	// Best are the values among the top: the one that is there most above its due, or the range.
	Best string `json:"best,omitempty"`
}

// Told says whether the key's importance can be told from chance.
func (w Weight) Told() bool { return w.P != nil && *w.P <= Level }

// Of judges keys that vary. Less says whether a lower result is the better one.
func Of(keys []Key, trials []Trial, less bool) Report {
	r := Report{Trials: len(trials), Keys: []Weight{}}
	if len(trials) < LeastTrials {
		r.Note = fmt.Sprintf("which keys matter can't be told from %d finished combinations: %d are needed at least",
			len(trials), LeastTrials)
		return r
	}
	isTop := top(trials, less)
	for _, t := range isTop {
		if t {
			r.Top++
		}
	}
	if r.Top == len(trials) {
		r.Note = "which keys matter can't be told: all results are the same"
		return r
	}
	sum := 0.
	for i, key := range keys {
		w := key.weigh(i, trials, less)
		sum += w.Value
		r.Keys = append(r.Keys, w)
	}
	for i := range r.Keys {
		if sum > 0 {
			r.Keys[i].Share = r.Keys[i].Value / sum
		}
	}
	slices.SortStableFunc(r.Keys, func(a, b Weight) int { return cmp.Compare(b.Value, a.Value) })
	return r
}

// top marks the best trials.
func top(trials []Trial, less bool) []bool {
	results := make([]float64, len(trials))
	for i, t := range trials {
		if results[i] = t.Result; !less {
			results[i] = -t.Result
		}
	}
	sorted := slices.Sorted(slices.Values(results))
	n := max(LeastTop, int(math.Ceil(Quantile*float64(len(trials)))))
	last := sorted[n-1]
	is := make([]bool, len(trials))
	for i, x := range results {
		is[i] = x <= last
	}
	return is
}

// weigh judges the i-th key, among the trials that have it set.
func (k Key) weigh(i int, trials []Trial, less bool) Weight {
	var set []Trial
	for _, t := range trials {
		if t.Values[i] != "" {
			set = append(set, t)
		}
	}
	w := Weight{Key: k.Name, Trials: len(set)}
	if len(set) < LeastTrials {
		return w
	}
	g := k.grid(i, set)
	isTop := top(set, less)
	all, best, n := make([]float64, g.cells), make([]float64, g.cells), 0
	for t, cell := range g.of {
		all[cell]++
		if isTop[t] {
			best[cell]++
			n++
		}
	}
	local := g.density(all)
	share := float64(n) / float64(len(set))
	w.Value = share * divergence(g.density(best), local)
	w.Best = k.among(i, set, isTop)

	// Tops that are drawn at random, always the same ones.
	draw := rand.New(rand.NewPCG(uint64(len(set)), uint64(i)))
	order := make([]int, len(set))
	for t := range order {
		order[t] = t
	}
	atLeast := 1
	for range Shuffles {
		clear(best)
		for t := range n {
			other := t + draw.IntN(len(order)-t)
			order[t], order[other] = order[other], order[t]
			best[g.of[order[t]]]++
		}
		if share*divergence(g.density(best), local) >= w.Value {
			atLeast++
		}
	}
	p := float64(atLeast) / (Shuffles + 1)
	w.P = &p
	return w
}

// among says which values the top has.
func (k Key) among(i int, trials []Trial, isTop []bool) string {
	if k.Kind == Categories {
		all, best := map[string]float64{}, map[string]float64{}
		for t, trial := range trials {
			all[trial.Values[i]]++
			if isTop[t] {
				best[trial.Values[i]]++
			}
		}
		most, value := -1., ""
		for _, t := range trials { // in their order, so that the first of equals is taken
			if v := t.Values[i]; best[v]/all[v] > most {
				most, value = best[v]/all[v], v
			}
		}
		return value
	}
	low, high := math.Inf(1), math.Inf(-1)
	var from, to string
	for t, trial := range trials {
		if x := parsed(trial.Values[i]); isTop[t] {
			if x < low {
				low, from = x, trial.Values[i]
			}
			if x > high {
				high, to = x, trial.Values[i]
			}
		}
	}
	if from == to {
		return from
	}
	return from + " to " + to
}

// parsed is a number that a value is; the caller knows that it is one.
func parsed(text string) float64 {
	x, _ := strconv.ParseFloat(text, 64)
	return x
}
