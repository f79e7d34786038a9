package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models"
	"ordo/models/ort/install"
)

const runtimeHelp = `ONNX Runtime runs the networks. Its usual builds cannot train; ordo uses one that can,
published as the Maven artifact org.bytedeco:onnxruntime:` + install.Version + `.

oneDNN, org.bytedeco:dnnl:` + install.OneDNNVersion + `, has the convolutions of ordo's fast kernels. Training
works without it too, but slower.`

func newRuntimeCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "runtime",
		Short: "Install or locate ONNX Runtime and oneDNN",
		Long:  runtimeHelp,
	}, newRuntimeInstallCommand(g), newRuntimePathCommand(g))
}

const installHelp = `Fetch the ONNX Runtime that ordo needs, check its SHA-256 and that it can train, and put
the library into the cache folder. It is fetched with the Maven client mvn and its
settings (mirrors, proxies). Without mvn or a network, give --from the jar, a library, or
a folder that holds one of them.

Then oneDNN is fetched (28 MB, 93 MB on disk), unless --no-kernels or --from is given.
--kernels-from takes a jar of it, a library, or a folder that holds one of them. If oneDNN
can't be fetched, ordo says so and works without it, more slowly; the exit status is still
0.

What is installed already is left as it is, and a damaged installation is replaced. The
library's path is printed.

--gpu installs the library with the CUDA execution provider (165 MB to fetch, 300 MB on
disk) beside the usual one. Experiments with model.execution.provider=cuda use it, and all
do if there is no other. It needs CUDA 13 and cuDNN 9, which are not installed with it;
what the machine lacks is printed, and ordo doctor shows it again.`

const installExamples = `  ordo runtime install
  ordo runtime install --from onnxruntime-` + install.Version + `-linux-x86_64.jar
  ordo runtime install --from /opt/onnxruntime-training/lib
  ordo runtime install --from . --kernels-from dnnl-` + install.OneDNNVersion + `-linux-x86_64.jar
  ordo runtime install --gpu`

type installOptions struct {
	from, kernelsFrom string
	gpu, noKernels    bool
}

func newRuntimeInstallCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "install",
		Short:   "Put ONNX Runtime and oneDNN into the cache",
		Long:    installHelp,
		Example: installExamples,
	}, &installOptions{})
}

func (o *installOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.noKernels, "no-kernels", false, "do without oneDNN: no fast kernels")
	flags.StringVar(&o.kernelsFrom, "kernels-from", "",
		"take this jar, library or folder of oneDNN instead of fetching it (`PATH`)")
	flags.BoolVar(&o.gpu, "gpu", false, "install the one with the CUDA execution provider (Linux on x86-64)")
	flags.StringVar(&o.from, "from", "", "take this jar, library or folder instead of fetching (`PATH`)")
}

func (o *installOptions) check(args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	return exclusive("no-kernels", o.noKernels, "kernels-from", o.kernelsFrom != "")
}

func (o *installOptions) run(ctx context.Context, g *global, _ []string) error {
	loc, err := install.Run(ctx, install.Options{
		From: o.from, GPU: o.gpu, Cache: g.env[install.EnvCache], Progress: g.aside(), Check: checkTraining,
	})
	if err != nil {
		return err
	}
	if other := g.env[install.EnvLibrary]; other != "" {
		g.note(fmt.Sprintf("%s is set: ordo will use %s, not the installed library", install.EnvLibrary, other))
	}
	if o.gpu {
		if lacks := examineCUDA(g, loc.Path).lacks(); lacks != "" {
			g.note(lacks)
		}
	}
	if o.kernelsFrom != "" || (o.from == "" && !o.noKernels) {
		if err := installOneDNN(ctx, g, o.kernelsFrom); err != nil {
			return err
		}
	}
	fmt.Fprintln(g.stdout, loc.Path)
	return nil
}

// installOneDNN installs oneDNN. Ordo works without it too, so if it can't be fetched that is only said. If from names
// a file of it, that is an error.
func installOneDNN(ctx context.Context, g *global, from string) error {
	_, err := install.Run(ctx, install.Options{
		OneDNN: true, From: from, Cache: g.env[install.EnvCache], Progress: g.aside(),
	})
	if err != nil && (from != "" || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		g.note("there will be no fast kernels: " + g.explain(err))
	} else if other := g.env[install.EnvOneDNN]; other != "" {
		g.note(fmt.Sprintf("%s is set: ordo will use %s, not the installed oneDNN", install.EnvOneDNN, other))
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

const runtimePathHelp = `Print the path of the library that ordo uses: the one that ORDO_ONNXRUNTIME names, else
the installed one, else the one installed with --gpu. With --gpu it is the library for
CUDA: the one that ORDO_ONNXRUNTIME names, else the one installed with --gpu. With
--kernels it is oneDNN's. The library is not loaded; ordo doctor does that.`

type runtimePathOptions struct{ gpu, kernels bool }

func newRuntimePathCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:   "path",
		Short: "Print the path of the ONNX Runtime library that ordo uses",
		Long:  runtimePathHelp,
	}, &runtimePathOptions{})
}

func (o *runtimePathOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.kernels, "kernels", false, "the oneDNN library of the fast kernels")
	flags.BoolVar(&o.gpu, "gpu", false, "the library for model.execution.provider=cuda")
}

func (o *runtimePathOptions) check(args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	return exclusive("gpu", o.gpu, "kernels", o.kernels)
}

func (o *runtimePathOptions) run(_ context.Context, g *global, _ []string) error {
	loc, err := findLibrary(g, o.gpu)
	if o.kernels {
		loc, err = install.FindOneDNN(g.env[install.EnvOneDNN], g.env[install.EnvCache])
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(g.stdout, loc.Path)
	return nil
}
