package eval

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ordo/models/fault"
)

// onProcessors runs f on several numbers of processors and gives what it returned.
func onProcessors[T any](t *testing.T, f func() T) []T {
	t.Helper()
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var all []T
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		all = append(all, f())
	}
	return all
}

func TestLogisticGradient(t *testing.T) {
	const n, dim, classes = 600, 4, 3 // more than one chunk
	train := clusters(1, n, dim, classes, 1)
	l := newLogistic(widen(train.Data), train.Labels, dim, classes)
	if len(l.chunks) < 2 {
		t.Fatal("one chunk only")
	}
	l.penalty = 0.3
	r := rand.New(rand.NewPCG(1, 2))
	params := make([]float64, classes*(dim+1))
	for i := range params {
		params[i] = r.NormFloat64()
	}
	l.eval(params)
	grad := slices.Clone(l.grad)
	for i := range params {
		const h = 1e-5
		p := slices.Clone(params)
		p[i] += h
		l.eval(p)
		up := l.value
		p[i] -= 2 * h
		l.eval(p)
		near(t, fmt.Sprintf("gradient %d", i), grad[i], (up-l.value)/(2*h), 1e-8)
	}
}

func TestProbeChoosesPenaltyOnHeldOutTraining(t *testing.T) {
	train := clusters(3, 300, 8, 4, 2.5)
	o := DefaultProbeOptions()
	o.Penalties = []float64{0.01, 10, 1e-4, 0.3}
	p := must(FitProbe(train, o))(t)
	fit, held := holdOutByClass(train.Labels, o.HoldOut, o.Seed)
	best, most := 0.0, -1.0
	for i, penalty := range o.Penalties {
		one := o
		one.Penalties = []float64{penalty}
		c := must(must(FitProbe(train.Select(fit), one))(t).Classify(train.Select(held)))(t)
		if c.Top1 != p.Scores[i] {
			t.Errorf("penalty %g: held out %g, want %g", penalty, p.Scores[i], c.Top1)
		}
		if c.Top1 > most || c.Top1 == most && penalty > best {
			best, most = penalty, c.Top1
		}
	}
	if p.Penalty != best || p.HeldOut != len(held) || p.AtEdge != (best == 10 || best == 1e-4) {
		t.Errorf("chose %+v, want %g", p.Choice, best)
	}
	one := o
	one.Penalties = []float64{best}
	if again := must(FitProbe(train, one))(t); !slices.Equal(again.weights, p.weights) {
		t.Error("the chosen penalty is not fitted to all training rows")
	}
}

func TestHoldOut(t *testing.T) {
	labels := slices.Concat(slices.Repeat([]int{5}, 50), slices.Repeat([]int{2}, 10), []int{9}, []int{1, 1})
	fit, held := holdOutByClass(labels, 0.2, 1)
	count := map[int]int{}
	for _, i := range held {
		count[labels[i]]++
	}
	if count[5] != 10 || count[2] != 2 || count[9] != 0 || count[1] != 1 {
		t.Errorf("held out %v", count)
	}
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(fit, held))))
	if len(fit)+len(held) != len(labels) || len(all) != len(labels) {
		t.Errorf("parts %v and %v", fit, held)
	}
	if _, other := holdOutByClass(labels, 0.2, 2); slices.Equal(held, other) {
		t.Error("the seed changes nothing")
	}
	images := []int{7, 7, 3, 3, 3, 9, 7, 4}
	fit, held = holdOutByImage(images, 0.5, 1)
	for _, i := range fit {
		for _, j := range held {
			if images[i] == images[j] {
				t.Errorf("image %d is in both parts", images[i])
			}
		}
	}
	if len(fit)+len(held) != len(images) || len(held) == 0 {
		t.Errorf("parts %v and %v", fit, held)
	}
}

func TestProbeOfUnusualClasses(t *testing.T) {
	test := clusters(2, 50, 5, 4, 0.1)
	one := DefaultProbeOptions()
	one.Penalties = []float64{0.01}
	t.Run("one class", func(t *testing.T) {
		train := test.Select([]int{0, 1, 2, 3})
		train.Labels = []int{3, 3, 3, 3}
		for _, l := range must(FitProbe(train, DefaultProbeOptions()))(t).Predict(test) {
			if l != 3 {
				t.Fatalf("predicted %d", l)
			}
		}
	})
	t.Run("one row a class", func(t *testing.T) {
		var rows []int
		for c := range 4 {
			rows = append(rows, slices.Index(test.Labels, c))
		}
		train := test.Select(rows)
		if c := must(must(FitProbe(train, one))(t).Classify(test))(t); c.Top1 != 1 {
			t.Errorf("accuracy %g", c.Top1)
		}
		if _, err := FitProbe(train, DefaultProbeOptions()); !errors.Is(err, fault.Data) {
			t.Errorf("several penalties: %v", err)
		}
	})
	t.Run("missing classes", func(t *testing.T) {
		train := clusters(5, 100, 5, 4, 0.1)
		var rows []int
		for i, l := range train.Labels {
			if l == 1 || l == 3 {
				rows = append(rows, i)
			}
		}
		p := must(FitProbe(train.Select(rows), DefaultProbeOptions()))(t)
		c := must(p.Classify(test))(t)
		for i, l := range test.Labels {
			if want := l == 1 || l == 3; (c.Correct[i] == 1) != want {
				t.Errorf("row %d of class %d: %g", i, l, c.Correct[i])
			}
		}
	})
	t.Run("no feature varies", func(t *testing.T) {
		train := Rows{slices.Repeat([]float32{0.1}, 30), 3, []int{2, 2, 2, 1, 1, 1, 1, 0, 0, 0}}
		c := must(must(FitProbe(train, DefaultProbeOptions()))(t).Classify(train))(t)
		if c.Top1 != 0.4 {
			t.Errorf("accuracy %g, want the majority's 0.4", c.Top1)
		}
	})
	t.Run("huge values", func(t *testing.T) {
		train := clusters(6, 60, 5, 4, 0.1)
		for i := range train.Data {
			train.Data[i] *= 1e37
		}
		if c := must(must(FitProbe(train, DefaultProbeOptions()))(t).Classify(train))(t); c.Top1 != 1 {
			t.Errorf("standardised: %g", c.Top1)
		}
		o := DefaultProbeOptions()
		o.Standardise = false
		if _, err := FitProbe(train, o); err != nil && !errors.Is(err, fault.Numeric) {
			t.Error(err)
		}
	})
}

func TestProbeIsTheSameOnAnyNumberOfProcessors(t *testing.T) {
	train := clusters(1, 1500, 20, 5, 3)
	all := onProcessors(t, func() []float64 { return must(FitProbe(train, DefaultProbeOptions()))(t).weights })
	for _, w := range all[1:] {
		if !slices.Equal(w, all[0]) {
			t.Error("weights differ")
		}
	}
}

func TestRefusals(t *testing.T) {
	good := clusters(1, 40, 3, 2, 1)
	bad := good.Select([]int{0, 1, 2, 3, 4, 5})
	bad.Data[7] = float32(math.NaN())
	infinite := Rows{Data: slices.Clone(good.Data), Dim: 3}
	infinite.Data[5] = float32(math.Inf(1))
	orbit := Orbit{Data: infinite.Data, Scales: []float64{0, 1}, Images: 20, Dim: 3}
	fine := Orbit{Data: good.Data, Scales: []float64{0, 1}, Images: 20, Dim: 3}
	sample := Sample{Rows: good, Targets: make([]float64, 40), Columns: 1}
	beyond, spoilt := sample, sample
	beyond.Rows = infinite
	spoilt.Targets = slices.Clone(sample.Targets)
	spoilt.Targets[3] = math.NaN()
	for _, c := range []struct {
		name string
		kind fault.Kind
		err  error
	}{
		{"probe, NaN", fault.Numeric, errorOf(FitProbe(bad, DefaultProbeOptions()))},
		{"probe, options", fault.Config, errorOf(FitProbe(good, ProbeOptions{}))},
		{"few-shot, inf", fault.Numeric, errorOf(FewShot(good, infinite, DefaultFewShotOptions()))},
		{"few-shot, few", fault.Data, errorOf(FewShot(good, good, DefaultFewShotOptions()))},
		{"few-shot, head", fault.Config, errorOf(FewShot(good, good, FewShotOptions{}))},
		{"ridge, inf", fault.Numeric, errorOf(FitRidge(beyond, DefaultRidgeOptions()))},
		{"ridge, target", fault.Numeric, errorOf(FitRidge(spoilt, DefaultRidgeOptions()))},
		{"ridge, options", fault.Config, errorOf(FitRidge(sample, RidgeOptions{HoldOut: 0.1, Penalties: []float64{0}}))},
		{"ridge, one", fault.Data, errorOf(FitRidge(sample.Select([]int{0}), DefaultRidgeOptions()))},
		{"MLP, target", fault.Numeric, errorOf(FitMLP(spoilt, DefaultMLPOptions()))},
		{"MLP, one", fault.Data, errorOf(FitMLP(sample.Select([]int{0}), DefaultMLPOptions()))},
		{"MLP, options", fault.Config, errorOf(FitMLP(sample, MLPOptions{}))},
		{"regression", fault.Numeric, errorOf(Regress(sample, slices.Repeat([]float64{math.Inf(1)}, 40)))},
		{"order", fault.Numeric, errorOf(OrderOfImages(orbit))},
		{"maps", fault.Numeric, errorOf(FitScaleMaps(orbit, DefaultRidgeOptions()))},
		{"maps, one", fault.Data, errorOf(FitScaleMaps(fine.Select([]int{1}), DefaultRidgeOptions()))},
		{"retrieval", fault.Numeric, errorOf(Retrieve(orbit, fine))},
		{"PRE", fault.Numeric, errorOf(PredictionError(fine, orbit))},
		{"gain", fault.Numeric, errorOf(PredictionGain(fine, orbit))},
		{"invariance", fault.Numeric, errorOf(InvarianceOf(orbit))},
		{"RankMe", fault.Numeric, errorOf(RankMe(infinite, DefaultRankMeOptions()))},
		{"RankMe, options", fault.Config, errorOf(RankMe(good, RankMeOptions{}))},
		{"LiDAR", fault.Numeric, errorOf(LiDAR(orbit, DefaultLiDAROptions()))},
		{"LiDAR, options", fault.Config, errorOf(LiDAR(fine, LiDAROptions{Epsilon: 1e-8}))},
		{"self-clustering", fault.Numeric, errorOf(SelfClusteringOf(infinite))},
		{"deviation", fault.Numeric, errorOf(NormalisedDeviation(infinite))},
		{"alpha", fault.Numeric, errorOf(AlphaReQ(infinite, DefaultAlphaReQOptions()))},
		{"alpha, options", fault.Config, errorOf(AlphaReQ(good, AlphaReQOptions{First: 3, Last: 2}))},
		{"overlap", fault.Numeric, errorOf(NeighbourOverlap(good, infinite, 3))},
		{"bootstrap", fault.Numeric, errorOf(BootstrapMean([]float64{1, math.NaN()}, DefaultBootstrapOptions()))},
		{"bootstrap, none", fault.Config, errorOf(BootstrapMean([]float64{1}, BootstrapOptions{}))},
	} {
		if !errors.Is(c.err, c.kind) {
			t.Errorf("%s: got %v, want an error of kind %q", c.name, c.err, c.kind)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestMajority(t *testing.T) {
	if got := Majority([]int{4, 2, 2, 4, 1}, []int{2, 4, 4, 2, 2}); got != 0.6 {
		t.Errorf("got %g, want 0.6: of equal classes the lowest", got)
	}
	if got := Majority(nil, nil); got != 0 {
		t.Errorf("got %g", got)
	}
}

func TestFewShot(t *testing.T) {
	o := DefaultFewShotOptions()
	o.Episodes = 200
	apart, blurred := clusters(1, 400, 16, 8, 0.01), clusters(1, 400, 16, 8, 2)
	noise := clusters(2, 400, 16, 8, 1e6) // nothing of the classes is left
	for _, head := range []string{HeadCosine, HeadEuclid, HeadLogistic} {
		o.Head = head
		if r := must(FewShot(apart, apart, o))(t); r.Accuracy != 1 || r.HalfWidth != 0 || r.Classes != 8 {
			t.Errorf("%s: %+v of classes that lie apart", head, r)
		}
		one := must(FewShot(blurred, blurred, o))(t)
		o.Shots = 5
		five := must(FewShot(blurred, blurred, o))(t)
		o.Shots = 1
		if !(one.Accuracy > 0.3 && five.Accuracy > one.Accuracy+0.05 && five.Accuracy < 1) {
			t.Errorf("%s: %g with one shot, %g with five", head, one.Accuracy, five.Accuracy)
		}
		if r := must(FewShot(noise, noise, o))(t); math.Abs(r.Accuracy-0.2) > 3*r.HalfWidth {
			t.Errorf("%s: %g ± %g of noise", head, r.Accuracy, r.HalfWidth)
		}
		if r := must(FewShot(apart, noise, o))(t); math.Abs(r.Accuracy-0.2) > 3*r.HalfWidth {
			t.Errorf("%s: %g ± %g with queries of noise", head, r.Accuracy, r.HalfWidth)
		}
	}
	o.Head = HeadCosine
	all := onProcessors(t, func() []float64 { return must(FewShot(blurred, blurred, o))(t).Each })
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Error("episodes depend on the number of processors")
	}
	near(t, "half width", must(FewShot(blurred, blurred, o))(t).HalfWidth,
		1.96*sampleDeviation(all[0], mean(all[0]))/math.Sqrt(200), 1e-12)
}

func TestEpisodesAreDistinctAndDoNotDependOnRows(t *testing.T) {
	labels := clusters(1, 300, 2, 9, 1).Labels
	o := DefaultFewShotOptions()
	pool := classPool(labels, o.Shots+o.Queries)
	seen := map[int]bool{}
	for i := range uint64(50) {
		e := drawEpisode(pool, o, i)
		used := map[int]bool{}
		classes := map[int]bool{}
		for c := range e.support {
			class := labels[e.support[c][0]]
			classes[class] = true
			for _, row := range slices.Concat(e.support[c], e.queries[c]) {
				if used[row] || labels[row] != class {
					t.Fatalf("row %d of class %d twice or not of class %d", row, labels[row], class)
				}
				used[row], seen[row] = true, true
			}
		}
		if len(classes) != o.Ways || len(used) != o.Ways*(o.Shots+o.Queries) {
			t.Fatalf("%d classes, %d rows", len(classes), len(used))
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d of 300 rows take part", len(seen))
	}
}
