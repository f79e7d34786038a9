package eval

import (
	"math"
	"slices"
	"testing"
)

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
