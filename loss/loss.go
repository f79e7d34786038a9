package loss

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Values is what Compute gives. Its slices are used again by the next call.
type Values struct {
	Total       float64 // sum of Weight*Value over the terms
	Terms       []Term
	Diagnostics []Diagnostic // of the embedding, and of what the terms do to each other
}

// Term is one summand of the loss.
type Term struct {
	Name        string       // its kind: ntxent, ranknet …; the second of a kind is called KIND_2, and so on
	Value       float64      // without the weight
	Weight      float64      // as its schedule has it now
	Diagnostics []Diagnostic // what tells whether the term works; those that are undefined for a batch are left out
}

// Diagnostic is a named number beside a value. The package documentation lists them.
type Diagnostic struct {
	Name  string
	Value float64
}

// term computes one summand.
type term interface {
	// needs appends the model outputs that the term looks at, or says why the term cannot work with what the view plan
	// alone decides, naming the key to set. It looks at nothing of v that depends on a batch. It doesn't allocate when it
	// is called again with an equal plan.
	needs(to []Need, v Views) ([]Need, error)
	// check says what in a batch the term cannot work with.
	check(v Views, outs []Output) error
	// compute returns the value without the weight, adds weight times the gradient to every out.Grad but the targets',
	// which are nil, and appends diagnostics to d. outs are in the order of needs.
	compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic)
}

// Loss computes an experiment's loss. It keeps its buffers from call to call: calls with the same shapes allocate
// nothing once a queue is full, and one Loss must not be used by two goroutines at once.
type Loss struct {
	terms     []member
	target    TargetOptions
	hasTarget bool
	compares  bool // there are invariance and order terms, whose gradients are compared

	needs   []Need         // of all terms
	found   []int          // where they are in the outputs
	scratch [][]float32    // by need: the gradient of the term at hand; zeros between terms
	shares  [2][][]float32 // by role, invariance and order, and need: the gradient of their terms
	against [][]float32    // by need of a term that watches: the gradient of the invariance terms
	health  health
	values  Values
}

// New returns the loss that the options, resolved, describe, or their faults.
func New(o Options) (*Loss, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.Resolved()
	l := new(Loss)
	seen := map[string]int{}
	for _, t := range o.all() {
		m := t.build()
		seen[m.name]++
		if n := seen[m.name]; n > 1 {
			m.name += "_" + strconv.Itoa(n)
		}
		l.terms = append(l.terms, m)
	}
	isRole := func(r role) bool { return slices.ContainsFunc(l.terms, func(m member) bool { return m.role == r }) }
	l.compares = isRole(roleInvariance) && isRole(roleOrder)
	l.target, l.hasTarget, _ = o.target() // Validate has looked at it
	l.values.Terms = make([]Term, len(l.terms))
	return l, nil
}

// Needs returns the model outputs that Compute needs for the views of a plan, in the order of the terms that need them.
// Of v it looks at what the plan alone decides: Family, Names, Period, Classes, DrawNames, DrawWidths and Shared.
// A term that cannot work with the plan is an error that names the key to set.
func (l *Loss) Needs(v Views) ([]Need, error) {
	if err := checkPlan(v); err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	if err := l.plan(v); err != nil {
		return nil, err
	}
	return append([]Need(nil), l.needs...), nil
}

// Target returns how the network of averaged weights follows the trained one; ok is false if no term needs it.
func (l *Loss) Target() (o TargetOptions, ok bool) { return l.target, l.hasTarget }

// plan finds what every term needs.
func (l *Loss) plan(v Views) (err error) {
	l.needs = l.needs[:0]
	for i := range l.terms {
		t := &l.terms[i]
		if t.needs, err = t.term.needs(t.needs[:0], v); err != nil {
			return err
		}
		for _, n := range t.needs {
			if l.needs, err = addNeed(l.needs, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Compute returns the loss of a batch and writes its gradient by every output into the output's Grad; outputs that no
// term needs get zeros. It is deterministic. Errors: an output that is needed is missing, shapes do not fit, a term
// cannot work with the views, or a needed output is not finite (ErrNonFinite, with the output's name and the row).
// After an error the gradients mean nothing.
func (l *Loss) Compute(v Views, outs []Output) (Values, error) {
	if err := l.check(v, outs); err != nil {
		return Values{}, err
	}
	for _, o := range outs {
		clear(o.Grad)
	}
	for i, at := range l.found {
		for r := range l.shares {
			l.shares[r][i] = l.shares[r][i][:0]
			if l.compares {
				l.shares[r][i] = sized(l.shares[r][i], len(outs[at].Grad))
				clear(l.shares[r][i])
			}
		}
	}
	var total float64
	for i := range l.terms {
		m, t := &l.terms[i], &l.values.Terms[i]
		if l.watches(m) {
			continue
		}
		weight := m.weight * ramp(m.schedule, m.warmup, v.Progress)
		value, d := m.compute(v, m.outs, weight, t.Diagnostics[:0])
		var square float64
		for j, at := range l.found {
			var share []float32
			if m.role != roleBaseline {
				share = l.shares[m.role][j]
			}
			square += take(outs[at].Grad, share, l.scratch[j])
		}
		d = append(d, Diagnostic{"gradient_norm", math.Sqrt(square)})
		*t = Term{Name: m.name, Value: value, Weight: weight, Diagnostics: d}
		total += weight * value
	}
	for i := range l.terms {
		if m := &l.terms[i]; l.watches(m) {
			l.watch(v, m, &l.values.Terms[i])
		}
	}
	l.values.Total = total
	l.values.Diagnostics = l.diagnose(l.values.Diagnostics[:0], v, outs)
	return l.values, nil
}

// watches says whether a term only watches what its gradient would do to the invariance terms.
func (l *Loss) watches(m *member) bool { return l.compares && m.role == roleOrder && m.weight == 0 }

// watch fills in a term that only watches, when the others' gradients are there. It adds nothing to them.
func (l *Loss) watch(v Views, m *member, t *Term) {
	l.against = l.against[:0]
	for _, n := range m.needs {
		for j := range l.needs {
			if l.needs[j].Output == n.Output {
				l.against = append(l.against, l.shares[roleInvariance][j])
			}
		}
	}
	value, d := m.term.(*orderTerm).watch(v, m.outs, l.against, t.Diagnostics[:0])
	*t = Term{Name: m.name, Value: value, Diagnostics: append(d, Diagnostic{"gradient_norm", 0})}
}

// diagnose appends what is true of the whole.
func (l *Loss) diagnose(d []Diagnostic, v Views, outs []Output) []Diagnostic {
	for _, at := range l.found {
		if outs[at].Name == OutputEmbedding {
			d = l.health.diagnose(d, v, outs[at])
		}
	}
	var squares [2]float64
	var product float64
	for j := range l.found {
		a, b := l.shares[roleInvariance][j], l.shares[roleOrder][j]
		along, squareA, squareB := productSums(a, b)
		if squareA > 0 && squareB > 0 {
			product += along
			squares[0] += squareA
			squares[1] += squareB
		}
	}
	if norm := math.Sqrt(squares[0]) * math.Sqrt(squares[1]); norm > 0 {
		d = append(d, Diagnostic{"gradient_cosine", product / norm})
	}
	return d
}

// check finds what is wrong with a batch, and fills found and the terms' outs.
func (l *Loss) check(v Views, outs []Output) error {
	if err := checkViews(v); err != nil {
		return fmt.Errorf("loss: %w", err)
	}
	if err := l.plan(v); err != nil {
		return err
	}
	for _, o := range outs {
		rows := 0
		for _, n := range l.needs {
			if n.Output == o.Name {
				rows = n.Kind.rows(v)
				if n.Kind != NeedTarget && o.Grad == nil {
					return fmt.Errorf("loss: output %q: the gradient has room for 0 values instead of %d", o.Name, len(o.Data))
				}
				if n.Dim != 0 && n.Dim != o.Dim {
					return fmt.Errorf("loss: output %q: its rows have %d values instead of %d", o.Name, o.Dim, n.Dim)
				}
			}
		}
		if err := checkOutput(o, rows); err != nil {
			return fmt.Errorf("loss: output %q: %w", o.Name, err)
		}
	}
	l.found = l.found[:0]
	for i, n := range l.needs {
		at := find(outs, n.Output)
		if at < 0 {
			return fmt.Errorf("loss: the model has no output %q", n.Output)
		}
		if err := checkFinite(v, outs[at]); err != nil {
			return fmt.Errorf("output %q: %w", n.Output, err)
		}
		l.found = append(l.found, at)
		if len(l.scratch) == i {
			l.scratch = append(l.scratch, nil)
			for r := range l.shares {
				l.shares[r] = append(l.shares[r], nil)
			}
		}
		l.scratch[i] = sized(l.scratch[i], len(outs[at].Grad))
	}
	for i := range l.terms {
		m := &l.terms[i]
		m.outs = m.outs[:0]
		for _, n := range m.needs {
			for j := range l.needs {
				if l.needs[j].Output == n.Output {
					o := outs[l.found[j]]
					if o.Grad != nil {
						o.Grad = l.scratch[j]
					}
					m.outs = append(m.outs, o)
				}
			}
		}
		if err := m.check(v, m.outs); err != nil {
			return err
		}
	}
	return nil
}

func find(outs []Output, name string) int {
	for i := range outs {
		if outs[i].Name == name {
			return i
		}
	}
	return -1
}
