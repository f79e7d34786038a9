package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/embed"
	"ordo/runner/neighbours"
	"ordo/runner/target"
)

const neighboursHelp = `Look at what lies near what in a file of ordo embed or of numpy.savez (.npz): the images
nearest to one or to each, test images that are in the training split too, or nearly, and
images that are far from all others.

Distances are 1 - cosine of an output, features if there are some: 0 is the same direction, 1
is none in common. The search is exact; every image is compared with every other.

--duplicates compares each test image with the training image nearest to it and lists those
within --threshold; of a file with one split each image with the nearest other. What distance
is little depends on the encoder: the median that stands beside it helps to choose.
--outliers N lists the N images whose --k neighbours are farthest in the mean.

--sheet draws it, up to 40 rows: an image, and beside it its neighbours. The pictures are those
of a run (--run), or of a folder (--data), found by their ids.`

const neighboursExamples = `  ordo neighbours demo.npz --of shape-00012 --k 5
  ordo neighbours photos.npz --duplicates --data photos --sheet twice.png
  ordo neighbours photos.npz --outliers 20 --run runs/photos --sheet odd.png
  ordo neighbours demo.npz --json > all.json`

type neighboursOptions struct {
	of, output, sheet, folder, root string
	k, outliers                     int
	threshold                       float64
	duplicates, asJSON              bool
}

func newNeighboursCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "neighbours FILE.npz",
		Short:   "Find nearest images, duplicates across splits and outliers among embeddings",
		Long:    neighboursHelp,
		Example: neighboursExamples,
	}, &neighboursOptions{})
}

func (o *neighboursOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.of, "of", "", "the image (`ID`) whose neighbours are asked for; default all")
	flags.IntVar(&o.k, "k", 10, "how many neighbours (`K`) an image has")
	flags.StringVar(&o.output, "output", "", "output (`NAME`) to compare; features, or else the first")
	flags.BoolVar(&o.duplicates, "duplicates", false, "list test images that are nearly a training image")
	flags.Float64Var(&o.threshold, "threshold", 0.01, "largest distance (`D`) of duplicates, in [0, 2]")
	flags.IntVar(&o.outliers, "outliers", 0, "list the `N` images that are farthest from their neighbours")
	flags.StringVar(&o.sheet, "sheet", "", "picture of it to write (`FILE.png`)")
	flags.StringVar(&o.folder, "run", "", "run folder (`RUN`) whose images the pictures are")
	flags.StringVar(&o.root, "data", "", "folder of images (`DIR`), in place of the run's or without one")
	flags.BoolVar(&o.asJSON, "json", false, "print the result as a JSON object")
}

func (o *neighboursOptions) check(args []string) error {
	if err := oneArg(args, "an embeddings file"); err != nil {
		return err
	}
	if o.sheet != "" && o.folder == "" && o.root == "" {
		return usagef("--sheet needs pictures: give --run or --data")
	}
	if !(o.threshold >= 0 && o.threshold <= 2) {
		return usagef("--threshold must be in [0, 2], got %g", o.threshold)
	}
	return cmp.Or(
		exclusive("of", o.of != "", "duplicates", o.duplicates), exclusive("of", o.of != "", "outliers", o.outliers > 0),
		exclusive("duplicates", o.duplicates, "outliers", o.outliers > 0), suffix("sheet", o.sheet, ".png"),
		within("k", o.k, 1, 1000), within("outliers", o.outliers, 0, 1_000_000),
	)
}

func (o *neighboursOptions) run(ctx context.Context, g *global, args []string) error {
	t, err := target.Find(args[0])
	if err != nil {
		return err
	}
	if !t.Embeddings {
		return usagef("%s is no embeddings file: write one with ordo embed --out FILE.npz", args[0])
	}
	options := neighbours.Options{File: t.Path, Output: o.output, K: o.k,
		Progress: newComparing(g).image}
	var outputs []string
	if o.output != "" {
		outputs = []string{o.output}
	}
	if options.Table, err = embed.Read(t.Path, outputs); err != nil {
		return err
	}
	var result neighbours.Result
	switch {
	case o.duplicates:
		result, err = neighbours.FindDuplicates(ctx, options, o.threshold)
	case o.outliers > 0:
		result, err = neighbours.FindOutliers(ctx, options, o.outliers)
	default:
		result, err = neighbours.Find(ctx, options, o.of)
	}
	if err != nil {
		return err
	}
	if o.sheet != "" {
		if err := o.draw(ctx, g, result); err != nil {
			return err
		}
	}
	if o.asJSON {
		return g.printJSON(result)
	}
	return result.WriteTable(g.stdout)
}

// draw writes the sheet.
func (o *neighboursOptions) draw(ctx context.Context, g *global, result neighbours.Result) error {
	var images target.Target
	var err error
	if o.folder != "" {
		if images, err = target.Find(o.folder); err != nil {
			return err
		}
	}
	var overrides []string
	if o.root != "" {
		overrides = []string{"data.root=" + o.root}
	}
	e, err := target.Load(images, "", overrides, g.environ())
	if err != nil {
		return err
	}
	s, err := result.Sheet(ctx, e.Data)
	if err != nil {
		return err
	}
	return s.WriteFile(o.sheet)
}
