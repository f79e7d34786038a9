package selection

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
)

// The comparators, by the names that their numbers have in Family.Comparators.
const (
	compareInvariant = "essl_invariant"
	comparePredicted = "essl_predicted"
	compareSingle    = "single_task"
	compareTurns     = "rotation_probe"
	compareDimension = "local_dimension"
)

// turns is the family whose classes the rotation probe tells.
const turns = "quarter_turn"

// Comparator is a published way to choose, and what it costs.
type Comparator struct {
	Name    string `json:"name"`
	Says    string `json:"says"`
	Runs    int    `json:"runs"`    // that it takes where nothing else is trained, of one seed
	Trained int    `json:"trained"` // of these, beside the pilot and the trials
}

// comparators lists them in the order in which they are told.
func (d *design) comparators() []Comparator {
	n := len(d.candidates)
	return []Comparator{
		{compareInvariant, "E-SSL's exploration (Dangovski et al. 2022): kNN with the family invariant less kNN without it",
			n + 1, 0},
		{comparePredicted, "the same with the family's scale predicted, by the loss term essl", n + 1, n},
		{compareSingle, "single-task probe (after \"Understanding the Role of Equivariance in Self-supervised Learning\", " +
			"2024): the linear probe's accuracy where to predict the family is all that is trained", n, n},
		{compareTurns, "SelfAugment's rotation probe (Reed et al. 2021): how well a linear probe tells quarter turns where " +
			"the family is invariant; of rotation itself it is circular", n, 0},
		{compareDimension, "DDA's local dimension (2024): mean |ln LID| of the features where the family is invariant", n, 0},
		{screenBroken, "the data test alone (2025), on the pilot's features: " + screenSays[screenBroken], 1, 0},
	}
}

// keeps are the comparators with the direction in which they speak for keeping the scale.
var keeps = []struct {
	name, head string
	sign       float64
}{
	{compareInvariant, "invariant", -1}, {comparePredicted, "predicted", 1}, {compareSingle, "alone", 1},
	{compareTurns, "turns", -1}, {compareDimension, "|ln LID|", -1},
}

// compareStage is the comparators' sweep.
const compareStage = "compare"

// predicted is the base with a family's scale predicted, as E-SSL would: beside the base's loss, or alone, without any
// family ordered and nearly all views the family's.
func (d *design) predicted(family int, alone bool) (config.Experiment, error) {
	p := *d
	p.candidates, p.others = slices.Clone(d.candidates), slices.Clone(d.others)
	c := &p.candidates[family]
	roles, name := d.baseRoles(), nameOf(c.Name())+"-predicted"
	if alone {
		name = nameOf(c.Name()) + "-alone"
		c.Levels = d.views - leastBase
		maps.DeleteFunc(roles, func(_, role string) bool { return role == augment.RoleOrdered })
		for i := range p.candidates {
			if _, ok := roles[p.candidates[i].Name()]; !ok {
				roles[p.candidates[i].Name()] = augment.RoleAbsent
			}
		}
		for i := range p.others {
			if p.others[i].role == augment.RoleOrdered {
				p.others[i].role = augment.RoleAbsent
			}
		}
	}
	roles[c.Name()] = augment.RoleOrdered
	e, err := p.with(name, roles, map[string]bool{c.Name(): true})
	if err != nil {
		return e, err
	}
	term, err := loss.DefaultTerm(loss.KindESSL)
	if err != nil {
		return e, err
	}
	term.Baseline.Family = c.Name()
	if alone {
		term.Baseline.Weight = 1
		e.Loss = loss.Options{Invariance: loss.InvarianceOptions{Kind: loss.KindNone},
			Order: loss.OrderOptions{Kind: loss.KindNone}, Terms: []loss.TermOptions{term}}.Resolved()
	} else {
		e.Loss.Terms = append(slices.Clone(e.Loss.Terms), term)
		if len(e.Augment.Roles)+1 == len(e.Augment.Ordered) { // no other is ordered
			unordered(&e)
		} else {
			families := maps.Clone(e.Loss.Order.Families)
			if families == nil {
				families = map[string]loss.FamilyOptions{}
			}
			families[c.Name()] = loss.FamilyOptions{}
			e.Loss.Order.Families = families
		}
	}
	e.Eval.AtEnd = eval.AtEndRoles
	if err := e.Validate(); err != nil {
		return e, fault.New(fault.Config, "the trial %s: %w", name, err)
	}
	return e, nil
}

// askTurns has an evaluation tell quarter turns, if it doesn't already.
func askTurns(e *config.Experiment) {
	shown := slices.ContainsFunc(e.Augment.Ordered, func(f augment.Family) bool { return f.Name() == turns })
	if !shown && !slices.Contains(e.Eval.Families, turns) {
		e.Eval.Families = append(slices.Clone(e.Eval.Families), turns)
	}
}

// compare trains what the comparators need beside the trials, with the first seed, and fills in what they say.
func (s *selection) compare(ctx context.Context, r *Result, rounds int) error {
	if !s.o.Compare || rounds == 0 {
		return nil
	}
	var all []config.Experiment
	for i := range s.candidates {
		for _, alone := range []bool{false, true} {
			e, err := s.predicted(i, alone)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
	}
	var folders []string
	if s.o.Runs > 0 && s.ended+len(all) > s.o.Runs {
		r.Notes = append(r.Notes, "the runs were used up before the comparators that train could be tried")
	} else {
		var err error
		if folders, err = s.sweep(ctx, compareStage, 1, all); err != nil {
			return err
		}
	}
	r.Runs, r.Comparators = s.ended, s.comparators()
	for i := range r.Families {
		f := &r.Families[i]
		f.Comparators = map[string]Screen{}
		if err := s.compareTrials(f, i); err != nil {
			return err
		}
		if folders == nil {
			continue
		}
		if err := s.compareRuns(f, i, folders[2*i], folders[2*i+1]); err != nil {
			return err
		}
	}
	for _, c := range keeps {
		r.agree(c.name, c.sign, func(f *Family) (float64, bool) { x, ok := f.Comparators[c.name]; return x.Value, ok })
	}
	return nil
}

// compareTrials fills in what the first seed's trials say.
func (s *selection) compareTrials(f *Family, family int) error {
	absent, err := s.evaluationOf(s.folderOf(s.of(family, augment.RoleAbsent)))
	if err != nil {
		return err
	}
	invariant, err := s.evaluationOf(s.folderOf(s.of(family, augment.RoleInvariant)))
	if err != nil {
		return err
	}
	f.Comparators.difference(compareInvariant, invariant, absent)
	f.Comparators.add(compareTurns, invariant, "class_accuracy", turns)
	f.Comparators.add(compareDimension, invariant, "local_dimension", "")
	return nil
}

// compareRuns fills in what the two runs more say.
func (s *selection) compareRuns(f *Family, family int, predicted, alone string) error {
	absent, err := s.evaluationOf(s.folderOf(s.of(family, augment.RoleAbsent)))
	if err != nil {
		return err
	}
	beside, err := s.evaluationOf(predicted)
	if err != nil {
		return err
	}
	single, err := s.evaluationOf(alone)
	if err != nil {
		return err
	}
	f.Comparators.difference(comparePredicted, beside, absent)
	f.Comparators.add(compareSingle, single, "probe", "")
	return nil
}

// folderOf is the run of a cell with the first seed.
func (s *selection) folderOf(cell int) string {
	return s.rows[slices.IndexFunc(s.rows, func(t trial) bool { return t.cell == cell && t.seed == 1 })].folder
}

func (s *selection) evaluationOf(folder string) (evaluation.Result, error) {
	return evaluation.Read(evaluation.File(filepath.Join(s.dir, folder), evaluation.AtEnd))
}

// numbers are cheap numbers by name.
type numbers map[string]Screen

// add adds a metric of the features; what is undefined is left out.
func (n numbers) add(name string, of evaluation.Result, metric, family string) {
	if m, ok := find(of, metric, family); ok {
		n[name] = newScreen(m.Value.Number, m.Interval, m)
	}
}

// difference adds kNN of one run less kNN of another.
func (n numbers) difference(name string, of, over evaluation.Result) {
	a, ok := find(of, "knn", "")
	b, also := find(over, "knn", "")
	if ok && also {
		n[name] = Screen{Value: a.Value.Number - b.Value.Number, Images: a.Protocol.TestImages}
	}
}

// find is a defined metric of the features.
func find(r evaluation.Result, metric, family string) (evaluation.Metric, bool) {
	i := slices.IndexFunc(r.Metrics, func(m evaluation.Metric) bool {
		return m.Name == metric && m.Family == family && m.Output == graph.Features && m.Value.Defined
	})
	if i < 0 {
		return evaluation.Metric{}, false
	}
	return r.Metrics[i], true
}

// compared tells what the comparators said, and what each cost.
func (r Result) compared(b *strings.Builder) {
	head := []string{"comparators"}
	for _, c := range keeps {
		head = append(head, c.head)
	}
	rows := [][]string{head}
	for _, f := range r.Families {
		row := []string{f.Family}
		for _, c := range keeps {
			cell := "–"
			if x, ok := f.Comparators[c.name]; ok {
				cell = table.Number("%.3f", x.Value)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(b, "\n%s", table.Left(rows, 0))
	for _, c := range r.Comparators {
		fmt.Fprintln(b, table.Wrap(fmt.Sprintf("%s: %s. %s.", c.Name, c.Says, c.cost()), 2))
	}
	b.WriteString("\n")
}

// cost says how many runs a comparator takes.
func (c Comparator) cost() string {
	text := fmt.Sprintf("%d runs", c.Runs)
	if c.Runs == 1 {
		text = "1 run"
	}
	if c.Trained == 0 {
		return text + ", all trained here anyway"
	}
	return fmt.Sprintf("%s, %d of them for this alone", text, c.Trained)
}
