package report

import (
	"slices"
	"testing"

	"ordo/models"
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
