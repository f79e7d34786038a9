package loss

import (
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
		{`invariance.kind: must be ntxent, moco, vicreg, barlow_twins, simsiam, byol or none, got "simclr"`, func(o *Options) { o.Invariance.Kind = "simclr" }},
		{"invariance.temperature: must be in [0.005, 100], got -1", func(o *Options) { o.Invariance.Temperature = -1 }},
		{"invariance.temperature: must be in [0.005, 100], got NaN", func(o *Options) { o.Invariance.Temperature = math.NaN() }},
		{"invariance.weight: must be in [0, 1e+06], got -1", func(o *Options) { o.Invariance.Weight = -1 }},
		{`invariance.output: must be embedding or features, got "logits"`, func(o *Options) { o.Invariance.Output = "logits" }},
		{`order.kind: must be ranknet or none, got "triplet"`, func(o *Options) { o.Order.Kind = "triplet" }},
		{`order.distance: must be cosine, got "manhattan"`, func(o *Options) { o.Order.Distance = "manhattan" }},
		{"order.temperature: must be in [0.001, 100], got 101", func(o *Options) { o.Order.Temperature = 101 }},
		{"order.weight: must be in [0, 1e+06], got +Inf", func(o *Options) { o.Order.Weight = math.Inf(1) }},
		{`order.anchors: must be origin or all, got "base"`, func(o *Options) { o.Order.Anchors = "base" }},
		{`order.output: must be embedding, features or own, got "logits"`, func(o *Options) { o.Order.Output = "logits" }},
		{"must not both be none", func(o *Options) { o.Invariance.Kind, o.Order.Kind = KindNone, KindNone }},
	} {
		o := DefaultOptions()
		c.spoil(&o)
		err := o.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if _, err := New(o); err == nil || !strings.HasPrefix(err.Error(), "loss: ") {
			t.Errorf("New: %v", err)
		}
	}
	// All faults at once, but none of a term that is left out.
	err := Options{Invariance: InvarianceOptions{Kind: KindNTXent, Temperature: -1, Weight: -1}, Order: OrderOptions{Kind: KindNone}}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), "order") {
		t.Errorf("got %v, want two faults of invariance", err)
	}
}
