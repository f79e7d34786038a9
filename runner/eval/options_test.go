package eval

import (
	"encoding/json"
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
		{"order.images: must be 0 (all) or more, got -1", func(o *Options) { o.Order.Images = -1 }},
		{"every_epochs: must be 0 (only at the end) or more, got -5", func(o *Options) { o.EveryEpochs = -5 }},
		{"families[0]: no family is called \"spin\"", func(o *Options) { o.Families = []string{"spin"} }},
		{"train_images: must be 0 (all) or at least 10, got 9", func(o *Options) { o.TrainImages = 9 }},
		{"test_images: must be 0 (all) or at least 10, got -1", func(o *Options) { o.TestImages = -1 }},
		{"family_images: must be 0 (all) or at least 10, got 1", func(o *Options) { o.FamilyImages = 1 }},
		{"resamples: must be in [10, 1000000], got 9", func(o *Options) { o.Resamples = 9 }},
	} {
		o := DefaultOptions()
		c.spoil(&o)
		if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := (Options{EveryEpochs: -1}).Validate(); strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("got %v, want five faults", err)
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

func TestProtocol(t *testing.T) {
	for _, c := range []struct {
		protocol   Protocol
		text, json string
	}{
		{shown(KNNProtocol("features", DefaultOptions().KNN, 4000, 1000)),
			"weighted 20-NN, cosine, T 0.1; 1000 test images among 4000",
			`{"metric":"knn_top1","output":"features","distance":"cosine","views":"` + evalViews + `","train_images":4000,` +
				`"test_images":1000,"k":20,"temperature":0.1,"image_size":32,"framing":"circle","ties":"lower row, lower class"}`},
		{KNNProtocol("features", DefaultOptions().KNN, 12, 1), "weighted 12-NN, cosine, T 0.1; 1 test images among 12", ""},
		{rotated(shown(OrderProtocol("embedding", "rotate", Grid(3), 1000))),
			"ordered, max 180, at 3 scales; cosine from the origin, ties half; 1000 test images",
			`{"metric":"order_accuracy","output":"embedding","distance":"cosine","views":"` + evalViews + `",` +
				`"test_images":1000,"image_size":32,"framing":"circle",` +
				`"family":"rotate","max":180,"role":"ordered","direction":"positive",` +
				`"scales":[0,0.5,1],"anchor":"origin","ties":"half"}`},
		{Protocol{Metric: MetricOrder, Distance: "cosine", TestImages: 9, Family: "rotate+blur+hue", Max: 90,
			MaxWith: []float64{2, 0.2},
			Role:    "ordered", Scales: Grid(3), Anchor: "origin", Ties: "half"},
			"ordered, max 90 + 2 + 0.2, at 3 scales; cosine from the origin, ties half; 9 test images", ""},
	} {
		if got := c.protocol.Short(); got != c.text {
			t.Errorf("got  %s\nwant %s", got, c.text)
		}
		if got, err := json.Marshal(c.protocol); err != nil || c.json != "" && string(got) != c.json {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.json)
		}
	}
}

// shown and rotated add what the caller knows.
func shown(p Protocol) Protocol {
	p.ImageSize, p.Framing = 32, "circle"
	return p
}

func rotated(p Protocol) Protocol {
	p.Max, p.Role, p.Direction = 180, "ordered", "positive"
	return p
}
