package track

import (
	"slices"
	"testing"

	"ordo/runner/eval"
)

func TestNumbers(t *testing.T) {
	knn := 0.75
	r := Result{Name: "x", Seed: 3, KNNTop1: &knn, LossTerms: map[string]float64{"ntxent": 2}}
	r.OrderAccuracy = map[string]map[string]float64{"rotate": {"embedding": 0.5}}
	r.Metrics = map[string]float64{"rotate.order_spearman.embedding": 0.25}
	r.Protocols = map[string]eval.Protocol{"knn": {TestImages: 9}}
	got, err := r.Numbers()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]float64{
		"seed": 3, "knn_top1": 0.75, "loss_terms.ntxent": 2, "order_accuracy.rotate.embedding": 0.5,
		"evaluation.rotate.order_spearman.embedding": 0.25, "time_share.rest": 0,
	} {
		if x, ok := got[path]; !ok || x != want {
			t.Errorf("%s is %v, want %v", path, x, want)
		}
	}
	for _, path := range []string{"name", "distances", "protocols"} {
		if _, ok := got[path]; ok {
			t.Errorf("%s is a number", path)
		}
	}
	r.KNNTop1 = nil
	got, err = r.Numbers()
	if _, ok := got["knn_top1"]; ok || err != nil {
		t.Errorf("null is a number, %v", err)
	}
}

// TestNumberPaths: the paths that are known are those that results have.
func TestNumberPaths(t *testing.T) {
	all := NumberPaths()
	for _, path := range []string{
		"seed", "loss", "knn_top1", "loss_terms.NAME", "order_accuracy.FAMILY.OUTPUT", "evaluation.NAME",
		"untrained.NAME", "time_share.loss",
	} {
		if !slices.Contains(all, path) {
			t.Errorf("%s is missing in %q", path, all)
		}
	}
	for _, path := range []string{"name", "protocols", "distances.FAMILY.OUTPUT", "distances.FAMILY.OUTPUT.scales"} {
		if slices.Contains(all, path) {
			t.Errorf("%s is no number", path)
		}
	}
}
