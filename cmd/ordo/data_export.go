package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/data/export"
)

const dataExportHelp = `Write an image set as JPEG files, DIR/train/CLASS/000000.jpg and so on, for other programs
or for data.source=folder. Plain JPEG files are copied. The folder appears whole or not at
all.

` + dataArguments

const dataExportExamples = `  ordo data export data.source=orchard --out orchard
  ordo data export data.source=idx data.root=data/mnist data.images=2000 --out digits`

type dataExportOptions struct {
	out     string
	quality int
}

func newDataExportCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "export FILE [KEY=VALUE ...] --out DIR | data.KEY=VALUE ... --out DIR",
		Short:   "Write an image set as a folder of JPEG files",
		Long:    dataExportHelp,
		Example: dataExportExamples,
	}, &dataExportOptions{})
}

func (o *dataExportOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "folder to make (`DIR`)")
	flags.IntVar(&o.quality, "quality", export.DefaultQuality, "JPEG quality of images that are encoded, in [1, 100]")
}

func (o *dataExportOptions) check(args []string) error {
	return cmp.Or(dataArgs(args), required("out", o.out), within("quality", o.quality, 1, 100))
}

func (o *dataExportOptions) run(ctx context.Context, g *global, args []string) error {
	_, sets, err := listData(ctx, g, args)
	if err != nil {
		return err
	}
	if err := export.Write(ctx, o.out, sets.Train, sets.Test, o.quality); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "%d training and %d test images: %s\n", sets.Train.Len(), sets.Test.Len(),
		o.out+string(os.PathSeparator))
	return nil
}
