package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/ort/install"
)

// version is set by the Makefile: -ldflags "-X main.version=…".
var version string

// build describes this executable.
type build struct {
	Version     string `json:"version"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	ONNXRuntime string `json:"onnxruntime"` // the release that ordo installs
}

func thisBuild() build {
	b := build{
		Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, ONNXRuntime: install.Version,
	}
	if b.Version == "" { // built without the Makefile: what Go knows of the repository
		b.Version = "(devel)"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
			b.Version = info.Main.Version
		}
	}
	return b
}

func (b build) String() string { return b.Version + ", " + b.Go + ", " + b.Platform }

type versionOptions struct{ asJSON bool }

func newVersionCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:   "version",
		Short: "Print the version",
	}, &versionOptions{})
}

func (o *versionOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object with the ONNX Runtime release too")
}

func (o *versionOptions) check(args []string) error { return noArgs(args) }

func (o *versionOptions) run(_ context.Context, g *global, _ []string) error {
	b := thisBuild()
	if o.asJSON {
		return g.printJSON(b)
	}
	fmt.Fprintf(g.stdout, "ordo %s\n", b)
	return nil
}
