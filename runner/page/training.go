package page

import (
	"maps"
	"slices"
	"strings"

	"ordo/models"
	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// The headings of the charts of a training.
const (
	blockLoss        = "Loss"
	blockEvaluations = "Evaluations between the epochs"
	blockGuard       = "Collapse guard"
	blockSpeed       = "Rate and speed"
	blockDiagnostics = "Diagnostics of the loss"
)

// axisEpochs is the axis of all of them.
const axisEpochs = "epoch"

// training are the curves of a run's training.
func (f *folder) training(run int) []curve {
	all := slices.Concat(f.losses(), f.evaluations(), f.guards(), f.speed())
	for i := range all {
		all[i].Run = run
	}
	return all
}

// together is how many points a line of steps has at most: of more, some that follow each other become their mean.
const together = 400

// overSteps makes a line of a number of the steps that have it.
func (f *folder) overSteps(name string, of func(track.Step) (float64, bool)) line {
	l := line{Name: name}
	for _, s := range f.history.Steps {
		if y, ok := of(s); ok && !s.Skipped {
			l.X, l.Y = append(l.X, s.Epoch), append(l.Y, y)
		}
	}
	if n := len(l.X); n > together {
		short := line{Name: name}
		for k := range together {
			from, to := k*n/together, (k+1)*n/together
			short.X, short.Y = append(short.X, mean(l.X[from:to])), append(short.Y, mean(l.Y[from:to]))
		}
		return short
	}
	return l
}

func mean(values []float64) float64 {
	var sum float64
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}

// losses are the loss, its terms, and what is said of them.
func (f *folder) losses() []curve {
	if len(f.history.Steps) == 0 {
		return nil
	}
	total := f.overSteps("loss", func(s track.Step) (float64, bool) { return s.Loss, true })
	total.Alone = true
	all := []curve{newCurve(blockLoss, "Loss", axisEpochs, "", total)}
	names := map[string]bool{}
	for _, s := range f.history.Steps {
		for name := range s.Terms {
			names[name] = true
		}
	}
	var rest []curve
	for _, name := range slices.Sorted(maps.Keys(names)) {
		l := f.overSteps(name, func(s track.Step) (float64, bool) { y, ok := s.Terms[name]; return y, ok })
		if len(l.Y) == 0 {
			continue
		}
		parts := strings.SplitN(name, "/", 3)
		isTerm := func(other string) bool { return strings.HasPrefix(other, name+"/") }
		switch {
		case len(parts) == 1 && slices.ContainsFunc(slices.Collect(maps.Keys(names)), isTerm):
			all = append(all, newCurve(blockLoss, "Terms without their weights", axisEpochs, "", l))
		case slices.Min(l.Y) == slices.Max(l.Y): // such as a number of triplets
		case len(parts) == 1:
			l.Alone = true
			rest = append(rest, newCurve(blockDiagnostics, words(name), axisEpochs, "", l))
		default:
			chart := parts[0] + ": " + words(parts[1])
			if l.Name = "all"; len(parts) == 3 {
				l.Name = parts[2]
			}
			rest = append(rest, newCurve(blockDiagnostics, chart, axisEpochs, "", l))
		}
	}
	return append(all, rest...)
}

// words are a name's.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// watched are the numbers that are shown over the epochs: of the classes, and of every family.
var watched = []struct{ name, title string }{
	{"knn", "kNN"}, {"order_accuracy", "order of"}, {"knn_transformed", "kNN, transformed by"},
}

// evaluations are numbers over the epochs, beside their references; one evaluation is no curve.
func (f *folder) evaluations() []curve {
	evals := f.history.Evals
	if len(evals) < 2 {
		return nil
	}
	last := evals[len(evals)-1]
	families := append([]string{""}, slices.Sorted(maps.Keys(last.Distances))...)
	var all []curve
	for _, w := range watched {
		for _, family := range families {
			metric, title := w.name, w.title
			if (family == "") != (w.name == "knn") {
				continue
			}
			if family != "" {
				metric, title = family+"."+w.name, w.title+" "+family
			}
			add := func(l line) { all = append(all, newCurve(blockEvaluations, title, axisEpochs, "", l)) }
			for _, output := range []string{models.Features, models.Embedding} {
				l := line{Name: output}
				for _, e := range evals {
					if y, ok := e.Metrics[metric+"."+output]; ok {
						l.X, l.Y = append(l.X, e.Epoch), append(l.Y, y)
					}
				}
				add(l)
			}
			for _, r := range []struct {
				name   string
				values map[string]float64
			}{{"untrained features", last.Untrained}, {"pixels", last.Pixels}, {"chance", last.Chance}} {
				if y, ok := r.values[metric+"."+models.Features]; ok {
					add(line{Name: r.name, X: []float64{0, last.Epoch}, Y: []float64{y, y}, Reference: true})
				}
			}
		}
	}
	return all
}

// guards are the guard's numbers.
func (f *folder) guards() []curve {
	var all []curve
	for _, n := range []struct {
		title string
		of    func(guard.Spread) eval.Value
	}{
		{"Deviation (0 is collapse)", func(s guard.Spread) eval.Value { return s.Deviation }},
		{"Self-clustering (1 is collapse)", func(s guard.Spread) eval.Value { return s.Clustering }},
		{"Effective rank", func(s guard.Spread) eval.Value { return s.Rank.Rank }},
	} {
		for _, output := range []string{models.Features, models.Embedding} {
			l := line{Name: output}
			for _, g := range f.history.Guards {
				epoch := g.Epoch
				if g.Step == 1 {
					epoch = 0 // the untrained network's
				}
				if v := n.of(g.Guard.Outputs[output]); v.Defined {
					l.X, l.Y = append(l.X, epoch), append(l.Y, v.Number)
				}
			}
			all = append(all, newCurve(blockGuard, n.title, axisEpochs, "", l))
		}
	}
	return all
}

// speed are the learning rate, the gradient's norm, and how many images a second the epochs took.
func (f *folder) speed() []curve {
	if len(f.history.Steps) == 0 {
		return nil
	}
	one := func(title, y string, l line) curve {
		l.Alone = true
		return newCurve(blockSpeed, title, axisEpochs, y, l)
	}
	all := []curve{
		one("Learning rate", "", f.overSteps("rate", func(s track.Step) (float64, bool) { return float64(s.Rate), true })),
		one("Norm of the gradient", "", f.overSteps("norm", func(s track.Step) (float64, bool) {
			return float64(s.GradNorm), true
		})),
	}
	first := f.history.Steps[0]
	if !f.known || first.Step < 1 || first.Epoch <= 0 {
		return all
	}
	perEpoch := float64(first.Step) / first.Epoch
	l := line{Name: "images/s"}
	for _, t := range f.history.Timing {
		if t.Seconds > 0 {
			l.X = append(l.X, float64(t.Step)/perEpoch)
			l.Y = append(l.Y, float64(t.Steps*f.experiment.Train.BatchSize)/t.Seconds)
		}
	}
	return append(all, one("Images a second", "images/s", l))
}
