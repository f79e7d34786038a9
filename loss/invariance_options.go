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
)

// InvarianceOptions sets a term over the base views. Where a default depends on the kind, 0 (or an empty text) stands for
// it; a setting that a kind doesn't have must be left out.
type InvarianceOptions struct {
	Kind        string  `yaml:"kind"`        // ntxent (default), moco, vicreg, barlow_twins, simsiam, byol or none
	Temperature float64 `yaml:"temperature"` // of the similarities; ntxent 0.5, moco 0.2; range [0.005, 100]
	Weight      float64 `yaml:"weight"`      // default 1, range [0, 1e6]
	Output      string  `yaml:"output"`      // embedding (default); features can be had by ntxent, vicreg and barlow_twins
	Schedule    string  `yaml:"schedule"`    // of the weight: constant (default), linear or cosine, from 0 up
	Warmup      float64 `yaml:"warmup"`      // share of the training in which a schedule rises; default 0.1, range (0, 1]

	Queue            int     `yaml:"queue"`             // moco: keys that are kept; default 4096, range [1, 1048576]
	Momentum         float64 `yaml:"momentum"`          // of the averaged network; moco 0.999, byol 0.99; range (0, 1]
	MomentumSchedule string  `yaml:"momentum_schedule"` // moco constant; byol cosine: to 1 at the end of the training
	Similarity       float64 `yaml:"similarity"`        // vicreg: weight of the distance of two views; default 25, range [0, 1e6]
	Variance         float64 `yaml:"variance"`          // vicreg: weight of the deviations; default 25, range [0, 1e6]
	Covariance       float64 `yaml:"covariance"`        // vicreg: weight of the covariances; default 1, range [0, 1e6]
	Lambda           float64 `yaml:"lambda"`            // barlow_twins: weight of the off-diagonal; default 0.0051, range [0, 1e6]
}

// DefaultInvarianceOptions returns ntxent on the embedding with weight 1, unresolved.
func DefaultInvarianceOptions() InvarianceOptions {
	return InvarianceOptions{Kind: KindNTXent, Weight: 1, Output: OutputEmbedding, Schedule: ScheduleConstant}
}

// invarianceKind is a kind of term over the base views.
type invarianceKind struct {
	name     string
	defaults InvarianceOptions // of the settings whose default depends on the kind; zero: it doesn't have it
	outputs  []string          // that it can look at
	build    func(InvarianceOptions) term
}

var (
	anyOutput     = []string{OutputEmbedding, OutputFeatures}
	embeddingOnly = []string{OutputEmbedding}
)

var invarianceKinds = []invarianceKind{
	{KindNTXent, InvarianceOptions{Temperature: 0.5}, anyOutput,
		func(o InvarianceOptions) term { return &ntxentTerm{options: o} }},
	{KindMoCo, InvarianceOptions{Temperature: 0.2, Queue: 4096, Momentum: 0.999, MomentumSchedule: ScheduleConstant}, embeddingOnly,
		func(o InvarianceOptions) term { return &mocoTerm{options: o} }},
	{KindVICReg, InvarianceOptions{Similarity: 25, Variance: 25, Covariance: 1}, anyOutput,
		func(o InvarianceOptions) term { return &vicregTerm{options: o} }},
	{KindBarlowTwins, InvarianceOptions{Lambda: 0.0051}, anyOutput,
		func(o InvarianceOptions) term { return &barlowTerm{options: o} }},
	{KindSimSiam, InvarianceOptions{}, embeddingOnly, newSimSiam},
	{KindBYOL, InvarianceOptions{Momentum: 0.99, MomentumSchedule: ScheduleCosine}, embeddingOnly, newBYOL},
}

func findInvariance(kind string) (invarianceKind, bool) {
	for _, k := range invarianceKinds {
		if k.name == kind {
			return k, true
		}
	}
	return invarianceKind{}, false
}

// resolved fills in what was left at zero. What is left out keeps the values of ntxent, which mean nothing.
func (o InvarianceOptions) resolved() InvarianceOptions {
	kind := o.Kind
	if kind == KindNone {
		kind = KindNTXent
	}
	k, ok := findInvariance(kind)
	if !ok {
		return o
	}
	fill(&o.Temperature, k.defaults.Temperature)
	fill(&o.Queue, k.defaults.Queue)
	fill(&o.Momentum, k.defaults.Momentum)
	fill(&o.MomentumSchedule, k.defaults.MomentumSchedule)
	fill(&o.Similarity, k.defaults.Similarity)
	fill(&o.Variance, k.defaults.Variance)
	fill(&o.Covariance, k.defaults.Covariance)
	fill(&o.Lambda, k.defaults.Lambda)
	fill(&o.Output, OutputEmbedding)
	resolveSchedule(&o.Schedule, &o.Warmup)
	return o
}

// validate adds the faults of resolved options.
func (o InvarianceOptions) validate(add func(error), prefix string) {
	if o.Kind == KindNone {
		return
	}
	k, ok := findInvariance(o.Kind)
	if !ok {
		var names []string
		for _, k := range invarianceKinds {
			names = append(names, k.name)
		}
		add(oneOf(prefix+"kind", o.Kind, append(names, KindNone)...))
		return
	}
	d := k.defaults
	add(ofKind(prefix+"temperature", o.Kind, o.Temperature, d.Temperature, minInvarianceTemperature, maxTemperature))
	add(within(prefix+"weight", o.Weight, 0, maxWeight))
	add(oneOf(prefix+"output", o.Output, k.outputs...))
	validateSchedule(add, prefix, o.Schedule, o.Warmup)
	add(ofKind(prefix+"queue", o.Kind, float64(o.Queue), float64(d.Queue), 1, maxQueue))
	add(ofKind(prefix+"momentum", o.Kind, o.Momentum, d.Momentum, 0, 1))
	switch {
	case d.MomentumSchedule != "":
		add(oneOf(prefix+"momentum_schedule", o.MomentumSchedule, ScheduleConstant, ScheduleCosine))
	case o.MomentumSchedule != "":
		add(fmt.Errorf("%smomentum_schedule: %s has no such setting; leave it out, got %q", prefix, o.Kind, o.MomentumSchedule))
	}
	add(ofKind(prefix+"similarity", o.Kind, o.Similarity, d.Similarity, 0, maxWeight))
	add(ofKind(prefix+"variance", o.Kind, o.Variance, d.Variance, 0, maxWeight))
	add(ofKind(prefix+"covariance", o.Kind, o.Covariance, d.Covariance, 0, maxWeight))
	add(ofKind(prefix+"lambda", o.Kind, o.Lambda, d.Lambda, 0, maxWeight))
}

const maxQueue = 1 << 20

// baseNeeds are the needs of a term that compares the base views.
func baseNeeds(to []Need, v Views, kind string, needs ...Need) ([]Need, error) {
	if v.base() < 2 {
		return to, fmt.Errorf("%s compares the base views of an image and needs at least two of them: set augment.base_views to 2 or more", kind)
	}
	return append(to, needs...), nil
}
