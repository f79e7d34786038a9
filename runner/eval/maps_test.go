package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// moving is an orbit of random images that a linear map moves with the scale: every pair of columns turns by half turns
// times the scale, with noise.
func moving(seed uint64, images int, scales []float64, halfTurns, noise float64) Orbit {
	const dim = 6
	r := rand.New(rand.NewPCG(seed, 8))
	start := make([]float64, images*dim)
	for i := range start {
		start[i] = r.NormFloat64()
	}
	o := Orbit{Scales: scales, Images: images, Dim: dim}
	for _, s := range scales {
		sin, cos := math.Sincos(math.Pi * halfTurns * s)
		for p := 0; p < len(start); p += 2 {
			x, y := start[p], start[p+1]
			o.Data = append(o.Data, float32(cos*x-sin*y+noise*r.NormFloat64()), float32(sin*x+cos*y+noise*r.NormFloat64()))
		}
	}
	return o
}

func TestScaleMapsPredictWhatIsLinear(t *testing.T) {
	scales := Grid(50)
	train, test := moving(1, 80, scales, 1, 0), moving(2, 30, scales, 1, 0)
	m := must(FitScaleMaps(train, DefaultRidgeOptions()))(t)
	predicted := must(m.Predict(test.At(0)))(t)
	r := must(Retrieve(predicted, test))(t)
	if r.MRR < 0.999 || r.H1 < 0.999 || r.H5 != 1 || r.Candidates != 50 || m.Penalty != 1e-6 || !m.AtEdge {
		t.Errorf("%+v, penalty %+v", r, m.Choice)
	}
	near(t, "chance of 50", r.ChanceMRR, 0.0899840, 1e-6)
	near(t, "chance H@1", r.ChanceH1, 0.02, 1e-12)
	near(t, "chance H@5", r.ChanceH5, 0.1, 1e-12)
	g := must(PredictionGain(predicted, test))(t)
	if g.Gain.Number < 0.9999 || g.ByScale[0].Defined || !g.ByScale[1].Defined {
		t.Errorf("gain %v, by scale %v", g.Gain, g.ByScale[:2])
	}
	near(t, "ratio of images' means", 1-mean(g.Errors)/mean(g.Changes), g.Gain.Number, 1e-12)
	p := must(PredictionError(predicted, test))(t)
	if p.PRE > 1e-3 || p.Bank != 1500 {
		t.Errorf("PRE %g in a bank of %d", p.PRE, p.Bank)
	}
	near(t, "chance PRE", p.Chance, 1.0/3, 0.01)

	all := onProcessors(t, func() []float32 {
		return must(must(FitScaleMaps(train, DefaultRidgeOptions()))(t).Predict(test.At(0)))(t).Data
	})
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Error("maps depend on the number of processors")
	}
}

func TestPredictionOfWhatIsInvariant(t *testing.T) {
	scales := Grid(50)
	train, test := moving(1, 40, scales, 0, 0), moving(2, 10, scales, 0, 0)
	predicted := must(must(FitScaleMaps(train, DefaultRidgeOptions()))(t).Predict(test.At(0)))(t)
	r := must(Retrieve(predicted, test))(t)
	near(t, "MRR", r.MRR, r.ChanceMRR, 1e-12)
	near(t, "H@1", r.H1, r.ChanceH1, 1e-12)
	near(t, "H@5", r.H5, r.ChanceH5, 1e-12)
	p := must(PredictionError(predicted, test))(t)
	near(t, "PRE", p.PRE, p.Chance, 1e-12)
	if g := must(PredictionGain(predicted, test))(t); g.Gain.Defined {
		t.Errorf("gain %v where nothing changes", g.Gain)
	}
	// Noise of size 1e-3 is no change that can be predicted.
	noisy := moving(3, 40, scales, 0, 1e-3)
	predicted = must(must(FitScaleMaps(moving(1, 40, scales, 0, 1e-3), DefaultRidgeOptions()))(t).Predict(noisy.At(0)))(t)
	if r := must(Retrieve(predicted, noisy))(t); r.MRR > 0.13 {
		t.Errorf("MRR %g of noise", r.MRR)
	}
	// The mean of many is a little nearer than another draw is: twice the noise's variance against about once.
	if g := must(PredictionGain(predicted, noisy))(t); math.Abs(g.Gain.Number) > 0.6 {
		t.Errorf("gain %v of noise", g.Gain)
	}
}

func TestRetrieveByHand(t *testing.T) {
	scales := Grid(3)
	actual := turns(scales, []float64{0, 0.3, 0.6}, []float64{0, 0, 0.5})
	// The first image: right, last and second. The second: twice among two that are equal, then right.
	predicted := turns(scales, []float64{0, 0.9, 0.38}, []float64{0, 0.1, 0.45})
	r := must(Retrieve(predicted, actual))(t)
	first := (1 + 0.5 + 0.5) / 3 // 0.9: 0.6, 0.3, 0; 0.38: 0.3, 0.6, 0
	second := (0.75 + 0.75 + 1) / 3
	allNear(t, "MRR", r.ImageMRR, []float64{first, second}, 1e-12)
	allNear(t, "H@1", r.ImageH1, []float64{1.0 / 3, 2.0 / 3}, 1e-12)
	allNear(t, "H@5", r.ImageH5, []float64{1, 1}, 1e-12)
	allNear(t, "by scale", r.ScaleMRR, []float64{0.875, 0.625, 0.75}, 1e-12)
	// Nearest: 0, then 0.6 at scale 1 for the prediction of 0.5, then 0.3 at 0.5 for that of 1; the second image's
	// zeros stand at scales 0 and 0.5, and so do the first's with its one.
	p := must(PredictionError(predicted, actual))(t)
	zero := (0 + 0 + 0.5) / 3 // of a prediction for 0 whose neighbours are three zeros at 0, 0 and 0.5
	half := (0.5 + 0.5 + 0) / 3
	allNear(t, "PRE", p.ByImage, []float64{(zero + 0.5 + 0.5) / 3, (zero + half + 0) / 3}, 1e-6)
	if _, err := Retrieve(predicted, turns(scales, []float64{0, 0, 0})); err == nil {
		t.Error("two images retrieved among one")
	}
	// More candidates: one between the true outputs of each image takes a place from the farther predictions.
	wider := append(slices.Clone(scales), 0.3)
	many := turns(wider, []float64{0, 0.3, 0.6, 0.36}, []float64{0, 0, 0.5, 0.4})
	r = must(Retrieve(predicted, many))(t)
	// 0: first; 0.9: 0.6, 0.36, 0.3, 0; 0.38: 0.36, 0.3, 0.6, 0. 0: two equal; 0.1: two equal; 0.45: 0.5 or 0.4 first.
	near(t, "MRR among four", r.ImageMRR[0], (1+1.0/3+1.0/3)/3, 1e-12)
	if r.Candidates != 4 || r.ChanceH1 != 0.25 {
		t.Errorf("%d candidates, chance %g", r.Candidates, r.ChanceH1)
	}
	if _, err := Retrieve(predicted, turns([]float64{0.3, 0, 0.5, 1}, wider, wider)); err == nil {
		t.Error("the candidates don't begin with the grid")
	}
}
