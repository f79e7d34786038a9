package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/inspect"
	"ordo/models/onnxgraph"
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
	return oneArg(args, "a folder of artifacts or an ONNX file")
}

func (o *artifactsInspectOptions) run(_ context.Context, g *global, args []string) error {
	r, err := inspectPath(args[0])
	if err != nil {
		return err
	}
	if o.svg != "" {
		title := filepath.Base(filepath.Clean(args[0]))
		if err := renameio.WriteFile(o.svg, r.SVG(title), 0o644); err != nil {
			return fault.Writing(o.svg, err)
		}
	}
	if o.asJSON {
		return g.printJSON(r)
	}
	printInspection(g, r)
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
	training, err := onnxgraph.Decode(f.Training)
	if err != nil {
		return nil, err
	}
	eval, err := onnxgraph.Decode(f.Eval)
	if err != nil {
		return nil, err
	}
	return inspect.Graph(eval, training)
}

func printInspection(g *global, r *inspect.Report) {
	for _, v := range r.Inputs {
		fmt.Fprintf(g.stdout, "input: %s %s\n", v.Name, v.Type)
	}
	for _, v := range r.Outputs {
		fmt.Fprintf(g.stdout, "output: %s %s\n", v.Name, v.Type)
	}
	frozen := 0
	for _, t := range r.Tensors {
		if t.Frozen {
			frozen++
		}
	}
	fmt.Fprintf(g.stdout, "parameters: %d trained in %d tensors, %d frozen in %d\n",
		r.Parameters, len(r.Tensors)-frozen, r.Frozen, frozen)
	fmt.Fprintf(g.stdout, "multiply-adds: %d an image, forward\n", r.MultiplyAdds)
	printOps(g, "operators", r.Ops)
	if len(r.Training) > 0 {
		printOps(g, "operators of the training graph", r.Training)
	}
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := "\nactivations of a batch of\tforward\t"
	if len(r.Training) > 0 {
		header += "kept\ttraining\t"
	}
	fmt.Fprintln(w, header)
	for _, m := range r.Memory {
		fmt.Fprintf(w, "%d\t%s\t", m.Batch, mebibytes(m.Forward))
		if len(r.Training) > 0 {
			fmt.Fprintf(w, "%s\t%s\t", mebibytes(m.Kept), mebibytes(m.Peak))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // g.stdout keeps its error
	if r.Unknown > 0 {
		fmt.Fprintf(g.stdout, "note: the shapes of %d nodes are not known; they are left out of multiply-adds and memory\n",
			r.Unknown)
	}
}

func printOps(g *global, what string, ops []inspect.OpCount) {
	list := make([]string, len(ops))
	for i, op := range ops {
		list[i] = fmt.Sprintf("%d %s", op.Count, op.Op)
	}
	fmt.Fprintf(g.stdout, "%s: %s\n", what, strings.Join(list, ", "))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
