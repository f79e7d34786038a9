package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ordo/runner/bench/pipeline"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/report"
)

// maxBenchSeconds bounds a measurement.
const maxBenchSeconds = 3600

func newBenchPipelineCommand(g *global) *cobra.Command {
	var seconds float64
	var rounds int
	var operations []string
	var python string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pipeline FILE [KEY=VALUE ...]",
		Short: "Measure how fast images become views",
		Long: `Measure an experiment's way from files to views: decoding, packing, reading an epoch, each of its transformations and
families alone (always done, whatever their probability), and its whole view plan, on one worker and on all. The experiment's
data are needed, and packed as for a run. Keys are changed as for ordo run.

With --beside, a script that comes with ordo times the same transformations of torchvision, and of Albumentations if it is
there, on the same images and on one thread, in rounds that alternate with ordo's.`,
		Example: `  ordo bench pipeline experiments/demo.yaml
  ordo bench pipeline experiments/demo.yaml --op all --beside python3
  ordo bench pipeline experiments/demo.yaml data.images=200000 data.cache.kind=packed --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf(cmd, "an experiment file is missing")
			case !(seconds > 0 && seconds <= maxBenchSeconds):
				return usageErrorf(cmd, "--seconds must be in (0, %d], got %v", maxBenchSeconds, seconds)
			case rounds < 1 || rounds > maxBenchSteps:
				return usageErrorf(cmd, "--rounds must be in [1, %d], got %d", maxBenchSteps, rounds)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := config.Load(args[0], args[1:], g.environ())
			if err != nil {
				return err
			}
			note := func(text string) { fmt.Fprintln(g.stderr, text) }
			o := pipeline.Options{
				Experiment: e, Operations: operations, Rounds: rounds, Round: time.Duration(seconds * float64(time.Second)),
				Beside: python, Watch: data.Watch{Note: note, Progress: newReading(g).image},
			}
			if g.stderrIsTTY {
				o.Doing = func(what string) { fmt.Fprintf(g.stderr, "\r\x1b[Kmeasuring: %s", what) }
				defer fmt.Fprint(g.stderr, "\r\x1b[K")
			}
			result, err := pipeline.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return g.printJSON(result)
			}
			fmt.Fprint(g.stdout, report.BenchPipeline(result))
			return nil
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 0.3, "measure for `S` seconds at a time")
	cmd.Flags().IntVar(&rounds, "rounds", 3, "measure every operation `N` times and take the median")
	cmd.Flags().StringSliceVar(&operations, "op", nil, "measure the transformation, family or preset `NAME` too, with its defaults; all: every one")
	cmd.Flags().StringVar(&python, "beside", "", "time other libraries too, with this `PYTHON`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}
