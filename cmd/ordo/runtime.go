package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ordo/models/ort"
	"ordo/models/ort/library"
)

func newRuntimeCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtime",
		Short: "Install or locate ONNX Runtime",
		Long: `ONNX Runtime runs the networks. Its usual builds cannot train; ordo uses one that can, which is published as the
Maven artifact org.bytedeco:onnxruntime:` + library.Version + `.`,
		Args: cobra.ArbitraryArgs,
		RunE: runGroup,
	}
	cmd.AddCommand(newRuntimeInstallCommand(g), newRuntimePathCommand(g))
	return cmd
}

func newRuntimeInstallCommand(g *global) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put ONNX Runtime into the cache",
		Long: `Fetch the ONNX Runtime that ordo needs, with the Maven client mvn and its settings (mirrors, proxies), check its
SHA-256 and that it can train, and put the library into the cache folder. Without mvn, or without a network, give the jar,
a library or a folder that holds one of them with --from.

If it is installed already, nothing is done. A damaged installation is replaced. The library's path is printed.`,
		Example: `  ordo runtime install
  ordo runtime install --from onnxruntime-` + library.Version + `-linux-x86_64.jar
  ordo runtime install --from /opt/onnxruntime-training/lib`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loc, err := library.Install(cmd.Context(), library.InstallOptions{
				From: from, Cache: g.env[library.EnvCache], Progress: g.stderr, Check: checkTraining,
			})
			if err != nil {
				return err
			}
			if other := g.env[library.EnvLibrary]; other != "" {
				fmt.Fprintf(g.stderr, "%s is set: ordo will use %s, not the installed library\n", library.EnvLibrary, other)
			}
			fmt.Fprintln(g.stdout, loc.Path)
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "take this jar, library or folder instead of fetching (`PATH`)")
	return cmd
}

// checkTraining loads a library and refuses one that cannot train.
func checkTraining(path string) error {
	lib, err := ort.Open(path)
	if err != nil {
		return err
	}
	defer lib.Close()
	if !lib.HasTraining() {
		return fmt.Errorf("version %s: %w", lib.Version(), ort.ErrNoTraining)
	}
	return nil
}

func newRuntimePathCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print the path of the ONNX Runtime library that ordo uses",
		Long: `Print the path of the library that ordo uses: the one that ORDO_ONNXRUNTIME names, else the installed one. The
library is not loaded; ordo doctor does that.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			loc, err := library.FindIn(g.env[library.EnvLibrary], g.env[library.EnvCache])
			if err != nil {
				return err
			}
			fmt.Fprintln(g.stdout, loc.Path)
			return nil
		},
	}
}
