package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ordo/runner/config"
	"ordo/runner/views"
)

const (
	maxSheetImages = 64
	maxSheetSteps  = 64
	maxSheetSize   = 1024
)

func newViewsCommand(g *global) *cobra.Command {
	o := views.Options{}
	var out string
	cmd := &cobra.Command{
		Use:   "views FILE [KEY=VALUE ...] --out PNG",
		Short: "Draw what an experiment does to images",
		Long: `Draw a sheet of what an experiment does to images: a row an image with the views that it is trained on in the first epoch,
under ordered ones their scales, and then a row for every family that is ordered or invariant, from scale 0 to 1. Nothing
is trained. Keys are changed as for ordo run.`,
		Example: `  ordo views experiments/demo.yaml --out views.png
  ordo views experiments/mnist-rotation.yaml data.root=data/mnist --images 6 --out views.png
  ordo views experiments/demo.yaml augment.ordered.0.max=90 seed=2 --split test --out views.png`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf(cmd, "an experiment file is missing")
			case out == "":
				return usageErrorf(cmd, "--out is missing")
			case o.Images < 1 || o.Images > maxSheetImages:
				return usageErrorf(cmd, "--images must be in [1, %d], got %d", maxSheetImages, o.Images)
			case o.Steps < 2 || o.Steps > maxSheetSteps:
				return usageErrorf(cmd, "--steps must be in [2, %d], got %d", maxSheetSteps, o.Steps)
			case o.Size != 0 && (o.Size < 8 || o.Size > maxSheetSize):
				return usageErrorf(cmd, "--size must be in [8, %d], or 0, got %d", maxSheetSize, o.Size)
			case o.Split != views.SplitTrain && o.Split != views.SplitTest:
				return usageErrorf(cmd, "--split must be one of train, test, got %q", o.Split)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := config.Load(args[0], args[1:], g.environ())
			if err != nil {
				return err
			}
			o.Experiment = e
			s, err := views.Sheet(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := s.WriteFile(out); err != nil {
				return err
			}
			fmt.Fprintf(g.stdout, "%s\n", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (`FILE.png`)")
	cmd.Flags().IntVar(&o.Images, "images", 4, "show `N` images, spread over the split")
	cmd.Flags().IntVar(&o.Steps, "steps", 9, "show `N` scales of a family")
	cmd.Flags().IntVar(&o.Size, "size", 0, "side of a picture in `PIXELS`; 0 is about 120")
	cmd.Flags().StringVar(&o.Split, "split", views.SplitTrain, "`SPLIT` of the data set: train or test")
	return cmd
}
