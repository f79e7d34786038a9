package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ordo/models/ort/install"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/embed"
	"ordo/runner/track"
)

func newEmbedCommand(g *global) *cobra.Command {
	var out, root, split string
	var threads int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "embed RUN [data.KEY=VALUE ...]",
		Short: "Write features and embedding of every image to a NumPy file",
		Long: `Encode every image with the encoder of a finished run and write features, embedding, ids and labels to an .npz file.

The images are those of the run's own data section; --data names another folder of the same kind of source, and
data.KEY=VALUE changes any key of the section.

In Python:  f = numpy.load("out.npz"); f["features"], f["embedding"], f["ids"], f["labels"], f["classes"]`,
		Example: `  ordo embed runs/demo --out demo.npz
  ordo embed runs/demo data.source=folder --data ~/fruit --split all --out fruit.npz`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "a run folder is missing")
			}
			for _, a := range args[1:] {
				if !strings.HasPrefix(a, "data.") || !strings.Contains(a, "=") {
					return usageErrorf(cmd, "unexpected argument %q, only data.KEY=VALUE can be changed here", a)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case out == "":
				return usageErrorf(cmd, "--out is missing")
			case !slices.Contains(embed.Splits(), split):
				return usageErrorf(cmd, "--split must be one of %s, got %q", strings.Join(embed.Splits(), ", "), split)
			}
			if _, err := embed.Experiment(args[0]); err != nil {
				return err
			}
			overrides := args[1:]
			if root != "" {
				overrides = append(overrides, "data.root="+root)
			}
			e, err := config.Load(track.ExperimentFile(args[0]), overrides, nil)
			if err != nil {
				return err
			}
			at, err := install.Find(g.env[install.EnvLibrary], g.env[install.EnvCache])
			if err != nil {
				return err
			}
			s, err := embed.Export(cmd.Context(), embed.Options{
				Library: at.Path, Run: args[0], Data: e.Data, Split: split, Out: out, Threads: threads,
				Watch: data.Watch{
					Note:     func(text string) { fmt.Fprintln(g.stderr, text) },
					Progress: newReading(g).image,
				},
			})
			if err != nil {
				return err
			}
			if asJSON {
				return g.printJSON(s)
			}
			fmt.Fprintf(g.stdout, "%s: %d images, features [%d, %d], embedding [%d, %d]\n",
				s.Out, s.Images, s.Images, s.Features, s.Images, s.Embedding)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (`FILE.npz`)")
	cmd.Flags().StringVar(&root, "data", "", "folder of the images (`DIR`), in place of the run's data.root")
	cmd.Flags().StringVar(&split, "split", embed.SplitTest, "`SPLIT` of the data set: train, test or all")
	cmd.Flags().IntVar(&threads, "threads", 0, "ONNX Runtime's threads; 0 is one a core")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object about the file")
	return cmd
}
