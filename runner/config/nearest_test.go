package config

import (
	"strings"
	"testing"

	"ordo/models/fault"
)

// TestNearMisses: a misspelt value, or what others call it, is told beside the values that there are.
func TestNearMisses(t *testing.T) {
	for override, want := range map[string]string{
		"train.optimizer=adam":                                      "did you mean adamw?",
		"train.schedule=Cosine":                                     "did you mean cosine?",
		"loss.invariance.kind=simclr":                               "did you mean ntxent?",
		"loss.order.distance=euclid":                                "did you mean euclidean?",
		"data.source=imagefolder":                                   "did you mean folder?",
		"model.backbone=resnet19":                                   "did you mean resnet18?",
		"augment.preset=simcl":                                      "did you mean simclr?",
		"augment.ordered=[{family: rotation}]":                      "did you mean rotate?",
		"augment.ordered=[{family: zoom, with: [{family: rotat}]}]": "did you mean rotate?",
		"augment.roles={rotation: absent}":                          "did you mean augment.roles.rotate?",
		"augment.invariant=[rotation]":                              "did you mean rotate?",
		"augment.invariant=[random_horizontal_flip]":                "did you mean horizontal_flip?",
		"loss.terms=[{kind: car}]":                                  "did you mean care?",
		"train.learning_rate=3":                                     "did you mean train.lr?",
		"learning_rate=3":                                           "did you mean train.lr?",
		"train.num_workers=3":                                       "did you mean train.workers?",
		"data.on_error=bananas":                                     `must be fail or skip, got "bananas"`,
		"data.image_size=0":                                         "must be in [8, 1024], got 0",
	} {
		_, err := Parse("x.yaml", []byte("seed: 1"), []string{override}, nil)
		if fault.KindOf(err) != fault.Config || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %q at the end", override, err, want)
		}
	}
}
