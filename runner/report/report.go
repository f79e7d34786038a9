package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"ordo/models"
	"ordo/runner/eval"
	"ordo/runner/track"
)

// Evaluation is one line: what an evaluation after an epoch found.
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
	fmt.Fprintf(&b, "%s (%s), seed %d: %d epochs, %d steps, %.0f images/s\n\n",
		r.Name, r.Hash, r.Seed, r.Epochs, r.Steps, r.ImagesPerSecond)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	views := ""
	row := func(cells ...string) { fmt.Fprintln(w, "  "+strings.Join(cells, "\t")) }
	row("", "features", "embedding", "evaluated by")
	for _, p := range r.Protocols {
		views = fmt.Sprintf("%d px, framing %s, %s", p.ImageSize, p.Framing, p.Views)
		switch {
		case p.Metric == eval.MetricKNN:
			row("kNN", fmt.Sprintf("%.4f", *r.KNNTop1), "", p.Short())
		case p.Output == models.Embedding: // its twin for the features has the same protocol
			row("order of "+p.Family, fmt.Sprintf("%.4f", r.OrderAccuracy[p.Family][models.Features]),
				fmt.Sprintf("%.4f", r.OrderAccuracy[p.Family][models.Embedding]), p.Short())
		}
	}
	row("loss", "", fmt.Sprintf("%.4f", r.Loss), "mean over the last epoch")
	_ = w.Flush() // a strings.Builder takes everything
	if views != "" {
		fmt.Fprintf(&b, "\n  Order: 0.5 is chance, an untrained network often has more.\n  Views: %s.\n", views)
	}
	for _, f := range r.Collapse {
		fmt.Fprintf(&b, "\n  Collapsed since epoch %d: the %s's %v; at the end %.3g.", f.Since, f.Output, f, f.Last)
	}
	if len(r.Collapse) > 0 {
		b.WriteString("\n")
	}
	share, target := r.TimeShare, ""
	if share.Target > 0 {
		target = "averaged network " + percent(share.Target) + ", "
	}
	fmt.Fprintf(&b, "  Time: %.0f s of training steps; ONNX Runtime %s, %swaiting for data %s, loss %s, rest %s.",
		r.Seconds, percent(share.ONNXRuntime), target, percent(share.DataWait), percent(share.Loss), percent(share.Rest))
	fmt.Fprintf(&b, " Memory: %.0f MB at most.\n", float64(r.PeakMemoryBytes)/1e6)
	return b.String()
}
