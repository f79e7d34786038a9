package eval

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/fault"
)

// turned returns rows of two values: image i at scale g points angle(g, i) half turns away from the x axis.
func turned(grid, n int, angle func(g, i int) float64) []float32 {
	z := make([]float32, grid*n*2)
	for g := range grid {
		for i := range n {
			sin, cos := math.Sincos(math.Pi * angle(g, i))
			z[(g*n+i)*2], z[(g*n+i)*2+1] = float32(3*cos), float32(3*sin)
		}
	}
	return z
}

// turns is an orbit of images that turn from the x axis, by these half turns at the scales.
func turns(scales []float64, images ...[]float64) Orbit {
	return Orbit{Data: turned(len(scales), len(images), func(g, i int) float64 { return images[i][g] }),
		Scales: scales, Images: len(images), Dim: 2}
}

func TestOrderOfImagesByHand(t *testing.T) {
	grid := Grid(5)
	for _, c := range []struct {
		name                        string
		scales, turns               []float64
		accuracy, spearman, kendall float64
		undefined, ties             int
	}{
		{"kept", grid, grid, 1, 1, 1, 0, 0},
		{"turned round", grid, []float64{0, 0.9, 0.7, 0.5, 0.3}, 0, -1, -1, 0, 0},
		{"ignored", grid, []float64{0, 0, 0, 0, 0}, 0.5, 0, 0, 1, 6},
		{"one pair wrong", grid, []float64{0, 0.2, 0.4, 0.8, 0.6}, 5.0 / 6, 0.8, 4.0 / 6, 0, 0},
		// Distances tie once: P 5, Q 0, of 6 pairs.
		{"a tie", grid, []float64{0, 0.2, 0.4, 0.4, 0.6}, 5.5 / 6, 4.5 / math.Sqrt(5*4.5), 5 / math.Sqrt(6*5), 0, 1},
		// Scales tie once: 5 pairs, all right; the distances of the tied ones differ.
		{"tied scales", []float64{0, 0.2, 0.4, 0.4, 1}, []float64{0, 0.1, 0.2, 0.3, 0.4}, 1,
			4.5 / math.Sqrt(5*4.5), 5 / math.Sqrt(6*5), 0, 0},
		// Scales and distances tie in the same pair.
		{"both tie", []float64{0, 0.2, 0.4, 0.4, 1}, []float64{0, 0.1, 0.2, 0.2, 0.4}, 1, 1, 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := must(OrderOfImages(turns(c.scales, c.turns, grid)))(t)
			near(t, "accuracy", r.Accuracy[0], c.accuracy, 1e-12)
			near(t, "Spearman", r.Spearman[0], c.spearman, 1e-12)
			near(t, "Kendall", r.Kendall[0], c.kendall, 1e-12)
			if r.Undefined != c.undefined || r.Ties != c.ties {
				t.Errorf("%d undefined, %d ties", r.Undefined, r.Ties)
			}
			for g, s := range c.turns {
				near(t, "distance", r.Distance[g][0], 1-math.Cos(math.Pi*s), 1e-6)
			}
		})
	}
}

func TestOrderByClass(t *testing.T) {
	grid := Grid(4)
	back := []float64{0, 0.9, 0.6, 0.3}
	r := must(OrderOfImages(turns(grid, grid, back, grid, back, back)))(t)
	got := ByGroup(r.Accuracy, []int{7, 2, 7, 2, 7})
	if want := []GroupMean{{2, 2, 0}, {7, 3, 2.0 / 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	allNear(t, "by image", PerImage([]float64{1, 2, 3, 5}, []int{4, 1, 4, 1}), []float64{3.5, 2}, 1e-12)
}

func TestOrderOfImagesRefusesBadGrids(t *testing.T) {
	for name, z := range map[string]Orbit{
		"no origin":     turns([]float64{0.1, 0.5, 1}, []float64{0, 0.5, 1}),
		"negative":      turns([]float64{0, -0.5, 1}, []float64{0, 0.5, 1}),
		"one scale":     turns([]float64{0, 1}, []float64{0, 1}),
		"equal scales":  turns([]float64{0, 1, 1}, []float64{0, 0.5, 1}),
		"no images":     {Scales: Grid(3), Dim: 2},
		"a wrong shape": {Data: make([]float32, 7), Scales: Grid(3), Images: 1, Dim: 2},
		"a NaN scale":   turns([]float64{0, math.NaN(), 1}, []float64{0, 0.5, 1}),
	} {
		if _, err := OrderOfImages(z); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// plainOrderAccuracy is the metric as its definition is written.
func plainOrderAccuracy(z []float32, scales []float64, n, dim int) (accuracy float64, pairs int) {
	distance := func(g, i int) float64 {
		var xy, xx, yy float64
		for p := range dim {
			x, y := float64(z[i*dim+p]), float64(z[(g*n+i)*dim+p])
			xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
		}
		return 1 - xy/math.Sqrt(xx*yy)
	}
	for i := range n {
		for g := 1; g < len(scales); g++ {
			for h := 1; h < len(scales); h++ {
				if scales[g] < scales[h] {
					pairs++
					if distance(g, i) < distance(h, i) {
						accuracy++
					}
				}
			}
		}
	}
	return accuracy / float64(pairs), pairs
}

func TestOrderAgreesWithDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		grid, n, dim := 3+r.IntN(8), 1+r.IntN(20), 2+r.IntN(10)
		t.Run(fmt.Sprintf("%dx%dx%d", grid, n, dim), func(t *testing.T) {
			scales := make([]float64, grid)
			for g := range scales[1:] {
				scales[g+1] = float64(1+r.IntN(8)) / 8
			}
			scales[1], scales[2] = 0.3, 0.4
			z := make([]float32, grid*n*dim)
			for i := range z {
				// Somewhat in order: the rows drift away from the origin.
				z[i] = float32(r.NormFloat64() + 2 - 3*scales[i/(n*dim)]*float64(i%2))
			}
			got := must(OrderOfImages(Orbit{Data: z, Scales: scales, Images: n, Dim: dim}))(t)
			accuracy, pairs := plainOrderAccuracy(z, scales, n, dim)
			if found := mean(got.Accuracy); math.Abs(found-accuracy) > 1e-12 || got.Pairs*n != pairs || got.Ties != 0 {
				t.Errorf("%g of %d pairs an image with %d ties, want %g of %d", found, got.Pairs, got.Ties, accuracy, pairs)
			}
		})
	}
}

// TestSpearmanFollowsFromSquares compares with the other formula, which holds where nothing is tied.
func TestSpearmanFollowsFromSquares(t *testing.T) {
	const grid = 9
	z := make([]float32, grid*2)
	r := rand.New(rand.NewPCG(2, 2))
	order := r.Perm(grid - 1)
	var squares float64
	for g := range grid {
		angle := 0.0
		if g > 0 {
			angle = float64(order[g-1]+1) / grid
			squares += math.Pow(float64(order[g-1]-(g-1)), 2)
		}
		z[2*g], z[2*g+1] = float32(math.Cos(math.Pi*angle)), float32(math.Sin(math.Pi*angle))
	}
	got := must(OrderOfImages(Orbit{Data: z, Scales: Grid(grid), Images: 1, Dim: 2}))(t)
	const m = grid - 1
	if want := 1 - 6*squares/(m*(m*m-1)); math.Abs(got.Spearman[0]-want) > 1e-12 {
		t.Errorf("Spearman %g, want %g", got.Spearman[0], want)
	}
}

func TestOrderOfZeroRows(t *testing.T) {
	got := must(OrderOfImages(Orbit{Data: make([]float32, 4*3*2), Scales: Grid(4), Images: 3, Dim: 2}))(t)
	if mean(got.Accuracy) != 0.5 || mean(got.Spearman) != 0 || got.Undefined != 3 || got.Ties != 3*got.Pairs {
		t.Errorf("%+v", got)
	}
}

func TestOrderRefusesWhatIsNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for at := range 3 {
			z := Orbit{Data: []float32{1, 1, 1}, Scales: Grid(3), Images: 1, Dim: 1}
			z.Data[at] = float32(bad)
			if _, err := OrderOfImages(z); !errors.Is(err, fault.Numeric) {
				t.Errorf("%g at %d: %v", bad, at, err)
			}
		}
	}
}

func TestGrid(t *testing.T) {
	if got, want := Grid(5), []float64{0, 0.25, 0.5, 0.75, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzOrderOfImages(f *testing.F) {
	f.Add([]byte{0, 10, 20, 30, 40, 50, 60, 70}, uint8(4), uint8(1), uint8(2))
	f.Add([]byte{255, 254, 253, 3, 2, 1}, uint8(3), uint8(2), uint8(1))
	values := []float32{
		0, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1e-12, float32(math.NaN()), float32(math.Inf(1)),
	}
	f.Fuzz(func(t *testing.T, data []byte, grid, images, dim uint8) {
		g, n, d := int(grid%12), int(images%5), int(dim%5)
		scales, z := make([]float64, g), make([]float32, g*n*d)
		finite := true
		for i := range z {
			if len(data) > 0 {
				z[i] = float32(data[i%len(data)]) - 128
				if b := int(data[i%len(data)]); b >= 224 {
					z[i] = values[b%len(values)]
				}
			}
			finite = finite && math.Abs(float64(z[i])) <= math.MaxFloat32
		}
		for i := range scales {
			if i > 0 && len(data) > 0 {
				scales[i] = float64(data[(7*i)%len(data)]%8) / 4
			}
		}
		got, err := OrderOfImages(Orbit{Data: z, Scales: scales, Images: n, Dim: d})
		if err != nil {
			differ := len(scales) > 1 && slices.Max(scales[1:]) > slices.Min(scales[1:])
			if errors.Is(err, fault.Numeric) == finite && n > 0 && d > 0 && differ {
				t.Fatal(err)
			}
			return
		}
		if !finite || slices.Min(got.Accuracy) < 0 || slices.Max(got.Accuracy) > 1 || got.Pairs < 1 ||
			got.Ties > n*got.Pairs || got.Undefined > n {
			t.Fatalf("%+v", got)
		}
		for _, x := range slices.Concat(got.Spearman, got.Kendall) {
			if !(math.Abs(x) <= 1+1e-12) {
				t.Fatalf("%+v", got)
			}
		}
		for _, x := range slices.Concat(got.Distance...) {
			if !(x >= -1e-12 && x <= 2+1e-12) {
				t.Fatalf("distances %v", got.Distance)
			}
		}
	})
}

func BenchmarkOrderOfImages(b *testing.B) {
	const grid, n, dim = 7, 1000, 256
	z := make([]float32, grid*n*dim)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range z {
		z[i] = float32(r.NormFloat64())
	}
	for b.Loop() {
		if _, err := OrderOfImages(Orbit{Data: z, Scales: Grid(grid), Images: n, Dim: dim}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(grid*n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func TestKendall(t *testing.T) {
	tau, ok := Kendall([]float64{1, 2, 2, 4, 5}, []float64{3, 1, 2, 2, 9})
	if want := 0.2222222222222222; !ok || math.Abs(tau-want) > 1e-9 { // scipy's kendalltau
		t.Errorf("τ %g, want %g", tau, want)
	}
	for _, c := range [][2][]float64{{{1, 1}, {1, 2}}, {{1, 2}, {1, 1}}} {
		if _, ok := Kendall(c[0], c[1]); ok {
			t.Errorf("%v has a τ", c)
		}
	}
}
