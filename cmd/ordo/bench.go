package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner"
)

func newBenchCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and makes views",
	}, newBenchStepCommand(g), newBackboneStepsCommand(g), newBenchPipelineCommand(g))
}

const benchStepHelp = `Train some steps of an experiment on images that are drawn for it, and show how fast that
is and where the time goes. The experiment's data are not needed, and nothing is kept.
Keys are changed as for ordo run. From 20 steps on, the speeds of the first and the last
tenth of the steps are shown, and the memory after the warm-up and at the end: --steps
2000 tells whether they change.

Operations are those of convolutions, counted as direct ones however they are done, and of
matrix products; a product and its addition are two. They are compared with the float32
multiply-adds that the machine does in a loop without memory, with as many threads as ONNX
Runtime has. More than 100 % is possible: Winograd's convolutions need fewer operations,
and bf16 has faster ones.

With --profile, ONNX Runtime notes how long every node takes, which costs a little speed,
and the operators that take longest are listed, with
  GFLOP/s    operations of convolutions and matrix products, as above
  GB/s       bytes of all inputs and outputs, each counted once, as if there were no cache
  of limit   the larger share of the two in the most that the machine does: of multiply-adds, or of
             traffic with memory (copying or adding arrays that fit no cache). Operators on what a
             cache holds can exceed it.
  bound by   which of the two
The last line, all, is the time that the machine would take at these limits, divided by
the time that it took. --markdown prints this table alone, as Markdown.

With --beside, a script that comes with ordo takes the same steps of the same backbone in
PyTorch, once with images plainly in memory and once with their channels last, in rounds
that alternate with ordo's; model.precision bf16 is compared with PyTorch's autocast.
These are steps of the backbone alone: forward, backward and AdamW, on one batch. Each
side is a process of its own with the same number of threads; variables that set threads
(OMP_*, GOMP_*, KMP_*, MKL_*) are left out of its environment. Memory is the most that was
resident; "the model's" leaves out what was resident before the model was made, mostly
libraries.`

const benchStepExamples = `  ordo bench step experiments/demo.yaml
  ordo bench step experiments/demo.yaml model.threads=1 train.optimizer=sgd --profile
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --json
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --markdown
  ordo bench step experiments/demo.yaml --steps 2000
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --beside python3`

const (
	maxBenchSteps = 100_000
	maxBenchOps   = 20
	minBenchShare = 0.005 // of an operator's time, to have a row in a document
	besideSteps   = 2     // of a round
)

type benchStepOptions struct {
	steps, warmup, rounds     int
	profile, asJSON, markdown bool
	python                    string
}

func newBenchStepCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "step FILE [KEY=VALUE ...]",
		Short:   "Measure training steps of an experiment",
		Long:    benchStepHelp,
		Example: benchStepExamples,
	}, &benchStepOptions{})
}

func (o *benchStepOptions) AddFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.steps, "steps", 10, "measure `N` steps")
	flags.IntVar(&o.warmup, "warmup", 2, "do `N` steps before")
	flags.StringVar(&o.python, "beside", "", "compare with PyTorch, with this `PYTHON`")
	flags.IntVar(&o.rounds, "rounds", 10, "compare in `N` rounds")
	flags.BoolVar(&o.profile, "profile", false, "show the time by operator")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
	flags.BoolVar(&o.markdown, "markdown", false, "print the tables alone, as Markdown, that of --profile among them")
}

func (o *benchStepOptions) check(args []string) error {
	return cmp.Or(
		atLeastOne(args, "an experiment file"),
		within("steps", o.steps, 1, maxBenchSteps),
		within("rounds", o.rounds, 1, maxBenchSteps),
		within("warmup", o.warmup, 0, maxBenchSteps),
		exclusive("markdown", o.markdown, "json", o.asJSON),
	)
}

func (o *benchStepOptions) run(ctx context.Context, g *global, args []string) error {
	s, err := prepare(g, args)
	if err != nil {
		return err
	}
	bench := runner.BenchOptions{
		Experiment: s.experiment, Library: s.library, OneDNN: s.oneDNN,
		Steps: o.steps, Warmup: o.warmup, Profile: o.profile || o.markdown,
	}
	result, err := runner.Bench(ctx, bench)
	if err != nil {
		return err
	}
	if o.python != "" {
		if result.Beside, err = o.beside(ctx, bench); err != nil {
			return err
		}
	}
	switch {
	case o.asJSON:
		return g.printJSON(result)
	case o.markdown:
		printBenchMarkdown(g.stdout, result)
	default:
		printBench(g.stdout, result)
	}
	return nil
}

// beside compares with PyTorch.
func (o *benchStepOptions) beside(ctx context.Context, bench runner.BenchOptions) (*runner.BesideResult, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program that takes ordo's steps: %w", err)
	}
	r, err := runner.Beside(ctx, runner.BesideOptions{
		Bench: bench, Python: o.python, Ordo: []string{program, "bench", backboneSteps}, Rounds: o.rounds, Steps: besideSteps,
	})
	return &r, err
}

const backboneSteps = "backbone-steps"

type backboneStepsOptions struct{}

// newBackboneStepsCommand is what bench step --beside starts for ordo's side.
func newBackboneStepsCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:    backboneSteps,
		Short:  "Take steps of a backbone for bench step --beside",
		Hidden: true,
	}, backboneStepsOptions{})
}

func (backboneStepsOptions) AddFlags(*pflag.FlagSet) {}

func (backboneStepsOptions) check(args []string) error { return noArgs(args) }

func (backboneStepsOptions) run(ctx context.Context, g *global, _ []string) error {
	return runner.BackboneSteps(ctx, g.stdin, g.stdout)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func printBench(w io.Writer, r runner.BenchResult) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-14s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("speed", "%.4g images/s, %.4g views/s", r.ImagesPerSec, r.ViewsPerSec)
	line("step", "%d images, %d views of each: median %s, fastest %s, of %d", r.BatchSize, r.Views,
		formatSeconds(r.MedianSeconds), formatSeconds(r.FastestSeconds), r.Steps)
	if d := r.Drift; d != nil {
		resident := ""
		if d.ResidentWarm > 0 {
			resident = fmt.Sprintf("; resident memory %s after the warm-up, %s at the end", formatBytes(d.ResidentWarm), formatBytes(d.Resident))
		}
		line("drift", "%.4g images/s in the first tenth of the steps, %.4g in the last%s", d.First, d.Last, resident)
	}
	target := ""
	if share := r.TimeShare.Target; share > 0 {
		target = "averaged network " + percent(share) + ", "
	}
	line("time", "ONNX Runtime and optimizer %s, %sloss %s, waiting for views %s, rest %s", percent(r.TimeShare.ONNXRuntime), target,
		percent(r.TimeShare.Loss), percent(r.TimeShare.DataWait), percent(r.TimeShare.Rest))
	line("kernels", "%s, convolutions in %s", r.Kernels, r.Precision)
	if r.Note != "" {
		line("", "%s", r.Note)
	}
	line("operations", "%.4g GFLOP/s%s", r.GFLOPS, ofLimit(r))
	if l := r.Limits; l != nil {
		line("limits", "%.4g GFLOP/s of multiply-adds, %.4g of a large matrix product, memory %.3g GB/s", l.MultiplyAdd, l.MatrixProduct, l.Memory)
	}
	line("threads", "%d of ONNX Runtime, %d that render views", r.Threads, r.Workers)
	line("memory", "%s at most", formatBytes(r.PeakMemory))
	line("model", "%d trainable values", r.Parameters)
	line("ONNX Runtime", "%s on %s", r.ONNXRuntime, r.CPU)
	if b := r.Beside; b != nil {
		line("beside", "%s", besideTitle(b))
		fmt.Fprintln(w)
		printColumns(w, besideTable(b))
	}
	if len(r.Ops) > 0 {
		fmt.Fprintln(w)
		printColumns(w, opsTable(r.Ops, 0))
	}
}

// ofLimit says what share of the limit of multiply-adds a step comes to.
func ofLimit(r runner.BenchResult) string {
	if r.Limits == nil {
		return ""
	}
	above := ""
	if r.Share > 1 {
		above = "; convolutions do with fewer than direct ones, or in bf16"
	}
	return fmt.Sprintf(", %s of the machine's multiply-adds%s", percent(r.Share), above)
}

// printBenchMarkdown prints the tables, each under a line that says what was measured.
func printBenchMarkdown(w io.Writer, r runner.BenchResult) {
	fmt.Fprintf(w, "%s, %d images of %d px, %d views of each, %s kernels, %s, %d threads on %s: %.4g views/s; %.4g GFLOP/s%s",
		r.Backbone, r.BatchSize, r.ImageSize, r.Views, r.Kernels, r.Precision, r.Threads, r.CPU, r.ViewsPerSec, r.GFLOPS, ofLimit(r))
	if l := r.Limits; l != nil {
		fmt.Fprintf(w, " (%.4g GFLOP/s; memory %.3g GB/s)", l.MultiplyAdd, l.Memory)
	}
	fmt.Fprint(w, "\n\n")
	printMarkdown(w, opsTable(r.Ops, minBenchShare))
	if b := r.Beside; b != nil {
		fmt.Fprintf(w, "\n%s\n\n", besideTitle(b))
		printMarkdown(w, besideTable(b))
	}
}

func besideTitle(b *runner.BesideResult) string {
	return fmt.Sprintf("%.3f times the speed of %s (median of %d rounds of %d steps on %d rows; torch %s, Python %s; %d threads each)",
		b.Ratio, b.Best, b.Rounds, b.Steps, b.Batch, b.Torch, b.Python, b.Threads)
}

// besideTable has a row for each side. Ratios are of ordo's speed to the side's.
func besideTable(b *runner.BesideResult) [][]string {
	table := [][]string{{"side", "rows/s", "best", "ordo by it", "min to max", "of the best", "memory", "the model's"}}
	for _, s := range b.Sides {
		speeds := slices.Sorted(slices.Values(s.Speed))
		row := []string{s.Name, fmt.Sprintf("%.4g", speeds[len(speeds)/2]), fmt.Sprintf("%.4g", speeds[len(speeds)-1]), "", "", ""}
		if q := s.Ratio; q != nil {
			copy(row[3:], []string{fmt.Sprintf("%.3f", q.Median), fmt.Sprintf("%.3f to %.3f", q.Min, q.Max), fmt.Sprintf("%.3f", q.Best)})
		}
		table = append(table, append(row, formatBytes(s.PeakMemory), formatBytes(s.PeakMemory-s.MemoryBefore)))
	}
	return table
}

// opsTable has a row for each of the operators that take longest, at least a share of the time, one for the others, and one for all.
func opsTable(ops []runner.BenchOp, least float64) [][]string {
	table := [][]string{{"operator", "share", "a step", "calls", "GFLOP/s", "GB/s", "of limit", "bound by"}}
	rate := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.3g", v)
	}
	row := func(op runner.BenchOp) {
		limit := ""
		if op.LimitShare > 0 {
			limit = percent(op.LimitShare)
		} else {
			op.Limit = ""
		}
		table = append(table, []string{op.Op, percent(op.Share), formatSeconds(op.SecondsStep), fmt.Sprintf("%.4g", op.CallsStep),
			rate(op.GFLOPS), rate(op.GBPerSec), limit, op.Limit})
	}
	shown := 0
	for shown < min(len(ops), maxBenchOps) && ops[shown].Share >= least {
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
func sumOps(name string, ops []runner.BenchOp) runner.BenchOp {
	sum := runner.BenchOp{Op: name}
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

// printColumns prints a table whose first row is its head: the first column and the last to the left, the others to the right.
func printColumns(w io.Writer, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range table {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch i {
			case 0:
				line.WriteString(cell + pad)
			case len(row) - 1:
				line.WriteString("  " + cell)
			default:
				line.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// printMarkdown prints a table whose first row is its head.
func printMarkdown(w io.Writer, table [][]string) {
	for i, row := range table {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
}

// formatSeconds writes a time with three digits.
func formatSeconds(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.3g µs", 1e6*s)
	case s < 1:
		return fmt.Sprintf("%.3g ms", 1e3*s)
	}
	return fmt.Sprintf("%.3g s", s)
}
