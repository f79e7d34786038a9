package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// TestInvarianceGradients holds gradients against differences, for two views and more, in whatever order they are.
func TestInvarianceGradients(t *testing.T) {
	const weight = 3
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 12 {
		images, views, dim := 2+r.IntN(5), 2+r.IntN(3), 1+r.IntN(5)
		base := r.Perm(views + 1)[:views] // one view is no base view
		size := (views + 1) * images * dim
		other, keys := normal(uint64(100+i), size), convert[float32](normal(uint64(200+i), 7*dim))
		for at := 0; at < len(keys); at += dim {
			unit := make([]float64, dim)
			normalize(unit, keys[at:at+dim], normalizeEps)
			copy(keys[at:], convert[float32](unit))
		}
		for _, c := range []struct {
			kind string
			run  func(grad, z []float64) float64
		}{
			{KindVICReg, func(grad, z []float64) float64 {
				return runVICReg(new(vicreg[float64]), batchOf(grad, z, images, dim, base, weight), vicregWeights{25, 25, 1})
			}},
			{KindBarlowTwins, func(grad, z []float64) float64 {
				return runBarlow(new(barlow[float64]), batchOf(grad, z, images, dim, base, weight), 0.3)
			}},
			{KindSimSiam, func(grad, z []float64) float64 {
				return -runSiamese(new(siamese), batchOf(grad, z, images, dim, base, -weight), other)
			}},
			{KindMoCo, func(grad, z []float64) float64 {
				return runMoCo(new(moco[float64]), batchOf(grad, z, images, dim, base, weight), other, keys, 0.3)
			}},
			{KindLeJEPA, func(grad, z []float64) float64 {
				k := new(lejepa[float64])
				k.aim(dim, 5, uint64(i))
				return runLeJEPA(k, batchOf(grad, z, images, dim, base, weight), 0.3)
			}},
		} {
			t.Run(fmt.Sprintf("%s %dx%dx%d", c.kind, images, views, dim), func(t *testing.T) {
				z := normal(uint64(i), size)
				grad := make([]float64, size)
				c.run(grad, z)
				want := gradientByDifferences(z, func(z []float64) float64 { return weight * c.run(make([]float64, size), z) })
				for i := range want {
					if math.Abs(grad[i]-want[i]) > 1e-6*(1+math.Abs(want[i])) {
						t.Fatalf("gradient[%d] = %g, by differences %g", i, grad[i], want[i])
					}
				}
			})
		}
	}
}

// TestMoreViewsAreTheMeanOverPairs: what every invariance term says of three views is the mean of what it says of the
// three pairs, gradients included.
func TestMoreViewsAreTheMeanOverPairs(t *testing.T) {
	const images, dim, size = 6, 4, 3 * 6 * 4
	z, other := normal(1, size), normal(2, size)
	keys := convert[float32](normal(3, 5*dim))
	for _, c := range []struct {
		kind string
		run  func(grad []float64, base []int) float64
	}{
		{KindVICReg, func(grad []float64, base []int) float64 {
			return runVICReg(new(vicreg[float64]), batchOf(grad, z, images, dim, base, 1), vicregWeights{25, 25, 1})
		}},
		{KindBarlowTwins, func(grad []float64, base []int) float64 {
			return runBarlow(new(barlow[float64]), batchOf(grad, z, images, dim, base, 1), 0.3)
		}},
		{KindBYOL, func(grad []float64, base []int) float64 {
			return 4 - 4*runSiamese(new(siamese), batchOf(grad, z, images, dim, base, -4), other)
		}},
		{KindMoCo, func(grad []float64, base []int) float64 {
			return runMoCo(new(moco[float64]), batchOf(grad, z, images, dim, base, 1), other, keys, 0.3)
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			grad, mean := make([]float64, size), make([]float64, size)
			value, want := c.run(grad, []int{0, 1, 2}), 0.0
			for _, pair := range [][]int{{0, 1}, {0, 2}, {1, 2}} {
				want += c.run(mean, pair) / 3
			}
			for i := range mean {
				mean[i] /= 3
			}
			compare(t, "three views", value, want, grad, mean, 1e-12)
		})
	}
}

// plainMoCo is the loss as its formula is written.
func plainMoCo(z, keys []float64, images, views, dim int, queue []float32, temperature float64) float64 {
	cos := func(x, y []float64) float64 { return dot(x, y) / math.Sqrt(dot(x, x)*dot(y, y)) }
	var loss float64
	for a := range views {
		for b := range views {
			for n := range images {
				if a == b {
					continue
				}
				q := z[(a*images+n)*dim:][:dim]
				positive := math.Exp(cos(q, keys[(b*images+n)*dim:][:dim]) / temperature)
				sum := positive
				for at := 0; at < len(queue); at += dim {
					sum += math.Exp(cos(q, convert[float64](queue[at:at+dim])) / temperature)
				}
				loss -= math.Log(positive / sum)
			}
		}
	}
	return loss / float64(images*views*(views-1))
}

func TestMoCo(t *testing.T) {
	const images, dim = 50, 6 // more than one block of rows
	v := orderedViews(1, images, 2)
	o := DefaultOptions()
	o.Order.Kind, o.Invariance.Kind, o.Invariance.Queue = KindNone, KindMoCo, 130
	l := mustNew(t, o)
	if m, ok := l.Target(); !ok || m != (TargetOptions{0.999, ScheduleConstant}) {
		t.Errorf("target %+v, %v", m, ok)
	}
	var queue []float32 // oldest first
	for step := range uint64(4) {
		z, keys := randomOutput("embedding", v, dim, 10+step), randomOutput("target", v, dim, 20+step)
		keys.Grad = nil
		got, err := l.Compute(v, []Output{z, keys})
		if err != nil {
			t.Fatal(err)
		}
		want := plainMoCo(convert[float64](z.Data), convert[float64](keys.Data), images, 2, dim, queue, 0.2)
		if step == 0 && got.Total != 0 {
			t.Errorf("without a queue the loss is %g, want 0", got.Total)
		}
		if math.Abs(got.Total-want) > 1e-6 {
			t.Errorf("step %d: %g, by the formula %g", step, got.Total, want)
		}
		queue = append(queue, keys.Data...)
		queue = queue[max(0, len(queue)-130*dim):]
		if n := diagnostic(t, got.Terms[0], "queue"); int(n) != min(100*int(step), 130) {
			t.Errorf("step %d: %g keys in the queue", step, n)
		}
		// A new Loss that is given the state goes on in the same way.
		other := mustNew(t, o)
		if err := other.SetState(l.State()); err != nil {
			t.Fatal(err)
		}
		l = other
	}
}

// TestMoCoForAnyNumberOfGoroutines: the bits are the same.
func TestMoCoForAnyNumberOfGoroutines(t *testing.T) {
	const images, dim = 150, 8
	z, keys, queue := convert[float32](normal(1, 2*images*dim)), convert[float32](normal(2, 2*images*dim)),
		convert[float32](normal(3, 70*dim))
	run := func(processors int) (float64, []float32) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		grad := make([]float32, len(z))
		return runMoCo(new(moco[float32]), batchOf(grad, z, images, dim, []int{0, 1}, 1), keys, queue, 0.2), grad
	}
	want, wantGrad := run(1)
	for _, processors := range []int{2, 3, 8} {
		if got, grad := run(processors); got != want || !slices.Equal(grad, wantGrad) {
			t.Errorf("on %d processors the value is %v and not %v, or the gradient another", processors, got, want)
		}
	}
}
