package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/runner"
	"ordo/runner/catalogue"
	"ordo/runner/config"
	"ordo/runner/forecast"
	"ordo/runner/report"
	"ordo/runner/track"
)

const runHelp = `Train what an experiment file describes, evaluate it, and keep everything in a run folder:
runs/NAME-HASH, or --out. The hash is that of the resolved experiment, so a changed
experiment is another run; only the keys of eval don't count, for ordo eval evaluates a
finished run anew, and those that change no weight, such as train.stop_on_collapse.

A key of the file can be changed by KEY=VALUE, the value written as in YAML, or by an
environment variable (train.batch_size is ORDO_TRAIN_BATCH_SIZE). The command line comes
before the environment, and the environment before the file.

The same command again goes on where it was interrupted; a finished run only shows its
result. A run folder in place of FILE goes on with that run, and with KEY=VALUE trains
another one from its last checkpoint on: train.epochs=30 makes it longer, and what else is
changed, such as train.lr or a weight of the loss, counts from there.
--dry-run says what would be trained, how long that takes, and what memory and disk it
needs, after a few steps that are timed; it leaves nothing on the disk.

` + checkHelp

const runExamples = `  ordo run experiments/demo.yaml --check
  ordo run experiments/demo.yaml model.backbone=resnet18 --dry-run
  ordo run experiments/mnist-rotation.yaml data.root=data/mnist seed=2 --json
  ordo run experiments/demo.yaml augment.roles.rotate=invariant --out runs/invariant
  ordo run runs/invariant train.epochs=40 --out runs/longer`

type runOptions struct {
	out                  string
	checked, dry, asJSON bool
	untilEpoch           int
	given                func(flag string) bool
}

func newRunCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "run {FILE | RUN} [KEY=VALUE ...]",
		Short:   "Train what an experiment file describes, and evaluate it",
		Long:    runHelp,
		Example: runExamples,
	}, &runOptions{})
}

func (o *runOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "run folder (default `runs/NAME-HASH`)")
	flags.BoolVar(&o.checked, "check", false, "compare the result with what the file expects")
	flags.BoolVar(&o.dry, "dry-run", false, "only say what would be trained, and what that takes")
	flags.BoolVar(&o.asJSON, "json", false, "print the result as one JSON object")
	flags.IntVar(&o.untilEpoch, "until-epoch", 0,
		"pause after epoch `N` with its checkpoint, exit status 75; call again to go on")
	o.given = flags.Changed
}

func (o *runOptions) check(args []string) error {
	if err := cmp.Or(exclusive("check", o.checked, "dry-run", o.dry),
		exclusive("until-epoch", o.given("until-epoch"), "dry-run", o.dry)); err != nil {
		return err
	}
	if o.given("until-epoch") {
		if err := within("until-epoch", o.untilEpoch, 1, math.MaxInt32); err != nil {
			return err
		}
	}
	return atLeastOne(args, "an experiment file")
}

func (o *runOptions) run(ctx context.Context, g *global, args []string) error {
	s, err := o.prepare(g, args)
	if err != nil {
		return err
	}
	e := s.experiment
	var want *config.Expect
	if o.checked {
		if want, err = expected(g, args, e); err != nil {
			return err
		}
	}
	if o.out == "" {
		o.out = filepath.Join("runs", e.Name+"-"+e.Hash())
	}
	if o.dry {
		return o.forecast(ctx, g, s)
	}
	other := evaluatedOtherwise(o.out, e)
	finished, done := finishedAt(o.out, e)
	if !done {
		g.note("run folder: " + o.out + string(os.PathSeparator))
	}
	result, err := runner.Run(ctx, runner.Options{
		Experiment: e, Dir: o.out, Libraries: s.libraries, Version: thisBuild().String(),
		Progress: newProgress(g, e.Name), MLflow: mlflowEnvironment(g), UntilEpoch: o.untilEpoch,
	})
	if err != nil {
		if _, there := os.Stat(o.out); there == nil && errors.Is(err, fault.Interrupted) {
			g.note("run folder: " + o.out + string(os.PathSeparator))
		}
		return err
	}
	if done {
		g.note(fmt.Sprintf("%s finished on %s; here is its result, and nothing was trained", e.Name,
			finished.Format("2006-01-02 at 15:04")))
	}
	if other {
		g.note(fmt.Sprintf("the run is finished and was evaluated with other settings of eval, whose result this is; "+
			"`ordo eval %s eval.KEY=VALUE` evaluates it anew without training", o.out))
	}
	if !o.checked {
		return o.print(g, result, result)
	}
	check, err := compare(args[0], *want, result)
	if err != nil {
		return err
	}
	if err := o.print(g, result, compared{result, check}); err != nil {
		return err
	}
	if !o.asJSON {
		fmt.Fprint(g.stdout, "\n"+check.Text())
	}
	return verdict(check)
}

// prepare reads the experiment of a file, or what is to be run of a run folder.
func (o *runOptions) prepare(g *global, args []string) (setup, error) {
	if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
		return prepare(g, args)
	}
	if o.checked {
		return setup{}, usagef("--check needs an experiment file, and %s is a folder", args[0])
	}
	if _, err := track.ReadRecord(args[0]); errors.Is(err, fs.ErrNotExist) {
		return setup{}, fault.New(fault.Config, "there is no run in the folder %s", args[0]).
			Advise("name an experiment file or a run folder")
	}
	e, again, err := config.LoadFork(args[0], args[1:])
	if err != nil {
		return setup{}, err
	}
	if again && o.out == "" {
		o.out = filepath.Clean(args[0])
	}
	l, err := librariesFor(g, e)
	return setup{e, l}, err
}

// forecast says what a run would take.
func (o *runOptions) forecast(ctx context.Context, g *global, s setup) error {
	f, err := forecast.Of(ctx, forecast.Options{Experiment: s.experiment, Dir: o.out, Libraries: s.libraries})
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(f)
	}
	fmt.Fprint(g.stdout, f.Text())
	return nil
}

// print prints the result, or with --json what is said of it.
func (o *runOptions) print(g *global, result track.Result, said any) error {
	if o.asJSON {
		return g.printJSON(said)
	}
	fmt.Fprint(g.stdout, report.Table(result))
	fmt.Fprintf(g.stdout, "run folder: %s\nreferences: ordo eval %s\n", o.out+string(os.PathSeparator), o.out)
	return nil
}

// finishedAt says when this experiment's run in dir was finished, if it was.
func finishedAt(dir string, e config.Experiment) (time.Time, bool) {
	run, err := catalogue.Look(dir)
	if err != nil || run.Status != catalogue.Finished || run.Hash != e.Hash() {
		return time.Time{}, false
	}
	info, err := os.Stat(filepath.Join(dir, "result.json"))
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// evaluatedOtherwise says whether dir has this experiment's finished run with other settings of its evaluation, which
// don't make it another run.
func evaluatedOtherwise(dir string, e config.Experiment) bool {
	if _, err := track.ReadResult(dir); err != nil {
		return false
	}
	was, err := config.Load(track.ExperimentFile(dir), nil, nil)
	return err == nil && was.Hash() == e.Hash() && !reflect.DeepEqual(was.Eval, e.Eval)
}
