package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"ordo/models"
	"ordo/models/ort/install"
)

func newRuntimeCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtime",
		Short: "Install or locate ONNX Runtime and oneDNN",
		Long: `ONNX Runtime runs the networks. Its usual builds cannot train; ordo uses one that can, which is published as the
Maven artifact org.bytedeco:onnxruntime:` + install.Version + `. oneDNN, org.bytedeco:dnnl:` + install.OneDNNVersion + `, has the convolutions
of ordo's fast kernels; without it training works too, slower.`,
		Args: cobra.ArbitraryArgs,
		RunE: runGroup,
	}
	cmd.AddCommand(newRuntimeInstallCommand(g), newRuntimePathCommand(g))
	return cmd
}

func newRuntimeInstallCommand(g *global) *cobra.Command {
	var from, kernelsFrom string
	var gpu, noKernels bool
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put ONNX Runtime and oneDNN into the cache",
		Long: `Fetch the ONNX Runtime that ordo needs, with the Maven client mvn and its settings (mirrors, proxies), check its
SHA-256 and that it can train, and put the library into the cache folder. Without mvn, or without a network, give the jar,
a library or a folder that holds one of them with --from.

oneDNN (28 MB to fetch, 93 MB on disk) is fetched after it, unless --no-kernels or --from is given; --kernels-from takes a jar, a
library or a folder of it. That it cannot be had is no error but a line of text.

If it is installed already, nothing is done. A damaged installation is replaced. The library's path is printed.

--gpu installs the one with the CUDA execution provider (165 MB to fetch, 300 MB on disk), beside the other and apart from
it. It is used by experiments with model.execution.provider=cuda, and by all if it is the only one. CUDA 13 and cuDNN 9,
which it needs, are not in it; what the machine lacks is printed, and ordo doctor shows it again.`,
		Example: `  ordo runtime install
  ordo runtime install --from onnxruntime-` + install.Version + `-linux-x86_64.jar
  ordo runtime install --from /opt/onnxruntime-training/lib
  ordo runtime install --from . --kernels-from dnnl-` + install.OneDNNVersion + `-linux-x86_64.jar
  ordo runtime install --gpu`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loc, err := install.Run(cmd.Context(), install.Options{
				From: from, GPU: gpu, Cache: g.env[install.EnvCache], Progress: g.stderr, Check: checkTraining,
			})
			if err != nil {
				return err
			}
			if other := g.env[install.EnvLibrary]; other != "" {
				fmt.Fprintf(g.stderr, "%s is set: ordo will use %s, not the installed library\n", install.EnvLibrary, other)
			}
			if gpu {
				if lacks := examineCUDA(loc.Path).lacks(); lacks != "" {
					fmt.Fprintln(g.stderr, lacks)
				}
			}
			if kernelsFrom != "" || (from == "" && !noKernels) {
				if err := installOneDNN(cmd.Context(), g, kernelsFrom); err != nil {
					return err
				}
			}
			fmt.Fprintln(g.stdout, loc.Path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&noKernels, "no-kernels", false, "do without oneDNN: no fast kernels")
	cmd.Flags().StringVar(&kernelsFrom, "kernels-from", "", "take this jar, library or folder of oneDNN instead of fetching it (`PATH`)")
	cmd.MarkFlagsMutuallyExclusive("no-kernels", "kernels-from")
	cmd.Flags().BoolVar(&gpu, "gpu", false, "install the one with the CUDA execution provider (Linux on x86-64)")
	cmd.Flags().StringVar(&from, "from", "", "take this jar, library or folder instead of fetching (`PATH`)")
	return cmd
}

// installOneDNN installs oneDNN. If it cannot be fetched ordo works all the same; if it was asked for by name that is an error.
func installOneDNN(ctx context.Context, g *global, from string) error {
	_, err := install.Run(ctx, install.Options{
		OneDNN: true, From: from, Cache: g.env[install.EnvCache], Progress: g.stderr,
	})
	if err != nil && (from != "" || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		fmt.Fprintf(g.stderr, "there will be no fast kernels: %v\n", err)
	} else if other := g.env[install.EnvOneDNN]; other != "" {
		fmt.Fprintf(g.stderr, "%s is set: ordo will use %s, not the installed oneDNN\n", install.EnvOneDNN, other)
	}
	return nil
}

// checkTraining loads a library and refuses one that cannot train.
func checkTraining(path string) error {
	rt, err := models.OpenTraining(path)
	if err != nil {
		return err
	}
	rt.Close()
	return nil
}

func newRuntimePathCommand(g *global) *cobra.Command {
	var gpu, kernels bool
	cmd := &cobra.Command{
		Use:   "path",
		Short: "Print the path of the ONNX Runtime library that ordo uses",
		Long: `Print the path of the library that ordo uses: the one that ORDO_ONNXRUNTIME names, else the installed one; if there is
none, the one installed with --gpu. With --gpu it is the one for CUDA: that of ORDO_ONNXRUNTIME, else the one installed with
--gpu. With --kernels it is oneDNN's. The library is not loaded; ordo doctor does that.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			loc, err := findLibrary(g, gpu)
			if kernels {
				loc, err = install.FindOneDNN(g.env[install.EnvOneDNN], g.env[install.EnvCache])
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(g.stdout, loc.Path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&kernels, "kernels", false, "the oneDNN library of the fast kernels")
	cmd.Flags().BoolVar(&gpu, "gpu", false, "the library for model.execution.provider=cuda")
	cmd.MarkFlagsMutuallyExclusive("gpu", "kernels")
	return cmd
}

// findLibrary finds ONNX Runtime, or the one with CUDA.
func findLibrary(g *global, gpu bool) (install.Location, error) {
	if gpu {
		return install.FindGPU(g.env[install.EnvLibrary], g.env[install.EnvCache])
	}
	return install.Find(g.env[install.EnvLibrary], g.env[install.EnvCache])
}

// findOneDNN returns the file of oneDNN, or "" where there is none: then there are no fast kernels. One that ORDO_ONEDNN names and that
// isn't there is an error.
func findOneDNN(g *global) (string, error) {
	at, err := install.FindOneDNN(g.env[install.EnvOneDNN], g.env[install.EnvCache])
	if err != nil && g.env[install.EnvOneDNN] == "" {
		return "", nil //nolint:nilerr // whoever needs it says so
	}
	return at.Path, err
}
