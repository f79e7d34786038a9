package main

import (
	"github.com/spf13/cobra"
)

const artifactsHelp = `Training artifacts are what ONNX Runtime's training API runs: a training graph, an
evaluation graph, an optimizer graph and a checkpoint. ordo makes them of its own
backbones when it runs an experiment, and of any other network here: export it to ONNX,
build a folder of artifacts from it, check it, and name it in the experiment (model:
{artifacts: FOLDER}).`

func newArtifactsCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "artifacts",
		Short: "Build, check and look at what ONNX Runtime trains",
		Long:  artifactsHelp,
	},
		newArtifactsBuildCommand(g),
		newArtifactsCheckCommand(g),
		newArtifactsInspectCommand(g),
		newArtifactsListCommand(g),
	)
}
