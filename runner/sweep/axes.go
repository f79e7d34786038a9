package sweep

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"ordo/runner/importance"
)

// Axes say what the values of the keys of a table are, in its order. Of a plan that doesn't know what its numbers were
// drawn from, the trials' values say it.
func (p *Plan) Axes() []importance.Key {
	var all []importance.Key
	for i, v := range p.parameters {
		if !v.varies() || v.Key == seedKey {
			continue
		}
		key := importance.Key{Name: v.Key}
		if d := v.drawn; d != nil {
			key.Kind, key.Low, key.High, key.Log = importance.Numbers, d.min, d.max, d.kind == logUniform || d.kind == qLog
			if key.Step = d.q; d.kind == intUniform {
				key.Step = 1
			}
		}
		if v.drawn == nil || !(key.Low < key.High) { // a normal distribution has no bounds
			p.seen(&key, i)
		}
		all = append(all, key)
	}
	return all
}

// wide is from how many times its smallest value on a key of unknown distribution may be logarithmic.
const wide = 20

// seen says what a parameter's values are by those that the trials have.
func (p *Plan) seen(key *importance.Key, parameter int) {
	var numbers []float64
	rows := map[string]bool{} // seeds are no values
	for _, t := range p.Trials {
		text, row := t.Values[parameter], fmt.Sprintf("%q", p.row(t))
		if text == "" || rows[row] {
			continue
		}
		rows[row] = true
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			key.Kind = importance.Categories
			return
		}
		numbers = append(numbers, x)
	}
	slices.Sort(numbers)
	n := len(numbers)
	if n == 0 {
		return
	}
	key.Low, key.High = numbers[0], numbers[n-1]
	// Of a list every value comes again.
	if distinct := len(slices.Compact(slices.Clone(numbers))); key.Kind != importance.Numbers {
		key.Kind = importance.Steps
		if 2*distinct > n && distinct >= importance.LeastTrials/2 {
			key.Kind = importance.Numbers
		}
	}
	if key.Low > 0 && key.High/key.Low >= wide && !key.Log {
		middle := numbers[n/2]
		key.Log = math.Abs(math.Log(middle)-(math.Log(key.Low)+math.Log(key.High))/2) <
			(math.Log(key.High)-math.Log(key.Low))*math.Abs(middle-(key.Low+key.High)/2)/(key.High-key.Low)
	}
}

// Importance says which keys of a table of this plan decide. The combinations whose trials have the metric count, each
// with the mean over its seeds.
func (p *Plan) Importance(t Table) importance.Report {
	var trials []importance.Trial
	for _, r := range t.Rows {
		s := r.Numbers[t.Metric.Name]
		if s == nil {
			continue
		}
		trial := importance.Trial{Result: s.Mean}
		for _, value := range r.Values {
			if value == unset {
				value = ""
			}
			trial.Values = append(trial.Values, value)
		}
		trials = append(trials, trial)
	}
	return importance.Of(p.Axes(), trials, t.Metric.Minimises())
}

// Row is the values of the table's keys that a trial has, by its place in Trials; "–" where one is not set.
func (p *Plan) Row(trial int) []string { return p.row(p.Trials[trial]) }

// Minimises says whether less is better.
func (m Metric) Minimises() bool { return m.Goal == minimize }
