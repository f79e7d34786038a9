package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// drawing is lines in SVG, one a trial, that can be pointed at; it needs no script to be seen.
type drawing struct {
	Label         string // for those who don't see it
	Width, Height int    // in pixels at least
	Rules         []rule
	Paths         []path
	Texts         []drawnText
}

// Widest is how many pixels it is wide at most: its letters grow with it.
func (d *drawing) Widest() int { return d.Width * 13 / 10 }

// rule is a straight line: an axis, a tick, a reference.
type rule struct {
	X1, Y1, X2, Y2 string
	Class          string
}

// path is a trial's line.
type path struct {
	Trial int
	Class string // how good it is: q0 to q5, best, or none
	D     string
}

// drawnText is a text whose middle, beginning or end is at a point.
type drawnText struct {
	X, Y   string
	Anchor string // start, middle, end
	Text   string
	Whole  string // where Text is cut; "": it isn't
}

func at(x float64) string { return strconv.FormatFloat(math.Round(10*x)/10, 'f', -1, 64) }

func (d *drawing) rule(x1, y1, x2, y2 float64, class string) {
	d.Rules = append(d.Rules, rule{at(x1), at(y1), at(x2), at(y2), class})
}

// text writes a text of at most so many letters; 0: all.
func (d *drawing) text(x, y float64, anchor, text string, most int) {
	t := drawnText{X: at(x), Y: at(y), Anchor: anchor, Text: text}
	if most > 0 && utf8.RuneCountInString(text) > most {
		t.Text, t.Whole = string([]rune(text)[:most-1])+"…", text
	}
	d.Texts = append(d.Texts, t)
}

// path draws a trial's line through points.
func (d *drawing) path(trial int, class string, points [][2]float64) {
	var b strings.Builder
	for i, p := range points {
		switch i {
		case 0:
			b.WriteByte('M')
		case 1:
			b.WriteByte('L')
		default:
			b.WriteByte(' ')
		}
		b.WriteString(at(p[0]) + " " + at(p[1]))
	}
	if len(points) == 1 {
		b.WriteString("h.01") // a dot
	}
	d.Paths = append(d.Paths, path{trial, class, b.String()})
}

// scale is an axis of numbers: where a value lies between its ends, in [0, 1].
type scale struct {
	low, high float64
	log       bool
}

// newScale spans values that are finite; of one value, or of none, it is something around it.
func newScale(values []float64, log bool) scale {
	s := scale{low: math.Inf(1), high: math.Inf(-1), log: log}
	for _, x := range values {
		s.low, s.high = min(s.low, x), max(s.high, x)
	}
	switch {
	case len(values) == 0:
		return scale{low: 0, high: 1}
	case s.low == s.high && log:
		s.low, s.high = s.low/2, s.high*2
	case s.low == s.high:
		off := max(math.Abs(s.low)/10, 1e-6)
		s.low, s.high = s.low-off, s.high+off
	}
	return s
}

func (s scale) of(x float64) float64 {
	if s.log {
		return (math.Log(x) - math.Log(s.low)) / (math.Log(s.high) - math.Log(s.low))
	}
	return (x - s.low) / (s.high - s.low)
}

// ticks are round numbers between the ends, about five, and of less than that the ends.
func (s scale) ticks() []float64 {
	if s.log {
		if all := s.decades(); len(all) > 1 {
			return all
		}
		return []float64{s.low, math.Sqrt(s.low * s.high), s.high}
	}
	step := math.Pow(10, math.Floor(math.Log10((s.high-s.low)/4)))
	for _, by := range []float64{5, 2} {
		if (s.high-s.low)/(step*by) >= 3 {
			step *= by
			break
		}
	}
	var all []float64
	for k := math.Ceil(s.low/step - 1e-9); k*step <= s.high*(1+1e-12)+step*1e-9 && len(all) < 20; k++ {
		all = append(all, k*step)
	}
	return all
}

// decades are the powers of ten between the ends, or some of them; of few, with what lies between them.
func (s scale) decades() []float64 {
	from, to := math.Floor(math.Log10(s.low)), math.Ceil(math.Log10(s.high))
	by := []float64{1}
	every := math.Ceil((to - from) / 6)
	if to-from <= 2 {
		by = []float64{1, 2, 5}
	}
	var all []float64
	for k := from; k <= to; k += every {
		for _, b := range by {
			if x := b * math.Pow(10, k); x >= s.low*(1-1e-9) && x <= s.high*(1+1e-9) {
				all = append(all, x)
			}
		}
	}
	return all
}

// tick writes a number at an axis.
func tick(x float64) string {
	if math.Abs(x) < 1e-12 {
		return "0"
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// classes is how many colours tell good trials from bad ones.
const classes = 6

// ranked gives every trial the class of its number among all: q0 the worst sixth to q5 the best one, best for all that
// equal the best, none where there is no number.
func ranked(numbers []float64, less bool) []string {
	var sorted []float64
	for _, x := range numbers {
		if !math.IsNaN(x) {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	if less {
		slices.Reverse(sorted)
	}
	all := make([]string, len(numbers))
	for i, x := range numbers {
		if math.IsNaN(x) {
			all[i] = "none"
			continue
		}
		if x == sorted[len(sorted)-1] {
			all[i] = "best"
			continue
		}
		rank := slices.Index(sorted, x) // of equals the first
		all[i] = fmt.Sprintf("q%d", classes*rank/len(sorted))
	}
	return all
}
