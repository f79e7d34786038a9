package tracker

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ordo/runner/track"
)

// kind is what a row is about. A step's rows come in this order.
type kind int

const (
	ofStep kind = iota
	ofGuard
	ofTiming
	ofEvaluation
)

// row is a line of metrics.jsonl or timing.jsonl.
type row struct {
	kind   kind
	step   int
	epoch  float64 // of a line of times, which has none: 0
	time   time.Time
	values []value
}

// value is a number of a row.
type value struct {
	name string // with dots, as the line has it: loss, terms.order, evaluation.knn.features
	x    float64
}

// position says how far something was told: the last step of each kind of row. A run that goes on from its checkpoint
// writes the rows behind it again, and those that were told are passed over.
type position struct {
	Step       int `json:"step"`
	Guard      int `json:"guard"`
	Timing     int `json:"timing"`
	Evaluation int `json:"evaluation"`
}

// of is the last step of a kind.
func (p *position) of(k kind) *int {
	switch k {
	case ofGuard:
		return &p.Guard
	case ofTiming:
		return &p.Timing
	case ofEvaluation:
		return &p.Evaluation
	}
	return &p.Step
}

// pass moves the position behind a row, and says whether the row lies behind it.
func (p *position) pass(r row) bool {
	at := p.of(r.kind)
	if r.step <= *at {
		return false
	}
	*at = r.step
	return true
}

// left are the rows that lie behind a position.
func (p *position) left(rows []row) []row {
	q := *p
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !q.pass(r) })
}

// clock says when steps were taken, by the lines of times, which come with checkpoints.
type clock []track.Timing

// at is when a step was done; ok is false where no line tells.
func (c clock) at(step int) (at time.Time, ok bool) {
	i, _ := slices.BinarySearchFunc(c, step, func(t track.Timing, step int) int { return cmp.Compare(t.Step, step) })
	if i == len(c) || c[i].Ended.IsZero() || c[i].Steps < 1 {
		return time.Time{}, false
	}
	t := c[i]
	before := t.Seconds * float64(t.Step-step) / float64(t.Steps)
	return t.Ended.Add(-time.Duration(before * float64(time.Second))), true
}

// fill works out when the steps of lines were done that don't say it, as those of earlier versions, from when the last
// one was.
func (c clock) fill(last time.Time) {
	for i := range slices.Backward(c) {
		t := &c[i]
		if t.Ended.IsZero() {
			t.Ended = last
		}
		last = t.Ended.Add(-time.Duration(t.Seconds * float64(time.Second)))
	}
}

// rows are those of what was read, in the order of their steps. What no line of times tells of was done at now.
func (c clock) rows(h track.History, now time.Time) []row {
	var all []row
	add := func(k kind, step int, epoch float64, numbers map[string]float64) {
		at, ok := c.at(step)
		if !ok {
			at = now
		}
		r := row{kind: k, step: step, epoch: epoch, time: at}
		for _, name := range slices.Sorted(maps.Keys(numbers)) {
			r.values = append(r.values, value{name, numbers[name]})
		}
		all = append(all, r)
	}
	for _, s := range h.Steps {
		add(ofStep, s.Step, s.Epoch, stepNumbers(s))
	}
	for _, g := range h.Guards {
		add(ofGuard, g.Step, g.Epoch, namedNumbers("guard", g.Guard))
	}
	for _, t := range h.Timing {
		numbers := namedNumbers("timing", t)
		delete(numbers, "timing.step")
		add(ofTiming, t.Step, 0, numbers)
	}
	for _, e := range h.Evals {
		add(ofEvaluation, e.Step, e.Epoch, evaluationNumbers(e.Evaluation))
	}
	slices.SortStableFunc(all, func(a, b row) int { return cmp.Or(a.step-b.step, int(a.kind)-int(b.kind)) })
	return all
}

// stepNumbers are those of a step. One that was passed over has no loss and no gradient.
func stepNumbers(s track.Step) map[string]float64 {
	all := map[string]float64{"epoch": s.Epoch, "lr": shortest(s.Rate)}
	if s.Skipped {
		all["skipped"] = 1
		return all
	}
	all["loss"], all["grad_norm"] = s.Loss, shortest(s.GradNorm)
	under(all, "terms", s.Terms)
	return all
}

// shortest is the number that metrics.jsonl shows for one of 32 bits.
func shortest(x float32) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
	if err != nil {
		return float64(x)
	}
	return y
}

// namedNumbers are those of a section, by the names that JSON has for them.
func namedNumbers(section string, of any) map[string]float64 {
	all := map[string]float64{}
	var tree map[string]any
	text, err := json.Marshal(of)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil { // they come from such a text
		under(all, section, track.Numbers(tree))
	}
	return all
}

func evaluationNumbers(e track.Evaluation) map[string]float64 {
	all := map[string]float64{}
	under(all, "evaluation", e.Metrics)
	under(all, "untrained", e.Untrained)
	under(all, "pixels", e.Pixels)
	under(all, "chance", e.Chance)
	return all
}

// under adds numbers to others, each with a section before its name.
func under(all map[string]float64, section string, numbers map[string]float64) {
	for name, x := range numbers {
		all[section+"."+name] = x
	}
}

// kindOf is the kind of rows that have a number of this name.
func kindOf(name string) kind {
	section, _, _ := strings.Cut(name, ".")
	switch section {
	case "guard":
		return ofGuard
	case "timing":
		return ofTiming
	case "evaluation", "untrained", "pixels", "chance":
		return ofEvaluation
	}
	return ofStep
}
