package report

import (
	"fmt"
	"maps"
	"slices"

	"ordo/models"
	"ordo/models/whole"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
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
			for family := range r.Distances {
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

// SweepPictures is orderPicture's picture by file name: order.svg and order.png; none where it has nothing to show.
func SweepPictures(title string, groups []Group) (map[string][]byte, error) {
	return encoded(map[string]figure.Picture{"order": orderPicture(title, groups)})
}

// EvaluationPictures draws an evaluation, by file name: order.svg, distance from the untouched image over the scale of
// every family, and robustness.svg, the share of images whose class is told from views; both as .png too. A picture
// that has nothing to show is left out.
func EvaluationPictures(r evaluation.Result) (map[string][]byte, error) {
	title := evaluationWhose(r)
	return encoded(map[string]figure.Picture{
		"order": distancePicture(title, r), "robustness": robustnessPicture(title, r),
	})
}

// SaveEvaluationPictures writes EvaluationPictures' files, with prefix before their names, each whole or not at all.
func SaveEvaluationPictures(prefix string, r evaluation.Result) error {
	files, err := EvaluationPictures(r)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := whole.WriteFile(prefix+name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// encoded writes pictures as SVG and PNG.
func encoded(pictures map[string]figure.Picture) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, p := range pictures {
		if len(p.Rows) == 0 {
			continue
		}
		for _, ending := range []string{".svg", ".png"} {
			data, err := figure.Encode(p, name+ending)
			if err != nil {
				return nil, err
			}
			files[name+ending] = data
		}
	}
	return files, nil
}

// scaleAxis names a family's axis, with what scale 1 is.
func scaleAxis(family string, p eval.Protocol) string {
	return fmt.Sprintf("scale of %s (1 is %s)", family, Strength(p))
}

// distancePicture has a row a family, features and embedding side by side: median and 10 % to 90 % of the test images'
// distances for the encoder, medians for what it is compared with.
func distancePicture(title string, r evaluation.Result) figure.Picture {
	p := figure.Picture{Title: title}
	protocols := map[string]eval.Protocol{}
	for _, m := range r.Metrics {
		if m.Name == "order_accuracy" {
			protocols[m.Family] = m.Protocol
		}
	}
	for _, family := range r.Families() {
		var row []figure.Panel
		for _, d := range r.Distances {
			if d.Family != family {
				continue
			}
			panel := figure.Panel{Title: family + ", " + d.Output, X: scaleAxis(family, protocols[family]),
				Y: "distance (1 − cosine)", Legend: len(p.Rows) == 0 && len(row) == 0}
			panel.Lines = append(panel.Lines, figure.Line{Name: "trained, median and 10–90 %", X: d.Scales,
				Y: d.Trained.Median, Low: d.Trained.Low, High: d.Trained.High})
			for _, other := range []struct {
				name string
				*evaluation.Spread
			}{{"untrained", d.Untrained}, {"pixels", d.Pixels}} {
				if other.Spread != nil {
					panel.Lines = append(panel.Lines, figure.Line{Name: other.name, X: d.Scales, Y: other.Median, Reference: true})
				}
			}
			row = append(row, panel)
		}
		if len(row) > 0 { // a nominal family has no distances
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}

// robustnessPicture has a row a family, and a panel for each of kNN and probe on features and embedding.
func robustnessPicture(title string, r evaluation.Result) figure.Picture {
	p := figure.Picture{Title: title}
	for _, family := range r.Families() {
		var row []figure.Panel
		for _, m := range r.Metrics {
			how := map[string]string{"knn_transformed": "kNN", "probe_transformed": "linear probe"}[m.Name]
			if m.Family != family || how == "" {
				continue
			}
			panel := figure.Panel{Title: fmt.Sprintf("%s, %s, %s", family, how, m.Output),
				X: scaleAxis(family, m.Protocol), Y: "share of classes told", Legend: len(p.Rows) == 0 && len(row) == 0}
			own, untrained, pixels := figure.Line{Name: "trained"}, figure.Line{Name: "untrained", Reference: true},
				figure.Line{Name: "pixels", Reference: true}
			for _, at := range m.Curve {
				for line, v := range map[*figure.Line]eval.Value{&own: at.Value, &untrained: at.Untrained, &pixels: at.Pixels} {
					if v.Defined {
						line.X, line.Y = append(line.X, at.Scale), append(line.Y, v.Number)
					}
				}
			}
			for _, line := range []figure.Line{own, untrained, pixels} {
				if len(line.X) > 0 {
					panel.Lines = append(panel.Lines, line)
				}
			}
			row = append(row, panel)
		}
		if len(row) > 0 {
			p.Rows = append(p.Rows, row)
		}
	}
	return p
}

// line is a group's distance over the scales of its first result that has the family; results with other scales are
// left out. ok is false where no result has it.
func (g Group) line(family, output string) (l figure.Line, ok bool) {
	l.Name = g.Name
	n := 0.0
	for _, r := range g.Results {
		found, there := r.Distances[family][output]
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
