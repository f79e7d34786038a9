package train

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"sync/atomic"
	"testing"

	"ordo/loss"
	"ordo/models"
	"ordo/runner/data"
)

// TestSamplerKeepsTheFirstBaseView: of whole batches and of micro-batches, whose views stand together each by itself.
func TestSamplerKeepsTheFirstBaseView(t *testing.T) {
	v := loss.Views{Images: 4, Family: []int{0, loss.BaseView, loss.BaseView}}
	// rows numbers a micro-batch's rows of two columns by view, image and column.
	rows := func(first, count int) models.Output {
		o := models.Output{Name: models.Embedding, Columns: 2}
		for view := range v.Family {
			for image := first; image < first+count; image++ {
				o.Data = append(o.Data, float32(100*view+10*image), float32(100*view+10*image+1))
			}
		}
		return o
	}
	for _, c := range []struct {
		name          string
		images, count int
		want          []float32
	}{
		{"whole", 4, 4, []float32{100, 101, 110, 111, 120, 121, 130, 131}},
		{"in parts", 4, 2, []float32{100, 101, 110, 111, 120, 121, 130, 131}},
		{"some", 3, 4, []float32{100, 101, 110, 111, 120, 121}},
		{"some, in parts", 3, 2, []float32{100, 101, 110, 111, 120, 121}},
		{"of the first part", 1, 2, []float32{100, 101}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := sampler{images: c.images}
			for first := 0; first < v.Images; first += c.count {
				k.keep([]models.Output{rows(first, c.count), {Name: "prediction", Columns: 2}}, v, first, c.count)
			}
			if want := []Sample{{models.Embedding, 2, c.want}}; !reflect.DeepEqual(k.samples, want) {
				t.Errorf("kept %v, want %v", k.samples, want)
			}
		})
	}
	none := sampler{}
	none.keep([]models.Output{rows(0, 4)}, v, 0, 4)
	if none.samples != nil {
		t.Errorf("kept %v, which nobody asked for", none.samples)
	}
}

// TestSample: a step keeps its outputs where it was asked to, once, and not where it fails.
func TestSample(t *testing.T) {
	e := experiment(t, "train.workers=1")
	splits, err := data.Open(context.Background(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, e)
	if err := s.Feed(context.Background(), unreadable{splits.Train, new(atomic.Int64), 3*12 + 1}, 0); err != nil {
		t.Fatal(err)
	}
	for step, c := range []struct{ ask, want int }{{5, 5}, {0, 0}, {99, 12}, {5, 0}} {
		if c.ask > 0 {
			s.Sample(c.ask)
		}
		if _, err := s.Take(0, 0.001); err != nil && (step != 3 || !errors.Is(err, fs.ErrPermission)) {
			t.Fatal(err)
		}
		samples := s.Sampled()
		if c.want == 0 {
			if samples != nil {
				t.Errorf("step %d kept %v", step, samples)
			}
			continue
		}
		if len(samples) != 2 || samples[0].Name != models.Features || samples[1].Name != models.Embedding ||
			samples[1].Dim != 8 || len(samples[1].Rows) != 8*c.want || len(samples[0].Rows) != samples[0].Dim*c.want {
			t.Errorf("step %d kept %v, want %d rows", step, samples, c.want)
		}
		if again := s.Sampled(); again != nil {
			t.Errorf("step %d gives it twice", step)
		}
	}
}
