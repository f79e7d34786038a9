package report

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/table"
	"ordo/runner/bench"
	"ordo/runner/machine"
)

const (
	maxOps   = 20    // rows of operators
	minShare = 0.005 // of an operator's time, to have a row in a document
)

// BenchStep is what a bench of training steps found, in lines, and tables of PyTorch's speed and of the operators
// where the result has them.
func BenchStep(r bench.Result) string {
	var b strings.Builder
	line(&b, "speed", "%.4g images/s, %.4g views/s", r.ImagesPerSec, r.ViewsPerSec)
	line(&b, "step", "%d images, %d views of each: median %s, fastest %s, of %d", r.BatchSize, r.Views,
		Seconds(r.MedianSeconds), Seconds(r.FastestSeconds), r.Steps)
	if d := r.Drift; d != nil {
		resident := ""
		if d.ResidentWarm > 0 {
			resident = fmt.Sprintf("; resident memory %s after the warm-up, %s at the end",
				machine.Bytes(d.ResidentWarm), machine.Bytes(d.Resident))
		}
		line(&b, "drift", "%.4g images/s in the first tenth of the steps, %.4g in the last%s",
			d.First, d.Last, resident)
	}
	target := ""
	if share := r.TimeShare.Target; share > 0 {
		target = "averaged network " + percent(share) + ", "
	}
	line(&b, "time", "ONNX Runtime and optimizer %s, %sloss %s, waiting for views %s, rest %s",
		percent(r.TimeShare.ONNXRuntime), target, percent(r.TimeShare.Loss), percent(r.TimeShare.DataWait),
		percent(r.TimeShare.Rest))
	line(&b, "kernels", "%s, in %s", r.Kernels, r.Precision)
	if r.Note != "" {
		line(&b, "", "%s", r.Note)
	}
	line(&b, "operations", "%.4g GFLOP/s%s", r.GFLOPS, ofLimit(r))
	if l := r.Limits; l != nil {
		line(&b, "limits", "%.4g GFLOP/s of multiply-adds, %.4g of a large matrix product, memory %.3g GB/s",
			l.MultiplyAdd, l.MatrixProduct, l.Memory)
	}
	line(&b, "threads", "%d of ONNX Runtime, %d that render views", r.Threads, r.Workers)
	line(&b, "memory", "%s at most", machine.Bytes(r.PeakMemory))
	line(&b, "model", "%d trainable values", r.Parameters)
	line(&b, "ONNX Runtime", "%s on %s", r.ONNXRuntime, r.CPU)
	if t := r.Together; t != nil {
		found, how := togetherTexts(t)
		line(&b, "together", "%s", found)
		line(&b, "", "%s", how)
	}
	if c := r.Beside; c != nil {
		line(&b, "beside", "%s", besideTitle(c))
		b.WriteString("\n" + table.Columns(besideTable(c), 0))
	}
	if len(r.Ops) > 0 {
		b.WriteString("\n" + table.Columns(opsTable(r.Ops, 0), 0))
	}
	return b.String()
}

// BenchStepMarkdown is the tables of BenchStep in Markdown, each under a line that says what was measured.
func BenchStepMarkdown(r bench.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d images of %d px, %d views of each, %s kernels, %s, %d threads on %s: ",
		r.Backbone, r.BatchSize, r.ImageSize, r.Views, r.Kernels, r.Precision, r.Threads, r.CPU)
	fmt.Fprintf(&b, "%.4g views/s; %.4g GFLOP/s%s", r.ViewsPerSec, r.GFLOPS, ofLimit(r))
	if l := r.Limits; l != nil {
		fmt.Fprintf(&b, " (%.4g GFLOP/s; memory %.3g GB/s)", l.MultiplyAdd, l.Memory)
	}
	b.WriteString("\n\n" + markdown(opsTable(r.Ops, minShare)))
	if t := r.Together; t != nil {
		found, how := togetherTexts(t)
		fmt.Fprintf(&b, "\n%s: %s\n", found, how)
	}
	if c := r.Beside; c != nil {
		fmt.Fprintf(&b, "\n%s\n\n%s", besideTitle(c), markdown(besideTable(c)))
	}
	return b.String()
}

// ofLimit says what share of the limit of multiply-adds a step comes to.
func ofLimit(r bench.Result) string {
	if r.Limits == nil {
		return ""
	}
	above := ""
	if r.Share > 1 {
		above = "; convolutions do with fewer than direct ones, or in bf16"
	}
	return fmt.Sprintf(", %s of the machine's multiply-adds%s", percent(r.Share), above)
}

// togetherTexts say what trainings side by side lose to each other, and how that was measured.
func togetherTexts(t *bench.Together) (found, how string) {
	return fmt.Sprintf("%d trainings at once take %.3f of the time of one after the other (%.3f to %.3f)", t.Processes,
			t.Ratio, t.Min, t.Max),
		fmt.Sprintf("%s by %s, medians of %d rounds of %d steps of each on %d rows; %d threads each, spin_us %d",
			Seconds(bench.Median(t.AtOnce)), Seconds(bench.Median(t.InTurn)), t.Rounds, t.Steps, t.Batch, t.Threads, t.Spin)
}

// besideTitle says how ordo compares with PyTorch, and how that was measured.
func besideTitle(b *bench.Comparison) string {
	return fmt.Sprintf("%.3f times the speed of %s "+
		"(median of %d rounds of %d steps on %d rows; torch %s, Python %s; %d threads each)",
		b.Ratio, b.Best, b.Rounds, b.Steps, b.Batch, b.Torch, b.Python, b.Threads)
}

// besideTable has a row for each side. Ratios are of ordo's speed to the side's.
func besideTable(b *bench.Comparison) [][]string {
	table := [][]string{{"side", "rows/s", "best", "ordo by it", "min to max", "of the best", "memory", "the model's"}}
	for _, s := range b.Sides {
		median, best := bench.Median(s.Speed), slices.Max(s.Speed)
		row := []string{s.Name, fmt.Sprintf("%.4g", median), fmt.Sprintf("%.4g", best), "", "", ""}
		if q := s.Ratio; q != nil {
			row[3], row[4] = fmt.Sprintf("%.3f", q.Median), fmt.Sprintf("%.3f to %.3f", q.Min, q.Max)
			row[5] = fmt.Sprintf("%.3f", q.Best)
		}
		table = append(table, append(row, machine.Bytes(s.PeakMemory), machine.Bytes(s.PeakMemory-s.MemoryBefore)))
	}
	return table
}

// opsTable has a row for each of the operators that take longest, at least a share of the time, one for the others,
// and one for all.
func opsTable(ops []bench.Op, least float64) [][]string {
	table := [][]string{{"operator", "share", "a step", "calls", "GFLOP/s", "GB/s", "of limit", "bound by"}}
	rate := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.3g", v)
	}
	row := func(op bench.Op) {
		limit := ""
		if op.LimitShare > 0 {
			limit = percent(op.LimitShare)
		} else {
			op.Limit = ""
		}
		table = append(table, []string{
			op.Op, percent(op.Share), Seconds(op.SecondsStep), fmt.Sprintf("%.4g", op.CallsStep),
			rate(op.GFLOPS), rate(op.GBPerSec), limit, op.Limit,
		})
	}
	shown := 0
	for shown < min(len(ops), maxOps) && ops[shown].Share >= least {
		row(ops[shown])
		shown++
	}
	if n := len(ops) - shown; n > 0 {
		row(sumOps(fmt.Sprintf("%d others", n), ops[shown:]))
	}
	row(sumOps("all", ops))
	return table
}

// sumOps adds operators up. At their limits they would take the sum of their times by their shares.
func sumOps(name string, ops []bench.Op) bench.Op {
	sum := bench.Op{Op: name}
	atLimit := 0.0
	for _, op := range ops {
		sum.CallsStep += op.CallsStep
		sum.SecondsStep += op.SecondsStep
		sum.Share += op.Share
		sum.Operations += op.Operations
		sum.Bytes += op.Bytes
		atLimit += op.LimitShare * op.SecondsStep
	}
	seconds := max(sum.SecondsStep, 1e-9)
	sum.GFLOPS, sum.GBPerSec, sum.LimitShare = sum.Operations/1e9/seconds, sum.Bytes/1e9/seconds, atLimit/seconds
	return sum
}
