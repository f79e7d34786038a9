package report

import (
	"maps"
	"slices"

	"ordo/models"
	"ordo/runner/figure"
	"ordo/runner/track"
)

// Group is results that stand for one thing, such as the seeds of one experiment.
type Group struct {
	Name    string
	Results []track.Result
}

// orderPicture shows how far a view lies from the untouched image over its family's scale: a row a family, features and
// embedding side by side, a line a group. A line is the mean over the group's results, and its band reaches from the
// smallest to the largest of them. A picture without rows has nothing to show: no result has a family in order.
func orderPicture(title string, groups []Group) figure.Picture {
	p := figure.Picture{Title: title}
	families := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.Results {
			for family := range r.Order {
				families[family] = true
			}
		}
	}
	for _, family := range slices.Sorted(maps.Keys(families)) {
		var row []figure.Panel
		for _, output := range []string{models.Features, models.Embedding} {
			panel := figure.Panel{
				Title: family + ", " + output, X: "scale of " + family, Y: "mean distance (1 − cosine)",
				Legend: len(groups) > 1 && len(row) == 0,
			}
			for _, g := range groups {
				if l, ok := g.line(family, output); ok {
					panel.Lines = append(panel.Lines, l)
				}
			}
			row = append(row, panel)
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// OrderSVG is orderPicture's picture as an SVG file; nil where it has nothing to show.
func OrderSVG(title string, groups []Group) ([]byte, error) {
	p := orderPicture(title, groups)
	if len(p.Rows) == 0 {
		return nil, nil
	}
	return figure.Encode(p, ".svg")
}

// line is a group's distance over the scales of its first result that has the family; results with other scales are
// left out. ok is false where no result has it.
func (g Group) line(family, output string) (l figure.Line, ok bool) {
	l.Name = g.Name
	n := 0.0
	for _, r := range g.Results {
		found, there := r.Order[family][output]
		if !there || ok && !slices.Equal(found.Scales, l.X) {
			continue
		}
		if !ok {
			ok = true
			l.X, l.Y = found.Scales, make([]float64, len(found.Scales))
			l.Low, l.High = slices.Clone(found.Distance), slices.Clone(found.Distance)
		}
		n++
		for i, d := range found.Distance {
			l.Y[i] += d
			l.Low[i], l.High[i] = min(l.Low[i], d), max(l.High[i], d)
		}
	}
	for i := range l.Y {
		l.Y[i] /= n
	}
	if n < 2 {
		l.Low, l.High = nil, nil
	}
	return l, ok
}
