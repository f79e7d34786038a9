package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/bench"
	"ordo/runner/report"
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
libraries.

With --together N, as many processes take such steps one after the other and at once, in
rounds that alternate. The ratio of the two times is 1 where trainings side by side lose
nothing to each other; model.execution.spin_us decides about that.`

const benchStepExamples = `  ordo bench step experiments/demo.yaml
  ordo bench step experiments/demo.yaml model.threads=1 train.optimizer=sgd --profile
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --json
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --markdown
  ordo bench step experiments/demo.yaml --steps 2000
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --beside python3
  ordo bench step experiments/demo.yaml model.backbone=resnet18 --together 2`

const (
	maxBenchSteps = 100_000
	besideSteps   = 2 // of a round
	togetherSteps = 10
	maxTogether   = 16
)

type benchStepOptions struct {
	steps, warmup, rounds     int
	together                  int
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
	flags.IntVar(&o.together, "together", 0, "measure `N` trainings side by side, too")
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
		within("together", o.together, 0, maxTogether),
		exclusive("markdown", o.markdown, "json", o.asJSON),
	)
}

func (o *benchStepOptions) run(ctx context.Context, g *global, args []string) error {
	s, err := prepare(g, args)
	if err != nil {
		return err
	}
	options := bench.Options{
		Experiment: s.experiment, Libraries: s.libraries,
		Steps: o.steps, Warmup: o.warmup, Profile: o.profile || o.markdown,
	}
	result, err := bench.Step(ctx, options)
	if err != nil {
		return err
	}
	if o.python != "" {
		if result.Beside, err = o.beside(ctx, options); err != nil {
			return err
		}
	}
	if o.together > 1 {
		if result.Together, err = o.sideBySide(ctx, options); err != nil {
			return err
		}
	}
	switch {
	case o.asJSON:
		return g.printJSON(result)
	case o.markdown:
		fmt.Fprint(g.stdout, report.BenchStepMarkdown(result))
	default:
		fmt.Fprint(g.stdout, report.BenchStep(result))
	}
	return nil
}

// beside compares with PyTorch.
func (o *benchStepOptions) beside(ctx context.Context, options bench.Options) (*bench.Comparison, error) {
	command, err := ownSteps()
	if err != nil {
		return nil, err
	}
	r, err := bench.Beside(ctx, bench.BesideOptions{
		Bench: options, Python: o.python, Ordo: command, Rounds: o.rounds, Steps: besideSteps,
	})
	return &r, err
}

// sideBySide measures several trainings at once.
func (o *benchStepOptions) sideBySide(ctx context.Context, options bench.Options) (*bench.Together, error) {
	command, err := ownSteps()
	if err != nil {
		return nil, err
	}
	r, err := bench.SideBySide(ctx, bench.TogetherOptions{
		Bench: options, Ordo: command, Processes: o.together, Rounds: o.rounds, Steps: togetherSteps,
	})
	return &r, err
}

// ownSteps is the command that takes ordo's steps.
func ownSteps() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program that takes ordo's steps: %w", err)
	}
	return []string{program, "bench", backboneSteps}, nil
}

const backboneSteps = "backbone-steps"

type backboneStepsOptions struct{}

// newBackboneStepsCommand is what bench step --beside and --together start for ordo's side.
func newBackboneStepsCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:    backboneSteps,
		Short:  "Take steps of a backbone for bench step --beside and --together",
		Hidden: true,
	}, backboneStepsOptions{})
}

func (backboneStepsOptions) AddFlags(*pflag.FlagSet) {}

func (backboneStepsOptions) check(args []string) error { return noArgs(args) }

func (backboneStepsOptions) run(ctx context.Context, g *global, _ []string) error {
	return bench.BackboneSteps(ctx, g.stdin, g.stdout)
}
