package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"ordo/models"
	"ordo/runner/track"
)

// Evaluation is one line: what an evaluation after so many epochs found.
func Evaluation(epoch int, e track.Evaluation) string {
	parts := []string{fmt.Sprintf("after epoch %d:", epoch)}
	if e.KNNTop1 != nil {
		parts = append(parts, fmt.Sprintf("kNN %.3f", *e.KNNTop1))
	}
	for _, family := range slices.Sorted(maps.Keys(e.Order)) {
		parts = append(parts, fmt.Sprintf("order of %s %.3f (features %.3f)", family,
			e.Order[family][models.Embedding].Accuracy, e.Order[family][models.Features].Accuracy))
	}
	return strings.Join(parts, "  ")
}

// Table is the summary that ends a run: each number with the protocol that it was evaluated by.
func Table(r track.Result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, value, how string) { fmt.Fprintf(w, "  %s\t%s\t%s\n", name, value, how) }

	fmt.Fprintf(w, "%s (%s), seed %d: %d epochs, %d steps, %.0f images/s\n", r.Name, r.Hash, r.Seed, r.Epochs, r.Steps, r.ImagesPerSecond)
	row("loss", fmt.Sprintf("%.4f", r.Loss), "mean over the last epoch")
	for _, p := range r.Protocols {
		switch p.Family {
		case "":
			row("kNN, "+p.Output, fmt.Sprintf("%.4f", *r.KNNTop1), p.String())
		default:
			row("order of "+p.Family+", "+p.Output, fmt.Sprintf("%.4f", r.OrderAccuracy[p.Family][p.Output]), p.String())
		}
	}
	row("time", fmt.Sprintf("%.0f s", r.Seconds), fmt.Sprintf("ONNX Runtime %.1f %%, waiting for data %.1f %%, loss %.1f %%, rest %.1f %%",
		100*r.TimeShare.ONNXRuntime, 100*r.TimeShare.DataWait, 100*r.TimeShare.Loss, 100*r.TimeShare.Rest))
	row("memory", fmt.Sprintf("%.0f MB", float64(r.PeakMemoryBytes)/1e6), "peak of the process")
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
