package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// reference is what compare/reference.py wrote.
type reference struct {
	Classes struct {
		Dim, Classes int
		Train        []float32
		TrainLabels  []int `json:"train_labels"`
		Test         []float32
		TestLabels   []int `json:"test_labels"`
		KNN          []struct {
			K           int
			Temperature float64
			Top1        float64
		}
		Probe []struct {
			Two, Standardise bool
			Penalty, Top1    float64
			Predicted        []int
		}
		FewShot []struct {
			Support, Queries         [][]int
			Cosine, Euclid, Logistic float64
		}
	}
	Regression []struct {
		Dim         int
		Train       []float32
		Targets     []float32
		Test        []float32
		TestTargets []float32 `json:"test_targets"`
		Fits        []struct {
			Penalty      float64
			Predictions  []float64
			Pooled       float64
			PerDimension float64 `json:"per_dimension"`
			Columns      []float64
		}
	}
	Angles    struct{ Truth, Guess, Errors []float64 }
	Orbit     orbitReference
	LabelFree []struct {
		Rows, Dim      int
		X, Views, Y    []float32
		RankMe         float64
		RankMeCentred  float64 `json:"rankme_centred"`
		LiDAR          float64
		LiDARDelta1    float64 `json:"lidar_delta_1"`
		SelfClustering float64 `json:"self_clustering"`
		Deviation      float64
		Alpha          float64
		Alpha2to5      float64 `json:"alpha_2_5"`
		Overlap        []struct {
			K       int
			Overlap float64
			ByImage []float64 `json:"by_image"`
		}
	} `json:"label_free"`
	Quantiles struct{ Values, Shares, Quantiles []float64 }
	Bootstrap struct{ Values, Interval []float64 }
}

type orbitReference struct {
	Scales      []float64
	Images, Dim int
	Z           []float32
	TrainImages int `json:"train_images"`
	Train       []float32
	Order       struct{ Accuracy, Spearman, Kendall, Distance []float64 }
	Maps        struct {
		Penalty   float64
		Predicted []float64
	}
	Predicted []float32
	Retrieval struct {
		MRR, H1, H5 float64
		ByImage     []float64 `json:"mrr_by_image"`
		ByScale     []float64 `json:"mrr_by_scale"`
	}
	PRE struct {
		PRE, Chance float64
		ByImage     []float64 `json:"by_image"`
	}
	Gain struct {
		Gain    float64
		ByScale []float64 `json:"by_scale"`
	}
	Invariance struct {
		NormalisedVariance    float64 `json:"normalised_variance"`
		PooledVariance        float64 `json:"pooled_variance"`
		Between               float64
		RelativeDistance      float64 `json:"relative_distance"`
		PositiveMinusNegative float64 `json:"positive_minus_negative"`
	}
}

func (o orbitReference) orbit(data []float32, images int) Orbit {
	return Orbit{Data: data, Scales: o.Scales, Images: images, Dim: o.Dim}
}

func readReference(t testing.TB) reference {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// near fails unless got is want up to rounding.
func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: got %.10g, want %.10g", what, got, want)
	}
}

func allNear(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		near(t, fmt.Sprintf("%s[%d]", what, i), got[i], want[i], tolerance)
	}
}

// must(f())(t) is what f returns; an error fails the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestKNNAgreesWithScikitLearn(t *testing.T) {
	c := readReference(t).Classes
	for _, want := range c.KNN {
		train, test := Rows{c.Train, c.Dim, c.TrainLabels}, Rows{c.Test, c.Dim, c.TestLabels}
		got, err := KNN(train, test, c.Classes, KNNOptions{K: want.K, Temperature: want.Temperature})
		if err != nil || got.Top1 != want.Top1 {
			t.Errorf("k %d: got %g, %v, want %g", want.K, got.Top1, err, want.Top1)
		}
	}
}

func TestProbeAgreesWithScikitLearn(t *testing.T) {
	c := readReference(t).Classes
	train, test := Rows{c.Train, c.Dim, c.TrainLabels}, Rows{c.Test, c.Dim, c.TestLabels}
	two := func(l Rows) Rows {
		var rows []int
		for i, label := range l.Labels {
			if label < 2 {
				rows = append(rows, i)
			}
		}
		return l.Select(rows)
	}
	for _, want := range c.Probe {
		name := fmt.Sprintf("two %t, standardised %t, penalty %g", want.Two, want.Standardise, want.Penalty)
		t.Run(name, func(t *testing.T) {
			fit, ask := train, test
			if want.Two {
				fit, ask = two(train), two(test)
			}
			o := DefaultProbeOptions()
			o.Penalties, o.Standardise, o.MaxIterations = []float64{want.Penalty}, want.Standardise, 10000
			p := must(FitProbe(fit, o))(t)
			got, err := p.Classify(ask)
			if err != nil || got.Top1 != want.Top1 || !p.Converged {
				t.Errorf("got %g, %v, want %g (converged: %t)", got.Top1, err, want.Top1, p.Converged)
			}
			if !slices.Equal(p.Predict(ask), want.Predicted) {
				t.Errorf("predicted %v, want %v", p.Predict(ask), want.Predicted)
			}
		})
	}
}

func TestEpisodesAgreeWithScikitLearn(t *testing.T) {
	c := readReference(t).Classes
	rows := Rows{Data: c.Train, Dim: c.Dim}
	for _, want := range c.FewShot {
		e := episode{want.Support, want.Queries}
		of := map[string]float64{HeadCosine: want.Cosine, HeadEuclid: want.Euclid, HeadLogistic: want.Logistic}
		for head, accuracy := range of {
			got, err := e.accuracy(rows, rows, head)
			if err != nil || math.Abs(got-accuracy) > 1e-12 {
				t.Errorf("%d-way %d-shot %s: got %g, %v, want %g", len(e.support), len(e.support[0]), head, got, err, accuracy)
			}
		}
	}
}

func TestRidgeAgreesWithScikitLearn(t *testing.T) {
	for _, c := range readReference(t).Regression {
		train := Sample{Rows: Rows{Data: c.Train, Dim: c.Dim}, Targets: widen(c.Targets), Columns: 3}
		test := Sample{Rows: Rows{Data: c.Test, Dim: c.Dim}, Targets: widen(c.TestTargets), Columns: 3}
		for _, want := range c.Fits {
			o := DefaultRidgeOptions()
			o.Penalties = []float64{want.Penalty}
			r, err := FitRidge(train, o)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%d columns, penalty %g", c.Dim, want.Penalty)
			allNear(t, what, r.Predict(test.Rows), want.Predictions, 1e-6)
			got := must(r.Evaluate(test))(t)
			near(t, what+" pooled", got.Pooled.Number, want.Pooled, 1e-6)
			near(t, what+" per dimension", got.PerDimension.Number, want.PerDimension, 1e-6)
			for i, v := range got.Columns {
				near(t, what+" column", v.Number, want.Columns[i], 1e-6)
			}
			near(t, what+" from rows", 1-mean(got.Errors)/mean(got.Spread), want.Pooled, 1e-6)
		}
	}
}

func TestAngularErrorsAgree(t *testing.T) {
	a := readReference(t).Angles
	allNear(t, "angles", AngularErrors(Angles(a.Truth), Angles(a.Guess)), a.Errors, 1e-9)
}

func TestOrderOfImagesAgreesWithScipy(t *testing.T) {
	o := readReference(t).Orbit
	got, err := OrderOfImages(o.orbit(o.Z, o.Images))
	if err != nil {
		t.Fatal(err)
	}
	allNear(t, "accuracy", got.Accuracy, o.Order.Accuracy, 1e-12)
	allNear(t, "Spearman", got.Spearman, o.Order.Spearman, 1e-12)
	allNear(t, "Kendall", got.Kendall, o.Order.Kendall, 1e-12)
	allNear(t, "distance", slices.Concat(got.Distance...), o.Order.Distance, 1e-7)
	if got.Undefined != 1 || got.Pairs != 9 || got.Ties != 10 {
		t.Errorf("%d undefined, %d pairs, %d ties", got.Undefined, got.Pairs, got.Ties)
	}
}

func TestPredictionAgreesWithNumpy(t *testing.T) {
	o := readReference(t).Orbit
	actual, train := o.orbit(o.Z, o.Images), o.orbit(o.Train, o.TrainImages)
	options := DefaultRidgeOptions()
	options.Penalties = []float64{o.Maps.Penalty}
	maps, err := FitScaleMaps(train, options)
	if err != nil {
		t.Fatal(err)
	}
	fitted := must(maps.Predict(actual.At(0)))(t)
	allNear(t, "maps", widen(fitted.Data), o.Maps.Predicted, 1e-6)

	predicted := o.orbit(o.Predicted, o.Images)
	r := must(Retrieve(predicted, actual))(t)
	near(t, "MRR", r.MRR, o.Retrieval.MRR, 1e-9)
	near(t, "H@1", r.H1, o.Retrieval.H1, 1e-9)
	near(t, "H@5", r.H5, o.Retrieval.H5, 1e-9)
	allNear(t, "MRR by image", r.ImageMRR, o.Retrieval.ByImage, 1e-9)
	allNear(t, "MRR by scale", r.ScaleMRR, o.Retrieval.ByScale, 1e-9)

	p := must(PredictionError(predicted, train))(t)
	near(t, "PRE", p.PRE, o.PRE.PRE, 1e-9)
	near(t, "chance PRE", p.Chance, o.PRE.Chance, 1e-9)
	allNear(t, "PRE by image", p.ByImage, o.PRE.ByImage, 1e-9)

	g := must(PredictionGain(predicted, actual))(t)
	near(t, "gain", g.Gain.Number, o.Gain.Gain, 1e-6)
	for i, v := range o.Gain.ByScale {
		near(t, "gain by scale", g.ByScale[i+1].Number, v, 1e-6)
	}
}

func TestInvarianceAgreesWithNumpy(t *testing.T) {
	o := readReference(t).Orbit
	got := must(InvarianceOf(o.orbit(o.Z, o.Images)))(t)
	for _, c := range []struct {
		name string
		got  Value
		want float64
	}{
		{"normalised variance", got.NormalisedVariance, o.Invariance.NormalisedVariance},
		{"pooled variance", got.PooledVariance, o.Invariance.PooledVariance},
		{"between images", got.Between, o.Invariance.Between},
		{"relative distance", got.RelativeDistance, o.Invariance.RelativeDistance},
		{"positive minus negative", got.PositiveNegative, o.Invariance.PositiveMinusNegative},
	} {
		near(t, c.name, c.got.Number, c.want, 1e-6)
		if !c.got.Defined {
			t.Errorf("%s is undefined", c.name)
		}
	}
	near(t, "ratio of images' means", mean(got.Within)/mean(got.Others), o.Invariance.RelativeDistance, 1e-6)
}

func TestLabelFreeAgreesWithNumpy(t *testing.T) {
	for _, c := range readReference(t).LabelFree {
		x, y := Rows{Data: c.X, Dim: c.Dim}, Rows{Data: c.Y, Dim: c.Dim / 2}
		views := Orbit{Data: c.Views, Scales: []float64{0, 0, 0}, Images: c.Rows, Dim: c.Dim}
		what := fmt.Sprintf("%d of %d: ", c.Rows, c.Dim)
		rank := must(RankMe(x, DefaultRankMeOptions()))(t)
		near(t, what+"RankMe", rank.Rank.Number, c.RankMe, 1e-6)
		centred := must(RankMe(x, RankMeOptions{Centre: true, Epsilon: 1e-7}))(t)
		near(t, what+"centred RankMe", centred.Rank.Number, c.RankMeCentred, 1e-6)
		if rank.Attainable != min(c.Rows, c.Dim) || centred.Attainable != min(c.Rows-1, c.Dim) {
			t.Errorf("%sattainable %d, centred %d", what, rank.Attainable, centred.Attainable)
		}
		lidar := must(LiDAR(views, DefaultLiDAROptions()))(t)
		near(t, what+"LiDAR", lidar.Rank.Number, c.LiDAR, 1e-6)
		lidar = must(LiDAR(views, LiDAROptions{Delta: 1, Epsilon: 1e-8}))(t)
		near(t, what+"LiDAR, delta 1", lidar.Rank.Number, c.LiDARDelta1, 1e-6)
		s := must(SelfClusteringOf(x))(t)
		near(t, what+"self-clustering", s.Value.Number, c.SelfClustering, 1e-6)
		d := must(NormalisedDeviation(x))(t)
		near(t, what+"deviation", d.Normalised, c.Deviation, 1e-6)
		a := must(AlphaReQ(x, DefaultAlphaReQOptions()))(t)
		near(t, what+"alpha", a.Alpha.Number, c.Alpha, 1e-6)
		a = must(AlphaReQ(x, AlphaReQOptions{First: 2, Last: 5}))(t)
		near(t, what+"alpha of 2 to 5", a.Alpha.Number, c.Alpha2to5, 1e-6)
		for _, want := range c.Overlap {
			got := must(NeighbourOverlap(x, y, want.K))(t)
			near(t, what+"overlap", got.Overlap, want.Overlap, 1e-9)
			allNear(t, what+"overlap by image", got.ByImage, want.ByImage, 1e-9)
		}
	}
}

func TestIntervalsAgreeWithScipy(t *testing.T) {
	r := readReference(t)
	allNear(t, "quantiles", Quantiles(r.Quantiles.Values, r.Quantiles.Shares...), r.Quantiles.Quantiles, 1e-12)
	b := must(BootstrapMean(r.Bootstrap.Values, BootstrapOptions{Resamples: 20000, Level: 0.95, Seed: 3}))(t)
	allNear(t, "bootstrap", []float64{b.Low.Number, b.High.Number}, r.Bootstrap.Interval, 0.01)
}
