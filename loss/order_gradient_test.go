package loss

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var distances = []string{DistanceCosine, DistanceEuclidean, DistanceSqEuclidean}

// eachOrder calls f with every kind of order loss, distance and choice of anchors.
func eachOrder(f func(o OrderOptions)) {
	for _, name := range distanceKinds() {
		for _, distance := range distances {
			for _, anchors := range []string{AnchorsOrigin, AnchorsAll} {
				o := OrderOptions{Kind: name, Distance: distance, Anchors: anchors, Weight: 1}
				if name == KindChain {
					o.Margin = 0.1
				}
				f(o.resolved())
			}
		}
	}
}

func orderName(o OrderOptions) string { return o.Kind + " " + o.Distance + " " + o.Anchors }

// mixedViews returns views in no order of several families: two-sided, cyclic and one-sided, with ties in half of them.
func mixedViews(seed uint64, images, base int, levels ...int) Views {
	r := rand.New(rand.NewPCG(seed, 3))
	v := orderedViews(seed, images, base, levels...)
	v.Period = make([]float64, len(levels))
	for f := range v.Period {
		v.Period[f] = []float64{0, 1.25, 0}[f%3]
	}
	for row := range v.Scale {
		if v.Family[row/images] == 0 {
			v.Scale[row] = 2*v.Scale[row] - 1
		}
		if seed%2 == 0 {
			v.Scale[row] = math.Round(v.Scale[row]*4) / 4
		}
	}
	shuffleViews(r, v)
	return v
}

func shuffleViews(r *rand.Rand, v Views) {
	r.Shuffle(len(v.Family), func(a, b int) {
		v.Family[a], v.Family[b] = v.Family[b], v.Family[a]
		for n := range v.Images {
			i, j := a*v.Images+n, b*v.Images+n
			v.Scale[i], v.Scale[j] = v.Scale[j], v.Scale[i]
		}
	})
}

func TestOrderGradientsAgreeWithDifferences(t *testing.T) {
	eachOrder(func(o OrderOptions) {
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 5))
			v := mixedViews(seed, 1+r.IntN(3), 1+r.IntN(2), 1+r.IntN(4), 1+r.IntN(4))
			dim := 2 + r.IntN(4)
			o.ScaledMargin = o.Kind == KindTriplet && seed%2 == 1
			t.Run(fmt.Sprint(orderName(o), seed), func(t *testing.T) {
				z := normal(seed, len(v.Scale)*dim)
				grad := make([]float64, len(z))
				const weight = 2
				runFamilies(o, grad, z, v, dim, weight)
				want := gradientByDifferences(z, func(z []float64) float64 {
					value, _ := runFamilies(o, make([]float64, len(z)), z, v, dim, weight)
					return weight * value
				})
				for i := range want {
					if math.Abs(grad[i]-want[i]) > 2e-7*(1+math.Abs(want[i])) {
						t.Fatalf("gradient[%d] = %g, by differences %g", i, grad[i], want[i])
					}
				}
			})
		}
	})
}

// TestOrderOfViewsDoesNotMatter shuffles views of whom some are tied by scale.
func TestOrderOfViewsDoesNotMatter(t *testing.T) {
	eachOrder(func(o OrderOptions) {
		t.Run(orderName(o), func(t *testing.T) {
			const images, dim = 3, 4
			v := mixedViews(2, images, 2, 5, 4)
			z := normal(1, len(v.Scale)*dim)
			grad := make([]float64, len(z))
			value, families := runFamilies(o, grad, z, v, dim, 1)
			to := rand.New(rand.NewPCG(1, 1)).Perm(len(v.Family))
			w := Views{Images: images, Family: make([]int, len(to)), Scale: make([]float64, len(v.Scale)), Names: v.Names,
				Period: v.Period}
			x, back := make([]float64, len(z)), make([]float64, len(z))
			for view, at := range to {
				w.Family[at] = v.Family[view]
				copy(w.Scale[at*images:][:images], v.Scale[view*images:])
				copy(x[at*images*dim:][:images*dim], z[view*images*dim:])
			}
			other := make([]float64, len(z))
			otherValue, otherFamilies := runFamilies(o, other, x, w, dim, 1)
			for view, at := range to {
				copy(back[view*images*dim:][:images*dim], other[at*images*dim:])
			}
			compare(t, "shuffled", otherValue, value, back, grad, 1e-11)
			for f := range families {
				if families[f].triplets != otherFamilies[f].triplets || families[f].right != otherFamilies[f].right {
					t.Errorf("%+v and %+v", families[f], otherFamilies[f])
				}
			}
		})
	})
}

func TestScaleDifference(t *testing.T) {
	for _, c := range []struct{ a, b, period, want float64 }{
		{0.25, 1, 0, 0.75},
		{-0.5, 0.5, 0, 1},
		{0.25, 1, 2, 0.75},
		{0, 1, 2, 1},
		{0, 1.5, 2, 0.5},
		{-0.75, 0.75, 2, 0.5},
		{-1, 1, 1, 0},
		{1, -0.75, 1, 0.25},
		{0.5, 0.5, 1, 0},
	} {
		if got := scaleDifference(c.a, c.b, c.period); got != c.want {
			t.Errorf("%g and %g, period %g: %g, want %g", c.a, c.b, c.period, got, c.want)
		}
		if got := scaleDifference(c.b, c.a, c.period); got != c.want {
			t.Errorf("%g and %g, period %g: %g, want %g", c.b, c.a, c.period, got, c.want)
		}
	}
}

// TestOrderDescends checks that each loss orders what it is asked to: rows on a line, moved against the gradient.
func TestOrderDescends(t *testing.T) {
	eachOrder(func(o OrderOptions) {
		t.Run(orderName(o), func(t *testing.T) {
			const images, dim = 3, 4
			v := orderedViews(3, images, 1, 4)
			z := normal(1, len(v.Scale)*dim)
			switch {
			case o.Kind == KindRankNContrast:
				// Across images the views of one scale belong together; with one image there is nothing else in the way.
				v.Images, v.Scale, z = 1, []float64{0, 0.9, 0.2, 0.5, 0.7}, z[:5*dim]
				o.Temperature = 0.5
			case o.Kind == KindSoftSpearman && o.Distance == DistanceSqEuclidean:
				o.Temperature = 5 // sigmoids of differences many temperatures large have no slope
			}
			var families []familyResult
			for range 3000 {
				grad := make([]float64, len(z))
				_, families = runFamilies(o, grad, z, v, dim, 1)
				for i, g := range grad {
					z[i] -= 0.1 * g
				}
			}
			if r := families[0]; r.right < 0.95*float64(r.triplets) {
				t.Errorf("%g of %d triplets are right", r.right, r.triplets)
			}
		})
	})
}

// TestOrderDefinedEverywhere holds what the losses say where there is nothing to compare.
func TestOrderDefinedEverywhere(t *testing.T) {
	eachOrder(func(o OrderOptions) {
		t.Run(orderName(o), func(t *testing.T) {
			const dim = 3
			nothing := func(what string, v Views, z []float64) {
				t.Helper()
				grad := make([]float64, len(z))
				value, _ := runFamilies(o, grad, z, v, dim, 1)
				if value != 0 || slices.ContainsFunc(grad, func(g float64) bool { return g != 0 }) {
					t.Errorf("%s: value %g, gradient %v", what, value, grad)
				}
			}
			one := Views{Images: 1, Family: []int{BaseView}, Scale: []float64{0}, Names: []string{"a"}}
			nothing("one member", one, normal(1, dim))
			two := Views{Images: 1, Family: []int{BaseView, 0}, Scale: []float64{0, 0.5}, Names: []string{"a"}}
			nothing("two members", two, normal(1, 2*dim))
			tied := orderedViews(1, 4, 2, 3)
			for i := range tied.Scale {
				tied.Scale[i] *= 1e-12
			}
			nothing("all scales tied", tied, normal(1, len(tied.Scale)*dim))

			// Rows that are all equal, or zero, get no gradient; a zero row has no direction, but it has distances.
			v := orderedViews(1, 4, 2, 3)
			z := make([]float64, len(v.Scale)*dim)
			for _, fill := range []float64{0, 0.7, 1e30} {
				for i := range z {
					z[i] = fill * float64(1+i%dim)
				}
				grad := make([]float64, len(z))
				value, _ := runFamilies(o, grad, z, v, dim, 1)
				if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
					t.Errorf("rows of %g: value %g", fill, value)
				}
				for i, g := range grad {
					if math.Abs(g)*math.Max(1, fill) > 1e-9 {
						t.Fatalf("rows of %g: gradient[%d] is %g", fill, i, g)
					}
				}
			}
		})
	})
}

func TestOrderAtExtremes(t *testing.T) {
	extremes := []float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-12, -1e-8, 1e-6, 1, 1e30}
	eachOrder(func(order OrderOptions) {
		t.Run(orderName(order), func(t *testing.T) {
			for _, temperature := range []float64{minOrderTemperature, maxTemperature} {
				o := DefaultOptions()
				o.Invariance.Kind, o.Order = KindNone, order
				if o.Order.Temperature != 0 {
					o.Order.Temperature = temperature
				}
				o.Order.Weight = maxWeight
				v := mixedViews(1, 20, 2, 3, 2)
				r := rand.New(rand.NewPCG(1, 2))
				out := randomOutput("embedding", v, 5, 1)
				for i := range out.Data {
					if r.IntN(2) == 0 {
						out.Data[i] = extremes[r.IntN(len(extremes))]
					}
					if i/5%7 == 0 { // whole rows
						out.Data[i] = extremes[i/35%len(extremes)]
					}
				}
				got, err := mustNew(t, o).Compute(v, []Output{out})
				if err != nil {
					t.Fatal(err)
				}
				requireFinite(t, got, out)
			}
		})
	})
}

func FuzzOrder(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(0), uint8(3), uint8(2), uint8(3), uint8(2), uint8(5), 0.1, []byte{1, 2, 3})
	f.Add(uint64(2), uint8(5), uint8(1), uint8(1), uint8(1), uint8(0), uint8(0), uint8(1), 0.001, []byte{0})
	f.Add(uint64(4), uint8(3), uint8(2), uint8(9), uint8(3), uint8(1), uint8(4), uint8(7), 100.0, []byte{255, 70})
	for kind := range uint8(6) {
		f.Add(uint64(kind), kind, kind, uint8(4), uint8(2), uint8(3), uint8(3), uint8(4), 0.01, []byte{10, 70, 130, 200, 140})
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind, distance, images, base, first, second, dim uint8, temperature float64,
		spoil []byte) {
		v := mixedViews(seed, 1+int(images%10), int(base%4), int(first%5), int(second%5))
		if len(v.Family) == 0 {
			return
		}
		values := []float32{0, 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-12, 1e-8}
		out := randomOutput("embedding", v, 1+int(dim%9), seed)
		for i := range out.Data {
			if len(spoil) > 0 {
				// Some values are extreme, some rows equal to the one before, some scales that of the view before.
				switch b := spoil[i%len(spoil)]; {
				case b < 64:
					out.Data[i] = values[int(b)%len(values)]
				case b < 96 && i >= out.Dim:
					out.Data[i] = out.Data[i-out.Dim]
				case b < 128 && i%out.Dim == 0 && i/out.Dim >= v.Images && v.Family[i/out.Dim/v.Images] >= 0:
					v.Scale[i/out.Dim] = v.Scale[i/out.Dim-v.Images]
				}
			}
		}
		o, orders := DefaultOptions(), distanceKinds()
		o.Invariance.Kind = KindNone
		o.Order = OrderOptions{Kind: orders[int(kind)%len(orders)], Distance: distances[distance%3], Weight: 1}
		if seed%3 == 0 {
			o.Order.Anchors = AnchorsAll
		}
		o.Order.ScaledMargin = o.Order.Kind == KindTriplet && seed%5 == 0
		if o.Order.Kind != KindTriplet {
			o.Order.Temperature = temperature
		}
		l, err := New(o)
		if err != nil {
			if temperature >= minOrderTemperature && temperature <= maxTemperature {
				t.Fatal(err)
			}
			return
		}
		got, err := l.Compute(v, []Output{out})
		if err != nil {
			if base%4 >= 1 {
				t.Fatal(err)
			}
			return
		}
		requireFinite(t, got, out)
	})
}
