package loss

import "slices"

// role is what a term wants, for the diagnostics that compare terms. Terms of one role have the same type of options.
type role int

const (
	roleInvariance role = iota
	roleOrder
	roleBaseline
)

// kind is a kind of term. It has the settings whose default is not zero, those that also names, and those that every
// kind of its role has.
type kind struct {
	name     string
	role     role
	defaults TermOptions // an entry of this kind
	also     []string
	build    func(TermOptions) term

	outputs   []string // of an invariance or order term: what the setting output can name
	views     []string // of an invariance term: what the setting views can name
	distances []string // of an order term: what the setting distance can name
}

// kinds are all kinds of terms, role by role, the default of the role first. A new one is an entry here, a file with
// its term or its orderLoss, and a paragraph in doc.go.
var kinds = []kind{
	invarianceKind(KindNTXent, InvarianceOptions{Temperature: 0.5, QueryWeight: 1}, newNTXent,
		OutputEmbedding, OutputFeatures, OutputOwn),
	invarianceKind(KindMoCo, InvarianceOptions{
		Temperature: 0.2, Queue: 4096, Momentum: 0.999, MomentumSchedule: ScheduleConstant,
	}, newMoCo, OutputEmbedding),
	invarianceKind(KindVICReg, InvarianceOptions{Similarity: 25, Variance: 25, Covariance: 1}, newVICReg,
		OutputEmbedding, OutputFeatures),
	invarianceKind(KindBarlowTwins, InvarianceOptions{Lambda: 0.0051}, newBarlow, OutputEmbedding, OutputFeatures),
	invarianceKind(KindSimSiam, InvarianceOptions{}, newSimSiam, OutputEmbedding),
	invarianceKind(KindBYOL, InvarianceOptions{Momentum: 0.99, MomentumSchedule: ScheduleCosine}, newBYOL,
		OutputEmbedding),
	invarianceKind(KindLeJEPA, InvarianceOptions{Lambda: 0.05, Slices: 256}, newLeJEPA, OutputEmbedding, OutputFeatures),

	orderKind(KindRankNet, OrderOptions{Temperature: 0.1}, newRankNet),
	orderKind(KindTriplet, OrderOptions{Margin: 0.2}, newTriplet, "scaled_margin"),
	orderKind(KindListMLE, OrderOptions{Temperature: 0.1}, newListMLE),
	orderKind(KindSoftSpearman, OrderOptions{Temperature: 0.1}, newSoftSpearman),
	orderKind(KindChain, OrderOptions{Temperature: 0.1}, newChain, "margin"),
	orderKind(KindRankNContrast, OrderOptions{Temperature: 2, Distance: DistanceEuclidean, Anchors: AnchorsAll}, nil),
	orderKind(KindRelativeScale, OrderOptions{Distance: DistanceEuclidean, Anchors: AnchorsAll, Output: OutputOwn}, nil),

	baselineKind(KindESSL, BaselineOptions{Weight: 0.4}, newESSL, "family"),
	baselineKind(KindAugSelf, BaselineOptions{Weight: 1, Groups: AugSelfGroups{Crop: 1, Color: 1}}, newAugSelf),
	baselineKind(KindCARE, BaselineOptions{Weight: 0.6, Output: OutputEmbedding}, newCARE),
	baselineKind(KindEquiMod, BaselineOptions{Weight: 1, Temperature: 0.2}, newEquiMod),
}

// invarianceKind is a kind of term over views that should be alike; d are the defaults that the others of its role
// don't share.
func invarianceKind(name string, d InvarianceOptions, build func(InvarianceOptions) term, outputs ...string) kind {
	d.Kind, d.Weight, d.Output, d.Schedule = name, 1, OutputEmbedding, ScheduleConstant
	d.Views = ViewsBase
	k := kind{
		name: name, role: roleInvariance, defaults: TermOptions{Invariance: &d}, outputs: outputs,
		build: func(t TermOptions) term { return build(*t.Invariance) },
		views: []string{ViewsBase, ViewsAll},
	}
	if d.QueryWeight != 0 {
		k.views = append(k.views, ViewsQueries)
	}
	return k
}

// orderKind is a kind of term over the ordered families; loss is nil for those that look at the whole batch.
func orderKind(name string, d OrderOptions, loss func(OrderOptions) orderLoss, also ...string) kind {
	d.Kind, d.Weight, d.Schedule = name, 1, ScheduleConstant
	fill(&d.Output, OutputEmbedding)
	fill(&d.Distance, DistanceCosine)
	fill(&d.Anchors, AnchorsOrigin)
	k := kind{
		name: name, role: roleOrder, defaults: TermOptions{Order: &d}, also: also,
		build:     func(t TermOptions) term { return newOrderTerm(*t.Order, loss) },
		outputs:   []string{OutputEmbedding, OutputFeatures, OutputOwn},
		distances: []string{DistanceCosine, DistanceEuclidean, DistanceSqEuclidean},
	}
	if name == KindRelativeScale {
		k.outputs, k.distances = []string{OutputOwn}, []string{DistanceEuclidean}
	}
	return k
}

// baselineKind is a kind of term of another method.
func baselineKind(name string, d BaselineOptions, build func(BaselineOptions) term, also ...string) kind {
	d.Kind, d.Schedule = name, ScheduleConstant
	return kind{
		name: name, role: roleBaseline, defaults: TermOptions{Baseline: &d}, also: also,
		build: func(t TermOptions) term { return build(*t.Baseline) },
	}
}

// findKind returns the kind of a role by its name.
func findKind(r role, name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.role == r && k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// kindNames returns the names of the kinds of a role.
func kindNames(r role) []string {
	var names []string
	for _, k := range kinds {
		if k.role == r {
			names = append(names, k.name)
		}
	}
	return names
}
