package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/data"
	"ordo/runner/data/pack"
	"ordo/runner/pipeline"
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
	if g.stderrIsTTY {
		options.Doing = func(what string) { fmt.Fprintf(g.stderr, "\r\x1b[Kmeasuring: %s", what) }
		defer fmt.Fprint(g.stderr, "\r\x1b[K")
	}
	result, err := pipeline.Run(ctx, options)
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(result)
	}
	printPipeline(g.stdout, result)
	return nil
}

func printPipeline(w io.Writer, r pipeline.Result) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-14s%s\n", name, fmt.Sprintf(format, args...))
	}
	kept := "in memory"
	if r.Kept == pack.KindPacked {
		kept = fmt.Sprintf("packed into %s (%s)", r.Packed, formatBytes(r.Bytes))
	}
	line("data", "%d training images of %s, %s", r.Images, r.Source, kept)
	line("decode", "%.4g images/s on one worker, %.4g on all %d", r.Decode.One, r.Decode.All, r.Workers)
	line("pack", "%.4g images/s on one worker, %.4g on all", r.Pack.One, r.Pack.All)
	line("open", "%s; first epoch read in %s", formatSeconds(r.Open), formatSeconds(r.FirstEpoch))
	line("read", "%.4g images/s (%.3g GB/s) on one worker, %.4g (%.3g GB/s) on all", r.Read.One, r.ReadBytes.One, r.Read.All, r.ReadBytes.All)
	memory := formatBytes(r.Memory) + " at most"
	if r.Anonymous > 0 {
		memory += ", " + formatBytes(r.Anonymous) + " of it not backed by a file"
	}
	line("memory", "%s", memory)
	line("processor", "%s", r.CPU)

	besides := []string{}
	if b := r.Beside; b != nil {
		switch {
		case b.Missing != "":
			line("beside", "%s", b.Missing)
		case b.Torchvision == "":
			line("beside", "Python %s has no torchvision", b.Python)
		default:
			line("beside", "torchvision %s, Python %s, one thread", b.Torchvision, b.Python)
			besides = append(besides, "torchvision")
		}
		if b.Albumentations != "" {
			line("", "Albumentations %s", b.Albumentations)
			besides = append(besides, "albumentations")
		}
	}
	fmt.Fprintf(w, "\nviews/s of %d x %d pixels\n%-22s%12s%12s%12s", r.ImageSize, r.ImageSize, "operation", "one worker", "all", "by itself")
	for _, b := range besides {
		fmt.Fprintf(w, "%16s%8s", b, "ratio")
	}
	fmt.Fprintln(w)
	for _, op := range r.Operations {
		own := ""
		if op.Microseconds > 0 {
			own = formatSeconds(op.Microseconds / 1e6)
		}
		fmt.Fprintf(w, "%-22s%12s%12s%12s", op.Name, digits(op.Views.One), digits(op.Views.All), own)
		for _, b := range besides {
			other := op.Beside[b]
			if other.Missing != "" {
				fmt.Fprintf(w, "%16s%8s", "-", "")
				continue
			}
			fmt.Fprintf(w, "%16s%8s", digits(other.Views), fmt.Sprintf("%.2f", other.Ratio))
		}
		fmt.Fprintln(w)
	}
}

// digits writes a number of things in a second without decimals that mean nothing.
func digits(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
