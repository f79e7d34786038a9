package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"ordo/models/ort"
	"ordo/runner"
	"ordo/runner/config"
)

func newBenchCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and makes views",
		Args:  cobra.ArbitraryArgs,
		RunE:  runGroup,
	}
	cmd.AddCommand(newBenchStepCommand(g), newBenchPipelineCommand(g))
	return cmd
}

func newBenchStepCommand(g *global) *cobra.Command {
	var steps, warmup, rounds int
	var profile, asJSON bool
	var python string
	cmd := &cobra.Command{
		Use:   "step FILE [KEY=VALUE ...]",
		Short: "Measure training steps of an experiment",
		Long: `Train some steps of an experiment on images that are drawn for it, and show how fast that is and what the time goes into.
The experiment's data are not needed, and nothing is kept. Keys are changed as for ordo run.

With --profile, ONNX Runtime notes how long every node takes, which costs a little speed, and the operators that take
longest are listed.

With --beside, a script that comes with ordo takes the same steps of the same backbone in PyTorch, with images plainly in
memory and with their channels last, in rounds that alternate with ordo's; model.precision bf16 is compared with PyTorch's
autocast. All are steps of the backbone alone, forward, backward and AdamW, on one batch.`,
		Example: `  ordo bench step experiments/demo.yaml
  ordo bench step experiments/demo.yaml model.threads=1 train.optimizer=sgd --profile
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --json
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --beside python3`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf(cmd, "an experiment file is missing")
			case steps < 1 || steps > maxBenchSteps:
				return usageErrorf(cmd, "--steps must be in [1, %d], got %d", maxBenchSteps, steps)
			case rounds < 1 || rounds > maxBenchSteps:
				return usageErrorf(cmd, "--rounds must be in [1, %d], got %d", maxBenchSteps, rounds)
			case warmup < 0 || warmup > maxBenchSteps:
				return usageErrorf(cmd, "--warmup must be in [0, %d], got %d", maxBenchSteps, warmup)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := config.Load(args[0], args[1:], g.environ())
			if err != nil {
				return err
			}
			at, err := findLibrary(g, e.Model.Execution.Provider == ort.CUDA)
			if err != nil {
				return err
			}
			oneDNN, err := findOneDNN(g)
			if err != nil {
				return err
			}
			o := runner.BenchOptions{Experiment: e, Library: at.Path, OneDNN: oneDNN, Steps: steps, Warmup: warmup, Profile: profile}
			result, err := runner.Bench(cmd.Context(), o)
			if err != nil {
				return err
			}
			if python != "" {
				beside, err := runner.Beside(cmd.Context(), o, python, rounds, besideSteps)
				if err != nil {
					return err
				}
				result.Beside = &beside
			}
			if asJSON {
				return g.printJSON(result)
			}
			printBench(g.stdout, result)
			return nil
		},
	}
	cmd.Flags().IntVar(&steps, "steps", 10, "measure `N` steps")
	cmd.Flags().IntVar(&warmup, "warmup", 2, "do `N` steps before")
	cmd.Flags().StringVar(&python, "beside", "", "compare with PyTorch, with this `PYTHON`")
	cmd.Flags().IntVar(&rounds, "rounds", 10, "compare in `N` rounds")
	cmd.Flags().BoolVar(&profile, "profile", false, "show the time by operator")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

const (
	maxBenchSteps = 100_000
	maxBenchOps   = 20
	besideSteps   = 2 // of a round
)

func printBench(w io.Writer, r runner.BenchResult) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-14s%s\n", name, fmt.Sprintf(format, args...))
	}
	percent := func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
	line("speed", "%.4g images/s, %.4g views/s", r.ImagesPerSec, r.ViewsPerSec)
	line("step", "%d images, %d views of each: median %s, fastest %s, of %d", r.BatchSize, r.Views,
		formatSeconds(r.MedianSeconds), formatSeconds(r.FastestSeconds), r.Steps)
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
	line("operations", "%.4g GFLOP/s, %s of the %.4g GFLOP/s of a large matrix product", r.GFLOPS, percent(r.GFLOPS/r.PeakGFLOPS), r.PeakGFLOPS)
	line("threads", "%d of ONNX Runtime, %d that render views", r.Threads, r.Workers)
	line("memory", "%s at most", formatBytes(r.PeakMemory))
	line("model", "%d trainable values", r.Parameters)
	line("ONNX Runtime", "%s on %s", r.ONNXRuntime, r.CPU)
	if b := r.Beside; b != nil {
		line("beside", "torch %s, Python %s: %.3f times its speed (median of %d rounds), where its images are %s", b.Torch, b.Python, b.Ratio, b.Rounds, b.Best)
		line("  rows/s", "ordo %s", spread(b.Ordo))
		for _, mode := range slices.Sorted(maps.Keys(b.Modes)) {
			line("", "torch, %s: %s", mode, spread(b.Modes[mode]))
		}
	}
	if len(r.Ops) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-32s%12s%12s%12s\n", "operator", "share", "a step", "calls")
	for i, op := range r.Ops {
		if i == maxBenchOps {
			fmt.Fprintf(w, "and %d more\n", len(r.Ops)-i)
			break
		}
		fmt.Fprintf(w, "%-32s%12s%12s%12.4g\n", op.Op, percent(op.Share), formatSeconds(op.SecondsStep), op.CallsStep)
	}
}

// spread writes the median and the ends of some speeds.
func spread(speeds []float64) string {
	s := slices.Sorted(slices.Values(speeds))
	return fmt.Sprintf("%.4g (%.4g to %.4g)", s[len(s)/2], s[0], s[len(s)-1])
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
