package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ordo/models"
	"ordo/runner"
	"ordo/runner/config"
	"ordo/runner/report"
)

func newRunCommand(g *global) *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run FILE [KEY=VALUE ...]",
		Short: "Train what an experiment file describes, and evaluate it",
		Long: `Train what an experiment file describes, evaluate it, and keep everything in a run folder: runs/NAME-HASH, or --out. The
hash is that of the resolved experiment, so a changed experiment is another run.

A key of the file can be changed by KEY=VALUE, the value written as in YAML, or by an environment variable
(train.batch_size is ORDO_TRAIN_BATCH_SIZE). The command line comes before the environment, that before the file.

The same command again goes on where it was interrupted, and a finished run only shows its result.`,
		Example: `  ordo run experiments/demo.yaml
  ordo run experiments/mnist-rotation.yaml data.root=data/mnist seed=2 --json
  ordo run experiments/demo.yaml augment.roles.rotate=invariant --out runs/invariant`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf(cmd, "an experiment file is missing")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := config.Load(args[0], args[1:], g.environ())
			if err != nil {
				return err
			}
			at, err := findLibrary(g, e.Model.Execution.Provider == models.CUDA)
			if err != nil {
				return err
			}
			oneDNN, err := findOneDNN(g)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join("runs", e.Name+"-"+e.Hash())
			}
			result, err := runner.Run(cmd.Context(), runner.Options{
				Experiment: e, Dir: out, Library: at.Path, OneDNN: oneDNN, Version: thisBuild().String(), Progress: newProgress(g, e.Name),
			})
			if err != nil {
				return err
			}
			if asJSON {
				return g.printJSON(result)
			}
			fmt.Fprint(g.stdout, report.Table(result))
			fmt.Fprintf(g.stdout, "run folder: %s\n", out+string(os.PathSeparator))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "run folder (default `runs/NAME-HASH`)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as one JSON object")
	return cmd
}
