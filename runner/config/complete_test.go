package config_test

import (
	"slices"
	"strings"
	"testing"

	"ordo/runner/config"
)

func TestComplete(t *testing.T) {
	e := parse(t, `
augment:
  invariant: [random_resized_crop, {family: blur}]
  ordered: [{family: rotate}, {family: rotate, with: [{family: zoom}]}]
loss: {terms: [{kind: care}]}`)
	for _, c := range []struct {
		text string
		want []string // all of them
	}{
		{"", []string{"name=", "seed=", "data.", "model.", "augment.", "loss.", "train.", "eval.", "track."}},
		{"tr", []string{"train.", "track."}},
		{"train", []string{"train."}},
		{"train.epo", []string{"train.epochs="}},
		{"data.cache.",
			[]string{"data.cache.kind=", "data.cache.format=", "data.cache.short_side=", "data.cache.quality=",
				"data.cache.dir="}},
		{"augment.roles.", []string{"augment.roles.rotate=", "augment.roles.rotate+zoom="}},
		{"augment.inv", []string{"augment.invariant=", "augment.invariant."}},
		{"augment.invariant.", []string{"augment.invariant.0.", "augment.invariant.1."}},
		{"augment.invariant.0.", []string{"augment.invariant.0.random_resized_crop."}},
		{"augment.invariant.1.m", []string{"augment.invariant.1.max="}},
		{"augment.ordered.0.", []string{"augment.ordered.0.family=", "augment.ordered.0.max=", "augment.ordered.0.levels=",
			"augment.ordered.0.sampling=", "augment.ordered.0.signed=", "augment.ordered.0.with="}},
		{"loss.terms.0.w", []string{"loss.terms.0.weight="}},
		{"loss.order.families.rotate.o", []string{"loss.order.families.rotate.output="}},
		{"train.schedule=", []string{"train.schedule=cosine", "train.schedule=constant"}},
		{"train.nesterov=t", []string{"train.nesterov=true"}},
		{"model.backbone=vit", []string{"model.backbone=vit_tiny", "model.backbone=vit_small"}},
		{"augment.roles.rotate+zoom=", []string{"augment.roles.rotate+zoom=ordered", "augment.roles.rotate+zoom=invariant",
			"augment.roles.rotate+zoom=absent"}},
		{"augment.ordered.1.sampling=g", []string{"augment.ordered.1.sampling=grid"}},
		{"loss.order.families.rotate.output=o", []string{"loss.order.families.rotate.output=own"}},
		{"loss.terms.0.kind=e", []string{"loss.terms.0.kind=essl", "loss.terms.0.kind=equimod"}},
		{"data.source=cifar", []string{"data.source=cifar10", "data.source=cifar100"}},
		{"train.epochs=", nil}, {"bananas", nil}, {"bananas=", nil},
	} {
		var got []string
		for _, candidate := range config.Complete(c.text, e) {
			got = append(got, candidate.Text)
			if isKey := strings.HasSuffix(candidate.Text, "="); isKey == (candidate.Doc == "") {
				t.Errorf("%q is said to be %q", candidate.Text, candidate.Doc)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestCompleteIsTrue: what is offered can be set.
func TestCompleteIsTrue(t *testing.T) {
	e := parse(t, design)
	for _, section := range []string{"data.", "data.cache.", "model.", "augment.", "loss.order.", "loss.invariance.",
		"train.", "augment.ordered.0."} {
		for _, key := range config.Complete(section, e) {
			for _, c := range config.Complete(key.Text, e) {
				if strings.HasSuffix(c.Text, "=") {
					continue // of a section below
				}
				_, err := config.Parse("x.yaml", []byte(design), []string{c.Text}, nil)
				if err != nil && (strings.Contains(err.Error(), "unknown key") || strings.Contains(err.Error(), "must be one of")) {
					t.Errorf("%s is offered: %v", c.Text, err)
				}
			}
		}
	}
}
