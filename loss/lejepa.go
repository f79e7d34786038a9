package loss

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"ordo/loss/matrix"
)

// The characteristic functions are compared at 17 points of [-5, 5], as the authors do. They are even or odd in t, so
// that the points above 0 tell all, and at 0 there is nothing to compare.
const (
	lejepaPoints = 8
	lejepaStep   = 5. / lejepaPoints
)

// lejepaTerm is LeJEPA over the compared views.
type lejepaTerm struct {
	options    InvarianceOptions
	base       []int // the views that are compared
	kernel     lejepa[float32]
	similarity similarity
}

func newLeJEPA(o InvarianceOptions) term { return &lejepaTerm{options: o} }

func (t *lejepaTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, outputNeed(t.options.Output))
}

func (t *lejepaTerm) check(Views, []Output) error { return nil }

func (t *lejepaTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	k, out, o := &t.kernel, outs[0], t.options
	k.aim(out.Dim, o.Slices, math.Float64bits(v.Progress))
	value := runLeJEPA(k, newBatch(out, v, t.base, weight), o.Lambda)
	d = append(d, Diagnostic{"distance", k.distance}, Diagnostic{"normality", k.normality})
	return value, t.similarity.diagnose(d, out, t.base, v.Images)
}

// lejepa holds the buffers of runLeJEPA and the parts of its value.
type lejepa[T float] struct {
	random     rand.PCG
	normal     *rand.Rand // of random
	directions []T        // [S, D] of length 1
	down       matrix.Packed[T]
	up         matrix.Packed[T]
	projected  []T       // [N, S] the rows of the view at hand along the directions, then the gradient by them
	pull       []T       // [N, D] the gradient by the rows
	values     []float64 // [S] the test's statistic by direction
	mean       []float64 // [D] of the views of an image
	distance   float64   // mean squared difference of a view from its image's mean
	normality  float64   // mean statistic, 0 for a standard normal distribution
}

// aim draws the directions. The seed is the course of the training, so that each step has others, and one that is
// done again has the same.
func (k *lejepa[T]) aim(dim, slices int, seed uint64) {
	k.directions = sized(k.directions, slices*dim)
	if k.normal == nil {
		k.normal = rand.New(&k.random)
	}
	k.random.Seed(seed, lejepaSeed)
	unit := sized(k.mean, dim)
	for at := 0; at < len(k.directions); at += dim {
		var square float64
		for square == 0 {
			for p := range unit {
				unit[p] = k.normal.NormFloat64()
				square += unit[p] * unit[p]
			}
		}
		for p, x := range unit {
			k.directions[at+p] = T(x / math.Sqrt(square))
		}
	}
	k.mean = unit
	k.down.Pack(matrix.Of(k.directions, slices, dim).T())
	k.up.Pack(matrix.Of(k.directions, slices, dim))
}

const lejepaSeed = 0x6c656a657061 // any fixed number will do

// runLeJEPA returns the loss over the batch's views and adds its gradient; aim comes before it. The result does not
// depend on the number of processors: each direction is summed by itself.
func runLeJEPA[T float](k *lejepa[T], b batch[T], lambda float64) float64 {
	slices := len(k.directions) / b.dim
	views, n := float64(len(b.base)), float64(b.images)
	k.projected, k.pull = sized(k.projected, b.images*slices), sized(k.pull, b.images*b.dim)
	k.values, k.mean = sized(k.values, slices), sized(k.mean, b.dim)
	k.distance, k.normality = 0, 0
	for _, v := range b.base {
		rows := matrix.Of(k.projected, b.images, slices)
		matrix.Mul(rows, matrix.Of(b.view(v), b.images, b.dim), &k.down)
		k.test(b.images, slices)
		for _, x := range k.values {
			k.normality += x / (views * float64(slices))
		}
		matrix.Mul(matrix.Of(k.pull, b.images, b.dim), rows, &k.up)
		share := b.weight * lambda / (views * float64(slices))
		for row := range b.images {
			matrix.AddScaled(b.grad[b.at(v, row):][:b.dim], T(share), k.pull[row*b.dim:][:b.dim])
		}
	}
	scale := 1 / (views * n * float64(b.dim))
	for row := range b.images {
		clear(k.mean)
		for _, v := range b.base {
			for p, x := range b.data[b.at(v, row):][:b.dim] {
				k.mean[p] += float64(x) / views
			}
		}
		for _, v := range b.base {
			at := b.at(v, row)
			to := b.grad[at:][:b.dim]
			for p, x := range b.data[at:][:b.dim] {
				away := float64(x) - k.mean[p]
				k.distance += scale * away * away
				to[p] = add(to[p], b.weight*(1-lambda)*2*scale*away)
			}
		}
	}
	return (1-lambda)*k.distance + lambda*k.normality
}

// test sets values, and puts the gradient by the projected rows in their place.
func (k *lejepa[T]) test(images, slices int) {
	count := max(1, min(runtime.GOMAXPROCS(0), slices))
	if count == 1 {
		k.testSlices(images, slices, 0, slices)
		return
	}
	var all sync.WaitGroup
	for w := range count {
		all.Go(func() { k.testSlices(images, slices, w*slices/count, (w+1)*slices/count) })
	}
	all.Wait()
}

// testSlices does the directions from first up to end.
func (k *lejepa[T]) testSlices(images, slices, first, end int) {
	n := float64(images)
	for s := first; s < end; s++ {
		var real, imaginary [lejepaPoints]float64 // of the empirical characteristic function, n times
		for row := range images {
			one := newTurn(lejepaStep * float64(k.projected[row*slices+s]))
			for i, at := 0, one; i < lejepaPoints; i, at = i+1, at.times(one) {
				real[i] += at.cos
				imaginary[i] += at.sin
			}
		}
		// What a deviation of the real and of the imaginary part at a point adds to the gradient, for one row.
		var byReal, byImaginary [lejepaPoints]float64
		k.values[s] = 0
		for i := range lejepaPoints {
			t := lejepaStep * float64(i+1)
			normal := math.Exp(-t * t / 2) // both the function that is asked for and the weight of the deviation from it
			weight := 2 * lejepaStep * normal
			if i == lejepaPoints-1 {
				weight /= 2
			}
			offReal, offImaginary := real[i]/n-normal, imaginary[i]/n
			k.values[s] += n * weight * (offReal*offReal + offImaginary*offImaginary)
			byReal[i], byImaginary[i] = 2*weight*t*offReal, 2*weight*t*offImaginary
		}
		for row := range images {
			x := &k.projected[row*slices+s]
			one := newTurn(lejepaStep * float64(*x))
			var g float64
			for i, at := 0, one; i < lejepaPoints; i, at = i+1, at.times(one) {
				g += byImaginary[i]*at.cos - byReal[i]*at.sin
			}
			*x = T(g)
		}
	}
}

// turn is a point of the unit circle.
type turn struct{ cos, sin float64 }

// newTurn returns nothing for an angle beyond all numbers: a row that is so far from the others tells nothing of them.
func newTurn(angle float64) turn {
	if angle-angle != 0 {
		return turn{}
	}
	sin, cos := math.Sincos(angle)
	return turn{cos, sin}
}

// times adds the angles.
func (a turn) times(b turn) turn {
	return turn{a.cos*b.cos - a.sin*b.sin, a.sin*b.cos + a.cos*b.sin}
}
