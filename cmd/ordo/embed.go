package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/embed"
)

const embedHelp = `Encode every image with the encoder of a finished run and write features, embedding, ids,
labels and splits to a file:
  .npz      NumPy arrays, which ordo eval takes (--split all)
  .npy      one matrix, float32; FILE.rows.csv says which image each row is of
  .parquet  a row an image, features and embedding as lists of float
  .csv      a row an image, a column a number; as lightly reads it with --format lightly

The images are those of the run's own data section. --data names another folder of the
same kind of source, and data.KEY=VALUE changes any key of the section: of another set all
images are encoded, however many of its own the run saw.

In Python:
  f = numpy.load("out.npz")      # features, embedding, ids, labels, classes, split
  x = numpy.load("out.npy", mmap_mode="r")
  t = pandas.read_parquet("out.parquet"); x = numpy.stack(t["features"])`

const embedExamples = `  ordo embed runs/demo --out demo.npz
  ordo embed runs/demo data.source=folder --data ~/fruit --out fruit.npz
  ordo embed runs/demo --split all --out demo.parquet`

type embedOptions struct {
	out, root, split string
	format           string
	outputs          []string
	threads          int
	asJSON           bool
}

func newEmbedCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "embed RUN [data.KEY=VALUE ...]",
		Short:   "Write features and embedding of every image to a NumPy, Parquet or CSV file",
		Long:    embedHelp,
		Example: embedExamples,
	}, &embedOptions{})
}

func (o *embedOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "`FILE` to write: .npz, .npy, .parquet or .csv")
	flags.StringVar(&o.format, "format", "",
		"npz, npy, parquet, csv or lightly (CSV as lightly reads it); default by FILE's end")
	flags.StringSliceVar(&o.outputs, "outputs", nil,
		"features, embedding or both; default both, in npy features, for lightly embedding")
	flags.StringVar(&o.root, "data", "", "folder of the images (`DIR`), in place of the run's data.root")
	flags.StringVar(&o.split, "split", "", "`SPLIT` of the data set: train, test or all; default test, of another set all")
	flags.IntVar(&o.threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object about the file")
}

func (o *embedOptions) check(args []string) error {
	if err := atLeastOne(args, "a run folder"); err != nil {
		return err
	}
	for _, a := range args[1:] {
		if !strings.HasPrefix(a, "data.") || !strings.Contains(a, "=") {
			return usagef("unexpected argument %q, only data.KEY=VALUE can be changed here", a)
		}
	}
	if o.split != "" {
		if err := oneOf("split", o.split, embed.Splits()...); err != nil {
			return err
		}
	}
	for _, name := range o.outputs {
		if err := oneOf("outputs", name, embed.Outputs()...); err != nil {
			return err
		}
	}
	return cmp.Or(required("out", o.out), o.checkFormat())
}

// checkFormat refuses a name that promises another format than the one that is written.
func (o *embedOptions) checkFormat() error {
	format := cmp.Or(o.format, embed.FormatOf(o.out))
	if o.format != "" {
		if err := oneOf("format", o.format, embed.Formats()...); err != nil {
			return err
		}
	}
	if format == "" {
		return usagef("--out writes npz, npy, parquet and csv files, got %q: end the name in .npz, .npy, .parquet or .csv",
			o.out)
	}
	if (format == embed.FormatNPY || format == embed.FormatLightly) && len(o.outputs) > 1 {
		return usagef("a file of format %s holds one output: choose --outputs features or --outputs embedding", format)
	}
	return suffix("out", o.out, embed.Extension(format))
}

func (o *embedOptions) run(ctx context.Context, g *global, args []string) error {
	overrides := args[1:]
	if o.root != "" {
		overrides = append(overrides, "data.root="+o.root)
	}
	if o.split == "" {
		o.split = embed.SplitTest
		if config.OtherImages(overrides) {
			o.split = embed.SplitAll
		}
	}
	e, err := embed.Load(args[0], overrides)
	if err != nil {
		return err
	}
	g.beyondCores(o.threads)
	at, err := findLibrary(g, false)
	if err != nil {
		return err
	}
	s, err := embed.Export(ctx, embed.Options{
		Library: at.Path, Run: args[0], Experiment: e, Split: o.split, Out: o.out, Threads: o.threads,
		Format: o.format, Outputs: o.outputs,
		Progress: newEncoding(g).image,
		Watch:    data.Watch{Note: g.note, Progress: newReading(g).image},
	})
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(s)
	}
	text := fmt.Sprintf("%s: %d of %d images (split %s)", s.Out, s.Images, s.Of, s.Split)
	for _, output := range []struct {
		name    string
		columns int
	}{{models.Features, s.Features}, {models.Embedding, s.Embedding}} {
		if output.columns > 0 {
			text += fmt.Sprintf(", %s [%d, %d]", output.name, s.Images, output.columns)
		}
	}
	fmt.Fprintln(g.stdout, text)
	return nil
}
