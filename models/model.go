package models

import (
	"fmt"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/models/onnxgraph"
	"ordo/models/optimizer"
	"ordo/models/weights"
	"ordo/models/zoo"
)

// The outputs that every model has, in the order in which the loss gets those of the zoo's.
const (
	Features  = graph.Features
	Embedding = graph.Embedding
)

// Artifacts are the bytes of the graphs and of the checkpoint that a Trainer runs, see package graph.
type Artifacts = graph.Artifacts

// Model is what an experiment trains: a backbone of the zoo with its heads, or a folder of artifacts, which is read
// once.
type Model struct {
	options   Options
	imageSize int
	columns   map[string]int
	folder    *artifacts.Folder // nil: it is one of the zoo
}

// Open makes the model of some options for square images of imageSize pixels. A folder of artifacts is read and
// checked; one that doesn't fit such images, or lacks what the options' heads give, is an error of kind fault.Config.
func Open(o Options, imageSize int) (*Model, error) {
	m := &Model{imageSize: imageSize, columns: map[string]int{}}
	if o.Artifacts == "" {
		info, err := zoo.Describe(o.Options, imageSize)
		if err != nil {
			return nil, fault.Wrap(fault.Config, fmt.Errorf("model: %w", err))
		}
		m.columns[Features], m.columns[Embedding] = info.Features, info.Features
		if n := len(o.Projector); n > 0 {
			m.columns[Embedding] = o.Projector[n-1]
		}
		return m, m.setOptions(o)
	}
	var err error
	if m.folder, err = artifacts.Read(o.Artifacts); err != nil {
		return nil, fmt.Errorf("model.artifacts: %w", err)
	}
	for _, output := range m.folder.Outputs {
		m.columns[output.Name] = int(output.Columns)
	}
	return m, m.setOptions(o)
}

func (m *Model) setOptions(o Options) error {
	m.options = o
	if m.folder == nil {
		return nil
	}
	return m.folder.Require(o.Artifacts, m.imageSize, o.Heads)
}

// SetHeads sets the further heads, see Options.With. A folder of artifacts that lacks what they give is an error of
// kind fault.Config.
func (m *Model) SetHeads(list []heads.Head) error {
	o := m.options
	o.Heads = list
	return m.setOptions(o)
}

// Options are those of the model, with its heads.
func (m *Model) Options() Options { return m.options }

// Columns is the number of columns of every output that the model has without the options' heads; of a folder of
// artifacts, of all its outputs.
func (m *Model) Columns() map[string]int { return m.columns }

// Fingerprint tells one folder of artifacts from another by its content; it is "" for a backbone of the zoo, which the
// options say all about.
func (m *Model) Fingerprint() string {
	if m.folder == nil {
		return ""
	}
	return m.folder.Fingerprint()
}

// ForwardGraph makes the forward graph of a backbone of the zoo with its heads. The initial weights are a pure function
// of the seed and, if the options name one, of the weight file, of which the report tells.
func (m *Model) ForwardGraph(seed uint64) (*onnxgraph.Model, *weights.Report, error) {
	o := m.options
	g, err := zoo.Build(o.Options, m.imageSize, seed)
	if err == nil {
		err = heads.ValidateList(o.Heads, []string{Features, Embedding})
	}
	if err == nil {
		err = heads.Extend(g, o.Heads, seed)
	}
	if err != nil {
		return nil, nil, fault.Wrap(fault.Config, fmt.Errorf("model: %w", err))
	}
	types, err := onnxgraph.Infer(g)
	if err != nil {
		return nil, nil, fmt.Errorf("models: %w", err)
	}
	optional := []string{zoo.Projector}
	for _, h := range o.Heads {
		output := h.Resolved().Output
		g.Graph.Output = append(g.Graph.Output, onnxgraph.NewValueInfo(output, types.Of[output]))
		optional = append(optional, h.Name+".")
	}
	if o.Weights == "" {
		return g, nil, nil
	}
	report, err := weights.Load(g, o.Weights, weights.Options{
		Strict: o.WeightsStrict, Optional: optional, Ignored: []string{zoo.Classifier(o.Backbone)},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("model.weights: %w", err)
	}
	return g, &report, nil
}

// BuildOptions say which artifacts to build of a model.
type BuildOptions struct {
	Optimizer optimizer.Options // without the learning rate
	// InGo lets the optimizer be Go's whatever it is, as gradients of several batches that are accumulated need it, and
	// an average of the parameters. AdamW with one decay for all parameters is ONNX Runtime's otherwise: its graph is
	// among the artifacts. Every other optimizer is Go's, so TrainerOptions need it.
	InGo bool
	// Seed of the initial weights of the zoo's backbones and their heads.
	Seed uint64
	// Kernels are OpenKernels'; nil: ONNX Runtime's operators alone.
	Kernels *Kernels
}

// Build makes the artifacts. The notes are sentences for the log.
func (m *Model) Build(b BuildOptions) (a Artifacts, notes []string, err error) {
	adamW := autodiff.OptimizerOptions{
		Beta1: b.Optimizer.Betas[0], Beta2: b.Optimizer.Betas[1], Epsilon: b.Optimizer.Eps,
		WeightDecay: b.Optimizer.WeightDecay, ClipNorm: b.Optimizer.ClipGradNorm,
	}
	outside := b.InGo || b.Optimizer.Optimizer != optimizer.AdamW || b.Optimizer.ExcludeBiasNorm
	if m.folder != nil {
		return m.buildFolder(adamW, outside, b.Kernels)
	}
	forward, report, err := m.ForwardGraph(b.Seed)
	if err != nil {
		return a, nil, err
	}
	if report != nil {
		notes = append(notes, fmt.Sprintf("initial weights of %s: %s", m.options.Weights, report))
	}
	outputs := []string{Features, Embedding}
	for _, h := range m.options.Heads {
		outputs = append(outputs, h.Resolved().Output)
	}
	built, err := autodiff.Build(forward, autodiff.Options{
		Outputs: outputs, Evaluation: []string{Features, Embedding}, Optimizer: adamW, FlatGradients: outside,
		Kernels: b.Kernels,
	})
	if err != nil {
		return a, nil, fmt.Errorf("models: %w", err)
	}
	if a, err = built.Encode(); err != nil {
		return a, nil, fmt.Errorf("models: %w", err)
	}
	return a, notes, nil
}

func (m *Model) buildFolder(adamW autodiff.OptimizerOptions, outside bool, k *Kernels) (a Artifacts, notes []string,
	err error) {
	dir := m.options.Artifacts
	f := *m.folder // Build may be called again
	if k != nil {
		if err := f.UseKernels(dir, k); err != nil {
			return a, nil, fmt.Errorf("model.artifacts: %w", err)
		}
	}
	if err := f.SetOptimizer(adamW, outside); err != nil {
		return a, nil, fmt.Errorf("model.artifacts: %s: %w", dir, err)
	}
	for _, text := range f.Adapted {
		notes = append(notes, dir+": "+text)
	}
	return f.Artifacts, notes, nil
}

// WriteGraphs writes the graphs into a folder that exists, each file whole or not at all. The checkpoint is not among
// them: it changes with every step, see Trainer.Save.
func WriteGraphs(dir string, a Artifacts) error {
	a.Checkpoint = nil
	return a.Files().Write(dir)
}

// ReadGraphs reads what WriteGraphs wrote. A folder that lacks a graph is an error of kind fault.Data; not all
// artifacts have one of the optimizer.
func ReadGraphs(dir string) (Artifacts, error) {
	files, err := graph.ReadFiles(dir)
	if err != nil {
		return Artifacts{}, err
	}
	if missing := files.Missing(graph.TrainingFile, graph.EvalFile); missing != "" {
		return Artifacts{}, fault.New(fault.Data, "%s is no folder of training graphs: it has no file %s", dir,
			missing).
			Advise("remove the run's folder to start anew")
	}
	return files.Artifacts(), nil
}
