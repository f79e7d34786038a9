package graph

import (
	"errors"
	"fmt"
	"unsafe"

	"ordo/models/onnxgraph"
)

// Artifacts are the bytes of what a training session is made from. Eval may be nil: then the session neither evaluates
// nor exports. Optimizer may be nil if the training graph has the output [Gradients]: then the optimizer is one in Go.
//
// What was read of the bytes goes along in copies and is read anew where somebody has put other bytes in their place.
// Bytes are not to be changed where they lie.
type Artifacts struct {
	Training, Eval, Optimizer, Checkpoint []byte
	// Kept is what was stored in the checkpoint beside ONNX Runtime's part, by name.
	Kept map[string][]byte

	read *reading // never changed, only replaced
}

// reading is what was read of encoded graphs.
type reading struct {
	training, eval, optimizer decoded
	contract                  *Contract // of these three; nil: not read yet
}

// decoded is a graph and where its bytes lie. C code takes the contract on trust, so it must not be that of other
// bytes.
type decoded struct {
	first *byte
	size  int
	model *onnxgraph.Model
}

func (d decoded) isOf(data []byte) bool {
	return d.first == unsafe.SliceData(data) && d.size == len(data)
}

// decode gives the graph of the bytes: d, if it is theirs; without bytes one whose model is nil.
func (d decoded) decode(what string, data []byte) (decoded, error) {
	if len(data) == 0 {
		return decoded{}, nil
	}
	if d.isOf(data) {
		return d, nil
	}
	m, err := onnxgraph.Decode(data)
	if err != nil {
		return d, fmt.Errorf("%s: %w", what, err)
	}
	return decoded{unsafe.SliceData(data), len(data), m}, nil
}

// encode gives the graph and its bytes: data, if they are its; nil for no graph.
func (d decoded) encode(m *onnxgraph.Model, data []byte) (decoded, []byte, error) {
	if m == nil {
		return decoded{}, nil, nil
	}
	if m == d.model && d.isOf(data) {
		return d, data, nil
	}
	data, err := m.Encode()
	return decoded{unsafe.SliceData(data), len(data), m}, data, err
}

// Encode makes artifacts of graphs, of which eval and optimizer may be nil, and a checkpoint. Graphs that break the
// contract are an error.
func Encode(training, eval, optimizer *onnxgraph.Model, checkpoint []byte) (Artifacts, error) {
	return (&Artifacts{Checkpoint: checkpoint}).with(training, eval, optimizer)
}

// WithTraining gives the artifacts with another training graph. One that breaks the contract is an error.
func (a *Artifacts) WithTraining(m *onnxgraph.Model) (Artifacts, error) {
	if err := a.decode(); err != nil {
		return Artifacts{}, err
	}
	return a.with(m, a.read.eval.model, a.read.optimizer.model)
}

// WithOptimizer gives the artifacts with another optimizer graph, or with none. One that breaks the contract is an
// error.
func (a *Artifacts) WithOptimizer(m *onnxgraph.Model) (Artifacts, error) {
	if err := a.decode(); err != nil {
		return Artifacts{}, err
	}
	return a.with(a.read.training.model, a.read.eval.model, m)
}

func (a *Artifacts) with(training, eval, optimizer *onnxgraph.Model) (Artifacts, error) {
	b := *a
	var r reading
	if a.read != nil {
		r = *a.read
	}
	r.contract = nil
	var err1, err2, err3 error
	r.training, b.Training, err1 = r.training.encode(training, a.Training)
	r.eval, b.Eval, err2 = r.eval.encode(eval, a.Eval)
	r.optimizer, b.Optimizer, err3 = r.optimizer.encode(optimizer, a.Optimizer)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Artifacts{}, err
	}
	b.read = &r
	_, err := b.Contract()
	return b, err
}

// decode reads the graphs that were not read yet.
func (a *Artifacts) decode() (err error) {
	var r reading
	if a.read != nil {
		r = *a.read
	}
	was := r
	if r.training, err = r.training.decode("training graph", a.Training); err != nil {
		return err
	}
	if r.eval, err = r.eval.decode("evaluation graph", a.Eval); err != nil {
		return err
	}
	if r.optimizer, err = r.optimizer.decode("optimizer graph", a.Optimizer); err != nil {
		return err
	}
	if r != was || a.read == nil {
		r.contract = nil
		a.read = &r
	}
	return nil
}

// Model is the training graph, decoded once. It is not to be changed.
func (a *Artifacts) Model() (*onnxgraph.Model, error) {
	if err := a.decode(); err != nil {
		return nil, err
	}
	if a.read.training.model == nil {
		return nil, errors.New("the training graph is missing")
	}
	return a.read.training.model, nil
}

// Contract reads and checks the graphs, once. Its error is the first thing that would make ONNX Runtime compute
// something else than is meant, or crash.
func (a *Artifacts) Contract() (*Contract, error) {
	training, err := a.Model()
	if err != nil {
		return nil, err
	}
	if a.read.contract != nil {
		return a.read.contract, nil
	}
	r := *a.read
	if r.contract, err = check(training, r.eval.model, r.optimizer.model); err != nil {
		return nil, err
	}
	a.read = &r
	return r.contract, nil
}

// check reads the contract and holds the other graphs, which may be nil, against it.
func check(training, eval, optimizer *onnxgraph.Model) (*Contract, error) {
	c, err := Read(training)
	if err == nil && optimizer == nil && !c.FlatGradients {
		err = fmt.Errorf("it has no output %s, which it needs without an optimizer graph", Gradients)
	}
	if err != nil {
		return nil, fmt.Errorf("training graph: %w", err)
	}
	if eval != nil {
		if err := c.checkEval(eval.GetGraph()); err != nil {
			return nil, fmt.Errorf("evaluation graph: %w", err)
		}
	}
	if optimizer != nil {
		if err := checkOptimizer(optimizer.GetGraph()); err != nil {
			return nil, fmt.Errorf("optimizer graph: %w", err)
		}
	}
	return c, nil
}
