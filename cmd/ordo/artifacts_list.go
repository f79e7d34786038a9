package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ordo/models/zoo"
)

// listed is a backbone of the zoo.
type listed struct {
	Backbone   string   `json:"backbone"`
	Parameters int64    `json:"parameters"`
	Features   int64    `json:"features"`
	ImageSize  int      `json:"image_size"` // of the numbers
	Options    []string `json:"options"`
}

func newArtifactsListCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the built-in backbones",
		Long: `List the built-in backbones with their number of parameters and features, without a projector, and the options that they take
in an experiment's model section. ` + "`ordo artifacts build`" + ` takes any other.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			list, err := listBackbones()
			if err != nil {
				return err
			}
			if asJSON {
				return g.printJSON(list)
			}
			w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "backbone\tparameters\tfeatures\toptions")
			for _, b := range list {
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", b.Backbone, b.Parameters, b.Features, strings.Join(b.Options, ", "))
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON list")
	return cmd
}

// listedImage is a size that all backbones take with the standard stem.
const listedImage = 224

func listBackbones() ([]listed, error) {
	var list []listed
	for _, name := range zoo.Names() {
		o := zoo.Options{Backbone: name, Stem: "standard"}
		m, err := zoo.Build(o, listedImage, 1)
		if err != nil {
			return nil, err
		}
		b := listed{Backbone: name, Parameters: zoo.ParameterCount(m), ImageSize: listedImage, Options: []string{"stem"}}
		for _, v := range m.GetGraph().GetOutput() {
			if t, err := v.TensorType(); err == nil && v.GetName() == zoo.Features && len(t.Shape) == 2 {
				b.Features = t.Shape[1].Size
			}
		}
		for key, changed := range map[string]zoo.Options{
			"width":      {Backbone: name, Stem: o.Stem, Width: 8},
			"patch_size": {Backbone: name, Stem: o.Stem, PatchSize: 8},
		} {
			if changed.Validate() == nil {
				b.Options = append(b.Options, key)
			}
		}
		slices.Sort(b.Options)
		list = append(list, b)
	}
	return list, nil
}
