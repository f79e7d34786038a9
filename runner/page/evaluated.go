package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ordo/models"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/report"
)

// order are the curves of distance over scale.
func (f *folder) order(run int) []curve {
	var all []curve
	add := func(family, output string, p eval.Protocol, l line) {
		l.Run = run
		all = append(all, newCurve("", familyTitle(family, p)+": "+output, scaleAxis(p), "1 − cosine", l))
	}
	if f.end == nil { // means are all that the metrics have
		e, _ := f.last()
		for _, family := range slices.Sorted(maps.Keys(e.Distances)) {
			p := e.Protocols[family+".order_accuracy"]
			for _, output := range slices.Sorted(maps.Keys(e.Distances[family])) {
				c := e.Distances[family][output]
				add(family, output, p, line{Name: "trained, mean", X: c.Scales, Y: c.Distance})
				add(family, output, p, line{Name: "untrained, mean", X: c.Scales, Y: c.Untrained, Reference: true})
			}
		}
		return all
	}
	for _, d := range f.end.Distances {
		p := f.protocol(d.Family)
		add(d.Family, d.Output, p, line{Name: "trained, median and 10–90 %", X: d.Scales, Y: d.Trained.Median,
			Low: d.Trained.Low, High: d.Trained.High})
		for _, other := range []struct {
			name string
			*evaluation.Spread
		}{{"untrained, median", d.Untrained}, {"pixels, median", d.Pixels}} {
			if other.Spread != nil {
				add(d.Family, d.Output, p, line{Name: other.name, X: d.Scales, Y: other.Median, Reference: true})
			}
		}
	}
	for i := range all { // those of several runs need no more than the run's name
		all[i].Alone = true
	}
	return all
}

// protocol is how a family was shown in the evaluation that ended the run.
func (f *folder) protocol(family string) eval.Protocol {
	for _, m := range f.end.Metrics {
		if m.Family == family {
			return m.Protocol
		}
	}
	return eval.Protocol{}
}

func familyTitle(family string, p eval.Protocol) string {
	if p.Role == "" {
		return family
	}
	return family + ", " + p.Role
}

func scaleAxis(p eval.Protocol) string { return fmt.Sprintf("scale (1 is %s)", report.Strength(p)) }

// robustness are the curves of the share of classes told over scale.
func (f *folder) robustness(run int) []curve {
	if f.end == nil {
		return nil
	}
	var all []curve
	for _, m := range f.end.Metrics {
		how := map[string]string{"knn_transformed": "kNN", "probe_transformed": "linear probe"}[m.Name]
		if how == "" {
			continue
		}
		lines := []line{{Name: "trained"}, {Name: "untrained", Reference: true}, {Name: "pixels", Reference: true}}
		for _, at := range m.Curve {
			for i, v := range []eval.Value{at.Value, at.Untrained, at.Pixels} {
				if l := &lines[i]; v.Defined {
					l.X, l.Y = append(l.X, at.Scale), append(l.Y, v.Number)
				}
			}
		}
		for _, l := range lines {
			l.Run, l.Alone = run, true
			all = append(all, newCurve("", familyTitle(m.Family, m.Protocol)+": "+how+", "+m.Output, scaleAxis(m.Protocol),
				"share told", l))
		}
	}
	return all
}

// summary is the table of the last evaluation, and how its numbers were made; nil: there is none.
func (f *folder) summary() []block {
	e, _ := f.last()
	head, rows, legend := report.Summary(e)
	if len(rows) == 0 {
		return nil
	}
	t := &table{Head: head}
	for _, cells := range rows {
		t.add(cells...)
	}
	return []block{{Table: t}, {Text: strings.Join(legend, " ")}}
}

// evaluated is an evaluation's table, with how each number was made.
func evaluated(r evaluation.Result) block {
	head, sections, legend := report.EvaluationSections(r)
	t := &table{Head: append(head, "how")}
	for _, s := range sections {
		t.Rows = append(t.Rows, row{Cells: []string{s.Heading}, Heading: true})
		for i, m := range s.Metrics {
			how := m.Protocol.Method
			if m.References.ChanceBy != "" {
				how += "; chance: " + m.References.ChanceBy
			}
			t.add(append(s.Rows[i], how)...)
		}
	}
	return block{Fold: fmt.Sprintf("All numbers of the evaluation “%s”, with intervals and protocols", r.Name), Table: t,
		Text: strings.Join(append(legend, r.Notes...), " ")}
}

// byClass is the order of each class, where an evaluation has it.
func byClass(r evaluation.Result) (block, bool) {
	t := &table{Head: []string{"class", "images"}}
	rows := map[string][]string{}
	var classes []string
	for _, m := range r.Metrics {
		if m.Name != "order_accuracy" || m.Output != models.Embedding || len(m.ByClass) == 0 {
			continue
		}
		t.Head = append(t.Head, m.Family)
		for _, c := range m.ByClass {
			if rows[c.Class] == nil {
				classes = append(classes, c.Class)
				rows[c.Class] = []string{c.Class, fmt.Sprint(c.Images)}
			}
			rows[c.Class] = append(rows[c.Class], fmt.Sprintf("%.3f", c.Value))
		}
	}
	for _, name := range classes {
		t.add(rows[name]...)
	}
	return block{Fold: "Order on the embedding, by class", Table: t}, len(classes) > 0
}
