package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/runner/expect"
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

All combinations are checked before the first one starts. The same command again goes on
where the sweep was stopped: it runs what failed, and not what is finished. A failed trial
stops no other; its log is beside its folder. --dry-run says which trials would be run and
what they take, after a few steps of each kind that are timed; it leaves nothing on the disk.

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
	given             func(flag string) bool
}

func newSweepCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "sweep FILE [KEY=VALUE ...]",
		Short:   "Run an experiment with many values of its keys",
		Long:    sweepHelp,
		Example: sweepExamples,
	}, &sweepOptions{})
}

func (o *sweepOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "sweep folder (default `runs/NAME-HASH`)")
	flags.IntVar(&o.jobs, "jobs", 0, "trials at once (default: the file's `N`)")
	flags.BoolVar(&o.tableOnly, "table", false, "run nothing, only print the table of what is finished")
	flags.BoolVar(&o.dry, "dry-run", false, "only say what would be trained, and what that takes")
	flags.BoolVar(&o.checked, "check", false, "compare the table with what the file expects")
	flags.BoolVar(&o.asJSON, "json", false, "print the table and the trials as one JSON object")
	o.given = flags.Changed
}

func (o *sweepOptions) check(args []string) error {
	if err := atLeastOne(args, "a sweep file"); err != nil {
		return err
	}
	if err := cmp.Or(exclusive("check", o.checked, "dry-run", o.dry),
		exclusive("table", o.tableOnly, "dry-run", o.dry)); err != nil {
		return err
	}
	if o.given("jobs") {
		return within("jobs", o.jobs, 1, sweep.MaxJobs)
	}
	return nil
}

func (o *sweepOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := sweep.NewPlan(args[0], args[1:], g.environ())
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
	table, err := plan.Run(ctx, sweep.Options{
		Dir: o.out, Jobs: o.jobs, Command: []string{program, "run"}, Environ: g.environ(), Progress: sweepProgress(g, plan),
	})
	g.wipe()
	if len(table.Rows) == 0 {
		return err
	}
	return cmp.Or(err, o.print(g, plan, table))
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

// sweepProgress says on stderr how the trials go.
func sweepProgress(g *global, plan *sweep.Plan) func(sweep.Event) {
	all := newTrials(g)
	return func(e sweep.Event) {
		text := e.Status
		switch e.Status {
		case sweep.Finished:
			if x, ok := e.Numbers[plan.Metric.Name]; ok {
				text += fmt.Sprintf(", %s %.4f", plan.Metric.Name, x)
			}
		case sweep.Failed:
			text += howFailed(e.Failed, e.Log)
		}
		all.say(e.Ended, e.Total, e.Trial.Folder+": "+text)
		if e.Status == sweep.Running {
			g.detail("    log: " + e.Log)
		}
	}
}

// howFailed says how a trial ended, with the last lines of its log.
func howFailed(f sweep.Failure, log string) string {
	return fmt.Sprintf(" with exit status %d, log %s", f.Exit, log) +
		strings.Join(slices.Concat([]string{""}, f.Lines), "\n    ")
}
