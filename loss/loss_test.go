package loss

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// normal returns n values of the normal distribution.
func normal(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// orderedViews returns base views and, for each number in levels, a family with so many views at random scales.
func orderedViews(seed uint64, images, base int, levels ...int) Views {
	r := rand.New(rand.NewPCG(seed, 1))
	v := Views{Images: images}
	for range base {
		v.Family = append(v.Family, -1)
		v.Scale = append(v.Scale, make([]float64, images)...)
	}
	for f, l := range levels {
		v.Names = append(v.Names, string(rune('a'+f)))
		for range l {
			v.Family = append(v.Family, f)
			for range images {
				v.Scale = append(v.Scale, r.Float64())
			}
		}
	}
	return v
}

// newOutput returns an output for the views, its gradient full of what must not stay.
func newOutput(name string, v Views, dim int, data []float32) Output {
	o := Output{Name: name, Dim: dim, Data: data, Grad: make([]float32, len(v.Family)*v.Images*dim)}
	for i := range o.Grad {
		o.Grad[i] = float32(math.NaN())
	}
	return o
}

func randomOutput(name string, v Views, dim int, seed uint64) Output {
	return newOutput(name, v, dim, convert[float32](normal(seed, len(v.Family)*v.Images*dim)))
}

func mustNew(t testing.TB, o Options) *Loss {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func diagnostic(t *testing.T, term Term, name string) float64 {
	t.Helper()
	for _, d := range term.Diagnostics {
		if d.Name == name {
			return d.Value
		}
	}
	t.Fatalf("%s has no diagnostic %s, but %v", term.Name, name, term.Diagnostics)
	return 0
}

func TestComputeIsTheWeightedSumOfItsTerms(t *testing.T) {
	v := orderedViews(1, 5, 2, 3, 2)
	// Base views need not come first.
	v.Family[0], v.Family[2] = v.Family[2], v.Family[0]
	for n := range v.Images {
		v.Scale[n], v.Scale[2*v.Images+n] = v.Scale[2*v.Images+n], 0
	}
	for _, output := range []string{OutputEmbedding, OutputFeatures} {
		t.Run("order on "+output, func(t *testing.T) {
			o := DefaultOptions()
			o.Invariance.Weight, o.Order.Weight, o.Order.Output = 0.5, 10, output
			outs := []Output{
				randomOutput("embedding", v, 4, 1),
				randomOutput("another", v, 3, 2),
				randomOutput("features", v, 6, 3),
			}
			l := mustNew(t, o)
			want := []Need{{Output: OutputEmbedding, Kind: NeedEmbedding}}
			if output == OutputFeatures {
				want = append(want, Need{Output: OutputFeatures, Kind: NeedFeatures})
			}
			if needs, err := l.Needs(Views{Family: v.Family, Names: v.Names}); err != nil || !slices.Equal(needs, want) {
				t.Errorf("needs %v, %v, want %v", needs, err, want)
			}
			got, err := l.Compute(v, outs)
			if err != nil {
				t.Fatal(err)
			}

			embedding := convert[float64](outs[0].Data)
			grads := [][]float64{make([]float64, len(outs[0].Data)), make([]float64, len(outs[1].Data)),
				make([]float64, len(outs[2].Data))}
			base := batchOf(make([]float32, len(embedding)), outs[0].Data, 5, 4, []int{1, 2}, 0.5)
			invariance := runNTXent(new(ntxent[float32]), base, 0.5)
			runNTXent(new(ntxent[float64]), batchOf(grads[0], embedding, 5, 4, []int{1, 2}, 0.5), 0.5)
			on := 0
			if output == OutputFeatures {
				on = 2
			}
			order := runRankNet(grads[on], convert[float64](outs[on].Data), v, outs[on].Dim, false, 0.1, 10)
			if len(got.Terms) != 2 || got.Terms[0].Name != "ntxent" || got.Terms[1].Name != "ranknet" ||
				got.Terms[0].Weight != 0.5 || got.Terms[1].Weight != 10 {
				t.Fatalf("terms %+v", got.Terms)
			}
			if got.Terms[0].Value != invariance || got.Terms[1].Value != order || got.Total != 0.5*invariance+10*order {
				t.Errorf("got %+v, want %g and %g", got, invariance, order)
			}
			for i, o := range outs {
				for j, g := range o.Grad {
					if math.Abs(float64(g)-grads[i][j]) > 1e-6 {
						t.Fatalf("gradient[%d] of %s is %g, want %g", j, o.Name, g, grads[i][j])
					}
				}
			}
		})
	}
}

func TestOneTermAlone(t *testing.T) {
	v := orderedViews(1, 4, 2, 2)
	o := DefaultOptions()
	o.Order.Kind = KindNone
	got, err := mustNew(t, o).Compute(v, []Output{randomOutput("embedding", v, 3, 1)})
	if err != nil || len(got.Terms) != 1 || got.Terms[0].Name != KindNTXent || got.Total != got.Terms[0].Value {
		t.Errorf("%+v, %v", got, err)
	}
	o = DefaultOptions()
	o.Invariance.Kind = KindNone
	got, err = mustNew(t, o).Compute(v, []Output{randomOutput("embedding", v, 3, 1)})
	if err != nil || len(got.Terms) != 1 || got.Terms[0].Name != KindRankNet || got.Total != got.Terms[0].Value {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDiagnostics(t *testing.T) {
	// Two images on the axes; their views turn away by 0, 90, 90 and 180 degrees.
	v := Views{Images: 2, Family: []int{-1, -1, 0, 0, 1}, Names: []string{"rotate", "blur"},
		Scale: []float64{0, 0, 0, 0, 0.5, 1, 1, 0.5, 0.3, 0.3}}
	data := []float32{
		1, 0, 0, 1, // base
		1, 0, 0, -1, // base: the second image's points away
		0, 1, 1, 0, // rotate: both at 90 degrees
		-1, 0, 0, -1, // rotate: both at 180 degrees; the second image has its scales the other way round
		0, 1, 1, 0, // blur
	}
	got, err := mustNew(t, DefaultOptions()).Compute(v, []Output{newOutput("embedding", v, 2, data)})
	if err != nil {
		t.Fatal(err)
	}
	ntxent, ranknet := got.Terms[0], got.Terms[1]
	if p := diagnostic(t, ntxent, "positive_similarity"); p != 0 {
		t.Errorf("positive similarity %g, want (1-1)/2", p)
	}
	if n := diagnostic(t, ntxent, "negative_similarity"); n != 0 {
		t.Errorf("negative similarity %g, want 0", n)
	}
	// rotate, first image: 6 triplets, both anchors see base 0 < 90 < 180 degrees: all right. Second image, scales 1 at 90
	// degrees and 0.5 at 180. The base view along +y sees the other at 2, scale 0.5 at 2, scale 1 at 1: a tie and two
	// wrong. That along -y sees the other at 2, scale 0.5 at 0, scale 1 at 1: wrong, wrong, right. In all 7.5 of 12.
	if a := diagnostic(t, ranknet, "accuracy/rotate"); a != 7.5/12 {
		t.Errorf("accuracy of rotate %g, want 7.5/12", a)
	}
	if n := diagnostic(t, ranknet, "triplets/rotate"); n != 12 {
		t.Errorf("%g triplets of rotate, want 12", n)
	}
	// blur: each anchor has the other base view and one level. First image: 0 < 1 twice. Second: 2 > 1 twice.
	if a := diagnostic(t, ranknet, "accuracy/blur"); a != 0.5 {
		t.Errorf("accuracy of blur %g, want 0.5", a)
	}
	if a := diagnostic(t, ranknet, "accuracy"); a != 9.5/16 {
		t.Errorf("accuracy %g, want 9.5/16", a)
	}
	rotate, blur := diagnostic(t, ranknet, "value/rotate"), diagnostic(t, ranknet, "value/blur")
	if math.Abs(ranknet.Value-(rotate+blur)/2) > 1e-12 {
		t.Errorf("value %g is not the mean of %g and %g", ranknet.Value, rotate, blur)
	}
}

// TestDefinedEverywhere holds the cases in which a formula has nothing to say, and what is said instead.
func TestDefinedEverywhere(t *testing.T) {
	zero := func(t *testing.T, what string, grad []float64) {
		t.Helper()
		for i, g := range grad {
			if math.Abs(g) > 1e-12 {
				t.Fatalf("%s: gradient[%d] is %g, want 0", what, i, g)
			}
		}
	}
	t.Run("one image", func(t *testing.T) {
		grad := make([]float64, 6)
		k := new(ntxent[float64])
		if got := runNTXent(k, batchOf(grad, normal(1, 6), 1, 3, []int{0, 1}, 1), 0.01); math.Abs(got) > 1e-12 {
			t.Errorf("value %g, want 0", got)
		}
		zero(t, "two views", grad)
		if got, want := runNTXent(k, batchOf(make([]float64, 9), normal(1, 9), 1, 3, []int{0, 1, 2}, 1), 0.1),
			math.Log(2); got < want {
			t.Errorf("three views: value %g, want at least log 2", got)
		}
	})
	t.Run("equal rows", func(t *testing.T) {
		z := make([]float64, 8*4*3)
		for i := range z {
			z[i] = float64(i%3) - 0.7
		}
		grad := make([]float64, len(z))
		if got, want := runNTXent(new(ntxent[float64]), batchOf(grad, z, 16, 3, []int{0, 1}, 1), 0.01),
			math.Log(31); math.Abs(got-want) > 1e-9 {
			t.Errorf("ntxent %g, want log(M-1) = %g", got, want)
		}
		zero(t, "ntxent", grad)
		v := orderedViews(1, 4, 2, 6)
		if got, want := runRankNet(grad, z, v, 3, true, 0.01, 1), math.Ln2; math.Abs(got-want) > 1e-9 {
			t.Errorf("ranknet %g, want log 2", got)
		}
		zero(t, "ranknet", grad)
	})
	t.Run("zero rows", func(t *testing.T) {
		z, grad := make([]float64, 4*6*3), make([]float64, 4*6*3)
		if got, want := runNTXent(new(ntxent[float64]), batchOf(grad, z, 12, 3, []int{0, 1}, 1), 0.01),
			math.Log(23); math.Abs(got-want) > 1e-9 {
			t.Errorf("ntxent %g, want log(M-1) = %g", got, want)
		}
		o := OrderOptions{Kind: KindRankNet, Temperature: 0.01}
		got, families := runFamilies(o, grad, z, orderedViews(1, 4, 2, 4), 3, 1)
		if math.Abs(got-math.Ln2) > 1e-9 {
			t.Errorf("ranknet %g, want log 2", got)
		}
		if r := families[0]; r.right != float64(r.triplets)/2 {
			t.Errorf("%g of %d ties are right, want half", r.right, r.triplets)
		}
		zero(t, "both", grad)
		// One zero row among others gets nothing and spoils nothing.
		z = normal(1, 12)
		clear(z[:3])
		grad = make([]float64, 12)
		runNTXent(new(ntxent[float64]), batchOf(grad, z, 2, 3, []int{0, 1}, 1), 0.01)
		zero(t, "the zero row", grad[:3])
		if dot(grad, grad) == 0 || math.IsNaN(dot(grad, grad)) {
			t.Errorf("gradient %v", grad)
		}
	})
	t.Run("all scales tied", func(t *testing.T) {
		v := orderedViews(1, 3, 2, 3)
		for i := range v.Scale {
			v.Scale[i] *= 1e-12
		}
		out := randomOutput("embedding", v, 4, 1)
		o := DefaultOptions()
		o.Invariance.Kind = KindNone
		got, err := mustNew(t, o).Compute(v, []Output{out})
		if err != nil || got.Total != 0 {
			t.Errorf("%+v, %v, want 0", got, err)
		}
		zero(t, "ranknet", convert[float64](out.Grad))
		for _, d := range got.Terms[0].Diagnostics {
			if strings.HasPrefix(d.Name, "accuracy") {
				t.Errorf("there is an accuracy without triplets: %+v", d)
			}
		}
	})
	t.Run("a family without triplets halves the mean", func(t *testing.T) {
		v := orderedViews(1, 3, 1, 3, 1) // one base view and one level: nothing to compare
		z := normal(1, len(v.Family)*3*2)
		got, families := runFamilies(OrderOptions{Kind: KindRankNet}, make([]float64, len(z)), z, v, 2, 1)
		if families[1].triplets != 0 || families[0].triplets == 0 || got != families[0].value/2 {
			t.Errorf("%g of %+v", got, families)
		}
	})
	t.Run("no family", func(t *testing.T) {
		v := orderedViews(1, 3, 2)
		got, err := mustNew(t, DefaultOptions()).Compute(v, []Output{randomOutput("embedding", v, 4, 1)})
		if err != nil || got.Terms[1].Value != 0 || len(got.Terms[1].Diagnostics) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("size does not matter", func(t *testing.T) {
		// A cosine does not see the norm, so neither value nor, times the norm, the gradient may.
		v := orderedViews(1, 6, 2, 3)
		z := normal(1, len(v.Family)*6*4)
		for _, size := range []float64{1e-7, 1e-3, 1e30, 1e150, 1e200, 1e300} {
			scaled, grad, want := make([]float64, len(z)), make([]float64, len(z)), make([]float64, len(z))
			for i := range z {
				scaled[i] = z[i] * size
			}
			value := runNTXent(new(ntxent[float64]), batchOf(grad, scaled, 6, 4, []int{0, 1}, size), 0.01) +
				runRankNet(grad, scaled, v, 4, true, 0.01, size)
			wantValue := runNTXent(new(ntxent[float64]), batchOf(want, z, 6, 4, []int{0, 1}, 1), 0.01) +
				runRankNet(want, z, v, 4, true, 0.01, 1)
			compare(t, "scaled", value, wantValue, grad, want, 1e-9)
		}
	})
}

func TestFloat32Extremes(t *testing.T) {
	v := orderedViews(1, 40, 2, 3)
	extremes := []float32{0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-12, -1e-8, 1e-6, 1, 1e30}
	for _, temperature := range []float64{minInvarianceTemperature, 0.01, 100} {
		o := DefaultOptions()
		o.Invariance.Temperature, o.Order.Temperature = temperature, max(temperature, minOrderTemperature)
		o.Order.Anchors = AnchorsAll
		o.Invariance.Weight, o.Order.Weight = maxWeight, maxWeight
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
}

func requireFinite(t *testing.T, v Values, out Output) {
	t.Helper()
	numbers := []float64{v.Total}
	for _, d := range v.Diagnostics {
		numbers = append(numbers, d.Value)
	}
	for _, term := range v.Terms {
		numbers = append(numbers, term.Value)
		for _, d := range term.Diagnostics {
			numbers = append(numbers, d.Value)
			if strings.HasPrefix(d.Name, "accuracy") && (d.Value < 0 || d.Value > 1) {
				t.Fatalf("%s is %g", d.Name, d.Value)
			}
			if strings.HasSuffix(d.Name, "similarity") && math.Abs(d.Value) > 1+1e-6 {
				t.Fatalf("%s is %g", d.Name, d.Value)
			}
		}
		if term.Value < -1e-6 && !strings.HasPrefix(term.Name, KindSimSiam) {
			t.Fatalf("%s is %g", term.Name, term.Value)
		}
	}
	numbers = append(numbers, convert[float64](out.Grad)...)
	for i, x := range numbers {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("number %d is %g; %+v", i, x, v)
		}
	}
}

func TestComputeErrors(t *testing.T) {
	good := func() (Views, []Output) {
		v := orderedViews(1, 3, 2, 2)
		return v, []Output{randomOutput("embedding", v, 4, 1), randomOutput("features", v, 2, 2)}
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name, want string
		spoil      func(v *Views, outs []Output)
	}{
		{"no images", "at least one image", func(v *Views, _ []Output) { v.Images = 0 }},
		{"no views", "at least one view", func(v *Views, _ []Output) { v.Family = nil }},
		{"scales", "4 views of 3 images need 12 scales, got 11", func(v *Views, _ []Output) { v.Scale = v.Scale[1:] }},
		{"family", "view 2 is of family 1, but there are 1 families", func(v *Views, _ []Output) { v.Family[2] = 1 }},
		{"negative family", "view 3 is of family -3", func(v *Views, _ []Output) { v.Family[3] = -3 }},
		{"scale", "view 2 of image 1 has scale NaN", func(v *Views, _ []Output) { v.Scale[7] = math.NaN() }},
		{"base scale", "view 1 of image 0 is a base view, but has scale 0.5",
			func(v *Views, _ []Output) { v.Scale[3] = 0.5 }},
		{"dim", `output "features": its rows have 0 values`, func(_ *Views, o []Output) { o[1].Dim = 0 }},
		{"data", "12 rows of 4 values are 48, got 47", func(_ *Views, o []Output) { o[0].Data = o[0].Data[1:] }},
		{"grad", "the gradient has room for 0 values instead of 48", func(_ *Views, o []Output) { o[0].Grad = nil }},
		{"missing", `no output "embedding"`, func(_ *Views, o []Output) { o[0].Name = "embeddings" }},
		{"one base view", "ntxent compares", func(v *Views, _ []Output) { v.Family[1] = 0 }},
		{"nan", `output "embedding": row 4 (view 1 of image 1) holds NaN`,
			func(_ *Views, o []Output) { o[0].Data[17] = nan }},
		{"infinity", `output "embedding": row 11 (view 3 of image 2) holds +Inf`,
			func(_ *Views, o []Output) { o[0].Data[47] = float32(math.Inf(1)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, outs := good()
			c.spoil(&v, outs)
			_, err := mustNew(t, DefaultOptions()).Compute(v, outs)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if finite := c.name != "nan" && c.name != "infinity"; errors.Is(err, ErrNonFinite) == finite {
				t.Errorf("ErrNonFinite: %v", err)
			}
		})
	}
	t.Run("nan in an output that no term needs", func(t *testing.T) {
		v, outs := good()
		outs[1].Data[0] = nan
		if _, err := mustNew(t, DefaultOptions()).Compute(v, outs); err != nil {
			t.Error(err)
		}
	})
	t.Run("no origin", func(t *testing.T) {
		v := orderedViews(1, 3, 0, 4)
		outs := []Output{randomOutput("embedding", v, 4, 1)}
		o := DefaultOptions()
		o.Invariance.Kind = KindNone
		if _, err := mustNew(t, o).Compute(v, outs); err == nil || !strings.Contains(err.Error(), "base view") {
			t.Errorf("got %v", err)
		}
		o.Order.Anchors = AnchorsAll
		if _, err := mustNew(t, o).Compute(v, outs); err != nil {
			t.Error(err)
		}
	})
}

// TestBuffersKeepNothing checks that what a Loss computed before leaves no trace.
func TestBuffersKeepNothing(t *testing.T) {
	o := DefaultOptions()
	o.Order.Anchors = AnchorsAll
	l := mustNew(t, o)
	run := func(l *Loss, v Views, dim int) (float64, []float32) {
		out := randomOutput("embedding", v, dim, 9)
		got, err := l.Compute(v, []Output{out})
		if err != nil {
			t.Fatal(err)
		}
		return got.Total, out.Grad
	}
	small, large := orderedViews(1, 5, 2, 2), orderedViews(2, 30, 3, 1, 4)
	large.Names[0] = "z" // not the small one's
	wantTotal, wantGrad := run(mustNew(t, o), small, 3)
	for range 2 {
		run(l, large, 7)
		if total, grad := run(l, small, 3); total != wantTotal || !slices.Equal(grad, wantGrad) {
			t.Fatalf("total %v, want %v", total, wantTotal)
		}
	}
}

func TestComputeAllocatesNothing(t *testing.T) {
	v := fullViews(1, 10, 2)
	for _, kind := range TermKinds() {
		t.Run(kind, func(t *testing.T) {
			o := only(t, kind)
			o.Invariance.Kind, o.Order.Kind, o.Order.Output = KindNTXent, KindRankNet, OutputFeatures
			o.Invariance.Views, o.Invariance.Standardise = ViewsQueries, true
			if kind == KindMoCo {
				o.Terms[0].Invariance.Queue = 15 // full at once
			}
			l := mustNew(t, o.Resolved())
			outs := fullOutputs(t, l, v, 8, 1)
			if n := testing.AllocsPerRun(10, func() {
				if _, err := l.Compute(v, outs); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%g allocations", n)
			}
		})
	}
}

// spoil makes some values extreme and some rows equal to the one before.
func spoil(out Output, with []byte) {
	values := []float32{0, 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-12, 1e-8}
	for i := range out.Data {
		if len(with) > 0 {
			switch b := with[i%len(with)]; {
			case b < 64:
				out.Data[i] = values[int(b)%len(values)]
			case b < 96 && i >= out.Dim:
				out.Data[i] = out.Data[i-out.Dim]
			}
		}
	}
}

func FuzzEveryKind(f *testing.F) {
	for i, kind := range TermKinds() {
		for _, with := range [][]byte{nil, {0}, {3}, {3, 4}, {80}, {1, 2, 3, 200, 4, 0, 70, 100}, {3, 0, 0}} {
			for _, images := range []uint8{0, 1, 6} {
				f.Add(kind, uint64(i), images, uint8(2), uint8(4), 0.01, with)
				f.Add(kind, uint64(i+1), images, uint8(2), uint8(4), 0.01, with)
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind string, seed uint64, images, base, dim uint8, temperature float64, with []byte) {
		term, err := DefaultTerm(kind)
		if err != nil {
			return
		}
		v := fullViews(seed, 1+int(images%20), int(base%4))
		v.Progress = float64(seed%11) / 10
		o := alone(term)
		switch {
		case term.Invariance != nil:
			fill(&temperature, 0.5)
			if term.Invariance.Temperature != 0 {
				term.Invariance.Temperature = temperature
			}
			term.Invariance.Weight, term.Invariance.Schedule = maxWeight, ScheduleCosine
			if kind == KindNTXent && seed%2 == 1 {
				term.Invariance.Views, term.Invariance.Standardise = ViewsQueries, true
			}
		case term.Order != nil && term.Order.Temperature != 0:
			term.Order.Temperature = temperature
		case term.Baseline != nil && kind == KindEquiMod:
			term.Baseline.Temperature = temperature
		}
		l, err := New(o)
		if err != nil {
			if temperature >= minInvarianceTemperature && temperature <= maxTemperature {
				t.Fatal(err)
			}
			return
		}
		if _, err := l.Needs(v); err != nil {
			if v.base() >= 2 {
				t.Fatal(err)
			}
			return
		}
		outs := fullOutputs(t, l, v, 1+int(dim%9), seed)
		for _, out := range outs {
			spoil(out, with)
		}
		for range 3 { // a queue is empty at first
			got, err := l.Compute(v, outs)
			if err != nil {
				if v.Images > 1 {
					t.Fatal(err)
				}
				return
			}
			for _, out := range outs {
				requireFinite(t, got, out)
			}
		}
	})
}

func FuzzCompute(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(2), uint8(3), uint8(2), uint8(5), 0.1, []byte{1, 2, 3})
	f.Add(uint64(2), uint8(1), uint8(2), uint8(0), uint8(0), uint8(1), 0.01, []byte{0})
	f.Add(uint64(3), uint8(40), uint8(3), uint8(1), uint8(4), uint8(7), 100.0, []byte{255, 7})
	f.Fuzz(func(t *testing.T, seed uint64, images, base, first, second, dim uint8, temperature float64, with []byte) {
		v := orderedViews(seed, 1+int(images%48), int(base%4), int(first%5), int(second%5))
		if len(v.Family) == 0 {
			return
		}
		out := randomOutput("embedding", v, 1+int(dim%9), seed)
		spoil(out, with)
		o := DefaultOptions()
		o.Invariance.Temperature, o.Order.Temperature = temperature, temperature
		if seed%2 == 0 {
			o.Order.Anchors = AnchorsAll
		}
		l, err := New(o)
		if err != nil {
			if temperature >= minInvarianceTemperature && temperature <= maxTemperature {
				t.Fatal(err)
			}
			return
		}
		got, err := l.Compute(v, []Output{out})
		if err != nil {
			if base%4 >= 2 {
				t.Fatal(err)
			}
			return
		}
		requireFinite(t, got, out)
	})
}
