package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/track"
)

const runsVerifyHelp = `Compare every file of finished runs with the checksums that their result has. Whoever reads a
file of a run compares it too; this looks at all of them, before folders are archived or after
they were copied. A run that isn't finished has its experiment compared, and no more: "ordo
run" looks at its checkpoints.`

type runsVerifyOptions struct{}

func newRunsVerifyCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:   "verify RUN ...",
		Short: "Compare the files of runs with their checksums",
		Long:  runsVerifyHelp,
	}, &runsVerifyOptions{})
}

func (o *runsVerifyOptions) AddFlags(*pflag.FlagSet) {}

func (o *runsVerifyOptions) check(args []string) error { return atLeastOne(args, "a run folder") }

func (o *runsVerifyOptions) run(ctx context.Context, g *global, args []string) error {
	var wrong []error
	for _, dir := range args {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		finished, err := track.Verify(dir)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case finished:
			fmt.Fprintf(g.stdout, "%s: all files are what they were\n", dir)
		default:
			fmt.Fprintf(g.stdout, "%s: is not finished; its experiment is what it was\n", dir)
		}
	}
	return errors.Join(wrong...)
}
