package eval

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

func TestOrderAccuracyByHand(t *testing.T) {
	grid := Grid(5)
	for _, c := range []struct {
		name               string
		scales             []float64
		n                  int
		angle              func(g, i int) float64
		accuracy, spearman float64
		pairs, ties        int
		undefined          int
	}{
		{"kept", grid, 3, func(g, i int) float64 { return grid[g] * float64(i+1) / 3 }, 1, 1, 18, 0, 0},
		{"turned round", grid, 2, func(g, _ int) float64 { return []float64{0, 0.9, 0.7, 0.5, 0.3}[g] }, 0, -1, 12, 0, 0},
		{"ignored", grid, 2, func(_, i int) float64 { return float64(i) / 2 }, 0.5, 0, 12, 12, 2},
		{"one of two", grid, 2, func(g, i int) float64 { return grid[g] * float64(i) }, 0.75, 0.5, 12, 6, 1},
		{"tied scales", []float64{0, 0.5, 0.5 + 1e-12, 1}, 1,
			func(g, _ int) float64 { return []float64{0, 0.5, 0.7, 0.6}[g] }, 0.5, 0, 2, 0, 0},
		{"a full turn", grid, 1, func(g, _ int) float64 { return []float64{0, 0.5, 0.9, -0.75, -0.25}[g] },
			2.0 / 6, -0.4, 6, 0, 0},
		{"unordered grid", []float64{0, 1, 0.5}, 1, func(g, _ int) float64 { return []float64{0, 1, 0.5}[g] }, 1, 1, 1, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := turned(len(c.scales), c.n, c.angle)
			got, err := OrderAccuracy(z, c.scales, c.n, 2)
			if err != nil {
				t.Fatal(err)
			}
			if got.Accuracy != c.accuracy || math.Abs(got.Spearman-c.spearman) > 1e-12 {
				t.Errorf("accuracy %g, Spearman %g, want %g, %g", got.Accuracy, got.Spearman, c.accuracy, c.spearman)
			}
			if got.Pairs != c.pairs || got.Ties != c.ties || got.SpearmanUndefined != c.undefined {
				t.Errorf("%d pairs, %d ties, %d undefined, want %d, %d, %d",
					got.Pairs, got.Ties, got.SpearmanUndefined, c.pairs, c.ties, c.undefined)
			}
			if !slices.Equal(got.Scales, c.scales) {
				t.Errorf("scales %v", got.Scales)
			}
			for g, d := range got.Distance {
				var want float64
				for i := range c.n {
					want += (1 - math.Cos(math.Pi*(c.angle(g, i)-c.angle(0, i)))) / float64(c.n)
				}
				if math.Abs(d-want) > 1e-6 {
					t.Errorf("distance %g at scale %g, want %g", d, c.scales[g], want)
				}
			}
		})
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

func TestOrderAccuracyAgreesWithDefinition(t *testing.T) {
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
			got, err := OrderAccuracy(z, scales, n, dim)
			if err != nil {
				t.Fatal(err)
			}
			accuracy, pairs := plainOrderAccuracy(z, scales, n, dim)
			if math.Abs(got.Accuracy-accuracy) > 1e-12 || got.Pairs != pairs || got.Ties != 0 {
				t.Errorf("%g of %d pairs with %d ties, want %g of %d", got.Accuracy, got.Pairs, got.Ties, accuracy, pairs)
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
	got, err := OrderAccuracy(z, Grid(grid), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	const m = grid - 1
	if want := 1 - 6*squares/(m*(m*m-1)); math.Abs(got.Spearman-want) > 1e-12 {
		t.Errorf("Spearman %g, want %g", got.Spearman, want)
	}
}

func TestOrderAccuracyOfZeroRows(t *testing.T) {
	got, err := OrderAccuracy(make([]float32, 4*3*2), Grid(4), 3, 2)
	if err != nil || got.Accuracy != 0.5 || got.Spearman != 0 || got.SpearmanUndefined != 3 || got.Ties != got.Pairs {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOrderAccuracyErrors(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name, want string
		z          []float32
		scales     []float64
		n, dim     int
	}{
		{"no images", "0 images", nil, Grid(3), 0, 2},
		{"no values", "rows of 0 values", nil, Grid(3), 2, 0},
		{"shape", "3 scales of 2 images with rows of 2 values need 12 values, got 11", make([]float32, 11), Grid(3), 2, 2},
		{"no scales", "first scale must be 0", nil, nil, 2, 2},
		{"no origin", "first scale must be 0", make([]float32, 3), []float64{0.1, 0.5, 1}, 1, 1},
		{"one scale", "two different scales", make([]float32, 2), Grid(2), 1, 1},
		{"tied scales", "two different scales", make([]float32, 3), []float64{0, 1, 1}, 1, 1},
		{"negative", "scale -1", make([]float32, 3), []float64{0, 1, -1}, 1, 1},
		{"nan scale", "scale NaN", make([]float32, 3), []float64{0, nan, 1}, 1, 1},
		{"nan", "scale 0.5: image 1 holds", []float32{1, 1, 1, float32(nan), 1, 1}, Grid(3), 2, 1},
		{"infinity", "scale 0: image 0 holds", []float32{float32(math.Inf(1)), 1, 1}, Grid(3), 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := OrderAccuracy(c.z, c.scales, c.n, c.dim)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if want := c.name == "nan" || c.name == "infinity"; errors.Is(err, fault.Numeric) != want {
				t.Errorf("kind %q: %v", fault.KindOf(err), err)
			}
		})
	}
}

func TestGrid(t *testing.T) {
	if got, want := Grid(5), []float64{0, 0.25, 0.5, 0.75, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzOrderAccuracy(f *testing.F) {
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
		got, err := OrderAccuracy(z, scales, n, d)
		if err != nil {
			differ := len(scales) > 1 && slices.Max(scales[1:]) > slices.Min(scales[1:])
			if errors.Is(err, fault.Numeric) == finite && n > 0 && d > 0 && differ {
				t.Fatal(err)
			}
			return
		}
		if !finite || got.Accuracy < 0 || got.Accuracy > 1 || !(math.Abs(got.Spearman) <= 1+1e-12) ||
			got.Pairs < n || got.Ties > got.Pairs || got.SpearmanUndefined > n {
			t.Fatalf("%+v", got)
		}
		for _, x := range got.Distance {
			if !(x >= -1e-12 && x <= 2+1e-12) {
				t.Fatalf("distances %v", got.Distance)
			}
		}
	})
}

func BenchmarkOrderAccuracy(b *testing.B) {
	const grid, n, dim = 7, 1000, 256
	z := make([]float32, grid*n*dim)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range z {
		z[i] = float32(r.NormFloat64())
	}
	for b.Loop() {
		if _, err := OrderAccuracy(z, Grid(grid), n, dim); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(grid*n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
