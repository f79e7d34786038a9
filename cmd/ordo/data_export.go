package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ordo/runner/data"
	"ordo/runner/data/export"
)

func newDataExportCommand(g *global) *cobra.Command {
	var out string
	var quality int
	cmd := &cobra.Command{
		Use:   "export FILE [KEY=VALUE ...] --out DIR | data.KEY=VALUE ... --out DIR",
		Short: "Write an image set as a folder of JPEG files",
		Long: `Write an image set as JPEG files, DIR/train/CLASS/000000.jpg and so on, for other programs or for data.source=folder. Plain JPEG
files are copied. The folder appears whole or not at all.

` + dataArguments,
		Example: `  ordo data export data.source=orchard --out orchard
  ordo data export data.source=idx data.root=data/mnist data.images=2000 --out digits`,
		Args: dataArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageErrorf(cmd, "--out is missing")
			}
			if quality < 1 || quality > 100 {
				return usageErrorf(cmd, "--quality: must be in [1, 100], got %d", quality)
			}
			o, err := loadData(g, args)
			if err != nil {
				return err
			}
			sets, err := data.List(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := export.Write(cmd.Context(), out, sets.Train, sets.Test, quality); err != nil {
				return err
			}
			fmt.Fprintf(g.stdout, "%d training and %d test images: %s\n", sets.Train.Len(), sets.Test.Len(), out+string(os.PathSeparator))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to make (`DIR`)")
	cmd.Flags().IntVar(&quality, "quality", export.DefaultQuality, "JPEG quality of images that are encoded, in [1, 100]")
	return cmd
}
