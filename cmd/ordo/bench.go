package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ordo/models/ort"
	"ordo/runner/bench"
	"ordo/runner/config"
	"ordo/runner/report"
)

func newBenchCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and makes views",
		Args:  cobra.ArbitraryArgs,
		RunE:  runGroup,
	}
	cmd.AddCommand(newBenchStepCommand(g), newBackboneStepsCommand(g), newBenchPipelineCommand(g))
	return cmd
}

func newBenchStepCommand(g *global) *cobra.Command {
	var steps, warmup, rounds int
	var profile, asJSON, markdown bool
	var python string
	cmd := &cobra.Command{
		Use:   "step FILE [KEY=VALUE ...]",
		Short: "Measure training steps of an experiment",
		Long: `Train some steps of an experiment on images that are drawn for it, and show how fast that is and what the time goes into.
The experiment's data are not needed, and nothing is kept. Keys are changed as for ordo run. From 20 steps on, the speeds of
the first and the last tenth of them are shown, and the memory after the warm-up and at the end: --steps 2000 tells whether
they change.

Operations are those of convolutions, counted as direct ones however they are done, and of matrix products, a product and
its addition being two. They are held against the float32 multiply-adds that the machine does in a loop without memory, with
as many threads as ONNX Runtime has. More than 100 % is possible: Winograd's convolutions do with fewer operations, and bf16
has faster ones.

With --profile, ONNX Runtime notes how long every node takes, which costs a little speed, and the operators that take
longest are listed, with
  GFLOP/s    operations of convolutions and matrix products, as above
  GB/s       bytes of all inputs and outputs, each counted once, as if there were no cache
  of limit   the larger share of the two in what the machine does at most: of multiply-adds, or of traffic with memory
             (arrays that fit no cache are copied or added). Operators on what a cache holds can exceed it.
  bound by   which of the two
The last line, all, is the time that the machine would take at these limits by the time that it took. --markdown prints
this table alone, as Markdown.

With --beside, a script that comes with ordo takes the same steps of the same backbone in PyTorch, with images plainly in
memory and with their channels last, in rounds that alternate with ordo's; model.precision bf16 is compared with PyTorch's
autocast. All are steps of the backbone alone, forward, backward and AdamW, on one batch. Each side is a process of its own
with the same number of threads; variables that set threads (OMP_*, GOMP_*, KMP_*, MKL_*) are left out of its environment.
Memory is what was resident in it at most; the model's is that without what was there before the model, mostly libraries.`,
		Example: `  ordo bench step experiments/demo.yaml
  ordo bench step experiments/demo.yaml model.threads=1 train.optimizer=sgd --profile
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --json
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --markdown
  ordo bench step experiments/demo.yaml --steps 2000
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
			case markdown && asJSON:
				return usageErrorf(cmd, "--markdown and --json exclude each other")
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
			o := bench.Options{
				Experiment: e, Library: at.Path, OneDNN: oneDNN, Steps: steps, Warmup: warmup, Profile: profile || markdown,
			}
			result, err := bench.Step(cmd.Context(), o)
			if err != nil {
				return err
			}
			if python != "" {
				if result.Beside, err = benchBeside(cmd.Context(), o, python, rounds); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return g.printJSON(result)
			case markdown:
				fmt.Fprint(g.stdout, report.BenchStepMarkdown(result))
			default:
				fmt.Fprint(g.stdout, report.BenchStep(result))
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&steps, "steps", 10, "measure `N` steps")
	cmd.Flags().IntVar(&warmup, "warmup", 2, "do `N` steps before")
	cmd.Flags().StringVar(&python, "beside", "", "compare with PyTorch, with this `PYTHON`")
	cmd.Flags().IntVar(&rounds, "rounds", 10, "compare in `N` rounds")
	cmd.Flags().BoolVar(&profile, "profile", false, "show the time by operator")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the tables alone, as Markdown, that of --profile among them")
	return cmd
}

const (
	maxBenchSteps = 100_000
	besideSteps   = 2 // of a round
)

// newBackboneStepsCommand is what bench step --beside starts for ordo's side.
func newBackboneStepsCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:    backboneSteps,
		Short:  "Take steps of a backbone for bench step --beside",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.BackboneSteps(cmd.Context(), g.stdin, g.stdout)
		},
	}
}

const backboneSteps = "backbone-steps"

func benchBeside(ctx context.Context, o bench.Options, python string, rounds int) (*bench.Comparison, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program that takes ordo's steps: %w", err)
	}
	r, err := bench.Beside(ctx, bench.BesideOptions{
		Bench: o, Python: python, Ordo: []string{program, "bench", backboneSteps}, Rounds: rounds, Steps: besideSteps,
	})
	return &r, err
}
