package loss

import (
	"fmt"
	"math"
)

// relativeScaleTerm reads the scale of every ordered family off a linear head on the features, relative to the image's
// other views.
type relativeScaleTerm struct {
	names  []scaleNames
	kernel relativeScale
}

// scaleNames are the names of what belongs to a family.
type scaleNames struct{ family, head, value string }

func newRelativeScale(BaselineOptions) term { return &relativeScaleTerm{} }

// scaleColumns is how many numbers say a family's scale: of a cyclic one cosine and sine of the phase.
func (v Views) scaleColumns(f int) int {
	if v.period(f) > 0 {
		return 2
	}
	return 1
}

// namesOf returns the names of family f, put together once.
func (t *relativeScaleTerm) namesOf(f int, family string) scaleNames {
	for len(t.names) <= f {
		t.names = append(t.names, scaleNames{})
	}
	if t.names[f].family != family || t.names[f].head == "" {
		t.names[f] = scaleNames{family, headName("scale_", family), "value/" + family}
	}
	return t.names[f]
}

func (t *relativeScaleTerm) needs(to []Need, v Views) ([]Need, error) {
	first := len(to)
	for f, family := range v.Names {
		if !v.nominal(f) {
			to = append(to, Need{Output: t.namesOf(f, family).head, Dim: v.scaleColumns(f), Kind: NeedLinear})
		}
	}
	if len(to) == first {
		return to, fmt.Errorf("%s reads the scales of ordered families, and there is none: add one to augment.ordered",
			KindRelativeScale)
	}
	return to, nil
}

func (t *relativeScaleTerm) check(Views, []Output) error { return nil }

func (t *relativeScaleTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	var sum float64
	families := float64(len(outs))
	next := 0
	for f, family := range v.Names {
		if v.nominal(f) {
			continue
		}
		value := runRelativeScale(&t.kernel, newBatch(outs[next], v, nil, weight/families), v, f)
		d = append(d, Diagnostic{t.namesOf(f, family).value, value})
		sum += value / families
		next++
	}
	return sum, d
}

// relativeScale holds the buffers of runRelativeScale.
type relativeScale struct {
	members []int     // the views of the group: base views, then the family's
	target  []float64 // [K, C]
	rest    []float64 // [K, C] the head's rows less the targets
	mean    []float64 // [C]
}

// runRelativeScale returns the share of the scales' spread within images that the head's rows, the batch's, leave
// unexplained, and adds its gradient. Without any spread it is 0.
func runRelativeScale[T float](k *relativeScale, b batch[T], v Views, f int) float64 {
	k.members = appendGroup(k.members[:0], v, f)
	size := len(k.members) * b.dim
	k.target, k.rest, k.mean = sized(k.target, size), sized(k.rest, size), sized(k.mean, b.dim)
	var spread float64
	for n := range b.images {
		k.aim(v, f, n)
		spread += k.centre(k.target)
	}
	if spread == 0 {
		return 0
	}
	var rest float64
	for n := range b.images {
		k.aim(v, f, n)
		for i, view := range k.members {
			for c, x := range b.data[b.at(view, n):][:b.dim] {
				k.rest[i*b.dim+c] = float64(x) - k.target[i*b.dim+c]
			}
		}
		rest += k.centre(k.rest)
		for i, view := range k.members {
			pull := b.grad[b.at(view, n):][:b.dim]
			for c := range pull {
				pull[c] = add(pull[c], b.weight*2*k.rest[i*b.dim+c]/spread)
			}
		}
	}
	return rest / spread
}

// aim sets the targets of image n.
func (k *relativeScale) aim(v Views, f, n int) {
	period := v.period(f)
	for i, view := range k.members {
		s := v.Scale[view*v.Images+n]
		if period > 0 {
			k.target[2*i+1], k.target[2*i] = math.Sincos(2 * math.Pi * s / period)
		} else {
			k.target[i] = s
		}
	}
}

// centre takes the mean over the members off their rows, and returns what is left, squared and added up.
func (k *relativeScale) centre(rows []float64) (squares float64) {
	dim := len(k.mean)
	clear(k.mean)
	for i, x := range rows {
		k.mean[i%dim] += x / float64(len(k.members))
	}
	for i := range rows {
		rows[i] -= k.mean[i%dim]
		squares += rows[i] * rows[i]
	}
	return squares
}
