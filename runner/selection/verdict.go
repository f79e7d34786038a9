package selection

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/models/graph"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/evaluation"
	"ordo/runner/statistics"
)

// Verdicts, beside the roles invariant and ordered.
const (
	LeaveOut  = config.VerdictLeaveOut
	Undecided = config.VerdictUndecided
)

// Result is select.json.
type Result struct {
	Folder    string  `json:"folder"`
	Base      string  `json:"base"` // the experiment's name
	Outcome   string  `json:"outcome"`
	DecidedBy string  `json:"decided_by"` // what the verdicts rest on
	Seeds     int     `json:"seeds"`
	Runs      int     `json:"runs"` // that were trained
	Margin    float64 `json:"margin"`
	Level     float64 `json:"level"` // of tests and intervals
	Deviation float64 `json:"deviation"`
	Freedom   float64 `json:"degrees_of_freedom"` // of the deviation
	// Without is the outcome without training, on the first seed's fold; what is null has none.
	Without    Without  `json:"without_training"`
	Families   []Family `json:"families"`
	Joint      Joint    `json:"joint"`
	Agreements []Agrees `json:"screens_against_trials"`
	// Comparators are others' ways to choose; nil: they were not asked for.
	Comparators []Comparator `json:"comparators,omitempty"`
	Notes       []string     `json:"notes,omitempty"`
}

// Without are outcomes that need no training.
type Without struct {
	Untrained *float64 `json:"untrained"` // the network before its first step
	Pixels    *float64 `json:"pixels"`
	Chance    *float64 `json:"chance"`
}

// without reads them from the pilot's evaluation.
func without(pilot evaluation.Result) (w Without) {
	n := pilot.Numbers()
	for _, of := range []struct {
		into    **float64
		numbers map[string]float64
	}{{&w.Untrained, n.Untrained}, {&w.Pixels, n.Pixels}, {&w.Chance, n.Chance}} {
		if y, ok := outcome(func(name string) (float64, bool) { x, ok := of.numbers[name]; return x, ok }); ok {
			*of.into = &y
		}
	}
	return w
}

// text says them in a sentence, and whether the base is no better; "" where there are none.
func (w Without) text(base float64) string {
	var parts []string
	for _, of := range []struct {
		name  string
		value *float64
	}{{"untrained network", w.Untrained}, {"raw pixels", w.Pixels}, {"chance", w.Chance}} {
		if of.value != nil {
			parts = append(parts, fmt.Sprintf("%s %.3f", of.name, *of.value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	text := "Without training, on the first fold: " + strings.Join(parts, ", ") + "."
	for _, of := range []struct {
		name  string
		value *float64
	}{{"an untrained network", w.Untrained}, {"raw pixels", w.Pixels}} {
		if of.value != nil && base > 0 && base <= *of.value {
			text += " The base is no better than " + of.name + ": it is a weak network, whose verdicts may not be those of a " +
				"better one."
			break
		}
	}
	return text
}

// base is the outcome of the base in the trials; 0: there were none.
func (r Result) base() float64 {
	for _, f := range r.Families {
		for _, role := range f.Roles {
			if role.Role == f.Base {
				return role.Outcome
			}
		}
	}
	return 0
}

// Family is what was found of a candidate.
type Family struct {
	Family      string            `json:"family"`
	Max         float64           `json:"max"`
	Unit        string            `json:"unit,omitempty"`
	Base        string            `json:"role_in_base"`
	Verdict     string            `json:"verdict"`
	Evidence    string            `json:"evidence"`
	P           float64           `json:"p"`      // of the roles' being one
	Holm        float64           `json:"p_holm"` // over the families
	Roles       []Role            `json:"roles"`
	Differences []Difference      `json:"differences"`
	Range       []Strength        `json:"invariance_by_max,omitempty"` // rising; empty: not asked for
	HoldsTo     *float64          `json:"invariance_costs_nothing_up_to,omitempty"`
	SeedsNeeded int               `json:"seeds_needed,omitempty"` // of an undecided one; 0: none, or more than MaxSeeds
	Screens     map[string]Screen `json:"screens"`
	Comparators numbers           `json:"comparators,omitempty"`
	// Hint is what the screen forgetting says: keep where its interval is below 0, forget where it is above, else "".
	Hint string `json:"hint,omitempty"`
}

// Hints of a family. Keep is a verdict, too, of Options.Fast.
const (
	Keep   = "keep"
	Forget = "forget"
)

// Role is a family in one of its roles.
type Role struct {
	Role    string    `json:"role"`
	Outcome float64   `json:"outcome"` // in the mean seed
	Seeds   []float64 `json:"by_seed"` // of those that it was trained with
	// Kept says what the features keep, means over the seeds: kNN and probe on transformed images, R² of the scale.
	Kept map[string]float64 `json:"kept"`
	Runs []string           `json:"runs"` // folders
}

// Strength is invariance up to some strength.
type Strength struct {
	Max     float64  `json:"max"`
	Outcome float64  `json:"outcome"`
	Gain    Estimate `json:"gain_over_absent"`
}

// Difference is a role's outcome less another's.
type Difference struct {
	Of   string `json:"of"`
	Over string `json:"over"`
	Estimate
}

// Screen is a cheap number of a family from the pilot's features.
type Screen struct {
	Value     float64  `json:"value"`
	Low       *float64 `json:"low"` // of the interval over images, or over stretches of the training; null: none
	High      *float64 `json:"high"`
	Images    int      `json:"images,omitempty"`
	Steps     int      `json:"steps,omitempty"`          // of the pilot, in place of images
	Negative  *float64 `json:"negative_share,omitempty"` // of the steps
	Chance    *float64 `json:"chance"`
	Untrained *float64 `json:"untrained"`
	Pixels    *float64 `json:"pixels"`
}

// Joint is the base with all chosen roles.
type Joint struct {
	Roles map[string]string `json:"roles"`
	// Gain is its outcome less the base's; nil where nothing was changed, or there were too few runs left.
	Gain    *Estimate `json:"gain_over_base,omitempty"`
	Runs    []string  `json:"runs,omitempty"` // folders; of a cell they are the cell's
	Runners []Runner  `json:"runners_up,omitempty"`
}

// Runner is the joint choice with another role of one family, one that was not out.
type Runner struct {
	Family string   `json:"family"`
	Role   string   `json:"role"`
	Gain   Estimate `json:"gain_over_joint"`
	Runs   []string `json:"runs"`
}

// Agrees says how far a cheap number would have said what trials did.
type Agrees struct {
	Screen string  `json:"screen"`
	Tau    float64 `json:"tau"` // Kendall's τ-b with With, over Of
	With   string  `json:"with"`
	Of     int     `json:"of"`
}

// What a number is compared with: a screen or a comparator, over the families, with how much invariance costs and how
// much order gains over absent; a number without labels, over the cells, with their outcome.
const (
	withCost    = "what invariance costs, over families"
	withGain    = "what order gains, over families"
	withOutcome = "the outcome, over trials' means"
)

// outcomeSays describes the outcome.
const outcomeSays = "mean of kNN's and the linear probe's accuracy on the features of held-out images"

// kept are the numbers of Role.Kept, by their names in a run's evaluation.
var kept = []string{"knn_transformed", "probe_transformed", "scale_r2"}

// judge makes verdicts of the rounds.
func (s *selection) judge(pilot string, rounds int) (Result, error) {
	screens, err := s.evaluationOf(pilot)
	if err != nil {
		return Result{}, err
	}
	r := Result{Folder: s.dir, Base: s.o.Base.Name, Outcome: outcomeSays, Seeds: rounds, Runs: s.ended, Margin: s.o.Margin,
		Level: statistics.Level, DecidedBy: s.o.decidedBy()}
	if !s.o.NoLabels {
		r.Without = without(screens)
	}
	t, ok := fit(s.seen, len(s.cells), max(rounds, 1))
	ok = ok && !s.o.NoLabels
	if rounds > 0 && ok {
		r.Deviation, r.Freedom = t.sigma, t.free
	}
	var p []float64
	for i, c := range s.candidates {
		f := Family{Family: c.Name(), Max: c.Max, Base: c.role, Verdict: Undecided, P: 1, Screens: map[string]Screen{}}
		if ok {
			f.P = s.test(t, i)
		}
		for _, role := range roles {
			f.Roles = append(f.Roles, s.role(t, ok, i, role))
		}
		p = append(p, f.P)
		r.Families = append(r.Families, f)
	}
	for i, adjusted := range statistics.Holm(p) {
		f := &r.Families[i]
		f.Holm = adjusted
		if !ok {
			f.Evidence = "there are too few trials to tell what chance does; train more seeds"
			switch {
			case s.o.pilotOnly():
				f.Evidence = "there were no trials, only the screens"
			case s.o.NoLabels:
				s.unlabelled(f, i)
			}
			continue
		}
		for _, pair := range [][2]string{
			{augment.RoleInvariant, augment.RoleAbsent}, {augment.RoleOrdered, augment.RoleAbsent},
			{augment.RoleOrdered, augment.RoleInvariant},
		} {
			f.Differences = append(f.Differences, Difference{pair[0], pair[1], t.difference(s.of(i, pair[0]), s.of(i, pair[1]))})
		}
		f.decide(s.o.Margin)
		if f.Verdict == Undecided {
			f.SeedsNeeded = t.seedsFor(max(f.open(), s.o.Margin), len(s.cells), MaxSeeds)
		}
		f.Evidence = f.evidence(s.o.Margin)
		s.rangeOf(f, t, i)
	}
	if err := s.screen(&r, screens, pilot); err != nil {
		return r, err
	}
	switch {
	case s.o.Fast:
		r.decideFast()
	case s.o.NoLabels && rounds > 0:
		r.Notes = append(r.Notes, whyUndecided)
	}
	return r, nil
}

// rangeOf says how strong invariance may be.
func (s *selection) rangeOf(f *Family, t twoWay, family int) {
	absent := s.of(family, augment.RoleAbsent)
	add := func(cell int, most float64) {
		f.Range = append(f.Range, Strength{most, t.cells[cell], t.difference(cell, absent)})
	}
	for i, c := range s.cells {
		if c.family == family && c.share < 1 {
			add(i, s.candidates[family].Within(c.share).Max)
		}
	}
	if len(f.Range) == 0 {
		return
	}
	add(s.of(family, augment.RoleInvariant), s.candidates[family].Max)
	text := "invariance costs from the weakest on"
	for _, point := range f.Range {
		if point.Gain.High < 0 {
			break
		}
		f.HoldsTo = &point.Max
		text = fmt.Sprintf("invariance costs nothing for sure up to %.3g", point.Max)
	}
	f.Evidence += "; " + text
}

// role is what was found of a family in a role.
func (s *selection) role(t twoWay, ok bool, family int, role string) Role {
	cell := s.of(family, role)
	r := Role{Role: role, Kept: map[string]float64{}}
	if ok {
		r.Outcome = t.cells[cell]
	}
	sums := map[string]float64{}
	counts := map[string]int{}
	for i, row := range s.rows {
		if row.cell != cell {
			continue
		}
		r.Seeds = append(r.Seeds, s.seen[i].y)
		r.Runs = append(r.Runs, row.folder)
		for _, name := range kept {
			if x, ok := row.numbers[s.candidates[family].Name()+"."+name+"."+graph.Features]; ok {
				sums[name] += x
				counts[name]++
			}
		}
	}
	for name, n := range counts {
		r.Kept[name] = sums[name] / float64(n)
	}
	if !ok && len(r.Seeds) > 0 {
		r.Outcome = mean(r.Seeds)
	}
	return r
}

// difference is that of a role over another, in either direction.
func (f *Family) difference(of, over string) Estimate {
	for _, d := range f.Differences {
		switch {
		case d.Of == of && d.Over == over:
			return d.Estimate
		case d.Of == over && d.Over == of:
			return Estimate{-d.Value, -d.High, -d.Low, d.P}
		}
	}
	return Estimate{P: 1}
}

func (f *Family) outcome(role string) float64 {
	i := slices.IndexFunc(f.Roles, func(r Role) bool { return r.Role == role })
	return f.Roles[i].Outcome
}

// open is the largest difference between roles that may still be the best.
func (f *Family) open() float64 {
	w := 0.
	for _, d := range f.Differences {
		if !f.out(d.Of) && !f.out(d.Over) {
			w = max(w, math.Abs(d.Value))
		}
	}
	return w
}

// best is the role with the highest outcome; in the order of roles where some are equal.
func (f *Family) best() string {
	best := roles[0]
	for _, role := range roles {
		if f.outcome(role) > f.outcome(best) {
			best = role
		}
	}
	return best
}

// out says whether the best role is above this one for sure.
func (f *Family) out(role string) bool {
	best := f.best()
	return role != best && f.difference(best, role).Low > 0
}

// decide sets the verdict, as the package's documentation says.
func (f *Family) decide(margin float64) {
	absent, invariant, ordered := f.out(augment.RoleAbsent), f.out(augment.RoleInvariant), f.out(augment.RoleOrdered)
	within := !slices.ContainsFunc(f.Differences, func(d Difference) bool { return d.Low < -margin || d.High > margin })
	switch {
	case f.Holm >= statistics.Level && within:
		f.Verdict = LeaveOut
	case f.Holm >= statistics.Level || !absent && !invariant:
		f.Verdict = Undecided
	case !absent && ordered: // and invariant is out
		f.Verdict = LeaveOut
	case invariant:
		f.Verdict = augment.RoleOrdered
	default:
		f.Verdict = augment.RoleInvariant
	}
}

// evidence is the verdict's reason in one sentence.
func (f *Family) evidence(margin float64) string {
	best := f.best()
	with := func(e Estimate) string {
		return fmt.Sprintf("%s points (95 %% from %s to %s)", points(e.Value), points(e.Low), points(e.High))
	}
	var others []string
	for _, role := range roles {
		if role != best {
			others = append(others, with(f.difference(role, best))+" "+role)
		}
	}
	text := fmt.Sprintf("%s has %.3f, and beside it %s", best, f.outcome(best), strings.Join(others, ", "))
	switch {
	case f.Verdict == LeaveOut && f.Holm >= statistics.Level:
		return fmt.Sprintf("all roles are within %.1f points of each other: %s", 100*margin, text)
	case f.Verdict != Undecided:
		return text
	case f.Holm >= statistics.Level:
		text += fmt.Sprintf("; the roles do not differ beyond chance (p = %.2g after Holm)", f.Holm)
	default:
		text += "; which of those that are left is the best is not known"
	}
	if f.SeedsNeeded > 0 {
		return text + fmt.Sprintf("; about %d seeds would decide it", f.SeedsNeeded)
	}
	return text + fmt.Sprintf("; more than %d seeds would be needed", MaxSeeds)
}

// Chosen is the role that a verdict gives a family: that of the base where it is undecided, and where it is to be kept
// and isn't invariant there.
func (f Family) Chosen() string {
	switch f.Verdict {
	case LeaveOut:
		return augment.RoleAbsent
	case Undecided:
		return f.Base
	case Keep:
		if f.Base == augment.RoleInvariant {
			return augment.RoleAbsent
		}
		return f.Base
	}
	return f.Verdict
}

// points writes a difference of shares in hundredths.
func points(difference float64) string { return table.Number("%+.1f", 100*difference) }
