package report

import (
	"strings"
	"testing"

	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/track"
)

func evaluated() track.Evaluation {
	top1 := 0.9314
	grid := eval.Grid(3)
	order := func(output, family string, max float64, role string) eval.Protocol {
		p := eval.OrderProtocol(output, family, grid, 1000)
		p.Max, p.Role, p.ImageSize, p.Framing = max, role, 32, "circle"
		return p
	}
	return track.Evaluation{
		KNNTop1: &top1,
		Order: map[string]map[string]eval.OrderResult{
			"rotate": {"features": {Accuracy: 0.7}, "embedding": {Accuracy: 0.96}},
			"hue":    {"features": {Accuracy: 0.5}, "embedding": {Accuracy: 0.625}},
		},
		Protocols: []eval.Protocol{
			eval.KNNProtocol("features", eval.KNNOptions{K: 20, Temperature: 0.1}, 4000, 1000),
			order("features", "rotate", 180, "ordered"), order("embedding", "rotate", 180, "ordered"),
			order("features", "hue", 0.5, "absent"), order("embedding", "hue", 0.5, "absent"),
		},
	}
}

func TestEvaluation(t *testing.T) {
	want := "after epoch 5:  kNN 0.931  order of hue 0.625 (features 0.500)  order of rotate 0.960 (features 0.700)"
	if got := Evaluation(5, evaluated()); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Evaluation(1, track.Evaluation{}); got != "after epoch 1:" {
		t.Errorf("without labels and families: %q", got)
	}
}

func TestTable(t *testing.T) {
	r := track.Result{
		Name: "mnist", Hash: "0123456789", Seed: 3, Epochs: 15, Steps: 300, ImagesPerSecond: 321.4, Seconds: 187,
		Loss: 4.5678, TimeShare: track.TimeShare{ONNXRuntime: 0.97, DataWait: 0.01, Loss: 0.015, Rest: 0.005},
		PeakMemoryBytes: 5e8,
	}
	r.SetEvaluation(evaluated())
	want := `mnist (0123456789), seed 3: 15 epochs, 300 steps, 321 images/s

                   features  embedding  evaluated by
  kNN              0.9314               weighted 20-NN, cosine, T 0.1; 1000 test images among 4000
  order of rotate  0.7000    0.9600     ordered, max 180, at 3 scales; PROTOCOL
  order of hue     0.5000    0.6250     absent, max 0.5, at 3 scales; PROTOCOL
  loss                       4.5678     mean over the last epoch

  Order: 0.5 is chance, an untrained network often has more.
  Views: 32 px, framing circle, no random transformation; short side resized, centre crop.
  Time: 187 s of training steps; ONNX Runtime 97.0 %, waiting for data 1.0 %, loss 1.5 %, rest 0.5 %. MEMORY
`
	want = strings.ReplaceAll(want, "PROTOCOL", "cosine from the origin, ties half; 1000 test images")
	want = strings.ReplaceAll(want, "MEMORY", "Memory: 500 MB at most.")
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
