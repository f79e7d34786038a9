package selection

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/models/graph"
	"ordo/models/table"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
)

// The screens, by the names of their metrics, gain, which is made of one, and agree, of the pilot's steps.
const (
	screenBroken     = "broken"
	screenForgetting = "forgetting"
	screenClass      = "class_of_scale"
	screenRelevance  = "class_relevance"
	screenGain       = "gain"
	screenAgree      = "agree"
)

// screens lists them in the order in which they are told.
var screens = []string{screenBroken, screenForgetting, screenClass, screenRelevance, screenGain, screenAgree}

// heads are the screens' names where there is little room.
var heads = []string{"broken", "forgetting", "of scale", "relevance", "gain", "agree"}

// screen fills in the pilot's numbers, and how far they would have said what the trials did.
func (s *selection) screen(r *Result, pilot evaluation.Result, folder string) error {
	for _, m := range pilot.Metrics {
		i := slices.IndexFunc(r.Families, func(f Family) bool { return f.Family == m.Family })
		if i < 0 || m.Output != graph.Features || !m.Value.Defined {
			continue
		}
		f := &r.Families[i]
		switch {
		case m.Name == "scale_r2" && m.Gain != nil && m.Gain.Value.Defined:
			f.Unit = m.Protocol.Unit
			f.Screens[screenGain] = newScreen(m.Gain.Value.Number, m.Gain.Interval, evaluation.Metric{Protocol: m.Protocol})
		case slices.Contains(screens, m.Name) && !(s.o.NoLabels && labelled[m.Name]):
			f.Screens[m.Name] = newScreen(m.Value.Number, m.Interval, m)
		}
	}
	if err := s.agreement(r, folder); err != nil {
		return err
	}
	for i := range r.Families {
		f := &r.Families[i]
		switch x := f.Screens[screenForgetting]; {
		case x.High != nil && *x.High < 0:
			f.Hint = Keep
		case x.Low != nil && *x.Low > 0:
			f.Hint = Forget
		}
	}
	for _, name := range screens {
		sign := 1.
		if name == screenForgetting { // what it gains is no reason to keep the scale
			sign = -1
		}
		r.agree(name, sign, func(f *Family) (float64, bool) { x, ok := f.Screens[name]; return x.Value, ok })
	}
	if !s.o.NoLabels {
		s.withoutLabels(r)
	}
	return nil
}

// agree adds how far a number of the families, times sign, would have said what the trials did.
func (r *Result) agree(name string, sign float64, of func(f *Family) (float64, bool)) {
	var told, cost, gain []float64
	for i := range r.Families {
		f := &r.Families[i]
		if x, ok := of(f); ok && len(f.Differences) > 0 {
			told = append(told, sign*x)
			cost = append(cost, -f.difference(augment.RoleInvariant, augment.RoleAbsent).Value)
			gain = append(gain, f.difference(augment.RoleOrdered, augment.RoleAbsent).Value)
		}
	}
	if len(told) < 3 { // τ of two is 1 or -1
		return
	}
	if tau, ok := eval.Kendall(told, cost); ok {
		r.Agreements = append(r.Agreements, Agrees{name, tau, withCost, len(told)})
	}
	if tau, ok := eval.Kendall(told, gain); ok {
		r.Agreements = append(r.Agreements, Agrees{name, tau, withGain, len(told)})
	}
}

// tau is how far a screen or a comparator agreed; "–": it isn't known.
func (r Result) tau(name, with string) string {
	i := slices.IndexFunc(r.Agreements, func(a Agrees) bool { return a.Screen == name && a.With == with })
	if i < 0 {
		return "–"
	}
	return table.Number("%+.2f", r.Agreements[i].Tau)
}

// labelFree are the numbers of trials that need no labels, with the direction in which they are better.
var labelFree = []struct {
	name string
	sign float64
}{{"rankme", 1}, {"self_clustering", -1}}

// withoutLabels asks whether numbers of the trials that need no labels would have told which are better.
func (s *selection) withoutLabels(r *Result) {
	for _, number := range labelFree {
		var told, outcomes []float64
		for c := range s.cells {
			var of, y []float64
			for i, row := range s.rows {
				if x, ok := row.numbers[number.name+"."+graph.Features]; ok && row.cell == c {
					of, y = append(of, number.sign*x), append(y, s.seen[i].y)
				}
			}
			if len(of) > 0 {
				told, outcomes = append(told, mean(of)), append(outcomes, mean(y))
			}
		}
		if tau, ok := eval.Kendall(told, outcomes); ok {
			r.Agreements = append(r.Agreements, Agrees{number.name, tau, withOutcome, len(told)})
		}
	}
}

func mean(values []float64) float64 {
	sum := 0.
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}

func newScreen(value float64, interval *evaluation.Interval, m evaluation.Metric) Screen {
	number := func(v eval.Value) *float64 {
		if !v.Defined {
			return nil
		}
		return &v.Number
	}
	x := Screen{Value: value, Images: m.Protocol.TestImages, Chance: number(m.References.Chance),
		Untrained: number(m.References.Untrained), Pixels: number(m.References.Pixels)}
	if interval != nil {
		x.Low, x.High = number(interval.Low), number(interval.High)
	}
	return x
}

// write puts the answer's files into the folder: select.json last.
func (s *selection) write(ctx context.Context, r *Result) error {
	e, err := s.chosen(s.o.Base.Name+"-selected", r.Joint.Roles)
	if err != nil {
		return err
	}
	e.Eval.AtEnd = eval.AtEndFull
	text, err := e.YAML()
	if err != nil {
		return err
	}
	var head strings.Builder
	fmt.Fprintf(&head, "# %s with the roles that `ordo select` chose from %d trials:\n", s.o.Base.Name, r.Runs)
	for _, f := range r.Families {
		fmt.Fprintf(&head, "#   %s: %s\n", f.Family, f.Verdict)
	}
	if err := s.put(selectedFile, append([]byte(head.String()), text...)); err != nil {
		return err
	}
	drawn, err := s.page(ctx, *r)
	if err != nil {
		return err
	}
	if err := s.put(pageFile, drawn); err != nil {
		return err
	}
	text, err = json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("selection: write JSON: %w", err)
	}
	return s.put(resultFile, append(text, '\n'))
}

// Text is the answer for a terminal.
func (r Result) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d runs, %d seeds, each with another fifth of the training images held out\n\n", r.Base, r.Runs,
		r.Seeds)
	switch {
	case r.DecidedBy == byNothing && r.Seeds > 0:
		r.withoutLabelsText(&b)
		r.reasons(&b)
	case r.Seeds > 0:
		r.verdicts(&b)
		r.reasons(&b)
	case r.DecidedBy == byHint:
		r.reasons(&b)
	}
	rows := [][]string{slices.Concat([]string{"screens"}, heads, []string{"hint"})}
	for _, f := range r.Families {
		row := []string{f.Family}
		for _, name := range screens {
			cell := "–"
			if x, ok := f.Screens[name]; ok {
				cell = table.Number("%.3f", x.Value)
			}
			row = append(row, cell)
		}
		rows = append(rows, append(row, cmp.Or(f.Hint, "–")))
	}
	b.WriteString(table.Left(rows, 0))
	if r.DecidedBy != byTrials {
		fmt.Fprintf(&b, "\nDecided by %s.\n", r.DecidedBy)
	}
	if r.Comparators != nil {
		r.compared(&b)
	}
	r.agreed(&b)
	if r.Joint.Gain != nil {
		g := r.Joint.Gain
		fmt.Fprintf(&b, "\nAll chosen roles together: %s points over the base (95 %% from %s to %s).\n", points(g.Value),
			points(g.Low), points(g.High))
	}
	for _, x := range r.Joint.Runners {
		fmt.Fprintf(&b, "With %s %s in place of that: %s points (95 %% from %s to %s).\n", x.Family, x.Role,
			points(x.Gain.Value), points(x.Gain.Low), points(x.Gain.High))
	}
	for _, note := range r.Notes {
		fmt.Fprintln(&b, table.Wrap("note: "+note, 2))
	}
	fmt.Fprintf(&b, "\npage: %s\nready to run: %s\n", filepath.Join(r.Folder, pageFile),
		filepath.Join(r.Folder, selectedFile))
	return b.String()
}

// agreed tells how far cheap numbers agreed with the trials.
func (r Result) agreed(b *strings.Builder) {
	rows := [][]string{{"Kendall's τ with", "what invariance costs", "what order gains", "families"}}
	for _, a := range r.Agreements {
		switch {
		case a.With == withOutcome:
			fmt.Fprintf(b, "Kendall's τ of %s with %s: %s (%d)\n", a.Screen, a.With, table.Number("%+.2f", a.Tau), a.Of)
		case !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == a.Screen }):
			rows = append(rows, []string{a.Screen, r.tau(a.Screen, withCost), r.tau(a.Screen, withGain), fmt.Sprint(a.Of)})
		}
	}
	if len(rows) > 1 {
		b.WriteString(table.Left(rows, 0))
	}
}

// verdicts tells what the trials said.
func (r Result) verdicts(b *strings.Builder) {
	rows := [][]string{{"family", "verdict", "absent", "invariant", "ordered", "p"}}
	for _, f := range r.Families {
		row := []string{f.Family, f.Verdict}
		for _, role := range f.Roles {
			mark := ""
			if role.Role == f.Base {
				mark = "*"
			}
			row = append(row, fmt.Sprintf("%.3f%s", role.Outcome, mark))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.2g", f.Holm)))
	}
	b.WriteString(table.Left(rows, 0))
	fmt.Fprintf(b, "\n%s\n%s\n\n", table.Wrap("Accuracy is the "+r.Outcome+".", 0),
		table.Wrap(fmt.Sprintf("* the base. p: that the roles are one, by Holm over the families. "+
			"Deviation of a trial: %.3f.", r.Deviation), 2))
	if text := r.Without.text(r.base()); text != "" {
		fmt.Fprintf(b, "%s\n\n", table.Wrap(text, 0))
	}
}
