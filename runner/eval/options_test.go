package eval

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
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
	} {
		o := DefaultOptions()
		c.spoil(&o)
		if err := o.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := (Options{EveryEpochs: -1}).Validate(); strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four faults", err)
	}
	if err := (KNNOptions{K: 1}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "temperature: ") {
		t.Errorf("got %v", err)
	}
}

func TestProtocol(t *testing.T) {
	for _, c := range []struct {
		protocol   Protocol
		text, json string
	}{
		{KNNProtocol("features", DefaultOptions().KNN, 4000, 1000),
			"weighted 20-NN (cosine, T 0.1) on the features of 1000 test images among 4000 training images; " + evalViews,
			`{"metric":"knn_top1","output":"features","distance":"cosine","views":"` + evalViews + `","train_images":4000,` +
				`"test_images":1000,"k":20,"temperature":0.1,"ties":"lower row, lower class"}`},
		{KNNProtocol("features", DefaultOptions().KNN, 12, 1),
			"weighted 12-NN (cosine, T 0.1) on the features of 1 test images among 12 training images; " + evalViews, ""},
		{OrderProtocol("embedding", "rotate", Grid(3), 1000),
			"order of rotate at 3 scales up to 1 as seen from the origin (cosine) on the embedding of 1000 test images, ties half; " + evalViews,
			`{"metric":"order_accuracy","output":"embedding","distance":"cosine","views":"` + evalViews + `","test_images":1000,` +
				`"family":"rotate","scales":[0,0.5,1],"anchor":"origin","ties":"half"}`},
	} {
		if got := c.protocol.String(); got != c.text {
			t.Errorf("got  %s\nwant %s", got, c.text)
		}
		if got, err := json.Marshal(c.protocol); err != nil || c.json != "" && string(got) != c.json {
			t.Errorf("got  %s, %v\nwant %s", got, err, c.json)
		}
	}
}
