package config_test

import (
	"errors"
	"reflect"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
)

// FuzzParse: any text either fails with a fault of kind Config or gives an experiment that survives writing and
// reading.
func FuzzParse(f *testing.F) {
	f.Add(design, "train.lr=1e-3", "ORDO_SEED=2")
	f.Add(
		"augment: {invariant: [horizontal_flip, {family: hue}], roles: {}}",
		"augment.invariant.0.horizontal_flip.p=0.1",
		"ORDO_TRAIN_LR=",
	)
	f.Add("a: &a [1, *b]\nb: {<<: *a}", "model.projector.1=x", "ORDO_MODEL_PROJECTOR=[1]")
	f.Add("train: {lr: .nan}\n? [x]\n: 1", "augment.ordered=[[]]", "ORDO_")
	f.Add("expect: {knn_top1: [0.9, 1], order_accuracy.rotate.embedding: [null, 1]}", "expect.knn_top1=1", "ORDO_EXPECT=1")
	f.Add("seed: !!binary aGk=\nname: !!timestamp 2001-01-01", "augment.ordered.0.0.0=1", "=")
	f.Fuzz(func(t *testing.T, text, override, variable string) {
		e, err := config.Parse("x.yaml", []byte(text), []string{override}, []string{variable})
		if err != nil {
			if !errors.Is(err, fault.Config) || err.Error() == "" {
				t.Fatalf("%v is no fault of kind Config", err)
			}
			return
		}
		written, err := e.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("y.yaml", written, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !reflect.DeepEqual(e, again) || e.Hash() != again.Hash() {
			t.Fatalf("%+v was read back as %+v", e, again)
		}
	})
}
