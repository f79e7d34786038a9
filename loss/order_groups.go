package loss

// orderLoss is a loss over the distances of a group. A family's loss is the mean over the summands of all its groups.
type orderLoss interface {
	// summands returns how many a group has, which depends on its scales alone.
	summands(g *group) int
	// add returns the sum of the group's summands, and adds scale times its gradient to g.pull.
	add(g *group, scale float64) float64
}

// wholeLoss is a loss that is no sum over groups.
type wholeLoss[T float] interface {
	// run returns the sum over the summands and their number, and adds the gradient of their mean, unless the batch has no
	// room for it. The members of family f have been gathered.
	run(k *order[T], b batch[T], v Views, f int) (sum float64, summands int)
}

// order computes the order losses of a batch's families, and keeps the buffers from call to call.
type order[T float] struct {
	loss       orderLoss    // over groups, or nil
	whole      wholeLoss[T] // over the whole batch, where loss is nil
	distance   string
	allAnchors bool

	members  []int     // the views of the group at hand: base views first
	scale    []float64 // and their scales
	used     []bool    // [V] views that a group has
	rows     distanceRows
	group    group
	families []familyResult
	counted  int // the families that the loss is the mean over: those that are not nominal
}

// familyResult is what was found for one family.
type familyResult struct {
	weight   float64 // beside the term's
	skipped  bool    // it is nominal
	value    float64 // mean over the summands, 0 without any
	summands int
	active   int // summands of a hinge that are not zero
	triplets int
	right    float64 // triplets in order, ties half
	violated int     // triplets that are not strictly in order
}

// newOrder returns what computes the loss of resolved options over groups, or over the whole batch where loss is nil.
func newOrder[T float](o OrderOptions, loss func(OrderOptions) orderLoss) *order[T] {
	k := &order[T]{distance: o.Distance, allAnchors: o.Anchors == AnchorsAll}
	switch {
	case loss != nil:
		k.loss = loss(o)
	case o.Kind == KindRelativeScale:
		k.whole = &relativeScale[T]{}
	default:
		k.whole = &rankNContrast[T]{temperature: o.Temperature}
	}
	return k
}

// begin counts what the batch has to order. The weights are the families', beside the term's.
func (k *order[T]) begin(v Views, weights []float64) {
	k.families = k.families[:0]
	k.counted = 0
	for f := range v.Names {
		r := familyResult{skipped: v.nominal(f)}
		if !r.skipped {
			k.counted++
			r.weight = weights[f]
			k.gather(v, f)
			for n := range v.Images {
				k.setScales(v, f, n)
				r.triplets += k.group.triplets()
				if k.loss != nil {
					r.summands += k.loss.summands(&k.group)
				}
			}
		}
		k.families = append(k.families, r)
	}
}

// run computes the families for which reads is true, on the rows of one output, and adds the gradient, unless the batch
// has no room for it. It comes after begin.
func (k *order[T]) run(b batch[T], v Views, reads []bool) {
	k.mark(v, reads)
	for n := range v.Images {
		k.rows.reset(k.distance, len(v.Family), b.dim)
		for view, used := range k.used {
			if used {
				loadRow(&k.rows, view, b.data[b.at(view, n):][:b.dim])
			}
		}
		for f := range k.families {
			r := &k.families[f]
			if r.triplets == 0 || !reads[f] {
				continue
			}
			k.gather(v, f)
			k.setScales(v, f, n)
			k.measure()
			right, violated := k.group.judge()
			r.right += right
			r.violated += violated
			if k.loss != nil {
				k.group.active = 0
				k.group.pull = grow(k.group.pull, k.group.anchors*k.group.size)
				r.value += k.loss.add(&k.group, r.weight/(float64(r.summands)*float64(k.counted)))
				r.active += k.group.active
				k.scatter()
			}
		}
		if b.grad == nil || k.loss == nil {
			continue
		}
		for view, used := range k.used {
			if used {
				storeRow(&k.rows, view, b.grad[b.at(view, n):][:b.dim], b.weight)
			}
		}
	}
	for f := range k.families {
		r := &k.families[f]
		if r.skipped || !reads[f] {
			continue
		}
		if k.whole != nil {
			k.gather(v, f)
			own := b
			own.weight = b.weight * r.weight / float64(k.counted)
			r.value, r.summands = k.whole.run(k, own, v, f)
		}
		if r.summands > 0 {
			r.value /= float64(r.summands)
		}
	}
}

// value is the term's, when all outputs have been looked at.
func (k *order[T]) value() float64 {
	var sum float64
	for _, r := range k.families {
		if !r.skipped {
			sum += r.weight * r.value / float64(k.counted)
		}
	}
	return sum
}

// mark finds the views that are in a group of the families.
func (k *order[T]) mark(v Views, reads []bool) {
	k.used = k.used[:0]
	for _, f := range v.Family {
		k.used = append(k.used, f == BaseView || f >= 0 && !k.families[f].skipped && reads[f])
	}
}

// gather fills members for family f.
func (k *order[T]) gather(v Views, f int) {
	k.members = appendGroup(k.members[:0], v, f)
}

// anchors returns how many of the members, the first ones, are anchors.
func (k *order[T]) anchors(v Views) int {
	if k.allAnchors {
		return len(k.members)
	}
	return v.base()
}

// setScales begins the group of family f of image n; its members have been gathered.
func (k *order[T]) setScales(v Views, f, n int) {
	k.scale = k.scale[:0]
	for _, view := range k.members {
		k.scale = append(k.scale, v.Scale[view*v.Images+n])
	}
	k.group.setScales(k.scale, k.anchors(v), v.period(f))
}

// measure fills the group's distances.
func (k *order[T]) measure() {
	g := &k.group
	g.distance = sized(g.distance, g.anchors*g.size)
	for i, a := range k.members[:g.anchors] {
		g.distance[i*g.size+i] = 0
		for j := i + 1; j < g.size; j++ {
			d := k.rows.between(a, k.members[j])
			g.distance[i*g.size+j] = d
			if j < g.anchors {
				g.distance[j*g.size+i] = d
			}
		}
	}
}

// scatter adds the gradient by rows that follows from the group's pull.
func (k *order[T]) scatter() {
	g := &k.group
	for i, a := range k.members[:g.anchors] {
		for j := i + 1; j < g.size; j++ {
			pull := g.pull[i*g.size+j]
			if j < g.anchors {
				pull += g.pull[j*g.size+i]
			}
			if pull != 0 {
				k.rows.addPull(a, k.members[j], g.distance[i*g.size+j], pull)
			}
		}
	}
}
