package report

import (
	"maps"
	"strings"
	"testing"

	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/track"
)

func evaluated() track.Evaluation {
	order := func(family, role, unit string, max float64) map[string]eval.Protocol {
		p := eval.Protocol{Max: max, Unit: unit, Role: role, TestImages: 300, Scales: eval.Grid(3), ImageSize: 32,
			Framing: "circle"}
		return map[string]eval.Protocol{family + ".order_accuracy": p, family + ".knn_transformed": p}
	}
	e := track.Evaluation{
		Metrics: map[string]float64{
			"knn.features": 0.9314, "knn.embedding": 0.9, "rotate.knn_transformed.features": 0.41,
			"rotate.order_accuracy.features": 0.7, "rotate.order_accuracy.embedding": 0.96,
			"hue.order_accuracy.features": 0.5, "hue.order_accuracy.embedding": 0.625,
		},
		Untrained: map[string]float64{"knn.features": 0.8, "rotate.order_accuracy.features": 0.65},
		Pixels:    map[string]float64{"knn.features": 0.85},
		Chance:    map[string]float64{"knn.features": 0.1, "rotate.order_accuracy.features": 0.5},
		Protocols: map[string]eval.Protocol{"knn": {Method: "weighted 20-NN by cosine, T = 0.1", TestImages: 1000,
			TrainImages: 4000, ImageSize: 32, Framing: "circle"}},
		Distances: map[string]map[string]track.Curve{"rotate": {}, "hue": {}, "blur": {}},
	}
	maps.Copy(e.Protocols, order("rotate", "ordered", "degrees", 180))
	maps.Copy(e.Protocols, order("hue", "absent", "turns", 0.5))
	maps.Copy(e.Protocols, order("blur", "", "pixels", 2))
	return e
}

func TestEvaluation(t *testing.T) {
	want := "after epoch 5:  kNN 0.931  order of rotate 0.960 (features 0.700)"
	if got := Evaluation(5, evaluated()); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Evaluation(1, track.Evaluation{}); got != "after epoch 1:" {
		t.Errorf("without labels and families: %q", got)
	}
}

// TestTableWarns: a collapse stands there once, as it ended.
func TestTableWarns(t *testing.T) {
	long := strings.Repeat("word ", 20) + "end"
	text := Table(track.Result{Warnings: []string{"short", guard.Collapses + ", since epoch 1", long}})
	for part, want := range map[string]bool{
		"\n\n  Warning: short\n  Warning: word": true, "\n  word word word word word word end\n\n  Time": true,
		guard.Collapses: false,
	} {
		if strings.Contains(text, part) != want {
			t.Errorf("%q in it: %v\n%s", part, !want, text)
		}
	}
}

func TestTable(t *testing.T) {
	r := track.Result{
		Name: "mnist", Hash: "0123456789", Seed: 3, Epochs: 15, Steps: 300, ImagesPerSecond: 321.4, Seconds: 187,
		Loss: 4.5678, TimeShare: track.TimeShare{ONNXRuntime: 0.97, DataWait: 0.01, Loss: 0.015, Rest: 0.005},
		PeakMemoryBytes: 5e8,
	}
	r.SetEvaluation(evaluated())
	want := `mnist (0123456789), seed 3: 15 epochs, 300 steps, 321 images/s, loss 4.5678

                 features   features  embedding  embedding  pixels  chance
                  trained  untrained    trained  untrained
  kNN               0.931      0.800      0.900          –   0.850   0.100
  kNN, rotate       0.410          –          –          –       –       –
  kNN, hue              –          –          –          –       –       –
  kNN, blur             –          –          –          –       –       –
  order, rotate     0.700      0.650      0.960          –       –   0.500
  order, hue        0.500          –      0.625          –       –       –
  order, blur           –          –          –          –       –       –

  kNN: weighted 20-NN by cosine, T = 0.1; 1000 test images among 4000.
  kNN, FAMILY: of 300 test images, transformed; mean over 2 scales.
  Order: share of pairs of scales whose distances (1 - cosine) from the
  untouched image are in order; the same images and scales.
  Families: rotate ordered (max 180 degrees), hue absent (max 0.5 turns), blur
  not trained (max 2 pixels).
  Views: 32 px, framing circle, no random transformation; short side resized,
  centre crop.

  Time: 187 s of training steps: ONNX Runtime 97.0 %, waiting for data 1.0 %,
  loss 1.5 %, rest 0.5 %.
  Memory: 500 MB at most.
`
	if got := Table(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.Collapse = []guard.Finding{{Output: "embedding", Number: "rank", Since: 3, Value: 1.5, Best: 40, Last: 1.25}}
	if got := Table(r); !strings.Contains(got, "\n  Collapsed since epoch 3: the embedding's effective rank is 1.5 ") ||
		!strings.Contains(got, "at the end 1.25") {
		t.Errorf("no collapse in\n%s", got)
	}
	if bare := Table(track.Result{Name: "x"}); strings.Contains(bare, "kNN") || strings.Contains(bare, "chance") {
		t.Errorf("a result without evaluations:\n%s", bare)
	}
}
