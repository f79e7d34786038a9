package loss

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainRelativeScale is the term as its formula is written, a sum over pairs of an image's views.
func plainRelativeScale(z []float64, v Views, f, dim int) float64 {
	target := func(row int) []float64 {
		if p := v.period(f); p > 0 {
			return []float64{math.Cos(2 * math.Pi * v.Scale[row] / p), math.Sin(2 * math.Pi * v.Scale[row] / p)}
		}
		return []float64{v.Scale[row]}
	}
	var off, apart float64
	for n := range v.Images {
		for a, fa := range v.Family {
			for b, fb := range v.Family {
				if fa != f && fa != BaseView || fb != f && fb != BaseView {
					continue
				}
				i, j := a*v.Images+n, b*v.Images+n
				ti, tj := target(i), target(j)
				for c := range dim {
					d := z[i*dim+c] - z[j*dim+c] - (ti[c] - tj[c])
					off += d * d
					apart += (ti[c] - tj[c]) * (ti[c] - tj[c])
				}
			}
		}
	}
	return off / apart
}

// runRelativeScale returns the loss of family f, and adds weight times its gradient to grad.
func runRelativeScale(grad, z []float64, v Views, f int, weight float64) float64 {
	k := orderOf[float64](OrderOptions{Kind: KindRelativeScale})
	k.gather(v, f)
	value, _ := k.whole.run(k, batchOf(grad, z, v.Images, v.scaleColumns(f), nil, weight), v, f)
	return value
}

func TestRelativeScaleAgreesWithPairs(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 5))
		v := mixedViews(seed, 1+r.IntN(4), 1+r.IntN(2), 1+r.IntN(4), 1+r.IntN(4), 2)
		for f := range v.Names {
			dim := v.scaleColumns(f)
			z := normal(seed, len(v.Scale)*dim)
			grad := make([]float64, len(z))
			got := runRelativeScale(grad, z, v, f, 2)
			want := plainRelativeScale(z, v, f, dim)
			slopes := gradientByDifferences(z, func(z []float64) float64 { return 2 * plainRelativeScale(z, v, f, dim) })
			if math.IsNaN(want) { // all scales are equal
				want, slopes = 0, make([]float64, len(z))
			}
			compare(t, v.Names[f], got, want, grad, slopes, 1e-6)
		}
	}
}

// TestRelativeScaleAlone: the kind is all that must be said of loss.order.
func TestRelativeScaleAlone(t *testing.T) {
	o := DefaultOptions()
	o.Order.Kind = KindRelativeScale
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
	o.Order.Output = OutputEmbedding
	if err := o.Validate(); err == nil {
		t.Error("an output that the kind doesn't have")
	}
}

// TestRelativeScaleExtremes has a head that knows all but where each image's scale begins, and one that knows nothing.
func TestRelativeScaleExtremes(t *testing.T) {
	v := mixedViews(1, 5, 2, 4)
	knows, nothing := make([]float64, len(v.Scale)), make([]float64, len(v.Scale))
	for row, s := range v.Scale {
		knows[row] = s + float64(row%v.Images)
		nothing[row] = float64(row % v.Images)
	}
	for want, z := range map[float64][]float64{0: knows, 1: nothing} {
		got := runRelativeScale(make([]float64, len(z)), z, v, 0, 1)
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("unexplained %g, want %g", got, want)
		}
	}
}

// TestAllViewsAreCompared: with views: all the loss is that of a batch whose views are all base views; what has classes
// and no order takes no part.
func TestAllViewsAreCompared(t *testing.T) {
	for _, kind := range kindNames(roleInvariance) {
		v := fullViews(2, 4, 2)
		want := v
		want.Family, want.Scale = slices.Clone(v.Family), slices.Clone(v.Scale)
		for i, f := range v.Family {
			if f == 0 {
				want.Family[i] = BaseView
				clear(want.Scale[i*v.Images:][:v.Images])
			}
		}
		o := only(t, kind)
		l := mustNew(t, o)
		outs := fullOutputs(t, l, want, 3, 1)
		expected, err := l.Compute(want, outs)
		if err != nil {
			t.Fatal(err)
		}
		o.Terms[0].Invariance.Views = ViewsAll
		l = mustNew(t, o)
		again := fullOutputs(t, l, v, 3, 1)
		got, err := l.Compute(v, again)
		if err != nil {
			t.Fatal(err)
		}
		// Base views come first in the one and where they are in the other: sums differ in their last bits.
		if math.Abs(got.Total-expected.Total) > 1e-6*(1+math.Abs(expected.Total)) {
			t.Errorf("%s: %g, want %g", kind, got.Total, expected.Total)
		}
		for i := range outs {
			for j, x := range outs[i].Grad {
				if math.Abs(float64(again[i].Grad[j]-x)) > 1e-5 {
					t.Fatalf("%s: gradient[%d] of %s is %g, want %g", kind, j, outs[i].Name, again[i].Grad[j], x)
				}
			}
		}
	}
}
