package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ordo/models/ort"
	"ordo/runner"
	"ordo/runner/config"
)

func newBenchCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains",
		Args:  cobra.ArbitraryArgs,
		RunE:  runGroup,
	}
	cmd.AddCommand(newBenchStepCommand(g))
	return cmd
}

func newBenchStepCommand(g *global) *cobra.Command {
	var steps, warmup int
	var profile, asJSON bool
	cmd := &cobra.Command{
		Use:   "step FILE [KEY=VALUE ...]",
		Short: "Measure training steps of an experiment",
		Long: `Train some steps of an experiment on images that are drawn for it, and show how fast that is and what the time goes into.
The experiment's data are not needed, and nothing is kept. Keys are changed as for ordo run.

With --profile, ONNX Runtime notes how long every node takes, which costs a little speed, and the operators that take
longest are listed.`,
		Example: `  ordo bench step experiments/demo.yaml
  ordo bench step experiments/demo.yaml model.threads=1 train.optimizer=sgd --profile
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf(cmd, "an experiment file is missing")
			case steps < 1 || steps > maxBenchSteps:
				return usageErrorf(cmd, "--steps must be in [1, %d], got %d", maxBenchSteps, steps)
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
			result, err := runner.Bench(cmd.Context(), runner.BenchOptions{
				Experiment: e, Library: at.Path, Steps: steps, Warmup: warmup, Profile: profile,
			})
			if err != nil {
				return err
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
	cmd.Flags().BoolVar(&profile, "profile", false, "show the time by operator")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

const (
	maxBenchSteps = 100_000
	maxBenchOps   = 20
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
	line("threads", "%d of ONNX Runtime, %d that render views", r.Threads, r.Workers)
	line("memory", "%s at most", formatBytes(r.PeakMemory))
	line("model", "%d trainable values", r.Parameters)
	line("ONNX Runtime", "%s on %s", r.ONNXRuntime, r.CPU)
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
