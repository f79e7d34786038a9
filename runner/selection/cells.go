package selection

import (
	"fmt"
	"slices"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/eval"
)

// roles are the roles that a family can have, in the order in which they are told.
var roles = []string{augment.RoleAbsent, augment.RoleInvariant, augment.RoleOrdered}

// design is the trials that a question asks for.
type design struct {
	o          Options
	candidates []candidate
	others     []candidate // families of the base with the roles that they keep
	views      int         // of an image, in every trial
	framing    string      // of all trials: that of the base with every candidate
	cells      []cell
}

// cell is the base with one candidate in another role; cell 0 is the base itself.
type cell struct {
	name string // of its file
	// family is the number of the candidate, -1: none, the base.
	family int
	role   string
	share  float64 // of the candidate's max, as augment.Family.Within has it; 1: all
}

// leastBase is the number of base views that there are at least.
const leastBase = 2

// reserved are the views of ordered families that are no candidates.
func (d *design) reserved() int {
	n := 0
	for _, c := range d.others {
		if c.role == augment.RoleOrdered {
			n += c.Levels
		}
	}
	return n
}

// maxViews is how many base views there may be in place of ordered ones.
const maxViews = 16

func newDesign(o Options) (*design, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &design{o: o}
	var err error
	if d.candidates, err = o.candidates(); err != nil {
		return nil, err
	}
	d.others = o.others(d.candidates)
	most, ordered := 0, 0
	for _, c := range slices.Concat(d.candidates, d.others) {
		if c.role == augment.RoleOrdered {
			ordered += c.Levels
		} else {
			most = max(most, c.Levels)
		}
	}
	d.views = o.Base.Augment.BaseViews + ordered + most
	if err := d.frame(); err != nil {
		return nil, err
	}
	d.cells = []cell{{"base", -1, "", 1}}
	for i, c := range d.candidates {
		for _, role := range roles {
			if role != c.role {
				d.cells = append(d.cells, cell{nameOf(c.Name()) + "-" + role, i, role, 1})
			}
		}
	}
	for _, c := range slices.Concat(d.cells, d.ranges()) {
		if _, err := d.experiment(c); err != nil {
			return nil, err
		}
	}
	for i := range d.candidates {
		if !o.Compare {
			break
		}
		for _, alone := range []bool{false, true} {
			if _, err := d.predicted(i, alone); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// frame finds how images are framed where every candidate is there.
func (d *design) frame() error {
	all := d.o.Base.Augment
	all.Ordered = nil
	for _, c := range slices.Concat(d.candidates, d.others) {
		all.Ordered = append(all.Ordered, c.Family)
	}
	plan, err := augment.NewPlan(all, d.o.Base.Data.ImageSize)
	if err != nil {
		return fault.Wrap(fault.Config, err)
	}
	d.framing = plan.Framing()
	return nil
}

// baseRoles are the candidates' roles in the base.
func (d *design) baseRoles() map[string]string {
	all := map[string]string{}
	for _, c := range d.candidates {
		all[c.Name()] = c.role
	}
	return all
}

// everyone shows all candidates to an evaluation.
func (d *design) everyone() map[string]bool {
	all := map[string]bool{}
	for _, c := range d.candidates {
		all[c.Name()] = true
	}
	return all
}

// of is the cell in which a candidate has a role.
func (d *design) of(family int, role string) int {
	if d.candidates[family].role == role {
		return 0
	}
	return slices.IndexFunc(d.cells, func(c cell) bool { return c.family == family && c.role == role && c.share == 1 })
}

// shares are the strengths at which invariance is tried beside a family's max.
var shares = []float64{0.25, 0.5}

// ranges are the cells of weaker invariance. A nominal family has no weaker one.
func (d *design) ranges() []cell {
	if !d.o.Range {
		return nil
	}
	var all []cell
	for i, c := range d.candidates {
		for _, share := range shares {
			if c.Family.Ordered() {
				all = append(all, cell{fmt.Sprintf("%s-%s-%g", nameOf(c.Name()), augment.RoleInvariant, share), i,
					augment.RoleInvariant, share})
			}
		}
	}
	return all
}

// experiment is a cell's.
func (d *design) experiment(c cell) (config.Experiment, error) {
	roles, shown := d.baseRoles(), d.everyone()
	if c.family >= 0 {
		name := d.candidates[c.family].Name()
		roles[name], shown = c.role, map[string]bool{name: true}
	}
	p := *d
	if c.share < 1 {
		p.candidates = slices.Clone(d.candidates)
		p.candidates[c.family].Family = p.candidates[c.family].Within(c.share)
	}
	e, err := p.with(c.name, roles, shown)
	if err != nil {
		return e, err
	}
	e.Eval.AtEnd = eval.AtEndRoles
	if d.o.Compare && c.share == 1 && (c.family < 0 || c.role == augment.RoleInvariant) {
		askTurns(&e)
	}
	return e, nil
}

// with is the base with these roles of the candidates. Candidates that are absent are left out, unless they are shown
// to the evaluation.
func (d *design) with(name string, roles map[string]string, shown map[string]bool) (config.Experiment, error) {
	e := d.o.Base
	e.Name = name
	e.Augment.Framing = d.framing
	e.Augment.Ordered, e.Augment.Roles = nil, map[string]string{}
	e.Augment.Invariant = slices.DeleteFunc(slices.Clone(e.Augment.Invariant), func(t augment.Transformation) bool {
		return t.Family != nil && roles[t.Family.Name()] != ""
	})
	views := d.views
	add := func(f augment.Family, role string) {
		e.Augment.Ordered = append(e.Augment.Ordered, f)
		if role == augment.RoleOrdered {
			views -= f.Levels
		} else {
			e.Augment.Roles[f.Name()] = role
		}
	}
	for _, c := range d.others {
		add(c.Family, c.role)
	}
	for _, c := range d.candidates {
		if role := roles[c.Name()]; role != augment.RoleAbsent || shown[c.Name()] {
			add(c.Family, role)
		}
	}
	e.Augment.BaseViews = views
	if len(e.Augment.Roles) == len(e.Augment.Ordered) { // none is ordered
		unordered(&e)
	}
	e.Eval.EveryEpochs = 0
	if views > maxViews {
		return e, fault.New(fault.Config, "%s: equal views ask for %d base views of an image where no family is ordered, "+
			"and %d are the most", d.o.Base.Name, views, maxViews).
			Advise("order fewer families in the base, or give them fewer levels")
	}
	if err := e.Validate(); err != nil {
		return e, fault.New(fault.Config, "the trial %s: %w", name, err)
	}
	return e, nil
}

// unordered takes out of a loss what is about ordered families: what compares images compares base views.
func unordered(e *config.Experiment) {
	without := loss.DefaultOptions()
	without.Order.Kind = loss.KindNone
	e.Loss.Order = without.Resolved().Order
	base := func(o *loss.InvarianceOptions) {
		o.Views, o.QueryWeight = without.Invariance.Views, without.Invariance.QueryWeight
	}
	base(&e.Loss.Invariance)
	var terms []loss.TermOptions
	for _, t := range e.Loss.Terms {
		if t.Order != nil {
			continue
		}
		if t.Invariance != nil {
			own := *t.Invariance
			base(&own)
			t.Invariance = &own
		}
		terms = append(terms, t)
	}
	e.Loss.Terms = terms
}

// pilot is the base with every candidate ordered, each at one scale.
func (d *design) pilot() (config.Experiment, error) {
	p := *d
	p.candidates = slices.Clone(d.candidates)
	roles := map[string]string{}
	for i := range p.candidates {
		p.candidates[i].Levels = 1
		roles[p.candidates[i].Name()] = augment.RoleOrdered
	}
	p.views = max(d.views, leastBase+len(p.candidates)+d.reserved())
	e, err := p.with("pilot", roles, nil)
	if err != nil {
		return e, err
	}
	e.Eval.AtEnd = eval.AtEndFull
	if watching, ok := watching(e.Loss); ok {
		e.Loss.Terms = append(slices.Clone(e.Loss.Terms), watching)
	}
	if err := e.Validate(); err != nil {
		return e, fault.New(fault.Config, "the trial %s: %w", e.Name, err)
	}
	return e, nil
}
