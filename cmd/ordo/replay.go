package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner"
	"ordo/runner/config"
)

const replayHelp = `Take the step of a run again whose numbers were not finite, the first one if there were
several, and name the first tensor that holds a NaN or an infinity, the operator that made
it, and what that operator took. Nothing is changed.

A run keeps that step in its folder nonfinite: the weights of before it, which images were in
the batch, the scales and draws of their views, and in batch.npy what the network was shown,
up to 256 MiB. Views are rendered anew, so the images must be where they were. A step in
micro-batches is taken in one go.`

type replayOptions struct{ asJSON bool }

func newReplayCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "replay RUN",
		Short:   "Find the operator by which a run's numbers stopped being finite",
		Long:    replayHelp,
		Example: "  ordo replay runs/diverged",
	}, &replayOptions{})
}

func (o *replayOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *replayOptions) check(args []string) error { return oneArg(args, "a run folder") }

func (o *replayOptions) run(ctx context.Context, g *global, args []string) error {
	e, err := config.LoadRun(args[0], nil)
	if err != nil {
		return err
	}
	libraries, err := librariesFor(g, e)
	if err != nil {
		return err
	}
	found, err := runner.Replay(ctx, runner.ReplayOptions{Dir: args[0], Libraries: libraries,
		Progress: newProgress(g, e.Name)})
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(found)
	}
	fmt.Fprint(g.stdout, found.Text())
	return nil
}
