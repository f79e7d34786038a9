package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/watch"
)

const watchHelp = `Show runs in a browser on this machine while they are at work: the curves and numbers of a run, or
of all runs at or below a folder (default: runs), such as those of a sweep, with how far each is.
The page follows by itself. Nothing is written, nobody else can reach it, and ctrl-C ends it.`

const watchExamples = `  ordo watch
  ordo watch runs/demo --port 8080`

type watchOptions struct{ port int }

func newWatchCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "watch [RUN | DIR]",
		Short:   "Show runs in a browser while they are at work",
		Long:    watchHelp,
		Example: watchExamples,
	}, &watchOptions{})
}

func (o *watchOptions) AddFlags(flags *pflag.FlagSet) {
	flags.IntVar(&o.port, "port", 0, "port of this machine (`N`) to answer at; 0: a free one")
}

func (o *watchOptions) check(args []string) error {
	if err := atMost(args, 1); err != nil {
		return err
	}
	return within("port", o.port, 0, 65535)
}

func (o *watchOptions) run(ctx context.Context, g *global, args []string) error {
	dir := "runs"
	if len(args) > 0 {
		dir = args[0]
	}
	return watch.Serve(ctx, watch.Options{Dir: dir, Port: o.port, Listening: func(address string) {
		fmt.Fprintln(g.stdout, address)
		g.note("ctrl-C ends it")
	}})
}
