package loss

import (
	"errors"
	"math"
)

// rankNetTerm is the RankNet order loss over every ordered family.
type rankNetTerm struct {
	options OrderOptions
	kernel  rankNet
	names   []familyNames
}

// familyNames are the names of a family's diagnostics.
type familyNames struct{ family, value, accuracy, triplets string }

func (t *rankNetTerm) needs(to []Need, v Views) ([]Need, error) {
	if t.options.Anchors == AnchorsOrigin && len(v.Names) > 0 && v.base() == 0 {
		return to, errors.New("ranknet with anchors: origin needs at least one base view: set augment.base_views to 1 or more")
	}
	return append(to, outputNeed(t.options.Output)), nil
}

func (t *rankNetTerm) check(Views, []Output) error { return nil }

func (t *rankNetTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	k, o, out := &t.kernel, t.options, outs[0]
	value := runRankNet(k, out.Grad, out.Data, v, out.Dim, o.Anchors == AnchorsAll, o.Temperature, weight)
	var right float64
	var triplets int
	for f, s := range k.families {
		name := t.namesOf(f, v.Names[f])
		d = append(d, Diagnostic{name.value, s.value}, Diagnostic{name.triplets, float64(s.triplets)})
		if s.triplets > 0 {
			d = append(d, Diagnostic{name.accuracy, s.right / float64(s.triplets)})
		}
		right += s.right
		triplets += s.triplets
	}
	if triplets > 0 {
		d = append(d, Diagnostic{"accuracy", right / float64(triplets)})
	}
	return value, d
}

// namesOf returns the names of the diagnostics of family f, put together once.
func (t *rankNetTerm) namesOf(f int, family string) familyNames {
	for len(t.names) <= f {
		t.names = append(t.names, familyNames{})
	}
	if t.names[f].family != family || t.names[f].value == "" {
		t.names[f] = familyNames{family, "value/" + family, "accuracy/" + family, "triplets/" + family}
	}
	return t.names[f]
}

// rankNet holds the buffers of runRankNet and what it found for each family.
type rankNet struct {
	members  []int     // the views of the group at hand: base views first
	unit     []float64 // [V, D] normalised rows of one image
	inverse  []float64 // [V] one over their norms
	grad     []float64 // [V, D] gradient by unit
	group    group
	pull     []float64 // [K, K] gradient by the group's distances
	families []familyResult
}

type familyResult struct {
	value    float64 // mean over the triplets, 0 without any
	right    float64 // triplets in order, ties half
	triplets int
}

// runRankNet returns the mean of the families' losses and adds weight times its gradient to grad.
// z and grad are [V*images, dim], view-major.
func runRankNet[T float](k *rankNet, grad, z []T, v Views, dim int, allAnchors bool, temperature, weight float64) float64 {
	views := len(v.Family)
	k.unit, k.grad = grow(k.unit, views*dim), grow(k.grad, views*dim)
	k.inverse = grow(k.inverse, views)
	k.families = k.families[:0]
	for f := range v.Names {
		var r familyResult
		for n := range v.Images {
			k.gather(v, f, n, allAnchors)
			r.triplets += k.group.triplets()
		}
		k.families = append(k.families, r)
	}
	for n := range v.Images {
		clear(k.grad)
		for view := range views {
			at := (view*v.Images + n) * dim
			k.inverse[view] = normalize(k.unit[view*dim:][:dim], z[at:at+dim], cosineEps)
		}
		for f := range k.families {
			if r := &k.families[f]; r.triplets > 0 {
				k.gather(v, f, n, allAnchors)
				k.measure(dim)
				k.rank(r, temperature, 1/float64(r.triplets*len(k.families)))
				k.scatter(dim)
			}
		}
		for view := range views {
			at := (view*v.Images + n) * dim
			addNormalizeGrad(grad[at:at+dim], k.grad[view*dim:][:dim], k.unit[view*dim:][:dim], k.inverse[view], weight)
		}
	}
	var value float64
	for f := range k.families {
		if r := &k.families[f]; r.triplets > 0 {
			r.value /= float64(r.triplets)
			value += r.value / float64(len(k.families))
		}
	}
	return value
}

// gather fills members and the group's anchors and scales for family f of image n.
func (k *rankNet) gather(v Views, f, n int, allAnchors bool) {
	k.members = appendBase(k.members[:0], v)
	k.group.anchors = len(k.members)
	for view, family := range v.Family {
		if family == f {
			k.members = append(k.members, view)
		}
	}
	if allAnchors {
		k.group.anchors = len(k.members)
	}
	k.group.scale = k.group.scale[:0]
	for _, view := range k.members {
		k.group.scale = append(k.group.scale, v.Scale[view*v.Images+n])
	}
}

// measure fills the group's distances.
func (k *rankNet) measure(dim int) {
	size := len(k.members)
	k.group.distance = grow(k.group.distance, size*size)
	for i, a := range k.members {
		for j, b := range k.members[:i] {
			d := 1 - dot(k.unit[a*dim:][:dim], k.unit[b*dim:][:dim])
			k.group.distance[i*size+j], k.group.distance[j*size+i] = d, d
		}
	}
}

// rank adds the group's triplets to r, and fills pull with scale times the gradient of their sum.
func (k *rankNet) rank(r *familyResult, temperature, scale float64) {
	g := &k.group
	size := len(g.scale)
	k.pull = grow(k.pull, size*size)
	for i := range g.anchors {
		distance, pull := g.distance[i*size:][:size], k.pull[i*size:][:size]
		for j := range size {
			for l := range size {
				if i == j || i == l || !g.closer(i, j, l) {
					continue
				}
				wrong := distance[j] - distance[l]
				value, slope := softplus(wrong / temperature)
				r.value += value
				switch {
				case wrong < 0:
					r.right++
				case wrong == 0:
					r.right += 0.5
				}
				slope *= scale / temperature
				pull[j] += slope
				pull[l] -= slope
			}
		}
	}
}

// scatter adds the gradient by unit that follows from pull: a distance is 1 - cosine.
func (k *rankNet) scatter(dim int) {
	size := len(k.members)
	for i, a := range k.members {
		for j, b := range k.members {
			pull := k.pull[i*size+j]
			if pull == 0 {
				continue
			}
			gradA, gradB := k.grad[a*dim:][:dim], k.grad[b*dim:][:dim]
			unitA, unitB := k.unit[a*dim:][:dim], k.unit[b*dim:][:dim]
			for p := range gradA {
				gradA[p] -= pull * unitB[p]
				gradB[p] -= pull * unitA[p]
			}
		}
	}
}

// softplus returns log(1 + eˣ) and its derivative, for every x without overflow.
func softplus(x float64) (value, slope float64) {
	e := math.Exp(-math.Abs(x))
	value = math.Max(x, 0) + math.Log1p(e)
	if x >= 0 {
		return value, 1 / (1 + e)
	}
	return value, e / (1 + e)
}
