package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ordo/models/table"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
)

// TestEvaluationTable: the widest numbers fit a terminal, a long name of an output stands in a line of its own.
func TestEvaluationTable(t *testing.T) {
	between := func(low, high float64) *evaluation.Interval {
		return &evaluation.Interval{Low: eval.Defined(low), High: eval.Defined(high)}
	}
	metric := func(name, output string, x float64) evaluation.Metric {
		return evaluation.Metric{Group: evaluation.GroupClasses, Name: name, Output: output, Value: eval.Defined(x),
			Interval: between(-1.511, -1.452),
			References: evaluation.References{Chance: eval.Defined(0), Untrained: eval.Defined(-1.516),
				Against: eval.Defined(-12.25)},
			Gain:    &evaluation.Difference{Value: eval.Defined(0.036), Interval: between(-1.003, -1.001)},
			Against: &evaluation.Difference{Value: eval.Defined(10.5), Interval: between(10, 11)}}
	}
	r := evaluation.Result{Target: "net.onnx", Name: "default", Settings: "b045e2a9c1", Against: "other.onnx",
		Metrics: []evaluation.Metric{metric("knn", "features", -1.48), metric("knn", "an_output_with_a_long_name", 0.5),
			metric("probe", "features", 99.5)}}
	r.Data.Classes = 12
	want := `net.onnx, beside other.onnx: evaluation default, settings b045e2a9c1

               value 95 % interval chance  untr. pixels   gain  its interval
Classes (12)
  knn
    features  -1.480 -1.511…-1.452  0.000 -1.516      – +0.036 -1.003…-1.001
    an_output_with_a_long_name
               0.500 -1.511…-1.452  0.000 -1.516      – +0.036 -1.003…-1.001
  probe
    features    99.5 -1.511…-1.452  0.000 -1.516      – +0.036 -1.003…-1.001
Without labels

Beside other.onnx

               value other gain over it its interval
Classes (12)
  knn
    features  -1.480 -12.2        +10.5    10.0…11.0
    an_output_with_a_long_name
               0.500 -12.2        +10.5    10.0…11.0
  probe
    features    99.5 -12.2        +10.5    10.0…11.0
Without labels

`
	got := EvaluationTable(r)
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > table.Width {
			t.Errorf("%d letters: %s", n, line)
		}
	}
}
