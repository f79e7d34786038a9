package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/table"
	"ordo/models/zoo"
)

const artifactsListHelp = `List the built-in backbones with their number of parameters and features, without a
projector, and the options that they take in an experiment's model section. ordo artifacts
build takes any other.`

type artifactsListOptions struct{ asJSON bool }

func newArtifactsListCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:   "list",
		Short: "List the built-in backbones",
		Long:  artifactsListHelp,
	}, &artifactsListOptions{})
}

func (o *artifactsListOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON list")
}

func (o *artifactsListOptions) check(args []string) error { return noArgs(args) }

func (o *artifactsListOptions) run(_ context.Context, g *global, _ []string) error {
	list, err := listBackbones()
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(list)
	}
	rows := [][]string{{"backbone", "parameters", "features", "options"}}
	for _, b := range list {
		rows = append(rows, []string{
			b.Backbone, fmt.Sprint(b.Parameters), fmt.Sprint(b.Features), strings.Join(b.Options, ", "),
		})
	}
	fmt.Fprint(g.stdout, table.Columns(rows, 0))
	return nil
}

// listed is a backbone of the zoo.
type listed struct {
	Backbone   string   `json:"backbone"`
	Parameters int64    `json:"parameters"`
	Features   int      `json:"features"`
	ImageSize  int      `json:"image_size"` // of the numbers
	Options    []string `json:"options"`
}

// listedImage is a size that all backbones take with the standard stem.
const listedImage = 224

func listBackbones() ([]listed, error) {
	var list []listed
	for _, name := range zoo.Names() {
		o := zoo.Options{Backbone: name, Stem: "standard"}
		info, err := zoo.Describe(o, listedImage)
		if err != nil {
			return nil, err
		}
		list = append(list, listed{
			Backbone: name, Parameters: info.Parameters, Features: info.Features, ImageSize: listedImage,
			Options: zoo.Keys(name),
		})
	}
	return list, nil
}
