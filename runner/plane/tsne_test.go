package plane

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/fault"
)

// clusters are rows around some directions that stand at right angles.
func clusters(each, directions, columns int) []float32 {
	draw := rand.New(rand.NewPCG(7, 7))
	var rows []float32
	for c := range directions {
		for range each {
			for k := range columns {
				x := 0.1 * draw.NormFloat64()
				if k == c {
					x++
				}
				rows = append(rows, float32(x))
			}
		}
	}
	return rows
}

// divergence is Kullback and Leibler's, of the places from the rows.
func (d *descent) divergence() float64 {
	sum, n := d.sum(), len(d.y)
	var kl float64
	for k, p := range d.p {
		if p > 0 {
			kl += p * math.Log(p*sum/near(d.y[k/n], d.y[k%n]))
		}
	}
	return kl
}

func TestAffinities(t *testing.T) {
	rows := clusters(10, 3, 5)
	squares := squaredDistances(directions(rows, 5), 5)
	row := make([]float64, 30)
	for i := range 30 {
		neighbours(row, squares[i*30:][:30], i, math.Log(6))
		var sum, entropy float64
		for _, p := range row {
			if sum += p; p > 0 {
				entropy -= p * math.Log(p)
			}
		}
		if math.Abs(sum-1) > 1e-12 || math.Abs(entropy-math.Log(6)) > 1e-6 || row[i] != 0 {
			t.Errorf("row %d: sum %g, perplexity %g, own %g", i, sum, math.Exp(entropy), row[i])
		}
	}
	var sum float64
	for _, p := range affinities(squares, 30, 6) {
		sum += p
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("all affinities add up to %g", sum)
	}
}

// TestGradient: by finite differences.
func TestGradient(t *testing.T) {
	const n, h = 12, 1e-6
	rows := clusters(4, 3, 4)
	d := descent{p: affinities(squaredDistances(directions(rows, 4), 4), n, 3)}
	draw := rand.New(rand.NewPCG(1, 2))
	for range n {
		d.y = append(d.y, Point{draw.NormFloat64(), draw.NormFloat64()})
	}
	slope := make([]Point, n)
	d.gradient(slope, 1)
	for i := range n {
		for _, c := range []struct {
			at   *float64
			want float64
		}{{&d.y[i].X, slope[i].X}, {&d.y[i].Y, slope[i].Y}} {
			was := *c.at
			*c.at = was + h
			above := d.divergence()
			*c.at = was - h
			got := (above - d.divergence()) / (2 * h)
			*c.at = was
			if math.Abs(got-c.want) > 1e-6 {
				t.Errorf("point %d: the slope is %g, by differences %g", i, c.want, got)
			}
		}
	}
}

// TestTSNE: clusters come apart, the divergence falls, and the same rows lie at the same places.
func TestTSNE(t *testing.T) {
	const each, n = 20, 60
	rows := clusters(each, 3, 6)
	o := DefaultTSNEOptions()
	d := descent{p: affinities(squaredDistances(directions(rows, 6), 6), n, perplexity(o.Perplexity, n))}
	var last float64
	for k, iterations := range []int{1, 300, 600} {
		o.Iterations = iterations
		var err error
		if d.y, err = TSNE(t.Context(), rows, 6, o); err != nil {
			t.Fatal(err)
		}
		kl := d.divergence()
		if k > 0 && kl >= last {
			t.Errorf("after %d steps the divergence is %g, before %g", iterations, kl, last)
		}
		last = kl
	}
	for i, a := range d.y {
		near, far := 0., math.Inf(1) // the farthest of its own cluster, the nearest of another
		for j, b := range d.y {
			if gap := math.Hypot(a.X-b.X, a.Y-b.Y); i/each == j/each {
				near = max(near, gap)
			} else {
				far = min(far, gap)
			}
		}
		if near >= far {
			t.Errorf("row %d is %g from one of its cluster and %g from one of another", i, near, far)
		}
	}
	again, err := TSNE(t.Context(), rows, 6, o)
	if err != nil || !slices.Equal(again, d.y) {
		t.Errorf("the same rows lie elsewhere, %v", err)
	}
}

// TestTSNEOfFew: equal rows, rows of zeros, and few of them have places.
func TestTSNEOfFew(t *testing.T) {
	for _, rows := range [][]float32{{1, 1, 1, 1}, {0, 0, 0, 0}, {1, 2, 3, 0}, {1, 0, 0, 1, 1, 0, 0, 1}} {
		points, err := TSNE(t.Context(), rows, len(rows)/LeastRows, DefaultTSNEOptions())
		if err != nil || len(points) != LeastRows {
			t.Fatal(points, err)
		}
		for _, p := range points {
			if math.IsNaN(p.X) || math.IsInf(p.X, 0) || math.IsNaN(p.Y) || math.IsInf(p.Y, 0) {
				t.Errorf("%v lie at %v", rows, points)
			}
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := TSNE(ended, make([]float32, 8), 2, DefaultTSNEOptions()); !errors.Is(err, fault.Interrupted) {
		t.Errorf("got %v", err)
	}
}

func TestPCA(t *testing.T) {
	points, err := PCA([]float32{0, 0, 3, 4, -3, -4}, 2) // on one line
	want := []Point{{0, 0}, {5, 0}, {-5, 0}}
	for i, p := range points {
		if math.Hypot(p.X-want[i].X, p.Y-want[i].Y) > 1e-9 {
			t.Errorf("%v, %v, want %v", points, err, want)
		}
	}
}
