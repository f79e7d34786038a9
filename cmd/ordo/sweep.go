package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ordo/models/ort/install"
	"ordo/runner/sweep"
)

func newSweepCommand(g *global) *cobra.Command {
	var out string
	var jobs int
	var tableOnly, asJSON bool
	cmd := &cobra.Command{
		Use:   "sweep FILE [KEY=VALUE ...]",
		Short: "Run an experiment with many values of its keys",
		Long: `Run every combination of the values that a sweep file lists, each as an "ordo run" of its own in a folder below
runs/NAME-HASH, or --out, and print a table: a row for every combination without the seed, with mean ± sample standard
deviation over the seeds. KEY=VALUE changes the experiment of all trials.

  base: ../mnist-rotation.yaml             the experiment file, beside the sweep file
  method: grid
  metric: {name: knn_top1, goal: maximize}
  parameters:
    augment.roles.rotate: {values: [absent, invariant, ordered]}
    seed: {values: [1, 2, 3]}
  jobs: 1                                  trials at once; they share the cores

All combinations are checked before the first one starts. The same command again goes on where the sweep was stopped:
what is finished is not run again, what failed is. A failed trial stops nobody; its log is beside its folder.`,
		Example: `  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist
  ordo sweep experiments/sweeps/mnist-role.yaml data.root=data/mnist --table`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf(cmd, "a sweep file is missing")
			case cmd.Flags().Changed("jobs") && (jobs < 1 || jobs > sweep.MaxJobs):
				return usageErrorf(cmd, "--jobs must be in [1, %d], got %d", sweep.MaxJobs, jobs)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := sweep.NewPlan(args[0], args[1:], g.environ())
			if err != nil {
				return err
			}
			if plan.Duplicates > 0 {
				fmt.Fprintf(g.stderr, "%s: left out %d of %d combinations, each the same experiment as an earlier one\n",
					plan.Name, plan.Duplicates, plan.Duplicates+len(plan.Trials))
			}
			if tableOnly {
				table, err := plan.Table(out)
				if err != nil {
					return err
				}
				return printTable(g, table, asJSON)
			}
			// Each trial would say so; better once, before anything is there.
			if _, err := install.Find(g.env[install.EnvLibrary], g.env[install.EnvCache]); err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find the program that runs the trials: %w", err)
			}
			table, err := plan.Run(cmd.Context(), sweep.Options{
				Dir: out, Jobs: jobs, Command: []string{program, "run"}, Environ: g.environ(), Progress: sweepProgress(g, plan),
			})
			if len(table.Rows) > 0 {
				if err := printTable(g, table, asJSON); err != nil {
					return err
				}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "sweep folder (default `runs/NAME-HASH`)")
	cmd.Flags().IntVar(&jobs, "jobs", 0, "trials at once (default: the file's `N`)")
	cmd.Flags().BoolVar(&tableOnly, "table", false, "run nothing, only print the table of what is finished")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the table and the trials as one JSON object")
	return cmd
}

func printTable(g *global, t sweep.Table, asJSON bool) error {
	if asJSON {
		return g.printJSON(t)
	}
	fmt.Fprint(g.stdout, t.Text())
	fmt.Fprintf(g.stdout, "sweep folder: %s\n", t.Sweep)
	return nil
}

// sweepProgress says on stderr how the trials go.
func sweepProgress(g *global, plan *sweep.Plan) func(sweep.Event) {
	return func(e sweep.Event) {
		text := e.Status
		switch e.Status {
		case sweep.Finished:
			if x, ok := e.Numbers[plan.Metric.Name]; ok {
				text += fmt.Sprintf(", %s %.4f", plan.Metric.Name, x)
			}
		case sweep.Failed:
			text += fmt.Sprintf(" with exit status %d, log %s", e.Failed.Exit, e.Log)
			text += strings.Join(slices.Concat([]string{""}, e.Failed.Lines), "\n    ")
		}
		fmt.Fprintf(g.stderr, "[%d/%d] %s: %s\n", e.Ended, e.Total, e.Trial.Folder, text)
	}
}
