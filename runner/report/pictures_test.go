package report

import (
	"slices"
	"testing"

	"ordo/models"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
	"ordo/runner/track"
)

func TestOrderPicture(t *testing.T) {
	result := func(distances ...float64) track.Result {
		return track.Result{Evaluation: track.Evaluation{Distances: map[string]map[string]track.Curve{"rotate": {
			models.Features:  {Scales: []float64{0, 1}, Distance: distances},
			models.Embedding: {Scales: []float64{0, 1}, Distance: []float64{0, 1}},
		}}}}
	}
	p := orderPicture("t", []Group{
		{"absent", []track.Result{result(0, 0.5)}},
		{"ordered", []track.Result{result(0, 0.25), result(0, 0.75), {}}},
		{"none", []track.Result{{}}},
	})
	if len(p.Rows) != 1 || len(p.Rows[0]) != 2 {
		t.Fatalf("rows %+v", p.Rows)
	}
	panel := p.Rows[0][0]
	if panel.Title != "rotate, features" || !panel.Legend || p.Rows[0][1].Legend || len(panel.Lines) != 2 {
		t.Fatalf("panel %+v", panel)
	}
	one, two := panel.Lines[0], panel.Lines[1]
	if one.Name != "absent" || !slices.Equal(one.Y, []float64{0, 0.5}) || one.Low != nil {
		t.Errorf("one result: %+v", one)
	}
	if !slices.Equal(two.Y, []float64{0, 0.5}) || !slices.Equal(two.Low, []float64{0, 0.25}) ||
		!slices.Equal(two.High, []float64{0, 0.75}) {
		t.Errorf("two results: %+v", two)
	}
	if p := orderPicture("t", []Group{{"none", []track.Result{{}}}}); len(p.Rows) != 0 {
		t.Errorf("a picture of nothing: %+v", p)
	}
}

// TestPicturesOfNominalFamilies: a family without a scale has nothing to draw, and isn't in the way of the others.
func TestPicturesOfNominalFamilies(t *testing.T) {
	nominal := evaluation.Metric{Name: "class_accuracy", Family: "quarter_turn", Output: models.Features,
		Value: eval.Defined(0.5)}
	order := evaluation.Metric{Name: "order_accuracy", Family: "hue", Output: models.Features, Value: eval.Defined(0.9)}
	r := evaluation.Result{Metrics: []evaluation.Metric{order, nominal}, Distances: []evaluation.Distance{{
		Family: "hue", Output: models.Features, Scales: []float64{0, 1},
		Trained: evaluation.Spread{Low: []float64{0, 1}, Median: []float64{0, 1}, High: []float64{0, 1},
			Mean: []float64{0, 1}},
	}}}
	files, err := EvaluationPictures(r)
	if err != nil || len(files) != 2 || files["order.svg"] == nil {
		t.Errorf("%v, %d files", err, len(files))
	}
}
