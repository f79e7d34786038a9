package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/bench/pipeline"
	"ordo/runner/data"
	"ordo/runner/report"
)

const benchPipelineHelp = `Measure an experiment's way from files to views: decoding, packing, reading an epoch, each
of its transformations and families alone (always done, whatever their probability), and
its whole view plan, on one worker and on all. The experiment's data are needed, and
packed as for a run. Keys are changed as for ordo run.

With --beside, a script that comes with ordo times the same transformations of
torchvision, and of Albumentations if it is there, on the same images and on one thread,
in rounds that alternate with ordo's.`

const benchPipelineExamples = `  ordo bench pipeline experiments/demo.yaml
  ordo bench pipeline experiments/demo.yaml --op all --beside python3
  ordo bench pipeline experiments/demo.yaml data.images=200000 data.cache.kind=packed --json`

// maxBenchSeconds bounds a measurement.
const maxBenchSeconds = 3600

type benchPipelineOptions struct {
	seconds    float64
	rounds     int
	operations []string
	python     string
	asJSON     bool
}

func newBenchPipelineCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "pipeline FILE [KEY=VALUE ...]",
		Short:   "Measure how fast images become views",
		Long:    benchPipelineHelp,
		Example: benchPipelineExamples,
	}, &benchPipelineOptions{})
}

func (o *benchPipelineOptions) AddFlags(flags *pflag.FlagSet) {
	flags.Float64Var(&o.seconds, "seconds", 0.3, "measure for `S` seconds at a time")
	flags.IntVar(&o.rounds, "rounds", 3, "measure every operation `N` times and take the median")
	flags.StringSliceVar(&o.operations, "op", nil,
		"measure the transformation, family or preset `NAME` too, with its defaults; all: every one")
	flags.StringVar(&o.python, "beside", "", "time other libraries too, with this `PYTHON`")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *benchPipelineOptions) check(args []string) error {
	err := cmp.Or(atLeastOne(args, "an experiment file"), within("rounds", o.rounds, 1, maxBenchSteps))
	if err == nil && !(o.seconds > 0 && o.seconds <= maxBenchSeconds) {
		err = usagef("--seconds must be in (0, %d], got %v", maxBenchSeconds, o.seconds)
	}
	return err
}

func (o *benchPipelineOptions) run(ctx context.Context, g *global, args []string) error {
	e, err := g.load(args)
	if err != nil {
		return err
	}
	options := pipeline.Options{
		Experiment: e, Operations: o.operations, Rounds: o.rounds, Round: time.Duration(o.seconds * float64(time.Second)),
		Beside: o.python, Watch: data.Watch{Note: g.note, Progress: newReading(g).image},
	}
	if g.redraws() {
		options.Doing = func(what string) { g.draw(cut("measuring: "+what, g.columns()-1)) }
	}
	result, err := pipeline.Run(ctx, options)
	g.wipe()
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(result)
	}
	fmt.Fprint(g.stdout, report.BenchPipeline(result))
	return nil
}
