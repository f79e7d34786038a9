package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/data/survey"
	"ordo/runner/report"
)

const dataInfoHelp = `Show what an image set holds: its splits and classes, sizes and formats of its images, and
images that are there twice. Only headers are read; ordo data verify decodes the images.
With --sheet, some images of every class are drawn.

` + dataArguments

const dataInfoExamples = `  ordo data info experiments/demo.yaml
  ordo data info data.source=folder data.root=photos --sheet photos.png
  ordo data info data.source=cub200 data.root=CUB_200_2011 data.boxes=true --json`

type dataInfoOptions struct {
	sheet, split string
	asJSON       bool
}

func newDataInfoCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "info FILE [KEY=VALUE ...] | data.KEY=VALUE ...",
		Short:   "Show what an image set holds",
		Long:    dataInfoHelp,
		Example: dataInfoExamples,
	}, &dataInfoOptions{})
}

func (o *dataInfoOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
	flags.StringVar(&o.sheet, "sheet", "", "draw some images of every class (`FILE.png`)")
	flags.StringVar(&o.split, "split", "train", "`SPLIT` that the sheet shows: train or test")
}

func (o *dataInfoOptions) check(args []string) error {
	return cmp.Or(oneOf("split", o.split, "train", "test"), suffix("sheet", o.sheet, ".png"), dataArgs(args))
}

func (o *dataInfoOptions) run(ctx context.Context, g *global, args []string) error {
	options, sets, err := listData(ctx, g, args)
	if err != nil {
		return err
	}
	if o.sheet != "" {
		set := sets.Train
		if o.split == "test" {
			set = sets.Test
		}
		s, err := survey.Sheet(ctx, set, options.Source+", "+o.split)
		if err != nil {
			return err
		}
		if err := s.WriteFile(o.sheet); err != nil {
			return err
		}
	}
	info := dataInfo{Source: options.Source, Root: options.Root, Folder: sets.About.Folder, LeftOut: sets.About.LeftOut}
	if info.Survey, err = survey.Take(ctx, sets.Train, sets.Test, newReading(g).image); err != nil {
		return err
	}
	for _, note := range sets.Notes() {
		g.note(note)
	}
	if o.asJSON {
		return g.printJSON(info)
	}
	fmt.Fprint(g.stdout, report.ImageSet(info.Source, info.Root, sets.About, info.Survey))
	if o.sheet != "" {
		fmt.Fprintf(g.stdout, "\nsheet: %s\n", o.sheet)
	}
	return nil
}

// dataInfo is what `ordo data info --json` prints.
type dataInfo struct {
	Source string `json:"source"`
	Root   string `json:"root,omitempty"`
	// Folder is where the set was found, at or below the root.
	Folder string `json:"folder,omitempty"`
	// LeftOut counts the files that aren't read as images by extension.
	LeftOut map[string]int `json:"left_out,omitempty"`
	survey.Survey
}
