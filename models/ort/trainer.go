package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/cgo"
	"slices"
	"strings"
	"unsafe"

	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/optimizer"
)

// ErrNonFinite is wrapped by the error of a step whose gradients hold a NaN or an infinity. The trainer is as it was
// before the step.
var ErrNonFinite error = fault.New(fault.Numeric, "gradients are not finite")

// TrainerOptions are the settings of a training session.
type TrainerOptions struct {
	SessionOptions
	// Optimizer is that of artifacts without an optimizer graph; others have theirs built in.
	Optimizer optimizer.Options
	// Profile, if it is not empty, begins the names of the files in which ONNX Runtime notes how long each node took; they
	// are written by Close. It costs some time itself.
	Profile string
}

// Trainer is a training session and its state. It is not safe for concurrent use.
type Trainer struct {
	rt       *Runtime
	session  *C.OrtTrainingSession
	options  *sessionOptions
	state    *C.OrtCheckpointState
	op       *C.ordo_loss_op
	evalData unsafe.Pointer // the session keeps a pointer into it for Export
	handle   cgo.Handle

	loss        LossFunc
	lossErr     error
	lossOutputs []Output

	contract  contract
	trainOut  []string // user outputs of the training graph, in order
	evalOut   []string
	normOut   int // index of grad_norm in trainOut
	gradients int // index of gradients in trainOut, or -1
	outputs   []*C.OrtValue
	updater   *updater // nil where an optimizer graph does its work
	kept      []checkpoint.Kept
	stored    map[string][]byte    // of the checkpoint, until somebody keeps it
	stats     map[string][]float32 // batch-norm statistics before the current step

	accumulated int     // batches since the last update
	gradNorm    float32 // of the last of them
}

// NewTrainer checks the artifacts and creates the session. Its error says which artifact is wrong and how. Without an
// evaluation graph, Eval and Export are errors; without an optimizer graph, the optimizer is one in Go, o.Optimizer.
func (rt *Runtime) NewTrainer(a graph.Artifacts, loss LossFunc, o TrainerOptions) (*Trainer, error) {
	if err := rt.RequireTraining(); err != nil {
		return nil, err
	}
	c, err := a.Contract()
	if err == nil && len(a.Checkpoint) == 0 {
		err = errors.New("the checkpoint is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("ort: artifacts: %w", err)
	}
	t := &Trainer{rt: rt, loss: loss, contract: contract{c}, stats: map[string][]float32{}, stored: maps.Clone(a.Kept)}
	for _, o := range c.Outputs {
		t.lossOutputs = append(t.lossOutputs, Output{Name: o.Name})
	}
	if err := t.create(a, o); err != nil {
		t.Close()
		return nil, during("create training session", err)
	}
	return t, nil
}

func (t *Trainer) create(a graph.Artifacts, o TrainerOptions) error {
	var err error
	if t.options, err = t.rt.sessionOptions(o.SessionOptions); err != nil {
		return err
	}
	if o.Profile != "" {
		prefix := C.CString(o.Profile)
		defer C.free(unsafe.Pointer(prefix))
		if err := status(C.ort_EnableProfiling(t.options.it, prefix)); err != nil {
			return err
		}
	}
	t.handle = cgo.NewHandle(t)
	t.op = (*C.ordo_loss_op)(C.malloc(C.sizeof_ordo_loss_op))
	C.ordo_loss_op_init(t.op, C.uintptr_t(t.handle))
	if err := status(C.ort_CustomOpDomain_Add(t.options.domain, &t.op.op)); err != nil {
		return err
	}
	err = status(C.ort_LoadCheckpointFromBuffer(pointer(a.Checkpoint), C.size_t(len(a.Checkpoint)), &t.state))
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := t.checkState(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if len(a.Eval) > 0 {
		t.evalData = C.CBytes(a.Eval)
	}
	err = status(C.ort_CreateTrainingSessionFromBuffer(t.rt.env, t.options.it, t.state,
		pointer(a.Training), C.size_t(len(a.Training)), t.evalData, C.size_t(len(a.Eval)),
		pointer(a.Optimizer), C.size_t(len(a.Optimizer)), &t.session))
	if err != nil {
		return err
	}
	if err := t.readNames(); err != nil {
		return err
	}
	if len(a.Optimizer) > 0 {
		return nil
	}
	if t.updater, err = t.newUpdater(o.Optimizer, o.Threads); err != nil {
		return err
	}
	return t.Keep(optimizerState, t.updater.optimizer)
}

// readNames asks the session what it takes and gives, and holds it against what the graphs say.
func (t *Trainer) readNames() error {
	var inputs C.size_t
	if err := status(C.ort_TrainInputCount(t.session, &inputs)); err != nil {
		return err
	}
	if int(inputs) != len(t.contract.Inputs) {
		return fmt.Errorf("the session takes %d inputs, not %s alone", inputs, strings.Join(t.contract.Inputs, " and "))
	}
	var err error
	t.trainOut, err = t.names(
		func(n *C.size_t) *C.OrtStatus { return C.ort_TrainOutputCount(t.session, n) },
		func(i C.size_t, name **C.char) *C.OrtStatus {
			return C.ort_TrainOutputName(t.session, i, t.rt.alloc, name)
		})
	if err != nil {
		return err
	}
	t.normOut = slices.Index(t.trainOut, graph.GradNorm)
	t.gradients = slices.Index(t.trainOut, graph.Gradients)
	if t.normOut < 0 {
		return fmt.Errorf("the training graph has no output %s", graph.GradNorm)
	}
	t.outputs = make([]*C.OrtValue, len(t.trainOut))
	if t.evalData != nil {
		t.evalOut, err = t.names(
			func(n *C.size_t) *C.OrtStatus { return C.ort_EvalOutputCount(t.session, n) },
			func(i C.size_t, name **C.char) *C.OrtStatus {
				return C.ort_EvalOutputName(t.session, i, t.rt.alloc, name)
			})
	}
	return err
}

func (t *Trainer) names(
	count func(*C.size_t) *C.OrtStatus, name func(C.size_t, **C.char) *C.OrtStatus,
) ([]string, error) {
	var n C.size_t
	if err := status(count(&n)); err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		var s *C.char
		if err := status(name(C.size_t(i), &s)); err != nil {
			return nil, err
		}
		out[i] = C.GoString(s)
		if err := status(C.ort_AllocatorFree(t.rt.alloc, unsafe.Pointer(s))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Inputs are what a batch gives a training graph.
type Inputs struct {
	Images *Tensor // [R, 3, S, S]
	// Draws are what was drawn for each row, [R, P], for a graph that takes them (package heads, kind conditioned); nil
	// for all others.
	Draws *Tensor
}

// Step trains on one batch of images: Accumulate and Update.
func (t *Trainer) Step(images *Tensor, rate float32) (gradNorm float32, err error) {
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	if err := t.Accumulate(Inputs{Images: images}); err != nil {
		return 0, err
	}
	return t.Update(rate)
}

func checkRate(rate float32) error {
	if rate < 0 || !finite(rate) {
		return fmt.Errorf("ort: training step: learning rate %v is not a number of at least 0", rate)
	}
	return nil
}

// Accumulate runs forward, the loss and backward, and adds the gradients to those since the last Update. More than one
// call before an Update needs an optimizer in Go. If the pass fails, as with gradients that are not finite, the trainer
// is as it was after that Update: what was accumulated is gone.
func (t *Trainer) Accumulate(in Inputs) error {
	err := t.contract.checkInputs(in)
	if err == nil && t.accumulated > 0 && t.updater == nil {
		err = errors.New("the optimizer is ONNX Runtime's, which takes the gradients of one batch")
	}
	if err == nil && t.accumulated == 0 {
		err = t.keepStatistics()
	}
	if err != nil {
		return fmt.Errorf("ort: training step: %w", err)
	}
	t.releaseOutputs()
	t.gradNorm, err = t.forwardBackward(in)
	if err == nil && !finite(t.gradNorm) {
		err = ErrNonFinite
	}
	if err != nil {
		t.releaseOutputs()
		if err = errors.Join(err, t.undo()); t.lossErr != nil {
			return err // as the caller's own function said it
		}
		return during("training step", err)
	}
	t.accumulated++
	return nil
}

// Observe runs forward, the loss and backward on a batch and shows every float32 output of the training graph, also
// where its numbers are not finite. Then the trainer is as it was before. The values are valid until see returns.
func (t *Trainer) Observe(in Inputs, see func(name string, shape []int64, values []float32)) error {
	err := t.contract.checkInputs(in)
	if err == nil {
		err = t.keepStatistics()
	}
	if err != nil {
		return fmt.Errorf("ort: observe: %w", err)
	}
	t.releaseOutputs()
	_, err = t.forwardBackward(in)
	for i, v := range t.outputs {
		if v == nil || err != nil {
			break
		}
		if values, shape, wrong := view(v); wrong == nil { // else it isn't one of float32
			see(t.trainOut[i], shape, values)
		}
	}
	t.releaseOutputs()
	if err != nil {
		err = during("observe", err)
	}
	return errors.Join(err, t.undo())
}

// Update lets the optimizer take a step at the given learning rate by the accumulated gradients, and gives their global
// L2 norm, before any clipping. If that is not finite, the trainer is as it was before the first Accumulate; an error
// of the update itself ("optimizer step") leaves it unfit to go on.
func (t *Trainer) Update(rate float32) (gradNorm float32, err error) {
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	if t.accumulated == 0 {
		return 0, errors.New("ort: optimizer step: there are no gradients")
	}
	defer t.releaseOutputs()
	gradNorm = t.gradNorm
	if t.accumulated > 1 {
		// grad_norm is that of the last batch alone.
		sum, _, err := view(t.outputs[t.gradients])
		if err != nil {
			return 0, fmt.Errorf("ort: optimizer step: %w", err)
		}
		gradNorm = float32(optimizer.Norm(sum))
	}
	if !finite(gradNorm) {
		return 0, errors.Join(ErrNonFinite, t.undo())
	}
	if err := t.update(rate); err != nil {
		return 0, fmt.Errorf("ort: optimizer step: %w", err)
	}
	t.accumulated = 0
	return gradNorm, nil
}

// Discard takes back what was accumulated: the trainer is as it was after the last Update.
func (t *Trainer) Discard() error {
	if t.accumulated == 0 {
		return nil
	}
	t.releaseOutputs()
	if err := t.undo(); err != nil {
		return fmt.Errorf("ort: discard: %w", err)
	}
	return nil
}

// forwardBackward leaves the gradients in the session's buffers, and among the outputs if they are one, and gives their
// norm. The caller releases the outputs.
func (t *Trainer) forwardBackward(in Inputs) (float32, error) {
	values, err := t.contract.values(in)
	defer release(values)
	if err != nil {
		return 0, err
	}
	t.lossErr = nil
	s := C.ort_TrainStep(t.session, nil, C.size_t(len(values)), &values[0], C.size_t(len(t.outputs)), &t.outputs[0])
	if err := status(s); err != nil {
		if t.lossErr != nil {
			return 0, t.lossErr
		}
		return 0, err
	}
	norm, _, err := view(t.outputs[t.normOut])
	if err != nil {
		return 0, err
	}
	return norm[0], nil
}

// values wraps a batch in the graph's order; the caller releases them.
func (c *contract) values(in Inputs) ([]*C.OrtValue, error) {
	var values []*C.OrtValue
	for _, name := range c.Inputs {
		tensor := in.Images
		if name == graph.Draws {
			tensor = in.Draws
		}
		v, err := tensor.value()
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

func release(values []*C.OrtValue) {
	for i, v := range values {
		if v != nil {
			C.ort_ReleaseValue(v)
			values[i] = nil
		}
	}
}

func (t *Trainer) releaseOutputs() { release(t.outputs) }

// keepStatistics copies the batch-norm statistics: the forward pass overwrites them in place, before the loss is known.
func (t *Trainer) keepStatistics() error {
	for _, name := range t.contract.Statistics {
		kept, err := t.readParameter(t.stats[name], name)
		if err != nil {
			return err
		}
		t.stats[name] = kept
	}
	return nil
}

// undo takes back what a forward and backward pass changed.
func (t *Trainer) undo() error {
	t.accumulated = 0
	err := status(C.ort_LazyResetGrad(t.session))
	for name, kept := range t.stats {
		err = errors.Join(err, t.SetParameter(name, kept))
	}
	return err
}

// EvalOutputs names what Eval gives, in order.
func (t *Trainer) EvalOutputs() []string { return t.evalOut }

// Eval runs the evaluation graph (batch norm with its running statistics) and gives each output's values, row-major, in
// the order of EvalOutputs. dst is reused where it is large enough.
func (t *Trainer) Eval(dst [][]float32, images *Tensor) ([][]float32, error) {
	if len(t.evalOut) == 0 {
		return nil, errors.New("ort: evaluation step: the artifacts have no evaluation graph")
	}
	if err := t.contract.checkImages(images.shape); err != nil {
		return nil, fmt.Errorf("ort: evaluation step: %w", err)
	}
	in, err := images.value()
	if err != nil {
		return nil, fmt.Errorf("ort: evaluation step: %w", err)
	}
	defer C.ort_ReleaseValue(in)
	outputs := make([]*C.OrtValue, len(t.evalOut))
	err = status(C.ort_EvalStep(t.session, nil, 1, &in, C.size_t(len(outputs)), &outputs[0]))
	defer release(outputs)
	if err == nil {
		dst, err = readOutputs(dst, outputs, t.evalOut)
	}
	if err != nil {
		return nil, fmt.Errorf("ort: evaluation step: %w", err)
	}
	return dst, nil
}

// Close releases the session, then its state (the session writes into the state as it goes), then what they used.
func (t *Trainer) Close() {
	t.releaseOutputs()
	if t.session != nil {
		C.ort_ReleaseTrainingSession(t.session)
	}
	if t.state != nil {
		C.ort_ReleaseCheckpointState(t.state)
	}
	t.options.close()
	if t.updater != nil && t.updater.values != nil {
		t.updater.values.Close()
	}
	C.free(unsafe.Pointer(t.op))
	C.free(t.evalData)
	if t.handle != 0 {
		t.handle.Delete()
	}
	*t = Trainer{}
}

func finite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

// pointer gives C the memory of bytes for one call; nil for none.
func pointer(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(&b[0])
}
