package page

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models"
	form "ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/report"
	"ordo/runner/statistics"
)

// group are runs of one experiment but for the seed.
type group struct{ runs []*folder }

// name is the names of its runs.
func (g group) name() string {
	var all []string
	for _, f := range g.runs {
		all = append(all, f.label)
	}
	return strings.Join(all, ", ")
}

// groups finds them, in the order of their first runs. A run whose experiment can't be read is alone.
func groups(runs []*folder) []group {
	var all []group
	at := map[string]int{}
	for _, f := range runs {
		key := f.Folder
		if f.known {
			e := f.experiment
			e.Seed = 0
			key = e.Hash()
		}
		i, there := at[key]
		if !there {
			i = len(all)
			at[key] = i
			all = append(all, group{})
		}
		all[i].runs = append(all[i].runs, f)
	}
	return all
}

// label gives every run a label of its own: its experiment's name where these differ, else its folder's.
func label(runs []*folder) {
	for _, of := range []func(f *folder) string{
		func(f *folder) string { return f.Name },
		func(f *folder) string { return filepath.Base(f.Folder) },
		func(f *folder) string { return f.Folder },
	} {
		seen := map[string]bool{}
		for _, f := range runs {
			f.label = of(f)
			seen[f.label] = true
		}
		if len(seen) == len(runs) && !seen[""] {
			return
		}
	}
	for i, f := range runs { // one folder twice
		f.label = fmt.Sprintf("%s (%d)", f.Folder, i+1)
	}
}

// differing are the keys of which not all runs have one value. Experiments that can't be read are left out.
func differing(runs []*folder) block {
	b := block{Title: "Keys that differ"}
	runs = slices.DeleteFunc(slices.Clone(runs), func(f *folder) bool { return !f.known })
	t := &table{Head: []string{"key"}}
	var keys []string
	values := map[string][]string{}
	for i, f := range runs {
		t.Head = append(t.Head, f.label)
		for _, d := range config.Differences(runs[0].experiment, f.experiment) {
			if values[d.Key] == nil {
				keys = append(keys, d.Key)
				values[d.Key] = slices.Repeat([]string{cmp.Or(d.First, "–")}, len(runs))
			}
			values[d.Key][i] = cmp.Or(d.Second, "–")
		}
	}
	for _, key := range keys {
		t.add(append([]string{key}, values[key]...)...)
	}
	if b.Table = t; len(keys) == 0 {
		b.Table, b.Text = nil, "Their experiments are the same."
	}
	return b
}

// compared is a number of several runs.
type compared struct {
	name   string
	values []eval.Value // of each run
	texts  []string     // with intervals where there are any
}

// compare lists the numbers that any of the runs has, in the order of the first that has them.
func compare(runs []*folder) []compared {
	var all []compared
	at := map[string]int{}
	set := func(run int, name string, v eval.Value, text string) {
		i, there := at[name]
		if !there {
			i = len(all)
			at[name] = i
			all = append(all, compared{name, make([]eval.Value, len(runs)), make([]string, len(runs))})
		}
		all[i].values[run], all[i].texts[run] = v, text
	}
	for run, f := range runs {
		if f.end == nil {
			continue
		}
		_, sections, _ := report.EvaluationSections(report.Principal(*f.end))
		for _, s := range sections {
			for i, m := range s.Metrics {
				text := s.Rows[i][2] + " " + s.Rows[i][3]
				set(run, strings.TrimSpace(m.Family+" "+m.Name+", "+m.Output), m.Value, strings.TrimSpace(text))
			}
		}
	}
	return all
}

// sideBySide is a table of all numbers of all runs.
func sideBySide(runs []*folder, numbers []compared) block {
	t := &table{Head: []string{"number"}}
	for _, f := range runs {
		t.Head = append(t.Head, f.label)
	}
	for _, n := range numbers {
		t.add(append([]string{n.name}, n.texts...)...)
	}
	return block{Title: "Numbers", Table: t, Text: "In brackets: 95 % intervals over the test images of each training. " +
		"They say nothing of other seeds."}
}

// differences are those of every group from the first, paired by seed.
func differences(runs []*folder, numbers []compared) []block {
	all := groups(runs)
	if len(all) < 2 {
		return spreadOver(runs, numbers)
	}
	var blocks []block
	for _, g := range all[1:] {
		t := &table{Head: []string{"number", "difference", "95 % interval", "seeds"}}
		for _, n := range numbers {
			var pairs []float64
			for _, a := range all[0].runs {
				i := slices.IndexFunc(g.runs, func(b *folder) bool { return b.Seed == a.Seed })
				if i < 0 {
					continue
				}
				x, y := n.values[slices.Index(runs, a)], n.values[slices.Index(runs, g.runs[i])]
				if x.Defined && y.Defined {
					pairs = append(pairs, y.Number-x.Number)
				}
			}
			if len(pairs) > 0 {
				d := statistics.Summarise(pairs)
				interval := "–"
				if d.Low != nil {
					interval = "[" + form.Number("%+.3f", *d.Low) + ", " + form.Number("%+.3f", *d.High) + "]"
				}
				t.add(n.name, form.Number("%+.3f", d.Mean), interval, fmt.Sprint(d.N))
			}
		}
		b := block{Title: fmt.Sprintf("%s less %s", g.name(), all[0].name()), Table: t,
			Text: "Mean over the seeds that both have, paired, with Student's interval. One seed has none."}
		if len(t.Rows) == 0 {
			b.Table, b.Text = nil, "They have no seed in common of which both have numbers."
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// spreadOver is the mean and the deviation over the seeds of one experiment.
func spreadOver(runs []*folder, numbers []compared) []block {
	t := &table{Head: []string{"number", "mean", "deviation", "seeds"}}
	for _, n := range numbers {
		var values []float64
		for _, v := range n.values {
			if v.Defined {
				values = append(values, v.Number)
			}
		}
		if len(values) > 1 {
			all := statistics.Summarise(values)
			t.add(n.name, form.Number("%.3f", all.Mean), fmt.Sprintf("%.3f", *all.Std), fmt.Sprint(all.N))
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []block{{Title: fmt.Sprintf("Over %d seeds", len(runs)), Table: t,
		Text: "The runs are one experiment but for the seed."}}
}

// overview is a line a run.
func overview(runs []*folder) block {
	t := &table{Head: []string{"run", "folder", "seed", "status", "epoch", "kNN, features", "loss", "images/s"}}
	for _, f := range runs {
		number := func(name, format string) string {
			if x, ok := f.Numbers[name]; ok {
				return fmt.Sprintf(format, x)
			}
			return "–"
		}
		knn, loss, speed := number("knn_top1", "%.3f"), number("loss", "%.4f"), number("images_per_second", "%.0f")
		if f.Numbers == nil { // so far
			e, _ := f.last()
			if x, ok := e.Metrics["knn."+models.Features]; ok {
				knn = fmt.Sprintf("%.3f", x)
			}
			if n := len(f.history.Steps); n > 0 {
				loss = fmt.Sprintf("%.4f", f.history.Steps[n-1].Loss)
			}
		}
		t.add(f.label, f.Folder, fmt.Sprint(f.Seed), f.Status, f.progress(), knn, loss, speed)
	}
	return block{Table: t}
}

// progress is how many epochs are done, of how many.
func (f *folder) progress() string {
	done := fmt.Sprintf("%.4g", f.Epoch)
	if f.Epochs > 0 {
		done += fmt.Sprintf(" of %d", f.Epochs)
	}
	return done
}

// evaluationsMade lists those of a run: the one that ended it first.
func (f *folder) evaluationsMade() []evaluation.Result {
	if f.end == nil {
		return f.others
	}
	return append([]evaluation.Result{*f.end}, f.others...)
}
