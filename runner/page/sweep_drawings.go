package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"ordo/runner/importance"
)

// The size of drawings, in the units of their SVG, which are pixels at least.
const (
	axisWidth  = 150. // between two axes
	drawTop    = 30.
	drawHeight = 300. // of an axis
	drawLeft   = 70.
	belowAxis  = 26. // where values lie that are not set
	curveWidth = 760.
)

// unset is the value of a key that is left out.
const unset = "–"

// axis is a key, or the metric, with the places of its values.
type axis struct {
	name   string
	scale  *scale   // of numbers; nil: words
	words  []string // from below to above
	places map[string]float64
}

// place is how high a value lies, in [0, 1]; false: nowhere on the axis.
func (a axis) place(value string) (float64, bool) {
	if a.scale == nil {
		y, ok := a.places[value]
		return y, ok
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || a.scale.log && x <= 0 {
		return 0, false
	}
	return min(1, max(0, a.scale.of(x))), true
}

// axis makes that of a key.
func (s *sweepPage) axis(i int) axis {
	key := s.axes[i]
	var values []string
	var numbers []float64
	for _, t := range s.trials {
		if t.row[i] == unset || slices.Contains(values, t.row[i]) {
			continue
		}
		values = append(values, t.row[i])
		if x, err := strconv.ParseFloat(t.row[i], 64); err == nil {
			numbers = append(numbers, x)
		}
	}
	a := axis{name: key.Name}
	if key.Kind == importance.Categories {
		a.words, a.places = values, map[string]float64{}
		for k, v := range values {
			a.places[v] = (float64(k) + 0.5) / float64(len(values))
		}
		return a
	}
	scale := newScale(numbers, key.Log)
	a.scale = &scale
	return a
}

// mostWords is how many words of an axis are written.
const mostWords = 12

// draw puts an axis at x.
func (a axis) draw(d *drawing, x float64, label string, most int) {
	d.rule(x, drawTop, x, drawTop+drawHeight, "axis")
	d.text(x, drawTop-12, "middle", label, most)
	mark := func(y float64, text string) {
		h := drawTop + drawHeight*(1-y)
		d.rule(x-4, h, x, h, "axis")
		d.text(x-7, h+4, "end", text, 14)
	}
	if a.scale != nil {
		for _, v := range a.scale.ticks() {
			mark(a.scale.of(v), tick(v))
		}
		return
	}
	every := (len(a.words) + mostWords - 1) / mostWords
	for k, w := range a.words {
		if k%max(1, every) == 0 {
			mark(a.places[w], w)
		}
	}
}

// parallel draws the trials through their values.
func (s *sweepPage) parallel() []block {
	if len(s.axes) == 0 || len(s.trials) < 2 {
		return nil
	}
	n := len(s.axes) + 1
	d := &drawing{Width: int(drawLeft*2 + axisWidth*float64(n-1) + 40),
		Height: int(drawTop + drawHeight + belowAxis + 16)}
	at := func(k int) float64 { return drawLeft + 20 + axisWidth*float64(k) }
	var axes []axis
	some := make([]bool, n)
	for i := range s.axes {
		axes = append(axes, s.axis(i))
	}
	var numbers []float64
	for _, t := range s.trials {
		if !math.IsNaN(t.number) {
			numbers = append(numbers, t.number)
		}
	}
	ending := newScale(numbers, false)
	axes = append(axes, axis{name: s.table.Metric.Name, scale: &ending})
	low := drawTop + drawHeight + belowAxis
	for _, i := range s.order() {
		t := s.trials[i]
		var points [][2]float64
		for k, a := range axes {
			value := fmt.Sprint(t.number)
			if k < len(t.row) {
				value = t.row[k]
			} else if math.IsNaN(t.number) {
				value = unset
			}
			y, ok := a.place(value)
			h := drawTop + drawHeight*(1-y)
			if !ok {
				h, some[k] = low, true
			}
			points = append(points, [2]float64{at(k), h})
		}
		d.path(t.Number, s.class[i], points)
	}
	for k, a := range axes {
		label := a.name
		if k == n-1 {
			label += " (" + s.table.Metric.Goal + ")"
		}
		a.draw(d, at(k), label, 22)
		if some[k] {
			d.text(at(k)-7, low+4, "end", "none", 0)
		}
	}
	d.Label = fmt.Sprintf("%d lines, one a trial, over %d keys and %s. Arrow keys go through the trials, the best first; "+
		"the table of trials has all numbers.", len(d.Paths), len(s.axes), s.table.Metric.Name)
	return []block{{Drawing: d}}
}

// order lists the trials from the worst to the best, so that the best are drawn over the others.
func (s *sweepPage) order() []int {
	order := make([]int, len(s.trials))
	for i := range order {
		order[i] = i
	}
	rank := func(i int) int {
		return slices.Index([]string{"none", "q0", "q1", "q2", "q3", "q4", "q5", "best"}, s.class[i])
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if by := rank(a) - rank(b); by != 0 {
			return by
		}
		x, y := s.trials[a].number, s.trials[b].number
		switch {
		case x == y || math.IsNaN(x) || math.IsNaN(y):
			return 0
		case (x < y) == s.table.Metric.Minimises():
			return 1
		}
		return -1
	})
	return order
}

// mostPoints is how many points a trial's curve has.
const mostPoints = 60

// thinned keeps some of a curve's points, evenly chosen, its ends among them.
func thinned(points [][2]float64) [][2]float64 {
	n := len(points)
	if n <= mostPoints {
		return points
	}
	some := make([][2]float64, mostPoints)
	for k := range some {
		some[k] = points[k*(n-1)/(mostPoints-1)]
	}
	return some
}

// curves draw the metric of every trial over its epochs.
func (s *sweepPage) curves() []block {
	var epochs, values []float64
	for _, t := range s.trials {
		epochs, values = append(epochs, t.epochs...), append(values, t.values...)
	}
	values = slices.DeleteFunc(values, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	if len(values) == 0 {
		if s.table.Metric.Evaluated() == "" {
			return nil
		}
		return []block{{Text: "No trial was evaluated between its epochs (eval.every_epochs)."}}
	}
	references := s.meanReferences()
	for _, r := range references {
		values = append(values, r.value)
	}
	xs, ys := newScale(append(epochs, 0), false), newScale(values, false)
	d := &drawing{Width: int(curveWidth) + 120, Height: int(drawTop+drawHeight) + 40}
	left, right := drawLeft, curveWidth
	x := func(e float64) float64 { return left + (right-left)*xs.of(e) }
	y := func(v float64) float64 { return drawTop + drawHeight*(1-ys.of(v)) }
	a := axis{scale: &ys}
	a.draw(d, left, s.table.Metric.Name, 30)
	d.rule(left, drawTop+drawHeight, right, drawTop+drawHeight, "axis")
	for _, e := range xs.ticks() {
		d.rule(x(e), drawTop+drawHeight, x(e), drawTop+drawHeight+4, "axis")
		d.text(x(e), drawTop+drawHeight+18, "middle", tick(e), 0)
	}
	d.text((left+right)/2, drawTop+drawHeight+34, "middle", axisEpochs, 0)
	s.beside(d, references, y)
	for _, i := range s.order() {
		t := s.trials[i]
		var points [][2]float64
		for k, v := range t.values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				points = append(points, [2]float64{x(t.epochs[k]), y(v)})
			}
		}
		if len(points) > 0 {
			d.path(t.Number, s.class[i], thinned(points))
		}
	}
	d.Label = fmt.Sprintf("%d curves of %s over the epochs, between %s and %s. Arrow keys go through the trials, the "+
		"best first; the table of trials has what they ended with.", len(d.Paths), s.table.Metric.Name, tick(ys.low),
		tick(ys.high))
	return []block{{Drawing: d}}
}

// beside draws the references, whose names keep off each other.
func (s *sweepPage) beside(d *drawing, references []reference, y func(float64) float64) {
	slices.SortFunc(references, func(a, b reference) int {
		if a.value > b.value {
			return -1
		}
		return 1
	})
	last := math.Inf(-1)
	for _, r := range references {
		h := y(r.value)
		d.rule(drawLeft, h, curveWidth, h, "reference")
		last = max(h+4, last+14)
		d.text(curveWidth+6, last, "start", r.name, 0)
	}
}
