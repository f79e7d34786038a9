package loss

import "fmt"

// TermOptions is one entry of `loss.terms`: one of its fields is set, the one that knows the entry's kind. In YAML the
// entry holds the settings of that field.
type TermOptions struct {
	Invariance *InvarianceOptions
	Order      *OrderOptions
	Baseline   *BaselineOptions
}

// settings are the options of a term: a field of TermOptions.
type settings interface {
	head() head
	// resolvedTerm returns a copy, with what was left at zero filled in.
	resolvedTerm() TermOptions
	// validate adds the faults of resolved options, but for the head's.
	validate(add func(error), prefix string, k kind)
}

// head is what the options of every role have.
type head struct {
	role     role
	kind     string
	weight   float64
	schedule string
	warmup   float64
}

// left says whether the term is left out.
func (h head) left() bool { return h.kind == KindNone && h.role != roleBaseline }

// TermKinds returns the kinds that an entry of `loss.terms` can have.
func TermKinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// DefaultTerm returns the resolved defaults of an entry of a kind, or an error for a name that is not in TermKinds.
func DefaultTerm(name string) (TermOptions, error) {
	for _, k := range kinds {
		if k.name == name {
			return k.defaults.resolved(), nil
		}
	}
	return TermOptions{}, oneOf("kind", name, TermKinds()...)
}

// set returns the fields that are set.
func (t TermOptions) set() []settings {
	var set []settings
	if t.Invariance != nil {
		set = append(set, t.Invariance)
	}
	if t.Order != nil {
		set = append(set, t.Order)
	}
	if t.Baseline != nil {
		set = append(set, t.Baseline)
	}
	return set
}

// Settings returns a pointer to the field that is set, or nil.
func (t TermOptions) Settings() any {
	if set := t.set(); len(set) > 0 {
		return set[0]
	}
	return nil
}

// MarshalYAML gives the settings.
func (t TermOptions) MarshalYAML() (any, error) { return t.Settings(), nil }

// resolved returns a copy, which doesn't share its settings with t.
func (t TermOptions) resolved() TermOptions {
	if set := t.set(); len(set) == 1 {
		return set[0].resolvedTerm()
	}
	return t
}

// validate adds the faults of a resolved entry.
func (t TermOptions) validate(add func(error), prefix string) {
	set := t.set()
	switch {
	case len(set) != 1:
		add(fmt.Errorf("%skind: must be set for every entry, with the settings of that kind alone", prefix))
	case set[0].head().left():
		add(fmt.Errorf("%skind: must not be none in a list; leave the entry out", prefix))
	default:
		validateTerm(set[0], add, prefix)
	}
}

// validateTerm adds the faults of a term's resolved options; the keys have the prefix.
func validateTerm(s settings, add func(error), prefix string) {
	h := s.head()
	if h.left() {
		return
	}
	k, ok := findKind(h.role, h.kind)
	if !ok {
		names := kindNames(h.role)
		if h.role != roleBaseline {
			names = append(names, KindNone)
		}
		add(oneOf(prefix+"kind", h.kind, names...))
		return
	}
	add(within(prefix+"weight", h.weight, 0, maxWeight))
	validateSchedule(add, prefix, h.schedule, h.warmup)
	s.validate(add, prefix, k)
}

// member is a term of a Loss.
type member struct {
	term
	head
	name  string
	needs []Need   // of the views at hand
	outs  []Output // what needs names, with a gradient of the term's own
}

// build makes the term that resolved and valid options describe.
func (t TermOptions) build() member {
	h := t.set()[0].head()
	k, _ := findKind(h.role, h.kind)
	return member{term: k.build(t), head: h, name: h.kind}
}
