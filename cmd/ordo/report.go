package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/data"
	"ordo/runner/machine"
	"ordo/runner/page"
)

const reportHelp = `Write one HTML page about a run, or about several side by side, that needs no other file and no
network: settings, curves of the training, order and robustness over the scale of every family,
maps of features and embedding, the way of an image over scale, nearest neighbours, the views of
the training, and every number of its evaluations beside its references.

Some test images are encoded for the maps; --images 0 leaves them out, and the page says so where
images or library are gone. A run writes its page when it ends, with fewer images. Of an unfinished
run the page shows what there is; of several runs the keys that differ, and differences paired by
seed.`

const reportExamples = `  ordo report runs/demo
  ordo report runs/ordered runs/absent --out both.html
  ordo report runs/demo --images 2000`

// maxReportImages bounds what t-SNE, which takes time with their square, is asked for.
const maxReportImages = 5000

type reportOptions struct {
	out             string
	images, threads int
}

func newReportCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "report RUN ...",
		Short:   "Write a page about a run, or several side by side",
		Long:    reportHelp,
		Example: reportExamples,
	}, &reportOptions{})
}

func (o *reportOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "",
		"file to write (`FILE.html`); default report.html in the run's folder, of several runs in the working folder")
	flags.IntVar(&o.images, "images", 500, "how many test images (`N`) maps and neighbours show; 0: none")
	flags.IntVar(&o.threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
}

func (o *reportOptions) check(args []string) error {
	return cmp.Or(atLeastOne(args, "a run folder"), suffix("out", o.out, ".html"),
		within("images", o.images, 0, maxReportImages), within("threads", o.threads, 0, 1024))
}

func (o *reportOptions) run(ctx context.Context, g *global, args []string) error {
	options := page.Options{
		Runs: args, Images: o.images, Threads: o.threads, Progress: newEncoding(g).image,
		Watch: data.Watch{Note: g.note, Progress: newReading(g).image},
	}
	g.beyondCores(o.threads)
	if o.images > 0 {
		at, err := findLibrary(g, false)
		options.Library, options.Without = at.Path, err
	}
	made, err := page.Make(ctx, options)
	if err != nil {
		return err
	}
	out := o.out
	switch {
	case out != "":
	case len(args) == 1:
		out = filepath.Join(args[0], page.FileName)
	default:
		out = page.FileName
	}
	if err := made.Write(out); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%s (%s)\n", out, machine.Bytes(int64(len(made.HTML))))
	return errors.Join(made.Damage...)
}
