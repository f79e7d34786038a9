package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/embed"
)

const embedHelp = `Encode every image with the encoder of a finished run and write features, embedding, ids,
labels and splits to an .npz file, which ordo eval takes (--split all).

The images are those of the run's own data section. --data names another folder of the
same kind of source, and data.KEY=VALUE changes any key of the section: of another set all
images are encoded, however many of its own the run saw.

In Python:
  f = numpy.load("out.npz")
  f["features"], f["embedding"], f["ids"], f["labels"], f["classes"], f["split"]`

const embedExamples = `  ordo embed runs/demo --out demo.npz
  ordo embed runs/demo data.source=folder --data ~/fruit --out fruit.npz`

type embedOptions struct {
	out, root, split string
	threads          int
	asJSON           bool
}

func newEmbedCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "embed RUN [data.KEY=VALUE ...]",
		Short:   "Write features and embedding of every image to a NumPy file",
		Long:    embedHelp,
		Example: embedExamples,
	}, &embedOptions{})
}

func (o *embedOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "file to write (`FILE.npz`)")
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
	return cmp.Or(required("out", o.out), suffix("out", o.out, ".npz"))
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
		Progress: newEncoding(g).image,
		Watch:    data.Watch{Note: g.note, Progress: newReading(g).image},
	})
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(s)
	}
	fmt.Fprintf(g.stdout, "%s: %d of %d images (split %s), features [%d, %d], embedding [%d, %d]\n",
		s.Out, s.Images, s.Of, s.Split, s.Images, s.Features, s.Images, s.Embedding)
	return nil
}
