package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// inARow is for how many epochs a number must be low.
const inARow = 2

// Watch holds each reading against those before it. A number is low where its health is at most a share of its best so
// far, the untrained network's included. An output counts as collapsed where one of its numbers is low in two epochs in
// a row:
//
//	             health                     low at most
//	deviation    its value                  a quarter of the best
//	clustering   1 minus its value          a quarter
//	rank         the logarithm of the rank  two fifths
//
// The logarithm is the entropy of the spectrum. The rank itself would not do: an untrained network's grows with the
// width of the output, and the number of directions that a training puts to use hardly does. What Watch says depends on
// the readings only, so those that a run has written restore it. The zero value has seen nothing.
type Watch struct {
	images   int
	courses  map[string]*course // by output and number
	findings []Finding
}

// course is how a number of an output went.
type course struct {
	best  point // of the highest health
	low   int   // readings in a row that were low
	since int   // epoch of the first of them
	found int   // 1 + its place in the findings; 0: none
}

type point struct {
	value, health float64
	epoch         int
}

// Finding is a number of an output that was low for so long that the output counts as collapsed.
type Finding struct {
	Output    string  `json:"output"`     // features or embedding
	Number    string  `json:"number"`     // deviation, clustering or rank
	Since     int     `json:"since"`      // the first epoch after which it was low
	Seen      int     `json:"seen"`       // the epoch after which it counted as collapsed
	Value     float64 `json:"value"`      // then
	Best      float64 `json:"best"`       // until then
	BestEpoch int     `json:"best_epoch"` // 0: the untrained network
	Last      float64 `json:"last"`       // so far
	Stands    bool    `json:"stands"`     // it is still low
}

// See takes the reading after an epoch, counted from 1; 0 is that of the untrained network. Readings of another number
// of images can't be compared, so with them everything begins anew, but for what was found. It gives what is found now
// and was not before.
func (w *Watch) See(epoch int, r Reading) []Finding {
	if w.courses == nil || r.Images != w.images {
		w.courses, w.images = map[string]*course{}, r.Images
	}
	before := len(w.findings)
	for _, output := range slices.Sorted(maps.Keys(r.Outputs)) {
		for _, n := range numbers {
			if value := n.of(r.Outputs[output]); value.Defined {
				w.see(output, n, point{value.Number, n.health(value.Number), epoch})
			}
		}
	}
	return slices.Clone(w.findings[before:])
}

func (w *Watch) see(output string, n number, now point) {
	key := output + " " + n.name
	c := w.courses[key]
	if c == nil {
		c = &course{best: now}
		c.found = 1 + slices.IndexFunc(w.findings, func(f Finding) bool { return f.Output == output && f.Number == n.name })
		w.courses[key] = c
	}
	switch {
	case now.health > n.share*c.best.health:
		c.low = 0
	case c.low == 0:
		c.since = now.epoch
		fallthrough
	default:
		c.low++
	}
	if now.health > c.best.health {
		c.best = now
	}
	if c.found == 0 && c.low >= inARow {
		w.findings = append(w.findings, Finding{Output: output, Number: n.name, Since: c.since, Seen: now.epoch,
			Value: now.value, Best: c.best.value, BestEpoch: c.best.epoch})
		c.found = len(w.findings)
	}
	if c.found > 0 {
		f := &w.findings[c.found-1]
		f.Last, f.Stands = now.value, c.low > 0
	}
}

// Findings gives all that was found, in the order in which it was.
func (w *Watch) Findings() []Finding { return slices.Clone(w.findings) }

// Collapsed gives the findings that stand.
func (w *Watch) Collapsed() []Finding {
	return slices.DeleteFunc(w.Findings(), func(f Finding) bool { return !f.Stands })
}

// Collapses is what a warning of findings begins with; Describe goes on.
const Collapses = "the training collapses"

// Describe says what was found, as a clause: since when, and each number beside its best.
func Describe(found []Finding) string {
	since := found[0].Since
	var parts []string
	for i, f := range found {
		since = min(since, f.Since)
		whose := ""
		if i == 0 || found[i-1].Output != f.Output {
			whose = "the " + f.Output + "'s "
		}
		parts = append(parts, whose+f.String())
	}
	return fmt.Sprintf("since epoch %d: %s", since, strings.Join(parts, ", "))
}

// String gives the number beside its best.
func (f Finding) String() string {
	i := slices.IndexFunc(numbers, func(n number) bool { return n.name == f.Number })
	best := fmt.Sprintf("after epoch %d", f.BestEpoch)
	if f.BestEpoch == 0 {
		best = "untrained"
	}
	return fmt.Sprintf("%s is %.3g (%.3g %s)", numbers[i].says, f.Value, f.Best, best)
}
