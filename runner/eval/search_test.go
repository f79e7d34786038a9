package eval_test

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/fault"
	"ordo/runner/eval"
)

// nearestByHand sorts all rows by their distance, one after the other.
func nearestByHand(rows []float32, dim, i, k int) []eval.Neighbour {
	cosine := func(a, b []float32) float64 {
		var ab, aa, bb float64
		for p := range a {
			x, y := float64(a[p]), float64(b[p])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if aa == 0 || bb == 0 {
			return 0
		}
		return ab / math.Sqrt(aa*bb)
	}
	var all []eval.Neighbour
	for j := range len(rows) / dim {
		if j != i {
			all = append(all, eval.Neighbour{Row: j, Distance: 1 - cosine(rows[i*dim:][:dim], rows[j*dim:][:dim])})
		}
	}
	slices.SortStableFunc(all, func(a, b eval.Neighbour) int { return cmp.Compare(a.Distance, b.Distance) })
	return all[:min(k, len(all))]
}

func TestSearch(t *testing.T) {
	const dim, n = 5, 301
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]float32, n*dim)
	for i := range rows {
		rows[i] = float32(r.NormFloat64())
	}
	clear(rows[7*dim : 8*dim])
	copy(rows[200*dim:201*dim], rows[3*dim:4*dim]) // as near to all others as row 3
	own := make([]int, n)
	for i := range own {
		own[i] = i
	}
	for _, k := range []int{1, 4, n + 5} {
		for _, part := range []int{1, 100, 128, n} {
			s, err := eval.NewSearch(rows, dim, k, own)
			if err != nil {
				t.Fatal(err)
			}
			for from := 0; from < n; from += part {
				if err := s.Add(rows[from*dim:min(from+part, n)*dim], from); err != nil {
					t.Fatal(err)
				}
			}
			for i := range n {
				want, got := nearestByHand(rows, dim, i, k), s.Nearest(i)
				if len(got) != len(want) {
					t.Fatalf("%d neighbours, want %d", len(got), len(want))
				}
				for j, w := range want {
					if math.Abs(got[j].Distance-w.Distance) > 1e-12 || k < n && i != 7 && got[j].Row != w.Row {
						t.Fatalf("k %d, parts of %d: neighbour %d of row %d is %v, want %v", k, part, j, i, got[j], w)
					}
				}
			}
		}
	}
	// Questions that are none of the rows find themselves.
	s, err := eval.NewSearch(rows[:dim], dim, 3, nil)
	if err != nil || s.Add(rows, 0) != nil {
		t.Fatal(err)
	}
	if got := s.Nearest(0); got[0].Row != 0 || got[0].Distance > 1e-15 {
		t.Errorf("the row itself is %v", got)
	}
}

func TestSearchRefuses(t *testing.T) {
	bad := []float32{1, float32(math.NaN())}
	if _, err := eval.NewSearch(bad, 2, 1, nil); !errors.Is(err, fault.Numeric) {
		t.Errorf("got %v", err)
	}
	s, err := eval.NewSearch([]float32{1, 2}, 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(bad, 0); !errors.Is(err, fault.Numeric) {
		t.Errorf("got %v", err)
	}
	for _, c := range []struct{ n, dim, k, own int }{{3, 2, 1, 0}, {4, 0, 1, 0}, {4, 2, 0, 0}, {4, 2, 1, 1}} {
		var own []int
		if c.own > 0 {
			own = make([]int, c.own)
		}
		if _, err := eval.NewSearch(make([]float32, c.n), c.dim, c.k, own); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if s.Add(make([]float32, 3), 0) == nil {
		t.Error("half a row is taken")
	}
}
