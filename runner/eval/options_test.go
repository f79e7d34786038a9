package eval

import (
	"math"
	"strings"
	"testing"

	"ordo/augment"
)

func TestValidate(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(o *Options)
	}{
		{"knn.k: must be in [1, 10000], got 0", func(o *Options) { o.KNN.K = 0 }},
		{"knn.temperature: must be in (0, 100], got NaN", func(o *Options) { o.KNN.Temperature = math.NaN() }},
		{"order.levels: must be in [3, 1000], got 2", func(o *Options) { o.Order.Levels = 2 }},
		{"every_epochs: must be 0 (only at the end) or more, got -5", func(o *Options) { o.EveryEpochs = -5 }},
		{"at_end: must be one of brief, roles, full, got \"all\"", func(o *Options) { o.AtEnd = "all" }},
		{"families[0]: no family is called \"spin\"", func(o *Options) { o.Families = []string{"spin"} }},
		{"train_images: must be 0 (all) or at least 10, got 9", func(o *Options) { o.TrainImages = 9 }},
		{"test_images: must be 0 (all) or at least 10, got -1", func(o *Options) { o.TestImages = -1 }},
		{"family_images: must be 0 (all) or at least 10, got 1", func(o *Options) { o.FamilyImages = 1 }},
		{"candidates: must be in [order.levels, 1000], got 6 with 7 levels", func(o *Options) { o.Candidates = 6 }},
		{"candidates: must be in [order.levels, 1000], got 1001", func(o *Options) { o.Candidates = 1001 }},
		{"resamples: must be in [10, 1000000], got 9", func(o *Options) { o.Resamples = 9 }},
	} {
		o := DefaultOptions()
		c.spoil(&o)
		if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := (Options{EveryEpochs: -1}).Validate(); strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("got %v, want six faults", err)
	}
	if err := (KNNOptions{K: 1}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "temperature: ") {
		t.Errorf("got %v", err)
	}
}

func TestFamilyList(t *testing.T) {
	o := Options{Families: []string{"hue", "all", "hue"}}
	if list := o.FamilyList(); len(list) != len(augment.FamilyNames()) || list[0] != "hue" {
		t.Errorf("all families are %v", list)
	}
}
