package loss

import "fmt"

// Kinds of invariance terms.
const (
	KindNTXent      = "ntxent"       // multi-view NT-Xent
	KindMoCo        = "moco"         // InfoNCE against keys of former batches
	KindVICReg      = "vicreg"       // distance, variance and covariance
	KindBarlowTwins = "barlow_twins" // correlation of two views
	KindSimSiam     = "simsiam"      // prediction of the other view's embedding
	KindBYOL        = "byol"         // prediction of the other view's target
	KindLeJEPA      = "lejepa"       // distance and normality
)

// InvarianceOptions sets a term over the base views. Where a default depends on the kind, 0 (or an empty text) stands
// for it; a setting that a kind doesn't have must be left out.
type InvarianceOptions struct {
	// Kind is what pulls the base views together: ntxent (default), moco, vicreg, barlow_twins, simsiam, byol,
	// lejepa or none.
	Kind        string  `yaml:"kind"`
	Temperature float64 `yaml:"temperature"` // divides the similarities; ntxent 0.5, moco 0.2; range [0.005, 100]
	Weight      float64 `yaml:"weight"`      // factor of the term; default 1, range [0, 1e6]
	// Views are those that are alike: base (default); all: base views and those of the ordered families, whatever their
	// scale, so that these take part in telling images apart; or, for ntxent, queries: the latter look for their image
	// among the base views, on which they don't pull. Views of nominal families never do.
	Views string `yaml:"views"`
	// QueryWeight is for the views queries of ntxent: how much one of their rows counts beside a base view's; default
	// 1, range [0, 1e6].
	QueryWeight float64 `yaml:"query_weight"`
	// Output is what the term looks at: embedding (default); ntxent, vicreg, barlow_twins and lejepa take features too,
	// ntxent also own, a head on the features for this term.
	Output string `yaml:"output"`
	// Standardise is for ntxent: every number of a row is shifted and scaled to have mean 0 and deviation 1 over the base
	// views of the batch before rows are compared, as a linear probe has its features; default false.
	Standardise bool   `yaml:"standardise"`
	Schedule    string `yaml:"schedule"` // course of the weight: constant (default), linear or cosine, from 0 up
	// Warmup is the share of the training in which a schedule rises; 0.1 where it is left out; range (0, 1].
	Warmup float64 `yaml:"warmup"`

	Queue int `yaml:"queue"` // moco: keys that are kept; default 4096, range [1, 1048576]
	// Momentum is for the averaged network: the share that a step keeps; moco 0.999, byol 0.99; range (0, 1].
	Momentum float64 `yaml:"momentum"`
	// MomentumSchedule is the course of the momentum: constant (moco) or cosine (byol), to 1 at the end of the training.
	MomentumSchedule string `yaml:"momentum_schedule"`
	// Similarity is for vicreg: the weight of the distance of two views; default 25, range [0, 1e6].
	Similarity float64 `yaml:"similarity"`
	Variance   float64 `yaml:"variance"`   // vicreg: weight of the deviations; default 25, range [0, 1e6]
	Covariance float64 `yaml:"covariance"` // vicreg: weight of the covariances; default 1, range [0, 1e6]
	// Lambda is the weight of the off-diagonal (barlow_twins; default 0.0051, range [0, 1e6]), or the share of normality
	// in the loss (lejepa; default 0.05, range [0, 1]).
	Lambda float64 `yaml:"lambda"`
	// Slices is for lejepa: the directions along which a step looks at the distribution; default 256, range [1, 65536].
	Slices int `yaml:"slices"`
}

// defaultInvarianceOptions returns ntxent on the embedding with weight 1, unresolved.
func defaultInvarianceOptions() InvarianceOptions {
	return InvarianceOptions{
		Kind: KindNTXent, Weight: 1, Views: ViewsBase, Output: OutputEmbedding, Schedule: ScheduleConstant,
	}
}

func (o InvarianceOptions) head() head {
	return head{roleInvariance, o.Kind, o.Weight, o.Schedule, o.Warmup}
}

// resolved fills in what was left at zero. What is left out keeps the values of ntxent, which mean nothing.
func (o InvarianceOptions) resolved() InvarianceOptions {
	name := o.Kind
	if name == KindNone {
		name = KindNTXent
	}
	k, ok := findKind(roleInvariance, name)
	if !ok {
		return o
	}
	d := k.defaults.Invariance
	fill(&o.Temperature, d.Temperature)
	fill(&o.Queue, d.Queue)
	fill(&o.Momentum, d.Momentum)
	fill(&o.MomentumSchedule, d.MomentumSchedule)
	fill(&o.Similarity, d.Similarity)
	fill(&o.Variance, d.Variance)
	fill(&o.Covariance, d.Covariance)
	fill(&o.Lambda, d.Lambda)
	fill(&o.Slices, d.Slices)
	fill(&o.Views, d.Views)
	fill(&o.Output, d.Output)
	fill(&o.QueryWeight, d.QueryWeight)
	resolveSchedule(&o.Schedule, &o.Warmup)
	return o
}

func (o InvarianceOptions) resolvedTerm() TermOptions {
	o = o.resolved()
	return TermOptions{Invariance: &o}
}

func (o InvarianceOptions) validate(add func(error), prefix string, k kind) {
	d := k.defaults.Invariance
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, d.Temperature, minInvarianceTemperature, maxTemperature))
	add(oneOf(prefix+"views", o.Views, k.views...))
	add(ofKind(prefix+"query_weight", o.Kind, o.QueryWeight, d.QueryWeight, 0, maxWeight))
	add(oneOf(prefix+"output", o.Output, k.outputs...))
	if o.Standardise && o.Kind != KindNTXent {
		add(foreign(prefix+"standardise", o.Kind, "true"))
	}
	add(ofKind(prefix+"queue", o.Kind, float64(o.Queue), float64(d.Queue), 1, maxQueue))
	add(ofKind(prefix+"momentum", o.Kind, o.Momentum, d.Momentum, 0, 1))
	switch {
	case d.MomentumSchedule != "":
		add(oneOf(prefix+"momentum_schedule", o.MomentumSchedule, ScheduleConstant, ScheduleCosine))
	case o.MomentumSchedule != "":
		add(foreign(prefix+"momentum_schedule", o.Kind, fmt.Sprintf("%q", o.MomentumSchedule)))
	}
	add(ofKind(prefix+"similarity", o.Kind, o.Similarity, d.Similarity, 0, maxWeight))
	add(ofKind(prefix+"variance", o.Kind, o.Variance, d.Variance, 0, maxWeight))
	add(ofKind(prefix+"covariance", o.Kind, o.Covariance, d.Covariance, 0, maxWeight))
	maxLambda := float64(maxWeight)
	if o.Kind == KindLeJEPA {
		maxLambda = 1
	}
	add(ofKind(prefix+"lambda", o.Kind, o.Lambda, d.Lambda, 0, maxLambda))
	add(ofKind(prefix+"slices", o.Kind, float64(o.Slices), float64(d.Slices), 1, maxSlices))
}

const (
	maxQueue  = 1 << 20
	maxSlices = 1 << 16
)

// The values of InvarianceOptions.Views.
const (
	ViewsBase    = "base"
	ViewsAll     = "all"
	ViewsQueries = "queries"
)

// appendCompared appends the views that the term compares: base views first, then, where all are, the others that have
// an order.
func (o InvarianceOptions) appendCompared(to []int, v Views) []int {
	to = appendBase(to, v)
	for i, f := range v.Family {
		if o.joins(v, f) {
			to = append(to, i)
		}
	}
	return to
}

// appendQueries appends the views that look for their image among the base views.
func (o InvarianceOptions) appendQueries(to []int, v Views) []int {
	for i, f := range v.Family {
		if o.Views == ViewsQueries && f >= 0 && !v.nominal(f) {
			to = append(to, i)
		}
	}
	return to
}

// joins says whether views of family f are compared beside the base views.
func (o InvarianceOptions) joins(v Views, f int) bool {
	return o.Views == ViewsAll && f >= 0 && !v.nominal(f)
}

// compared returns how many views the term compares.
func (o InvarianceOptions) compared(v Views) int {
	count := v.base()
	for _, f := range v.Family {
		if o.joins(v, f) {
			count++
		}
	}
	return count
}

// outputNeed is the need of the output that the term looks at.
func (o InvarianceOptions) outputNeed() Need {
	if o.Output == OutputOwn {
		return Need{Output: "invariance_" + o.Views, Kind: NeedOwn}
	}
	return outputNeed(o.Output)
}

// comparedNeeds are the needs of a term that compares views.
func (o InvarianceOptions) comparedNeeds(to []Need, v Views, needs ...Need) ([]Need, error) {
	if o.compared(v) < 2 {
		return to, fmt.Errorf("%s compares the %s views of an image and needs at least two of them: "+
			"set augment.base_views to 2 or more", o.Kind, o.Views)
	}
	return append(to, needs...), nil
}
