package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/importance"
	"ordo/runner/sweep"
)

// sweepCommands are those that look at a sweep, or do a part of it.
func sweepCommands(g *global) []*cobra.Command {
	return []*cobra.Command{
		newCommand(g, &cobra.Command{Use: "plan FILE [KEY=VALUE ...]", Short: "List the trials of a sweep file",
			Example: "  ordo sweep plan experiments/sweeps/mnist-role.yaml"}, &sweepPlanOptions{}),
		newCommand(g, &cobra.Command{Use: "trial SWEEP N", Short: "Run one trial of a sweep's folder, by its number",
			Long: sweepTrialHelp, Example: "  ordo sweep trial runs/roles-0123456789 7"}, &sweepTrialOptions{}),
		newCommand(g, &cobra.Command{Use: "status SWEEP", Short: "Say how far a sweep is",
			Long: "Say how far the sweep in a folder is, and what is said by trials that failed. It reads the\n" +
				"folder, and asks no process."}, &sweepStatusOptions{}),
		newCommand(g, &cobra.Command{Use: "best SWEEP", Short: "Print the run folder of a sweep's best trial",
			Example: "  ordo embed $(ordo sweep best runs/roles-0123456789) --out embeddings.npz"}, &sweepBestOptions{}),
		newCommand(g, &cobra.Command{Use: "table SWEEP", Short: "Print a sweep's table",
			Example: "  ordo sweep table runs/roles-0123456789 --format latex\n" +
				"  ordo sweep table runs/roles-0123456789 --importance"}, &sweepTableOptions{}),
		newCommand(g, &cobra.Command{Use: "report SWEEP", Short: "Write a page about a sweep", Long: sweepReportHelp,
			Example: "  ordo sweep report runs/roles-0123456789"}, &sweepReportOptions{}),
		newCommand(g, &cobra.Command{Use: "stop SWEEP", Short: "Stop what runs a sweep and its trials, with a checkpoint"},
			&sweepStopOptions{}),
	}
}

const sweepTrialHelp = `Run one trial of the sweep in a folder, by its number in sweep.json, and no other: for
schedulers that have a job for each trial. The folder must have been made: by "ordo sweep FILE
--launcher slurm", or by an "ordo sweep FILE" that was stopped.

The exit status is that of the trial's run: 0 also where it is finished already, 75 where it
was told to stop and goes on when it is called again.`

type sweepPlanOptions struct{ asJSON, every bool }

func (o *sweepPlanOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.every, "all", false, "list all trials, also where there are very many")
	flags.BoolVar(&o.asJSON, "json", false, "print all trials as a JSON list")
}

func (o *sweepPlanOptions) check(args []string) error { return atLeastOne(args, "a sweep file") }

func (o *sweepPlanOptions) run(_ context.Context, g *global, args []string) error {
	plan, err := openSweep(g, args)
	if err != nil {
		return err
	}
	known := plan.Trials
	if n, total := plan.Chosen(); n < total {
		known = known[:n]
		g.note(fmt.Sprintf("%d of at most %d trials are known; the others are chosen as it goes, by what these find",
			n, total))
	}
	if o.asJSON {
		return g.printJSON(known)
	}
	rows := [][]string{{"trial", "hash", "overrides"}}
	left := 0
	if n := len(known); n > planFirst+planLast && !o.every {
		left = n - planFirst - planLast
	}
	for i, t := range known {
		if left > 0 && i == planFirst {
			rows = append(rows, []string{"…", "", fmt.Sprintf("%d more: --all", left)})
		}
		if left > 0 && i >= planFirst && i < planFirst+left {
			continue
		}
		overrides := strings.TrimSpace(t.Base + " " + strings.Join(t.Overrides, " "))
		rows = append(rows, []string{fmt.Sprint(t.Number), t.Hash, overrides})
	}
	fmt.Fprint(g.stdout, table.Columns(rows, 0))
	if left > 0 {
		g.note(fmt.Sprintf("%d trials", len(plan.Trials)))
	}
	return nil
}

// Of a sweep of more trials, these are listed.
const planFirst, planLast = 30, 10

type sweepTrialOptions struct{ requeue bool }

func (o *sweepTrialOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.requeue, "requeue", false, requeueHelp)
}

func (o *sweepTrialOptions) check(args []string) error {
	if len(args) < 2 {
		return usagef("a sweep's folder and a trial's number are wanted")
	}
	if _, err := strconv.Atoi(args[1]); err != nil {
		return usagef("a trial's number is wanted, got %q", args[1])
	}
	return atMost(args, 2)
}

func (o *sweepTrialOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that runs the trial: %w", err)
	}
	if o.requeue {
		var cancel context.CancelFunc
		ctx, cancel = untilJobEnds(ctx, g)
		defer cancel()
	}
	number, _ := strconv.Atoi(args[1]) // check has seen it
	progress, ended := sweepProgress(ctx, g, plan, "", 1)
	exit, err := plan.RunTrial(ctx, sweep.Options{
		Command: []string{program, "run"}, Environ: g.environ(), Progress: progress,
	}, number)
	ended()
	switch {
	case err != nil && ctx.Err() == nil:
		return err
	case exit == exitOK && ctx.Err() == nil:
		return nil
	case ctx.Err() == nil && exit != exitStopped && exit != exitInterrupted:
		return &statusError{exit}
	}
	if o.requeue && timeIsUp(ctx) {
		return requeue(ctx, g)
	}
	return fault.New(fault.Interrupted, "the trial was told to stop").Advise("call it again to go on")
}

// statusError is that of a process which has said what it was.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("ended with exit status %d", e.code)
}

type sweepStatusOptions struct{ asJSON, watch bool }

func (o *sweepStatusOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.watch, "watch", false, "first show how it goes on, until all trials have ended or ctrl-C")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *sweepStatusOptions) check(args []string) error { return oneArg(args, "a sweep's folder") }

func (o *sweepStatusOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	if o.watch {
		if err := watchSweep(ctx, g, plan, args[0]); err != nil {
			return err
		}
	}
	status, err := plan.Status(args[0])
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(status)
	}
	fmt.Fprint(g.stdout, status.Text())
	return nil
}

type sweepBestOptions struct{ asJSON bool }

func (o *sweepBestOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object: folder, values, number, and whether it is sure")
}

func (o *sweepBestOptions) check(args []string) error { return oneArg(args, "a sweep's folder") }

func (o *sweepBestOptions) run(_ context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	folder, row, table, err := plan.Best(args[0])
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(map[string]any{"folder": folder, "keys": table.Keys, "values": row.Values,
			"metric": table.Metric, "summary": row.Numbers[table.Metric.Name], "note": table.Note, "status": table.Status})
	}
	fmt.Fprintln(g.stdout, folder)
	text := fmt.Sprintf("best row: %s %.4f", table.Metric.Name, row.Numbers[table.Metric.Name].Mean)
	if len(row.Values) > 0 {
		text += " with " + strings.Join(row.Values, ", ")
	}
	if table.Note != "" {
		text += "; " + table.Note
	}
	if table.Status != sweep.Finished {
		text += "; the sweep is not finished"
	}
	g.note(text)
	return nil
}

type sweepTableOptions struct {
	format, parquet    string
	asJSON, importance bool
}

func (o *sweepTableOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.format, "format", sweep.FormatText, "`FORMAT`: "+strings.Join(sweep.Formats(), ", "))
	flags.BoolVar(&o.importance, "importance", false, "say below the table which keys decide; with --json too")
	flags.StringVar(&o.parquet, "parquet", "", "write all numbers of the trials to `FILE.parquet`, in place of the table")
	flags.BoolVar(&o.asJSON, "json", false, "print the table and the trials as one JSON object")
}

func (o *sweepTableOptions) check(args []string) error {
	return cmp.Or(oneArg(args, "a sweep's folder"), oneOf("format", o.format, sweep.Formats()...),
		exclusive("importance", o.importance, "format", o.format != sweep.FormatText),
		exclusive("importance", o.importance, "parquet", o.parquet != ""),
		suffix("parquet", o.parquet, ".parquet"))
}

func (o *sweepTableOptions) run(_ context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	found, err := plan.Table(args[0])
	if err != nil {
		return err
	}
	if o.parquet != "" {
		return found.WriteParquet(o.parquet)
	}
	said := importantTable{Table: found}
	if o.importance {
		r := plan.Importance(found)
		said.Importance = &r
	}
	if o.asJSON {
		return g.printJSON(said)
	}
	text, err := found.As(o.format)
	if o.importance {
		text += "\n" + said.Importance.Text()
	}
	fmt.Fprint(g.stdout, text)
	return err
}

// importantTable is a sweep's table with which keys decide, as --json prints it.
type importantTable struct {
	sweep.Table
	Importance *importance.Report `json:"importance,omitempty"`
}

type sweepStopOptions struct{}

func (o *sweepStopOptions) AddFlags(*pflag.FlagSet) {}

func (o *sweepStopOptions) check(args []string) error { return oneArg(args, "a sweep's folder") }

func (o *sweepStopOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	jobs, err := plan.Cancel(ctx, args[0])
	if err != nil {
		return err
	}
	if len(jobs) > 0 {
		g.note("cancelled Slurm's jobs " + strings.Join(jobs, ", "))
	}
	told, elsewhere, err := plan.Stop(args[0])
	for _, h := range elsewhere {
		g.note("not of this machine: " + h.String())
	}
	if told == 0 && len(elsewhere)+len(jobs) == 0 && err == nil {
		g.note("nothing works in " + args[0])
	} else if told > 0 {
		g.note(fmt.Sprintf("told %d processes to stop; the same command as before goes on", told))
	}
	return err
}

// openSweep reads a sweep's file with overrides, or the folder of one that was started.
func openSweep(g *global, args []string) (*sweep.Plan, error) {
	if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
		return sweep.NewPlan(args[0], args[1:], g.environ())
	}
	if len(args) > 1 {
		return nil, usagef("%s is a sweep's folder, whose trials are what they are: leave out %s, or name the sweep's file",
			args[0], args[1])
	}
	return sweep.Open(args[0])
}
