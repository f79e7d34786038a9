package main

import (
	"github.com/spf13/cobra"
)

func newArtifactsCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "artifacts",
		Short: "Build, check and look at what ONNX Runtime trains",
		Long: `Training artifacts are what ONNX Runtime's training API runs: a training graph, an evaluation graph, an optimizer graph and
a checkpoint. ordo makes them of its own backbones when it runs an experiment, and of any other network here: export it to
ONNX, build a folder of artifacts from it, check it, and name it in the experiment (model: {artifacts: FOLDER}).`,
		Args: cobra.ArbitraryArgs,
		RunE: runGroup,
	}
	cmd.AddCommand(
		newArtifactsBuildCommand(g),
		newArtifactsCheckCommand(g),
		newArtifactsInspectCommand(g),
		newArtifactsListCommand(g),
	)
	return cmd
}

// oneArg is the check of a command with one argument, and says what is missing without it.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageErrorf(cmd, "%s is missing", what)
		case len(args) > 1:
			return usageErrorf(cmd, "unexpected argument %q", args[1])
		}
		return nil
	}
}
