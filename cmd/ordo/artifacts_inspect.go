package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/inspect"
	"ordo/models/onnxgraph"
	"ordo/models/whole"
	"ordo/runner/report"
)

const artifactsInspectHelp = `Show the operators of a folder of artifacts or of an ONNX file, its parameters and which
are frozen, the multiply-adds of a forward pass of one image, and the memory of
activations for some batch sizes. --svg draws the forward graph.

For artifacts, "kept" is what the forward pass leaves for the backward pass, and
"training" is the most that a step holds at once. Parameters take four times their own
size on top: themselves, gradients, and two moments of AdamW.`

const artifactsInspectExamples = `  ordo artifacts inspect artifacts/resnet50 --svg resnet50.svg
  ordo artifacts inspect forward.onnx --json`

type artifactsInspectOptions struct {
	svg    string
	asJSON bool
}

func newArtifactsInspectCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "inspect DIR|FILE.onnx",
		Short:   "Show what a model is made of and what it costs",
		Long:    artifactsInspectHelp,
		Example: artifactsInspectExamples,
	}, &artifactsInspectOptions{})
}

func (o *artifactsInspectOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.svg, "svg", "", "draw the forward graph into `FILE`.svg")
	flags.BoolVar(&o.asJSON, "json", false, "print one JSON object")
}

func (o *artifactsInspectOptions) check(args []string) error {
	return cmp.Or(oneArg(args, "a folder of artifacts or an ONNX file"), suffix("svg", o.svg, ".svg"))
}

func (o *artifactsInspectOptions) run(_ context.Context, g *global, args []string) error {
	r, err := inspectPath(args[0])
	if err != nil {
		return err
	}
	if o.svg != "" {
		title := filepath.Base(filepath.Clean(args[0]))
		if err := whole.WriteFile(o.svg, r.SVG(title)); err != nil {
			return err
		}
	}
	if o.asJSON {
		return g.printJSON(r)
	}
	fmt.Fprint(g.stdout, report.Model(r))
	return nil
}

func inspectPath(path string) (*inspect.Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	if !info.IsDir() {
		m, err := onnxgraph.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return inspect.Graph(m, nil)
	}
	f, err := artifacts.Read(path)
	if err != nil {
		return nil, err
	}
	training, err := f.Model()
	if err != nil {
		return nil, err
	}
	eval, err := onnxgraph.Decode(f.Eval)
	if err != nil {
		return nil, err
	}
	return inspect.Graph(eval, training)
}
