package loss

import (
	"math"
	"slices"
	"testing"
)

func whole(t *testing.T, v Values, name string) (float64, bool) {
	t.Helper()
	for _, d := range v.Diagnostics {
		if d.Name == name {
			return d.Value, true
		}
	}
	return 0, false
}

func TestHealth(t *testing.T) {
	v := orderedViews(1, 100, 2, 3)
	o := DefaultOptions()
	l := mustNew(t, o)
	for _, c := range []struct {
		name             string
		data             func(row, column int) float64
		std, rank, bound float64
	}{
		{"collapsed to a point", func(_, c int) float64 { return float64(c + 1) }, 0, 1, 1e-6},
		{"collapsed to a line", func(r, c int) float64 { return float64(r%2*2-1) * 0.5 }, 0.25, 1, 1e-6},
		{"all directions", func(r, c int) float64 { return math.Sin(float64((r+1)*(r+7*c+3))) * 1e30 }, 0.25, 16, 0.4},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := randomOutput("embedding", v, 16, 1)
			for i := range out.Data {
				if i < 2*v.Images*16 { // other views are not looked at
					out.Data[i] = float32(c.data(i/16, i%16))
				}
			}
			got, err := l.Compute(v, []Output{out})
			if err != nil {
				t.Fatal(err)
			}
			std, _ := whole(t, got, "embedding_std")
			rank, _ := whole(t, got, "effective_rank")
			if math.Abs(std-c.std) > 0.01 || math.Abs(rank-c.rank) > c.bound {
				t.Errorf("deviation %g and rank %g, want %g and %g", std, rank, c.std, c.rank)
			}
		})
	}
	t.Run("zero", func(t *testing.T) {
		out := newOutput("embedding", v, 16, make([]float32, 500*16))
		got, err := l.Compute(v, []Output{out})
		if err != nil {
			t.Fatal(err)
		}
		if rank, ok := whole(t, got, "effective_rank"); ok {
			t.Errorf("rows of zeros have the rank %g", rank)
		}
		if _, ok := whole(t, got, "gradient_cosine"); ok {
			t.Error("there is a cosine of gradients that are zero")
		}
	})
}

// TestGradientCosine: two terms that are one pull in one direction, and where they share no output there is no cosine.
func TestGradientCosine(t *testing.T) {
	v := orderedViews(1, 6, 2, 3)
	o := DefaultOptions()
	outs := []Output{randomOutput("embedding", v, 4, 1), randomOutput("features", v, 4, 1)}
	got, err := mustNew(t, o).Compute(v, outs[:1])
	if err != nil {
		t.Fatal(err)
	}
	grad := convert[float64](outs[0].Grad)
	a, b := diagnostic(t, got.Terms[0], "gradient_norm"), diagnostic(t, got.Terms[1], "gradient_norm")
	cosine, ok := whole(t, got, "gradient_cosine")
	// |g_a + g_b|² = a² + b² + 2 a b cos
	if want := dot(grad, grad); !ok || math.Abs(a*a+b*b+2*a*b*cosine-want) > 1e-5*want {
		t.Errorf("norms %g and %g and cosine %g don't fit the sum's %g", a, b, cosine, want)
	}
	o.Order.Output = OutputFeatures
	if got, err = mustNew(t, o).Compute(v, outs); err != nil {
		t.Fatal(err)
	}
	if c, ok := whole(t, got, "gradient_cosine"); ok {
		t.Errorf("terms on different outputs have the cosine %g", c)
	}
}

// TestWatch: a term of weight 0 says how each family's gradient lies to invariance's, and changes nothing.
func TestWatch(t *testing.T) {
	v := orderedViews(1, 6, 2, 3, 2)
	alone := DefaultOptions()
	alone.Order.Kind = KindNone
	out := randomOutput("embedding", v, 4, 1)
	plain, err := mustNew(t, alone).Compute(v, []Output{out})
	if err != nil {
		t.Fatal(err)
	}
	total, pull := plain.Total, slices.Clone(out.Grad)
	for f, name := range v.Names {
		o := DefaultOptions()
		o.Order.Families = map[string]FamilyOptions{}
		for g, other := range v.Names { // only one family has a weight
			o.Order.Families[other] = FamilyOptions{Weight: map[bool]float64{true: 1}[f == g]}
		}
		got, err := mustNew(t, o).Compute(v, []Output{out})
		if err != nil {
			t.Fatal(err)
		}
		want, ok := whole(t, got, "gradient_cosine")
		o = alone
		o.Terms = []TermOptions{{Order: &OrderOptions{Kind: KindRankNet}}}
		l := mustNew(t, o)
		if got, err = l.Compute(v, []Output{out}); err != nil {
			t.Fatal(err)
		}
		if got.Total != total || !slices.Equal(out.Grad, pull) {
			t.Errorf("watching changed the total from %g to %g, or the gradient", total, got.Total)
		}
		cosine := diagnostic(t, got.Terms[1], "gradient_cosine/"+name)
		if !ok || math.Abs(cosine-want) > 1e-6 || diagnostic(t, got.Terms[1], "gradient_norm") != 0 {
			t.Errorf("%s: cosine %g, want %g", name, cosine, want)
		}
		if n := testing.AllocsPerRun(5, func() { _, _ = l.Compute(v, []Output{out}) }); n > 1 { // the list of outputs
			t.Errorf("%g allocations", n)
		}
	}
}

// TestSimilarity holds the sums against the pairs.
func TestSimilarity(t *testing.T) {
	const images, dim = 5, 3
	base := []int{2, 0, 3}
	out := Output{Dim: dim, Data: convert[float32](normal(1, 4*images*dim))}
	clear(out.Data[:dim])
	var positive, negative, positives, negatives float64
	for _, v := range base {
		for _, w := range base {
			for n := range images {
				for m := range images {
					c := cosine(out.Data[(v*images+n)*dim:][:dim], out.Data[(w*images+m)*dim:][:dim])
					switch {
					case n != m:
						negative += c
						negatives++
					case v != w:
						positive += c
						positives++
					}
				}
			}
		}
	}
	got := new(similarity).diagnose(nil, out, base, images)
	if math.Abs(got[0].Value-positive/positives) > 1e-12 || math.Abs(got[1].Value-negative/negatives) > 1e-12 {
		t.Errorf("got %v, want %g and %g", got, positive/positives, negative/negatives)
	}
}
