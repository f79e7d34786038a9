package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/views"
)

const viewsHelp = `Draw a sheet of what an experiment does to images: for every image, a row of the views
that it is trained on in the first epoch, with the scales below ordered ones. Then, for
every family that is ordered or invariant, a row from scale 0 to 1. Nothing is trained.
Keys are changed as for ordo run.`

const viewsExamples = `  ordo views experiments/demo.yaml --out views.png
  ordo views experiments/mnist-rotation.yaml data.root=data/mnist --images 6 --out views.png
  ordo views experiments/demo.yaml augment.ordered.0.max=90 seed=2 --split test --out views.png`

const (
	maxSheetImages = 64
	maxSheetSteps  = 64
	maxSheetSize   = 1024
)

type viewsOptions struct {
	views.Options
	out string
}

func newViewsCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "views FILE [KEY=VALUE ...] --out PNG",
		Short:   "Draw what an experiment does to images",
		Long:    viewsHelp,
		Example: viewsExamples,
	}, &viewsOptions{})
}

func (o *viewsOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "file to write (`FILE.png`)")
	flags.IntVar(&o.Images, "images", 4, "show `N` images, spread over the split")
	flags.IntVar(&o.Steps, "steps", 9, "show `N` scales of a family")
	flags.IntVar(&o.Size, "size", 0, "side of a picture in `PIXELS`; 0 is about 120")
	flags.StringVar(&o.Split, "split", views.SplitTrain, "`SPLIT` of the data set: train or test")
}

func (o *viewsOptions) check(args []string) error {
	err := cmp.Or(
		atLeastOne(args, "an experiment file"),
		required("out", o.out),
		suffix("out", o.out, ".png"),
		within("images", o.Images, 1, maxSheetImages),
		within("steps", o.Steps, 2, maxSheetSteps),
		oneOf("split", o.Split, views.SplitTrain, views.SplitTest),
	)
	if err == nil && o.Size != 0 && (o.Size < 8 || o.Size > maxSheetSize) {
		err = usagef("--size must be in [8, %d], or 0, got %d", maxSheetSize, o.Size)
	}
	return err
}

func (o *viewsOptions) run(ctx context.Context, g *global, args []string) error {
	var err error
	if o.Experiment, err = g.load(args); err != nil {
		return err
	}
	o.Note = g.note
	s, err := views.Sheet(ctx, o.Options)
	if err != nil {
		return err
	}
	if err := s.WriteFile(o.out); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%s\n", o.out)
	return nil
}
