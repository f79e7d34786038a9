package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// unitRows is the first n rows of the identity.
func unitRows(n, dim int) Rows {
	r := Rows{Data: make([]float32, n*dim), Dim: dim}
	for i := range n {
		r.Data[i*dim+i] = 1
	}
	return r
}

func repeated(n int, row ...float32) Rows { return Rows{Data: slices.Repeat(row, n), Dim: len(row)} }

func gaussian(seed uint64, n, dim int) Rows {
	r := rand.New(rand.NewPCG(seed, 9))
	x := Rows{Data: make([]float32, n*dim), Dim: dim}
	for i := range x.Data {
		x.Data[i] = float32(r.NormFloat64())
	}
	return x
}

func TestRankMeByHand(t *testing.T) {
	o := DefaultRankMeOptions()
	for _, c := range []struct {
		name       string
		rows       Rows
		rank       Value
		attainable int
	}{
		{"even", unitRows(6, 6), Defined(6), 6},
		{"fewer rows than columns", unitRows(4, 9), Defined(4), 4},
		{"one vector", repeated(10, 1, 2, 3), Defined(1), 3},
		{"zeros", repeated(10, 0, 0, 0), Value{}, 3},
		{"one row", repeated(1, 3, 4), Defined(1), 1},
		{"two to one", Rows{Data: []float32{2, 0, 0, 1}, Dim: 2}, Defined(math.Exp(math.Log(3) - 2.0/3*math.Log(2))), 2},
	} {
		r := must(RankMe(c.rows, o))(t)
		near(t, c.name, r.Rank.Number, c.rank.Number, 2e-5) // ε is in the sum
		if r.Rank.Defined != c.rank.Defined || r.Attainable != c.attainable {
			t.Errorf("%s: %+v", c.name, r)
		}
		if r.Rank.Defined {
			near(t, c.name, r.Share.Number, r.Rank.Number/float64(c.attainable), 1e-12)
		}
	}
	o.Centre = true
	if r := must(RankMe(repeated(10, 1, 2, 3), o))(t); r.Rank.Defined {
		t.Errorf("centred, one vector has rank %v", r.Rank)
	}
	if r := must(RankMe(unitRows(4, 9), o))(t); r.Attainable != 3 || math.Abs(r.Share.Number-1) > 1e-4 {
		t.Errorf("centred: %+v", r)
	}
	if r := must(RankMe(repeated(1, 1, 2), o))(t); r.Rank.Defined || r.Attainable != 0 {
		t.Errorf("one row, centred: %+v", r)
	}
}

func TestLiDARByHand(t *testing.T) {
	views := func(images Rows, spread float32) Orbit { // two views, that far to both sides in every column
		o := Orbit{Scales: []float64{0, 0}, Images: images.Len(), Dim: images.Dim}
		for _, sign := range []float32{-1, 1} {
			for _, x := range images.Data {
				o.Data = append(o.Data, x+sign*spread)
			}
		}
		return o
	}
	o := DefaultLiDAROptions()
	r := must(LiDAR(views(unitRows(5, 5), 0), o))(t)
	near(t, "even", r.Rank.Number, 4, 1e-4) // centred, five points have four directions
	if r.Attainable != 4 {
		t.Errorf("attainable %d", r.Attainable)
	}
	if r := must(LiDAR(views(repeated(5, 1, 2, 3), 0.5), o))(t); r.Rank.Defined {
		t.Errorf("images that are one have rank %v", r.Rank)
	}
	if r := must(LiDAR(views(repeated(1, 1, 2, 3), 0.5), o))(t); r.Rank.Defined || r.Attainable != 0 {
		t.Errorf("one image: %+v", r)
	}
	// Noise in one column takes it out: within, it varies by 1, between images as the other does.
	z := Orbit{Scales: []float64{0, 0}, Images: 4, Dim: 2}
	z.Data = []float32{1, 1, 1, -1, -1, 1, -1, -1, 1, 3, 1, 1, -1, 3, -1, 1}
	o.Delta = 1e-9
	if r := must(LiDAR(z, o))(t); r.Rank.Number > 1.0001 {
		t.Errorf("rank %v with one column of noise", r.Rank)
	}
}

func TestCollapseByHand(t *testing.T) {
	for _, c := range []struct {
		name           string
		rows           Rows
		clustering     Value
		deviation      float64
		deviationShare float64
		zeros          int
	}{
		{"one vector", repeated(10, 1, 2), Defined(1), 0, 0, 0},
		{"one line", Rows{Data: []float32{1, 0, -3, 0}, Dim: 2}, Defined(1), 0.5, math.Sqrt2 / 2, 0},
		{"even", unitRows(3, 3), Defined(-0.5), math.Sqrt2 / 3, math.Sqrt(6) / 3, 0},
		{"zeros", repeated(4, 0, 0), Value{}, 0, 0, 4},
		{"one row", repeated(1, 1, 2), Value{}, 0, 0, 0},
		{"a zero", Rows{Data: []float32{1, 0, 0, 0, 2, 0}, Dim: 2}, Defined(1), math.Sqrt2 / 6, 1.0 / 3, 1},
		{"one column", repeated(5, 2), Value{}, 0, 0, 0},
	} {
		s := must(SelfClusteringOf(c.rows))(t)
		near(t, c.name, s.Value.Number, c.clustering.Number, 1e-12)
		if s.Value.Defined != c.clustering.Defined || s.Zeros != c.zeros {
			t.Errorf("%s: %+v", c.name, s)
		}
		d := must(NormalisedDeviation(c.rows))(t)
		near(t, c.name+": deviation", d.Normalised, c.deviation, 1e-12)
		near(t, c.name+": share", d.Share, c.deviationShare, 1e-12)
	}
	wide := gaussian(1, 3000, 24)
	if s := must(SelfClusteringOf(wide))(t); math.Abs(s.Value.Number) > 0.01 {
		t.Errorf("self-clustering %v of even directions", s.Value)
	}
	if d := must(NormalisedDeviation(wide))(t); math.Abs(d.Share-1) > 0.01 {
		t.Errorf("deviation %v of even directions", d)
	}
}

func TestAlphaReQOfPowerLaw(t *testing.T) {
	// Rows whose covariance is diagonal with i^-1.5: ±σ_i in column i alone.
	const dim = 20
	x := Rows{Data: make([]float32, 2*dim*dim), Dim: dim}
	for i := range dim {
		s := float32(math.Pow(float64(i+1), -0.75))
		x.Data[2*i*dim+i], x.Data[(2*i+1)*dim+i] = s, -s
	}
	a := must(AlphaReQ(x, DefaultAlphaReQOptions()))(t)
	near(t, "alpha", a.Alpha.Number, 1.5, 1e-6)
	if a.First != 1 || a.Last != dim {
		t.Errorf("range %d to %d", a.First, a.Last)
	}
	if a := must(AlphaReQ(repeated(9, 1, 2, 3), DefaultAlphaReQOptions()))(t); a.Alpha.Defined {
		t.Errorf("alpha %v of one vector", a.Alpha)
	}
}

func TestLocalDimensionByHand(t *testing.T) {
	line := func(x ...float32) Rows { return Rows{Data: x, Dim: 1} }
	log2 := math.Log(2)
	for _, c := range []struct {
		name string
		rows Rows
		k    int
		want []float64 // LID of the rows that have one
	}{
		// From 0 the distances are 1, 2, 4, from 1 they are 1, 1, 3, from 2 they are 1, 2, 2, from 4 they are 2, 3, 4.
		{"four points", line(0, 1, 2, 4), 3, []float64{1 / log2, 3 / (2 * math.Log(3)), 3 / log2,
			3 / (log2 + math.Log(4./3))}},
		{"two neighbours", line(0, 1, 3), 2, []float64{2 / math.Log(3), 2 / log2, 2 / math.Log(1.5)}},
		{"more than there are", line(0, 1, 3), 100, []float64{2 / math.Log(3), 2 / log2, 2 / math.Log(1.5)}},
		{"equal distances", unitRows(4, 4), 3, nil},
		{"one row", line(1), 3, nil},
		{"equal rows", repeated(5, 1, 2), 3, nil},
	} {
		r := must(LocalDimension(c.rows, c.k))(t)
		var want []float64
		for _, x := range c.want {
			want = append(want, math.Abs(math.Log(x)))
		}
		allNear(t, c.name, r.ByRow, want, 1e-9)
		if r.Rows != len(want) || r.MeanLog.Defined != (len(want) > 0) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	for _, dim := range []int{2, 6} {
		r := must(LocalDimension(gaussian(1, 1500, dim), 20))(t)
		if got := math.Exp(r.MeanLog.Number); math.Abs(got-float64(dim)) > 0.15*float64(dim) {
			t.Errorf("%d columns have dimension %g", dim, got)
		}
	}
	if _, err := LocalDimension(line(0, 1, 2), 1); err == nil {
		t.Error("one neighbour is no error")
	}
}

func TestOverlapByHand(t *testing.T) {
	a := turns([]float64{0}, []float64{0}, []float64{0.1}, []float64{0.5}, []float64{0.6}).At(0)
	b := turns([]float64{0}, []float64{0}, []float64{0.5}, []float64{0.45}, []float64{0.1}).At(0)
	// Nearest in a: 1, 0, 3, 2; in b: 3, 2, 1, 0.
	r := must(NeighbourOverlap(a, b, 1))(t)
	allNear(t, "k 1", r.ByImage, []float64{0, 0, 0, 0}, 0)
	near(t, "chance", r.Chance, 1.0/3, 1e-12)
	// The two nearest in a: {1, 2}, {0, 2}, {3, 1}, {2, 1}; in b: {3, 2}, {2, 3}, {1, 3}, {0, 2}.
	r = must(NeighbourOverlap(a, b, 2))(t)
	allNear(t, "k 2", r.ByImage, []float64{0.5, 0.5, 1, 0.5}, 0)
	if r := must(NeighbourOverlap(a, b, 100))(t); r.K != 3 || r.Overlap != 1 || r.Chance != 1 {
		t.Errorf("k beyond the rows: %+v", r)
	}
	x := gaussian(1, 300, 10)
	if r := must(NeighbourOverlap(x, x, 10))(t); r.Overlap != 1 {
		t.Errorf("with itself: %g", r.Overlap)
	}
	if r := must(NeighbourOverlap(x, gaussian(2, 300, 5), 10))(t); math.Abs(r.Overlap-r.Chance) > 0.02 {
		t.Errorf("with another: %g, chance %g", r.Overlap, r.Chance)
	}
	same := repeated(50, 1, 2, 3)
	if r := must(NeighbourOverlap(same, same, 7))(t); r.Overlap != 1 {
		t.Errorf("of equal rows: %g", r.Overlap)
	}
	if _, err := NeighbourOverlap(x, same, 5); err == nil {
		t.Error("different numbers of rows are no error")
	}
}
