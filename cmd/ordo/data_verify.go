package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/runner/data/survey"
	"ordo/runner/report"
)

const dataVerifyHelp = `Decode every image of both splits, and list those that can't be read and why. The exit
status is 4 if there are any.

` + dataArguments

const dataVerifyExamples = `  ordo data verify data.source=folder data.root=photos
  ordo data verify experiments/fruit.yaml --json`

type dataVerifyOptions struct{ asJSON bool }

func newDataVerifyCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "verify FILE [KEY=VALUE ...] | data.KEY=VALUE ...",
		Short:   "Decode every image and list those that can't be read",
		Long:    dataVerifyHelp,
		Example: dataVerifyExamples,
	}, &dataVerifyOptions{})
}

func (o *dataVerifyOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *dataVerifyOptions) check(args []string) error { return dataArgs(args) }

func (o *dataVerifyOptions) run(ctx context.Context, g *global, args []string) error {
	_, sets, err := listData(ctx, g, args)
	if err != nil {
		return err
	}
	found := dataVerified{Images: sets.Train.Len() + sets.Test.Len(), LeftOut: sets.About.LeftOut}
	if found.Unreadable, err = survey.Verify(ctx, sets.Train, sets.Test, newReading(g).image); err != nil {
		return err
	}
	for _, note := range sets.Notes() {
		g.note(note)
	}
	if o.asJSON {
		err = g.printJSON(found)
	} else {
		fmt.Fprint(g.stdout, report.Unreadable(found.Unreadable))
		fmt.Fprintf(g.stdout, "%d images, %d unreadable\n", found.Images, len(found.Unreadable))
	}
	if n := len(found.Unreadable); n > 0 && err == nil {
		return fault.New(fault.Data, "%d of %d images can't be read", n, found.Images).
			Advise("remove or replace them, or set data.on_error to skip")
	}
	return err
}

// dataVerified is what `ordo data verify --json` prints.
type dataVerified struct {
	Images     int              `json:"images"`
	LeftOut    map[string]int   `json:"left_out,omitempty"` // files that aren't read as images, by extension
	Unreadable []survey.Failure `json:"unreadable"`
}
