package loader

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"ordo/augment"
	"ordo/models/ort/orttest"
	"ordo/runner/data"
)

func options() augment.Options {
	o := augment.DefaultOptions()
	crop, err := augment.DefaultTransformation("random_resized_crop")
	if err != nil {
		panic(err)
	}
	rotate, err := augment.DefaultFamily("rotate")
	if err != nil {
		panic(err)
	}
	rotate.Levels = 2
	o.Invariant = []augment.Transformation{crop}
	o.Ordered = []augment.Family{rotate}
	return o
}

func plan(t testing.TB, size int) *augment.Plan {
	t.Helper()
	p, err := augment.NewPlan(options(), size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fruit(t testing.TB, n int) data.Dataset {
	t.Helper()
	o := data.DefaultOptions()
	o.ImageSize, o.Images, o.TestImages = 16, n, 12
	s, err := data.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s.Train
}

// batches copies what a loader gives from a step on.
func batches(t *testing.T, workers, from, count int) (pixels [][]float32, scales [][]float64) {
	t.Helper()
	lib := orttest.Open(t)
	o := Options{Seed: 7, Batch: 6, Workers: workers, Step: from}
	l, err := New(context.Background(), lib, fruit(t, 26), plan(t, 16), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.StepsPerEpoch() != 4 {
		t.Fatalf("%d steps an epoch, want 4", l.StepsPerEpoch())
	}
	for range count {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := []int64{24, 3, 16, 16}; !slices.Equal(b.Images.Shape(), want) {
			t.Fatalf("shape %v, want %v", b.Images.Shape(), want)
		}
		if !slices.Equal(b.Views.Family, []int{-1, -1, 0, 0}) || !slices.Equal(b.Views.Names, []string{"rotate"}) {
			t.Fatalf("views %+v", b.Views)
		}
		pixels = append(pixels, slices.Clone(b.Images.Data()))
		scales = append(scales, slices.Clone(b.Views.Scale))
		l.Release(b)
	}
	return pixels, scales
}

func TestBatchesDependOnNothingButTheirStep(t *testing.T) {
	pixels, scales := batches(t, 1, 0, 9)
	for _, c := range []struct{ workers, from int }{{1, 0}, {4, 0}, {1, 3}, {3, 5}, {2, 8}} {
		again, scalesAgain := batches(t, c.workers, c.from, 9-c.from)
		for i := range again {
			if !slices.Equal(again[i], pixels[c.from+i]) || !slices.Equal(scalesAgain[i], scales[c.from+i]) {
				t.Fatalf("%d workers from step %d: batch %d differs", c.workers, c.from, c.from+i)
			}
		}
	}
	for i := range pixels {
		for j := range i {
			if slices.Equal(pixels[i], pixels[j]) {
				t.Errorf("batches %d and %d are the same", i, j)
			}
		}
	}
}

func TestRowsAreViewMajor(t *testing.T) {
	pixels, scales := batches(t, 2, 0, 1)
	set, p := fruit(t, 26), plan(t, 16)
	order := epochOrder(7, 0, 26)
	var s augment.Scratch
	want := make([]float32, 3*16*16)
	for v := range p.Views() {
		for n := range 6 {
			img, err := set.Image(order[n])
			if err != nil {
				t.Fatal(err)
			}
			key := augment.Key{Seed: 7, Epoch: 0, Sample: uint64(order[n])}
			p.Render(want, &s, img, key, v)
			row := v*6 + n
			if !slices.Equal(want, pixels[0][row*len(want):(row+1)*len(want)]) || scales[0][row] != p.Scale(key, v) {
				t.Fatalf("row %d is not view %d of image %d", row, v, n)
			}
		}
	}
}

func TestEveryEpochSeesEveryImageOnce(t *testing.T) {
	a, b := epochOrder(1, 0, 50), epochOrder(1, 1, 50)
	if slices.Equal(a, b) || slices.Equal(a, epochOrder(2, 0, 50)) {
		t.Error("two epochs or two seeds have the same order")
	}
	slices.Sort(a)
	for i, n := range a {
		if i != n {
			t.Fatalf("image %d is missing or twice", i)
		}
	}
}

// broken fails for one image.
type broken struct {
	data.Dataset
	bad int
}

var errBroken = errors.New("unreadable")

func (b broken) Image(i int) (augment.Image, error) {
	if i == b.bad {
		return augment.Image{}, fmt.Errorf("image %d: %w", i, errBroken)
	}
	return b.Dataset.Image(i)
}

func TestUnreadableImageEndsTheEpoch(t *testing.T) {
	lib := orttest.Open(t)
	l, err := New(context.Background(), lib, broken{fruit(t, 24), 5}, plan(t, 16), Options{Seed: 1, Batch: 6, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 4 {
		b, err := l.Next()
		if errors.Is(err, errBroken) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Release(b)
	}
	t.Error("an unreadable image went unnoticed")
}

func TestCancelledLoaderEnds(t *testing.T) {
	lib := orttest.Open(t)
	ctx, cancel := context.WithCancel(context.Background())
	l, err := New(ctx, lib, fruit(t, 24), plan(t, 16), Options{Seed: 1, Batch: 6, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cancel()
	for {
		b, err := l.Next()
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			return
		}
		l.Release(b)
	}
}

func TestEvaluationViews(t *testing.T) {
	set, view := fruit(t, 24), View{Plan: plan(t, 16), Family: 0, Scale: 0.5}
	pixels := 3 * 16 * 16
	var every []int
	for i := range 24 {
		every = append(every, i)
	}
	all := make([]float32, 24*pixels)
	if err := Evaluation(all, view, set, every, Scratch(3)); err != nil {
		t.Fatal(err)
	}
	some := make([]float32, 3*pixels)
	if err := Evaluation(some, view, set, []int{7, 20, 3}, Scratch(1)); err != nil {
		t.Fatal(err)
	}
	for i, image := range []int{7, 20, 3} {
		if !slices.Equal(some[i*pixels:(i+1)*pixels], all[image*pixels:(image+1)*pixels]) {
			t.Errorf("image %d among some is not the same as among all", image)
		}
	}
	view.Family, view.Scale = -1, 0
	if err := Evaluation(all, view, broken{set, 20}, every, Scratch(4)); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	for i, v := range all {
		if math.IsNaN(float64(v)) {
			t.Fatalf("value %d is NaN", i)
		}
	}
}

func BenchmarkLoader(b *testing.B) {
	lib := orttest.Open(b)
	l, err := New(context.Background(), lib, fruit(b, 512), plan(b, 32), Options{Seed: 1, Batch: 64, Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		batch, err := l.Next()
		if err != nil {
			b.Fatal(err)
		}
		l.Release(batch)
	}
	b.ReportMetric(float64(64*4*b.N)/b.Elapsed().Seconds(), "views/s")
}

// TestMicroBatchesAreTheBatch: its rows twice over, and its views.
func TestMicroBatchesAreTheBatch(t *testing.T) {
	lib := orttest.Open(t)
	pixels, scales := batches(t, 1, 0, 6)
	o := Options{Seed: 7, Batch: 6, Micro: 2, Workers: 3, Step: 3}
	l, err := New(context.Background(), lib, fruit(t, 26), plan(t, 16), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const size = 3 * 16 * 16
	for step := 3; step < 6; step++ {
		for pass := range 2 {
			for first := 0; first < 6; first += 2 {
				b, err := l.Next()
				if err != nil {
					t.Fatal(err)
				}
				if b.First != first || b.Count != 2 || !slices.Equal(b.Images.Shape(), []int64{8, 3, 16, 16}) {
					t.Fatalf("step %d, pass %d: %d images from %d on, %v", step, pass, b.Count, b.First, b.Images.Shape())
				}
				for v := range 4 {
					got, want := b.Images.Data()[v*2*size:][:2*size], pixels[step][(v*6+first)*size:][:2*size]
					if !slices.Equal(got, want) {
						t.Fatalf("step %d, pass %d: view %d of images %d and %d differs", step, pass, v, first, first+1)
					}
				}
				if (pass == 1 || first == 4) && (!slices.Equal(b.Views.Scale, scales[step]) || b.Views.Images != 6) {
					t.Fatalf("step %d: views %+v, want scales %v", step, b.Views, scales[step])
				}
				l.Release(b)
			}
		}
	}
}
