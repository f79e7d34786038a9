package optimizer_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/models/optimizer"
)

// The reference's model: the last parameter starts at 0, one is a scalar.
var model = []optimizer.Part{{30, 2}, {6, 1}, {108, 4}, {1, 0}, {7, 1}}

const modelSize = 152

func start() []float32 {
	w := make([]float32, modelSize)
	for i := range modelSize - 7 {
		w[i] = float32(float64((i*37+11)%101-50) / 100)
	}
	return w
}

// gradient of step t, counted from 0.
func gradient(dst, w []float32, t int) {
	for i := range w {
		dst[i] = float32(float64((i*193+t*577)%997-498)/498 + 0.5*float64(w[i]))
	}
}

func rate(t int, highest float64) float64 { return highest * (1 - float64(t)/200) }

func TestOptimizersAgreeWithReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct {
		LR      float64
		Options struct {
			Optimizer   string
			WeightDecay float64 `json:"weight_decay"`
			Betas       [2]float64
			Eps         float64
			Momentum    float64
			Nesterov    bool
			Eta         float64
			Exclude     bool
			Clip        float64
		}
		Values map[string][]float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 10 {
		t.Fatalf("%d cases", len(cases))
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.Options
			o, err := optimizer.New(optimizer.Options{
				Optimizer: r.Optimizer, WeightDecay: r.WeightDecay, Betas: r.Betas, Eps: r.Eps, Momentum: r.Momentum,
				Nesterov: r.Nesterov, Eta: r.Eta, ExcludeBiasNorm: r.Exclude, ClipGradNorm: r.Clip,
			}, model, 2)
			if err != nil {
				t.Fatal(err)
			}
			w, g := start(), make([]float32, modelSize)
			for step := range 100 {
				gradient(g, w, step)
				o.Step(w, g, rate(step, c.LR))
				want, ok := c.Values[strconv.Itoa(step+1)]
				if !ok {
					continue
				}
				largest, off := 0.0, 0.0
				for i := range w {
					largest = max(largest, math.Abs(want[i]))
					off = max(off, math.Abs(want[i]-float64(w[i])))
				}
				t.Logf("step %d: largest difference %.2g of %.2g", step+1, off, largest)
				if off > 3e-6*largest {
					t.Errorf("step %d: largest difference %.2g of %.2g", step+1, off, largest)
				}
			}
		})
	}
}

// large has parameters of several blocks.
var large = []optimizer.Part{{100_003, 4}, {64, 1}, {33_000, 2}}

const largeSize = 133_067

func random(seed uint64, n int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func kinds() map[string]optimizer.Options {
	out := map[string]optimizer.Options{}
	for _, kind := range []string{optimizer.AdamW, optimizer.SGD, optimizer.LARS} {
		o := optimizer.DefaultOptions()
		o.Optimizer, o.ExcludeBiasNorm, o.ClipGradNorm = kind, true, 3
		out[kind] = o
	}
	plain := optimizer.DefaultOptions()
	plain.Optimizer, plain.Momentum = optimizer.SGD, 0
	out["sgd without momentum"] = plain
	return out
}

func TestNumberOfGoroutinesChangesNothing(t *testing.T) {
	for name, options := range kinds() {
		var want []float32
		for _, workers := range []int{1, 2, 7} {
			o, err := optimizer.New(options, large, workers)
			if err != nil {
				t.Fatal(err)
			}
			w := random(1, largeSize)
			for step := range 5 {
				o.Step(w, random(uint64(2+step), largeSize), 0.1)
			}
			if want == nil {
				want = w
			} else if !slices.Equal(w, want) {
				t.Errorf("%s: %d goroutines give other bits than 1", name, workers)
			}
		}
	}
}

func TestStoredStateGoesOnBitForBit(t *testing.T) {
	for name, options := range kinds() {
		fresh := func() *optimizer.Optimizer {
			o, err := optimizer.New(options, model, 1)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		g := make([]float32, modelSize)
		train := func(o *optimizer.Optimizer, w []float32, from, to int) {
			for step := from; step < to; step++ {
				gradient(g, w, step)
				o.Step(w, g, 0.01)
			}
		}
		whole, w := fresh(), start()
		train(whole, w, 0, 10)
		first, half := fresh(), start()
		train(first, half, 0, 4)
		state, err := first.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		second := fresh()
		if err := second.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		if second.Steps() != 4 {
			t.Errorf("%s: %d steps", name, second.Steps())
		}
		train(second, half, 4, 10)
		if !slices.Equal(w, half) {
			t.Errorf("%s: going on from a stored state gives other bits", name)
		}
	}
}

func TestForeignStateIsRefused(t *testing.T) {
	o, err := optimizer.New(optimizer.DefaultOptions(), model, 1)
	if err != nil {
		t.Fatal(err)
	}
	good, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	other, err := optimizer.New(optimizer.DefaultOptions(), model[:4], 1)
	if err != nil {
		t.Fatal(err)
	}
	smaller, err := other.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	average, err := optimizer.NewAverage(start()).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "cut off": good[:len(good)-1], "head only": good[:8], "too long": append(slices.Clone(good), 0),
		"another model": smaller, "another kind": average,
	} {
		if err := o.UnmarshalBinary(data); !errors.Is(err, optimizer.ErrState) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := o.UnmarshalBinary(good); err != nil {
		t.Error(err)
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	o, err := optimizer.New(optimizer.DefaultOptions(), []optimizer.Part{{3, 2}}, 1)
	if err != nil {
		f.Fatal(err)
	}
	good, err := o.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := o.UnmarshalBinary(data); err != nil {
			return
		}
		again, err := o.MarshalBinary()
		if err != nil || !slices.Equal(again, data) {
			t.Errorf("%x came back as %x, %v", data, again, err)
		}
	})
}

func TestValidate(t *testing.T) {
	if err := optimizer.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
	nan := math.NaN()
	bad := optimizer.Options{Optimizer: "adam", WeightDecay: -1, Betas: [2]float64{1, nan}, Eps: 0, Momentum: 1, Eta: 2,
		ClipGradNorm: -1}
	for name, c := range map[string]struct {
		options optimizer.Options
		keys    string
	}{
		"all wrong":           {bad, "optimizer weight_decay betas[0] betas[1] eps momentum eta clip_grad_norm"},
		"adamw with momentum": {with(optimizer.AdamW, func(o *optimizer.Options) { o.Momentum = 0.5 }), "momentum"},
		"adamw with eta": {with(optimizer.AdamW, func(o *optimizer.Options) { o.Eta = 0.5; o.Nesterov = true }),
			"nesterov eta"},
		"sgd with betas": {with(optimizer.SGD, func(o *optimizer.Options) { o.Betas[0] = 0.5; o.Eps = 1e-6 }),
			"betas eps"},
		"nesterov alone": {with(optimizer.SGD, func(o *optimizer.Options) { o.Nesterov = true; o.Momentum = 0 }),
			"nesterov"},
	} {
		err := c.options.Validate()
		if err == nil {
			t.Errorf("%s: no fault", name)
			continue
		}
		var keys []string
		for line := range strings.Lines(err.Error()) {
			key, _, _ := strings.Cut(line, ": must be ")
			keys = append(keys, key)
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%s: faults of %q, want %q", name, got, c.keys)
		}
	}
}

func with(kind string, change func(*optimizer.Options)) optimizer.Options {
	o := optimizer.DefaultOptions()
	o.Optimizer = kind
	change(&o)
	return o
}

func TestAverage(t *testing.T) {
	w := random(3, 40_000)
	for _, workers := range []int{1, 3} {
		a := optimizer.NewAverage(make([]float32, len(w)))
		a.Update(w, 0.75, workers)
		a.Update(w, 0.75, workers)
		for i, v := range a.Values() {
			if want := 0.4375 * float64(w[i]); math.Abs(float64(v)-want) > 1e-6*math.Abs(want) {
				t.Fatalf("value %d is %v, want %v = (1-0.75²)·%v", i, v, want, w[i])
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	const n = 11_000_000 // resnet18's
	w, g := random(1, n), random(2, n)
	for name, options := range kinds() {
		b.Run(name, func(b *testing.B) {
			o, err := optimizer.New(options, []optimizer.Part{{n, 4}}, 2)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				o.Step(w, g, 1e-6)
			}
			b.ReportMetric(float64(n)*float64(b.N)/1e6/b.Elapsed().Seconds(), "Mparameters/s")
		})
	}
}
