package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/runner/catalogue"
	"ordo/runner/config"
	"ordo/runner/tracker"
	"ordo/runner/tracker/mlflow"
)

const exportMetricsHelp = `Give what runs measured to other programs: every number of metrics.jsonl and
timing.jsonl, by step. A folder stands for the runs below it. Runs can be old, stopped or
finished.

  tensorboard  event files, in the run folders' own folders tensorboard, or below --out
  mlflow       sent to an MLflow server: that of --uri, or what track.mlflow of the run says. What
               the server has from the run itself, or from an earlier call, is not sent again.
               MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD,
               say who asks
  wandb        files below --out, which docs/recipes/wandb_import.py logs to Weights & Biases
  csv          one table to --out, or to the standard output: run, step, epoch, name, value

While it is at work, a run tells TensorBoard and MLflow by itself: track.tensorboard, track.mlflow.`

const exportMetricsExamples = `  ordo export-metrics runs/demo --format csv --out demo.csv
  ordo export-metrics runs --format tensorboard --out boards
  ordo export-metrics runs/demo --format mlflow --uri http://localhost:5000`

// What export-metrics writes.
const (
	toTensorBoard = "tensorboard"
	toMLflow      = "mlflow"
	toWandb       = "wandb"
	toCSV         = "csv"
)

type exportMetricsOptions struct{ format, out, uri, experiment string }

func newExportMetricsCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "export-metrics {RUN | DIR} ... --format FORMAT",
		Short:   "Give what runs measured to TensorBoard, MLflow, Weights & Biases or a table",
		Long:    exportMetricsHelp,
		Example: exportMetricsExamples,
	}, &exportMetricsOptions{})
}

func (o *exportMetricsOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.format, "format", "", "`FORMAT`: tensorboard, mlflow, wandb or csv")
	flags.StringVar(&o.out, "out", "", "folder (of csv: file) to write (`PATH`)")
	flags.StringVar(&o.uri, "uri", "",
		"MLflow server (`URI`), or env for that of MLFLOW_TRACKING_URI; default track.mlflow.uri of the run")
	flags.StringVar(&o.experiment, "experiment", "",
		"experiment (`NAME`) of MLflow; default track.mlflow.experiment of the run, or the run's name")
}

func (o *exportMetricsOptions) check(args []string) error {
	err := cmp.Or(
		atLeastOne(args, "a run folder"),
		required("format", o.format),
		oneOf("format", o.format, toTensorBoard, toMLflow, toWandb, toCSV),
		exclusive("format mlflow", o.format == toMLflow, "out", o.out != ""),
	)
	switch {
	case err != nil:
		return err
	case o.format != toMLflow && o.uri+o.experiment != "":
		return usagef("--uri and --experiment are for --format %s", toMLflow)
	case o.format == toWandb:
		return required("out", o.out)
	case o.format == toCSV:
		return suffix("out", o.out, ".csv")
	case o.uri != "" && o.uri != config.URIFromEnvironment:
		if err := config.CheckServer(o.uri); err != nil {
			return usagef("--uri: %v", err)
		}
	}
	return nil
}

func (o *exportMetricsOptions) run(ctx context.Context, g *global, args []string) error {
	var dirs []string
	for _, arg := range args {
		runs, err := catalogue.List(ctx, filepath.Clean(arg))
		if err != nil {
			return err
		}
		if len(runs) == 0 {
			return fault.New(fault.Data, "there is no run in the folder %s", arg)
		}
		for _, r := range runs {
			dirs = append(dirs, r.Folder)
		}
	}
	if o.format == toCSV {
		return o.table(g, dirs)
	}
	taken := map[string]string{} // by where it is written
	for _, dir := range dirs {
		into := o.out
		if into != "" {
			into = filepath.Join(into, local(dir))
			if other, ok := taken[into]; ok {
				return fault.New(fault.Other, "%s and %s would both be written to %s", other, dir, into).
					Advise("export them one at a time")
			}
			taken[into] = dir
		}
		said, err := o.one(ctx, g, dir, into)
		if err != nil {
			return err
		}
		fmt.Fprintf(g.stdout, "%s: %s\n", dir, said)
	}
	return nil
}

// one exports a run, and says where to.
func (o *exportMetricsOptions) one(ctx context.Context, g *global, dir, into string) (string, error) {
	switch o.format {
	case toTensorBoard:
		return tracker.WriteEvents(dir, into)
	case toWandb:
		return tracker.WriteWandb(dir, into)
	}
	return tracker.Send(ctx, tracker.SendOptions{Dir: dir, URI: o.uri, Experiment: o.experiment,
		Environment: mlflowEnvironment(g), Note: g.note})
}

// table writes the runs' numbers as CSV.
func (o *exportMetricsOptions) table(g *global, dirs []string) error {
	var text bytes.Buffer
	if err := tracker.WriteCSV(&text, dirs); err != nil {
		return err
	}
	if o.out == "" {
		fmt.Fprint(g.stdout, text.String())
		return nil
	}
	return fault.Writing(o.out, renameio.WriteFile(o.out, text.Bytes(), 0o644, renameio.WithTempDir(filepath.Dir(o.out))))
}

// local is a run folder's path below another folder: its own where that leads nowhere else, or its last part.
func local(dir string) string {
	if filepath.IsLocal(dir) && dir != "." {
		return dir
	}
	if at, err := filepath.Abs(dir); err == nil {
		dir = at
	}
	return filepath.Base(dir)
}

// mlflowEnvironment is what the environment says of MLflow.
func mlflowEnvironment(g *global) mlflow.Environment {
	return mlflow.Environment{
		URI: g.env["MLFLOW_TRACKING_URI"], Token: g.env["MLFLOW_TRACKING_TOKEN"],
		Username: g.env["MLFLOW_TRACKING_USERNAME"], Password: g.env["MLFLOW_TRACKING_PASSWORD"],
	}
}
