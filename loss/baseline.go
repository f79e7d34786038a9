package loss

// BaselineOptions sets a term of another method, as its authors define it. Where a default depends on the kind, 0 (or an
// empty text) stands for it, but for the weight; a setting that a kind doesn't have must be left out.
type BaselineOptions struct {
	Kind     string  `yaml:"kind"`             // essl, augself, care or equimod
	Weight   float64 `yaml:"weight"`           // essl 0.4, augself 1, care 0.6, equimod 1; range [0, 1e6]
	Schedule string  `yaml:"schedule"`         // of the weight: constant (default), linear or cosine, from 0 up
	Warmup   float64 `yaml:"warmup,omitempty"` // share of the training in which a schedule rises; default 0.1, range (0, 1]
}

// baselineKind is a kind of term of another method.
type baselineKind struct {
	name     string
	defaults BaselineOptions // zero: it doesn't have the setting
	build    func(BaselineOptions) term
}

var baselineKinds = []baselineKind{}

func findBaseline(kind string) (baselineKind, bool) {
	for _, k := range baselineKinds {
		if k.name == kind {
			return k, true
		}
	}
	return baselineKind{}, false
}

// resolved fills in what was left at zero.
func (o BaselineOptions) resolved() BaselineOptions {
	if _, ok := findBaseline(o.Kind); !ok {
		return o
	}
	resolveSchedule(&o.Schedule, &o.Warmup)
	return o
}

// validate adds the faults of resolved options.
func (o BaselineOptions) validate(add func(error), prefix string) {
	_, ok := findBaseline(o.Kind)
	if !ok {
		var names []string
		for _, k := range baselineKinds {
			names = append(names, k.name)
		}
		add(oneOf(prefix+"kind", o.Kind, names...))
		return
	}
	add(within(prefix+"weight", o.Weight, 0, maxWeight))
	validateSchedule(add, prefix, o.Schedule, o.Warmup)
}
