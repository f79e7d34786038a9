package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/runner/expect"
	"ordo/runner/page"
	"ordo/runner/sweep"
)

const sweepHelp = `Run every combination of the values that a sweep file lists, each as an "ordo run" of its
own in a folder below runs/NAME-HASH, or --out. Then print a table: a row for every
combination without the seed, with mean ± sample standard deviation over the seeds.
KEY=VALUE changes the experiment of all trials.

  base: ../mnist-rotation.yaml             the experiment file, beside the sweep file
  method: grid
  metric: {name: knn_top1, goal: maximize}
  parameters:
    augment.roles.rotate: {values: [absent, invariant, ordered]}
    seed: {values: [1, 2, 3]}
  jobs: 1                                  trials at once; they share the cores

method: random draws run_cap of them, {min: 1e-4, max: 1e-2} or with a distribution. seeds: 3
is short for three seeds, exclude: leaves combinations out, when: sets a key only where
another has a value, and baseline: {KEY: VALUE} is what rows are compared with, paired by
seed. method: tpe chooses run_cap of them one after the other, by what was found before, and
early_terminate: {type: asha} lets only the good ones train to their end. go doc
./runner/sweep has all keys of the file.

All combinations are checked before the first one starts. The same command again goes on
where the sweep was stopped: it runs what failed, and not what is finished; the sweep's
folder in place of FILE does the same. A failed trial stops no other, unless fail_fast is
true; retries: 2 tries it again. Its log is beside its folder. --dry-run says which trials
would be run and what they take, after a few steps of each kind that are timed; it leaves
nothing on the disk.

` + checkHelp + `
    rotate=ordered:                                  of the rows with this value only
      order_accuracy.rotate.embedding: [0.9, null]   what is compared is the mean over seeds`

const sweepExamples = `  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist
  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist --dry-run
  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist --table
  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist --check`

type sweepOptions struct {
	out               string
	jobs              int
	tableOnly, asJSON bool
	checked, dry      bool
	launcherFlags
}

func newSweepCommand(g *global) *cobra.Command {
	cmd := newCommand(g, &cobra.Command{
		Use:     "sweep {FILE | SWEEP} [KEY=VALUE ...]",
		Short:   "Run an experiment with many values of its keys",
		Long:    sweepHelp,
		Example: sweepExamples,
	}, &sweepOptions{})
	cmd.AddCommand(sweepCommands(g)...)
	return cmd
}

func (o *sweepOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "sweep folder (default `runs/NAME-HASH`)")
	flags.IntVar(&o.jobs, "jobs", 0, "trials at once (default: the file's `N`)")
	flags.BoolVar(&o.tableOnly, "table", false, "run nothing, only print the table of what is finished")
	flags.BoolVar(&o.dry, "dry-run", false, "only say what would be trained, and what that takes")
	flags.BoolVar(&o.checked, "check", false, "compare the table with what the file expects")
	flags.BoolVar(&o.asJSON, "json", false, "print the table and the trials as one JSON object")
	o.addLauncher(flags, taskTrial)
}

func (o *sweepOptions) check(args []string) error {
	if err := atLeastOne(args, "a sweep file"); err != nil {
		return err
	}
	if err := cmp.Or(exclusive("check", o.checked, "dry-run", o.dry),
		exclusive("table", o.tableOnly, "dry-run", o.dry)); err != nil {
		return err
	}
	if err := o.checkLauncher("jobs", "check", "table"); err != nil {
		return err
	}
	if o.flags.Changed("jobs") {
		return within("jobs", o.jobs, 1, sweep.MaxJobs)
	}
	return nil
}

func (o *sweepOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := openSweep(g, args)
	if err != nil {
		return err
	}
	if plan.Duplicates > 0 {
		g.note(fmt.Sprintf("%s: left out %d of %d combinations, each the same experiment as an earlier one",
			plan.Name, plan.Duplicates, plan.Duplicates+len(plan.Trials)))
	}
	if o.checked {
		if plan.Expect == nil {
			return expectsNothing(args[0])
		}
		if err := plan.CheckExpect(); err != nil {
			return err
		}
		begin(g, args[0], *plan.Expect, asWritten(g, args, plan))
	}
	if o.tableOnly {
		table, err := plan.Table(o.out)
		if err != nil {
			return err
		}
		return o.print(g, plan, table)
	}
	if o.launcher == launchKubernetes {
		return o.manifest(g, plan)
	}
	if o.dry {
		return o.forecast(ctx, g, plan)
	}
	// Each trial would say so; better once, before anything is there.
	if _, err := findLibrary(g, false); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that runs the trials: %w", err)
	}
	if o.launcher == launchSlurm {
		return o.submit(ctx, g, plan, program)
	}
	progress, end := sweepProgress(ctx, g, plan, o.out, o.jobs)
	table, err := plan.Run(ctx, sweep.Options{
		Dir: o.out, Jobs: o.jobs, Command: []string{program, "run"}, Environ: g.environ(), Progress: progress,
	})
	end()
	if len(table.Rows) == 0 {
		return err
	}
	if ctx.Err() == nil { // else it goes on another time
		_, pageErr := sweepPage(ctx, plan, table.Sweep, filepath.Join(table.Sweep, page.FileName))
		err = cmp.Or(err, pageErr)
	}
	return cmp.Or(err, o.print(g, plan, table))
}

// manifest prints the Job that runs the trials on Kubernetes.
func (o *sweepOptions) manifest(g *global, plan *sweep.Plan) error {
	k, err := o.pods()
	if err != nil {
		return err
	}
	text, err := plan.Manifest(sweep.Options{Dir: o.out}, k, !o.dry)
	if err != nil {
		return err
	}
	fmt.Fprint(g.stdout, text)
	return nil
}

// submit submits the trials to Slurm.
func (o *sweepOptions) submit(ctx context.Context, g *global, plan *sweep.Plan, program string) error {
	sub, err := plan.Submit(ctx, sweep.Options{Dir: o.out, Command: []string{program, "sweep"}}, o.slurm)
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(sub)
	}
	if len(sub.Jobs) == 0 {
		g.note(fmt.Sprintf("nothing to submit: all %d trials are finished or running", sub.Left))
		return nil
	}
	fmt.Fprintf(g.stdout, "submitted %d trials as job %s\n", len(sub.Trials), strings.Join(sub.Jobs, ", "))
	dir := cmp.Or(o.out, plan.Dir())
	g.note(fmt.Sprintf("how far they are: ordo sweep status %s; stop them: ordo sweep stop %s", dir, dir))
	return nil
}

// forecast says what the sweep would take.
func (o *sweepOptions) forecast(ctx context.Context, g *global, plan *sweep.Plan) error {
	at, err := findLibrary(g, false)
	if err != nil {
		return err
	}
	oneDNN, err := findOneDNN(g)
	if err != nil {
		return err
	}
	libraries := models.Libraries{ONNXRuntime: at.Path, OneDNN: oneDNN}
	f, err := plan.Forecast(ctx, sweep.Options{Dir: o.out, Jobs: o.jobs}, libraries)
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(f)
	}
	fmt.Fprint(g.stdout, f.Text())
	return nil
}

// print prints the table, and with --check what was expected of it; then it is an error that this isn't what is there.
func (o *sweepOptions) print(g *global, plan *sweep.Plan, t sweep.Table) error {
	said := comparedTable{Table: t}
	if o.checked {
		check := plan.Compare(t)
		said.Check = &check
	}
	if o.asJSON {
		if err := g.printJSON(said); err != nil {
			return err
		}
	} else {
		fmt.Fprint(g.stdout, t.Text())
		fmt.Fprintf(g.stdout, "sweep folder: %s\n", t.Sweep)
	}
	if said.Check == nil {
		return nil
	}
	if !o.asJSON {
		fmt.Fprint(g.stdout, "\n"+said.Check.Text())
	}
	return verdict(*said.Check)
}

// comparedTable is a sweep's table with the comparison, as --json prints it.
type comparedTable struct {
	sweep.Table
	Check *expect.Report `json:"check,omitempty"`
}

// asWritten says whether the plan's trials are those of the file alone, wherever the images are.
func asWritten(g *global, args []string, plan *sweep.Plan) bool {
	overrides, environ := whereOnly(args[1:], g.environ())
	written, err := sweep.NewPlan(args[0], overrides, environ)
	return err == nil && slices.EqualFunc(plan.Trials, written.Trials, func(a, b sweep.Trial) bool {
		return a.Outcome == b.Outcome
	})
}

// sweepProgress says on stderr how the trials go: on a terminal below a line for each that ended a table of those that
// run, elsewhere a line for each that begins or ends. The second function takes the table away.
func sweepProgress(ctx context.Context, g *global, plan *sweep.Plan, dir string, jobs int) (func(sweep.Event), func()) {
	var table *live
	if follower, err := plan.Follow(dir, jobs); err == nil && g.redraws() { // else the trials say what is wrong
		table = &live{g: g, follower: follower, metric: plan.Metric.Name}
		table.begin(context.WithoutCancel(ctx))
	}
	say := func(e sweep.Event, text string) {
		text = fmt.Sprintf("[%d/%d] %s: %s", e.Ended, e.Total, e.Trial.Folder, text)
		switch {
		case table == nil:
			g.note(text)
		case e.Status != sweep.Running || g.verbose:
			table.say(text)
		}
	}
	end := func() {
		if table != nil {
			table.end()
		}
	}
	return func(e sweep.Event) {
		text := e.Status
		switch e.Status {
		case sweep.Finished:
			if x, ok := e.Numbers[plan.Metric.Name]; ok {
				text += fmt.Sprintf(", %s %.4f", plan.Metric.Name, x)
			}
		case sweep.Failed:
			text += howFailed(e.Failed, e.Log)
		case sweep.Paused, sweep.Stopped:
			text += fmt.Sprintf(" after epoch %d, %s %.4f", e.Epoch, plan.Metric.Name, e.Value)
		case sweep.Again:
			text = fmt.Sprintf("ended with exit status %d and is tried again", e.Failed.Exit)
		}
		say(e, text)
		if e.Status == sweep.Running && table == nil {
			g.detail("    log: " + e.Log)
		}
	}, end
}

// howFailed says how a trial ended, with the last lines of its log.
func howFailed(f sweep.Failure, log string) string {
	return fmt.Sprintf(" with exit status %d, log %s", f.Exit, log) +
		strings.Join(slices.Concat([]string{""}, f.Lines), "\n    ")
}
