package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"ordo/models/ort/library"
)

// version is set by the Makefile: -ldflags "-X main.version=…".
var version = "development"

// build describes this executable.
type build struct {
	Version     string `json:"version"`
	Commit      string `json:"commit,omitempty"` // empty if it was built outside a repository
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	ONNXRuntime string `json:"onnxruntime"` // the release that ordo installs
}

func thisBuild() build {
	b := build{
		Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, ONNXRuntime: library.Version,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	var modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				modified = " (modified)"
			}
		}
	}
	if b.Commit != "" {
		b.Commit += modified
	}
	return b
}

func (b build) String() string { return b.Version + ", " + b.Go + ", " + b.Platform }

func newVersionCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				return g.printJSON(b)
			}
			fmt.Fprintf(g.stdout, "ordo %s\n", b)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object with the commit and the ONNX Runtime release too")
	return cmd
}
