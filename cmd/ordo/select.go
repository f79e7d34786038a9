package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
	"ordo/runner/selection"
	"ordo/runner/sweep"
)

const selectHelp = `Find out which transformations should be equivariant on a set of images: for every family
whether its scale should be ordered, invariant or left out, or that this isn't decided yet.

FILE is the experiment around which the roles of families are changed, one at a time; all
entries of its augment.ordered are asked for, or those that --families names. --data DIR in
its place takes ordo's own experiment for a folder of images. KEY=VALUE changes either.

Every role is trained with every seed, each seed with another fifth of the training images
held out, on which kNN and a linear probe tell what the features are worth; the test images
are never looked at. What is trained are ordinary run folders. The cost is said before:
--dry-run stops there. The same command again goes on where it was interrupted.

Beside the verdicts stand cheap numbers of one run, the pilot, and how far they agree with
the trials. --fast decides by them alone, and says how often that was right. With --labels no
the trials have the numbers that need no labels, and no verdicts: no such number tells
whether a scale is of use. --compare adds what others' ways to choose would have said.

The folder gets select.json, the page select.html, and selected.yaml, ready to run.

With --check, the file's section "expect" says which verdicts it should come to, and the exit
status is 1 where it comes to others:

  expect:
    minutes: 19                                      on 2 cores, as a guide
    seeds: 3                                         that the verdicts come from
    verdicts: {hue: [ordered, leave out], blur: [invariant]}`

const selectExamples = `  ordo select experiments/demo.yaml --families hue,rotate --dry-run
  ordo select experiments/demo.yaml --seeds 5
  ordo select --data photos --budget 30m`

type selectOptions struct {
	data, out, budget string
	families          []string
	seeds, jobs       int
	margin            float64
	ranged, screens   bool
	compare, fast     bool
	labels            string
	dry, asJSON       bool
	checked           bool
	given             func(flag string) bool
}

func newSelectCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "select {FILE | --data DIR} [KEY=VALUE ...]",
		Short:   "Find out which transformations should be equivariant on a set of images",
		Long:    selectHelp,
		Example: selectExamples,
	}, &selectOptions{})
}

func (o *selectOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.data, "data", "", "folder of images (`DIR`), in place of an experiment file")
	flags.StringSliceVar(&o.families, "families", nil, "candidates (`A,B`); default: those of augment.ordered")
	flags.IntVar(&o.seeds, "seeds", selection.DefaultSeeds, "rounds, each with a seed of its own")
	flags.Float64Var(&o.margin, "margin", selection.DefaultMargin, "a difference in accuracy that doesn't matter")
	flags.BoolVar(&o.screens, "screens", false, "train the pilot only: cheap numbers and hints, no verdicts")
	flags.BoolVar(&o.fast, "fast", false, "train the pilot only and decide by what it hints: invariant, keep or undecided")
	flags.StringVar(&o.labels, "labels", "yes", "look at labels; with no there are numbers and no verdicts (`yes|no`)")
	flags.BoolVar(&o.ranged, "range", false, "ask also up to which strength invariance costs nothing")
	flags.BoolVar(&o.compare, "compare", false, "say also what others' ways to choose say: two runs more a family")
	flags.StringVar(&o.budget, "budget", "", "train no more than fits a time or a number of runs (`30m|40`)")
	flags.IntVar(&o.jobs, "jobs", 0, "trials at once; they share the cores (default: one a core, 16 at most)")
	flags.StringVar(&o.out, "out", "", "folder (default `runs/select-NAME-HASH`)")
	flags.BoolVar(&o.dry, "dry-run", false, "only say what would be trained, and how long it takes")
	flags.BoolVar(&o.checked, "check", false, "compare the verdicts with those that the file expects")
	flags.BoolVar(&o.asJSON, "json", false, "print the answer as one JSON object")
	o.given = flags.Changed
}

func (o *selectOptions) check(args []string) error {
	named := len(args) > 0 && !strings.Contains(args[0], "=")
	switch {
	case !named && o.data == "":
		return usagef("an experiment file is missing; or name images with --data")
	case named && o.data != "":
		return usagef("%s and --data are two bases; keep one", args[0])
	}
	if err := cmp.Or(exclusive("check", o.checked, "dry-run", o.dry), exclusive("check", o.checked, "screens", o.screens),
		exclusive("check", o.checked, "fast", o.fast), exclusive("fast", o.fast, "screens", o.screens),
		exclusive("check", o.checked, "data", o.data != "")); err != nil {
		return err
	}
	switch {
	case o.labels != "yes" && o.labels != "no":
		return usagef("--labels must be yes or no, got %q", o.labels)
	case o.labels == "no" && o.checked:
		return usagef("--check compares verdicts, and with --labels no there are none; leave one out")
	}
	if o.given("jobs") {
		if err := within("jobs", o.jobs, 1, sweep.MaxJobs); err != nil {
			return err
		}
	}
	if _, _, err := o.limit(); err != nil {
		return err
	}
	return within("seeds", o.seeds, selection.MinSeeds, selection.MaxSeeds)
}

// limit reads --budget: a number of runs or a time.
func (o *selectOptions) limit() (runs int, limit time.Duration, err error) {
	if o.budget == "" {
		return 0, 0, nil
	}
	if runs, err = strconv.Atoi(o.budget); err == nil && runs > 0 {
		return runs, 0, nil
	}
	if limit, err = time.ParseDuration(o.budget); err == nil && limit > 0 {
		return 0, limit, nil
	}
	return 0, 0, usagef("--budget must be a time such as 30m or a number of runs such as 40, got %q", o.budget)
}

// base reads the experiment.
func (o *selectOptions) base(g *global, args []string) (config.Experiment, error) {
	if o.data == "" {
		return g.load(args)
	}
	return selection.DefaultBase(slices.Concat([]string{"data.root=" + o.data}, args), g.environ())
}

func (o *selectOptions) run(ctx context.Context, g *global, args []string) error {
	e, err := o.base(g, args)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that runs the trials: %w", err)
	}
	runs, limit, _ := o.limit() // check has seen it
	options := selection.Options{
		Base: e, Families: o.families, Seeds: o.seeds, Screens: o.screens, Range: o.ranged, Compare: o.compare,
		Fast: o.fast, NoLabels: o.labels == "no",
		Margin: o.margin, Runs: runs, Budget: o.budget,
		Dir: o.out, Jobs: o.jobs, Command: []string{program, "run"}, Environ: g.environ(),
	}
	if options.Dir == "" {
		if options.Dir, err = selection.Folder(options); err != nil {
			return err
		}
	}
	if err := selection.Check(ctx, options); err != nil {
		return err
	}
	var want *config.Expect
	if o.checked {
		all, err := options.Candidates()
		if err != nil {
			return err
		}
		if want, err = expectedVerdicts(g, args, e, all, o.families); err != nil {
			return err
		}
	}
	libraries, err := librariesFor(g, e)
	if err != nil {
		return err
	}
	if limit > 0 {
		options.Runs = selection.Frozen(options.Dir, o.budget)
	}
	if options.Runs == 0 || limit == 0 || o.dry {
		cost, err := selection.EstimateCost(ctx, options, libraries)
		if err != nil {
			return err
		}
		if limit > 0 && options.Runs == 0 {
			options.Runs = min(cost.Runs, cost.RunsIn(limit))
			cost.Minutes *= float64(options.Runs) / float64(cost.Runs)
			cost.Runs = options.Runs
		}
		if o.dry && o.asJSON {
			return g.printJSON(cost)
		}
		g.note(cost.Text(e.Name))
		if o.dry {
			return nil
		}
	}
	options.Progress = selectProgress(g)
	result, err := selection.Run(ctx, options)
	g.wipe()
	if err != nil {
		return err
	}
	return o.print(g, args, result, want)
}

// print prints the answer, and with --check what was expected of it; then it is an error that this isn't what is there.
func (o *selectOptions) print(g *global, args []string, result selection.Result, want *config.Expect) error {
	said := judged{Result: result}
	if want != nil {
		check := compareVerdicts(args[0], *want, result)
		said.Check = &check
	}
	if o.asJSON {
		if err := g.printJSON(said); err != nil {
			return err
		}
	} else {
		fmt.Fprint(g.stdout, result.Text())
	}
	if said.Check == nil {
		return nil
	}
	if !o.asJSON {
		fmt.Fprintf(g.stdout, "\n%s", said.Check.Text())
	}
	return verdict(*said.Check)
}

// selectProgress says on stderr how the trials go, and how long those that are left may take at most.
func selectProgress(g *global) func(selection.Event) {
	all := newTrials(g)
	return func(e selection.Event) {
		text := e.Status
		switch {
		case e.Status == sweep.Failed:
			text += howFailed(e.Failed, e.Log)
		case e.Outcome != nil:
			text += fmt.Sprintf(", accuracy %.3f", *e.Outcome)
			if left := all.left(e.Ended, e.Total); left != "" && !g.redraws() {
				text += ", at most " + left
			}
		}
		all.say(e.Ended, e.Total, filepath.Join(e.Stage, e.Trial)+": "+text)
	}
}
