package selection

import (
	"fmt"
	"strings"

	"ordo/augment"
	"ordo/models/graph"
	"ordo/models/table"
	"ordo/runner/statistics"
)

// What verdicts were decided by.
const (
	byTrials  = "accuracy on held-out images, by trials"
	byHint    = "the screen forgetting, of the pilot alone: weaker than trials"
	byNothing = "nothing: labels were not looked at"
	byScreens = "nothing: there were no trials"
)

// decidedBy says what the verdicts are decided by.
func (o Options) decidedBy() string {
	switch {
	case o.Fast:
		return byHint
	case o.Screens:
		return byScreens
	case o.NoLabels:
		return byNothing
	}
	return byTrials
}

// hintsSoFar is how often the hint was right, counted in experiments/README.md's table.
const hintsSoFar = "where the pilot hinted and trials came to a verdict, they agreed 7 of 7 times, on 5 sets of " +
	"images (experiments/README.md); it said nothing of 16 of 24 families. Trials are what can be relied on"

// whyUndecided is why numbers without labels decide nothing.
const whyUndecided = "without labels nothing is decided: that features keep a scale doesn't say that it is of use. " +
	"Digits in colours look alike where the colour is the class and where it is drawn, and hue is to be kept in the one " +
	"set and to be forgotten in the other; RankMe and self-clustering of trials agreed with their accuracy by τ of 0.03 " +
	"and -0.64 (experiments/README.md)"

// labelled are the screens that need labels.
var labelled = map[string]bool{screenForgetting: true, screenClass: true, screenRelevance: true}

// decideFast makes verdicts of the hints.
func (r *Result) decideFast() {
	for i := range r.Families {
		f := &r.Families[i]
		x, ok := f.Screens[screenForgetting]
		if !ok || x.Low == nil || x.High == nil {
			f.Evidence = "the pilot doesn't tell what forgetting the scale costs"
			continue
		}
		text := fmt.Sprintf("kNN on the pilot's features averaged over the scales less kNN on them as they are is %s points "+
			"(95 %% from %s to %s)", points(x.Value), points(*x.Low), points(*x.High))
		switch f.Hint {
		case Keep:
			f.Verdict, f.Evidence = Keep, text+": not invariant; whether ordered or left out is better, trials tell"
		case Forget:
			f.Verdict, f.Evidence = augment.RoleInvariant, text
		default:
			f.Evidence = text + ", which doesn't tell"
		}
	}
	r.Notes = append(r.Notes, hintsSoFar)
}

// unlabelled fills in what trials say of a family without labels: numbers, and no verdict.
func (s *selection) unlabelled(f *Family, family int) {
	byRole := map[string][]float64{}
	for i := range f.Roles {
		role := &f.Roles[i]
		role.Seeds, role.Outcome, role.Kept = nil, 0, map[string]float64{}
		for _, of := range []struct{ name, key string }{
			{"scale_r2", f.Family + ".scale_r2." + graph.Features}, {"rankme", "rankme." + graph.Features},
			{"self_clustering", "self_clustering." + graph.Features},
			{"local_dimension", "local_dimension." + graph.Features},
		} {
			var all []float64
			for _, row := range s.rows {
				if x, ok := row.numbers[of.key]; ok && row.cell == s.of(family, role.Role) {
					all = append(all, x)
				}
			}
			if len(all) > 0 {
				role.Kept[of.name] = mean(all)
			}
			if of.name == "scale_r2" {
				byRole[role.Role] = all
			}
		}
	}
	f.Evidence = "labels were not looked at"
	ordered, invariant := byRole[augment.RoleOrdered], byRole[augment.RoleInvariant]
	if n := len(ordered); n > 0 && n == len(invariant) {
		d := statistics.Paired(ordered, invariant)
		f.Evidence = fmt.Sprintf("R² of the scale is %+.2f where it is ordered beside where it is invariant", d.Value)
		if d.Low != nil {
			f.Evidence += fmt.Sprintf(" (95 %% from %+.2f to %+.2f)", *d.Low, *d.High)
		}
		f.Evidence += ", which says what is kept and not what is of use"
	}
}

// withoutLabelsText tells what trials say without labels.
func (r Result) withoutLabelsText(b *strings.Builder) {
	rows := [][]string{{"family", "R² absent", "invariant", "ordered", "RankMe absent", "invariant", "ordered"}}
	for _, f := range r.Families {
		row := []string{f.Family}
		for _, name := range []string{"scale_r2", "rankme"} {
			for _, role := range f.Roles {
				cell := "–"
				if x, ok := role.Kept[name]; ok {
					cell = table.Number("%.3f", x)
				}
				row = append(row, cell)
			}
		}
		rows = append(rows, row)
	}
	b.WriteString(table.Left(rows, 0) + "\n")
}

// reasons tells the verdicts with their evidence.
func (r Result) reasons(b *strings.Builder) {
	for _, f := range r.Families {
		fmt.Fprintln(b, table.Wrap(fmt.Sprintf("%s: %s. %s.", f.Family, f.Verdict, f.Evidence), 2))
	}
	fmt.Fprintln(b)
}
