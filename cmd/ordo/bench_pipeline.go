package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/pack"
	"ordo/runner/pipeline"
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
			printPipeline(g.stdout, result)
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
