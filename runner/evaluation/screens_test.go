package evaluation

import (
	"math/rand/v2"
	"testing"

	"ordo/augment"
	"ordo/models/graph"
	"ordo/runner/config"
	"ordo/runner/eval"
)

// screened measures screens of made-up rows: those of image i, of class i%2, at a scale.
func screened(t *testing.T, row func(r *rand.Rand, class int, scale float64) []float32) map[string]float64 {
	t.Helper()
	const images, classes = 200, 2
	r := rand.New(rand.NewPCG(1, 2))
	scales := eval.Grid(7)
	orbit := func() (z [][]eval.Orbit, l some) {
		one := eval.Orbit{Scales: scales, Images: images}
		for i := range images {
			l.images, l.labels = append(l.images, i), append(l.labels, i%classes)
		}
		for _, scale := range scales {
			for i := range images {
				values := row(r, i%classes, scale)
				one.Dim = len(values)
				one.Data = append(one.Data, values...)
			}
		}
		return [][]eval.Orbit{{one}}, l
	}
	s := &session{ctx: t.Context(), classes: classes, outputs: []string{graph.Features},
		subjects: []subject{{index: []int{0}}}, eval: eval.DefaultOptions(),
		families: []config.Family{{Family: augment.Family{Family: "zoom", Max: 2}}}}
	s.eval.Resamples = 50
	v := &shown{info: augment.FamilyInfo{Kind: augment.KindOneSided}}
	v.train, s.views[0] = orbit()
	v.test, s.views[1] = orbit()
	for _, measure := range []func(*shown) error{s.measureForgetting, s.measureClassOfScale, s.measureRelevance} {
		if err := measure(v); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]float64{}
	for _, m := range s.result.Metrics {
		if m.Interval == nil || m.Interval.Low.Number > m.Value.Number || m.Interval.High.Number < m.Value.Number {
			t.Errorf("%s: %v, interval %v", m.Name, m.Value, m.Interval)
		}
		found[m.Name] = m.Value.Number
	}
	return found
}

// TestScreens: classes that differ in scale alone have their screens, those that differ in something else have none.
func TestScreens(t *testing.T) {
	noise := func(r *rand.Rand) float32 { return float32(0.05 * r.NormFloat64()) }
	// The class is where the scale begins.
	begins := screened(t, func(r *rand.Rand, class int, scale float64) []float32 {
		return []float32{float32(scale+0.5*float64(class)) + noise(r), noise(r), 1}
	})
	if begins["class_of_scale"] < 0.65 || begins["class_relevance"] < 0.1 {
		t.Errorf("classes that differ in scale: %v", begins)
	}
	// The class is the direction of a small part that the scale drowns.
	drowned := screened(t, func(r *rand.Rand, class int, scale float64) []float32 {
		return []float32{float32(4*scale) * noise(r) * 20, 1, float32(class) + noise(r)}
	})
	if drowned["class_of_scale"] > 0.6 || drowned["class_relevance"] > 0.05 {
		t.Errorf("classes that don't differ in scale: %v", drowned)
	}
	// The class shows at scale 0 only, so that the mean over the scales loses it.
	lost := screened(t, func(r *rand.Rand, class int, scale float64) []float32 {
		if scale > 0 {
			return []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), 0}
		}
		return []float32{float32(class), 1, noise(r)}
	})
	if lost["forgetting"] > -0.1 || begins["forgetting"] < -0.1 {
		t.Errorf("forgetting gives %v and %v", lost["forgetting"], begins["forgetting"])
	}
}

// TestHalves: every image is in both halves, and drawn never shows it at the origin.
func TestHalves(t *testing.T) {
	z := eval.Orbit{Scales: []float64{0, 0.5, 1}, Images: 3, Dim: 1, Data: []float32{0, 1, 2, 10, 11, 12, 20, 21, 22}}
	rows, images := halves(z.At(0), drawn(z))
	for i, x := range rows.Data {
		scale := int(x) / 10
		if int(x)%10 != i%3 || (scale > 0) != (i >= 3) || images[i] != i%3 || rows.Labels[i] != i/3 {
			t.Errorf("row %d is %g of image %d in half %d", i, rows.Data[i], images[i], rows.Labels[i])
		}
	}
	if m := orbitMean(z); m.Data[1] != 11 {
		t.Errorf("mean of image 1: %g", m.Data[1])
	}
	if b := bent(eval.Rows{Data: []float32{2, 3}, Dim: 2}); b.Dim != 6 || b.Data[2] != 8 || b.Data[5] != 27 {
		t.Errorf("bent %v", b)
	}
}
