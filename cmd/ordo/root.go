package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `ordo trains image backbones without labels so that their embeddings keep the order of
transformation scale for the transformations that matter and ignore the others, and tells
which are which.

Start with:
  ordo runtime install               fetch ONNX Runtime and oneDNN, once
  ordo doctor                        see whether all is there
  ordo run experiments/demo.yaml     train

Environment:
  ORDO_ONNXRUNTIME   ONNX Runtime to use (library or folder) in place of the installed one
  ORDO_ONEDNN        oneDNN to use, for fast kernels, in place of the installed one
  ORDO_CACHE         folder of cached files (default: ordo in the user's cache folder)
  ORDO_SIMD          off: losses and views are computed without assembly, to compare
  NO_COLOR           set, or CLICOLOR=0: no colours; TERM=dumb: no bars either

Exit status, and whether the same command is worth another try:
  0     success
  1     a failure with no status of its own                        read the message
  2     a command line that ordo does not understand               no
  3     a bad experiment file                                      no
  4     bad input data                                             no
  5     ONNX Runtime is missing or unfit                           no
  6     storage: no space left, no permission                      once there is space
  7     numeric: a loss or gradient is not finite                  no
  8     collapse: train.stop_on_collapse ended the training        no
  75    stopped early, all is saved (SIGTERM, --until-epoch, ...)  yes: it goes on
  130   interrupted (SIGINT, which is ctrl-C), all is saved        yes: it goes on
  137   killed (SIGKILL): what the last checkpoint has is saved    yes: it goes on`

// helpWidth is the longest line of a help text, in letters.
const helpWidth = 100

// newRootCommand builds the whole command line.
func newRootCommand(g *global) *cobra.Command {
	root := newGroup(&cobra.Command{
		Use:               "ordo",
		Short:             "Train image embeddings that keep the order of transformation scale",
		Long:              rootHelp,
		SilenceErrors:     true, // Main prints them, in one form
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Version:           thisBuild().String(),
	},
		newRunCommand(g),
		newSweepCommand(g),
		newSelectCommand(g),
		newEvalCommand(g),
		newEmbedCommand(g),
		newRunsCommand(g),
		newReplayCommand(g),
		newReportCommand(g),
		newWatchCommand(g),
		newNeighboursCommand(g),
		newExportCommand(g),
		newExportMetricsCommand(g),
		newArtifactsCommand(g),
		newDataCommand(g),
		newCacheCommand(g),
		newViewsCommand(g),
		newConfigCommand(g),
		newKeysCommand(g),
		newBenchCommand(g),
		newRuntimeCommand(g),
		newDoctorCommand(g),
		newVersionCommand(g),
		newManCommand(g),
	)
	root.PersistentFlags().BoolVarP(&g.quiet, "quiet", "q", false, "print results and errors only")
	root.PersistentFlags().BoolVarP(&g.verbose, "verbose", "v", false, "say more, such as what only log.txt has")
	root.SetIn(g.stdin)
	root.SetOut(g.stdout)
	root.SetErr(g.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCommand())
	wrapped := fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", wrapped))
	root.SetVersionTemplate("ordo {{.Version}}\n")
	completeOverrides(g, root)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // cobra's own takes the name of an unknown shell for a call for help
			c.Args, c.RunE = cobra.ArbitraryArgs, runGroup
		}
	}
	return root
}
