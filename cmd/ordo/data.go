package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ordo/runner/config"
	"ordo/runner/data"
)

func newDataCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "data",
		Short: "Look over an image set, or write it as JPEG files",
	}, newDataInfoCommand(g), newDataVerifyCommand(g), newDataExportCommand(g))
}

const dataArguments = `The image set is the one of an experiment file, whose keys can be changed as for ordo run.
Without a file, data.KEY=VALUE describe it.`

// dataArgs refuses arguments that name no image set.
func dataArgs(args []string) error { return atLeastOne(args, "an experiment file, or data.KEY=VALUE,") }

// loadData reads the data section that the arguments name: FILE [KEY=VALUE ...] or KEY=VALUE ….
func loadData(g *global, args []string) (data.Options, error) {
	var e config.Experiment
	var err error
	if _, missing := os.Stat(args[0]); missing != nil && strings.Contains(args[0], "=") {
		e, err = config.Parse("data.yaml", []byte("{}\n"), args, g.environ())
	} else {
		e, err = g.load(args)
	}
	return e.Data, err
}

// listData lists the image set that the arguments name.
func listData(ctx context.Context, g *global, args []string) (data.Options, data.Sets, error) {
	o, err := loadData(g, args)
	if err != nil {
		return o, data.Sets{}, err
	}
	sets, err := data.List(ctx, o)
	return o, sets, err
}
