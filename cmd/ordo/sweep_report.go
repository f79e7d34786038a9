package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"ordo/runner/machine"
	"ordo/runner/page"
	"ordo/runner/sweep"
)

const sweepReportHelp = `Write one HTML page about a sweep that needs no other file and no network: what was asked and
what came out, combinations over their seeds with differences paired by seed, which keys decide,
all trials over their keys and over the epochs, and what those said that failed. A sweep writes
it when it ends, but for one on a cluster, which nobody waits for; of one that is not finished
the page shows what there is.`

type sweepReportOptions struct{ out string }

func (o *sweepReportOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "file to write (`FILE.html`); default report.html in the sweep's folder")
}

func (o *sweepReportOptions) check(args []string) error {
	return cmp.Or(oneArg(args, "a sweep's folder"), suffix("out", o.out, ".html"))
}

func (o *sweepReportOptions) run(ctx context.Context, g *global, args []string) error {
	plan, err := sweep.Open(args[0])
	if err != nil {
		return err
	}
	out := cmp.Or(o.out, filepath.Join(args[0], page.FileName))
	made, err := sweepPage(ctx, plan, args[0], out)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%s (%s)\n", out, machine.Bytes(int64(len(made.HTML))))
	return errors.Join(made.Damage...)
}

// sweepPage writes the page of a sweep.
func sweepPage(ctx context.Context, plan *sweep.Plan, dir, out string) (page.Made, error) {
	made, err := page.Sweep(ctx, page.SweepOptions{Plan: plan, Dir: dir, Out: out})
	if err != nil {
		return made, err
	}
	return made, made.Write(out)
}
