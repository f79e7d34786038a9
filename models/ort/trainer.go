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
	"unsafe"

	"ordo/models/optimizer"
)

// ErrNonFinite is wrapped by the error of a step whose gradients hold a NaN or an infinity. The trainer is as it was
// before the step.
var ErrNonFinite = errors.New("ort: gradients are not finite")

// Artifacts are the bytes of what a trainer runs. Eval may be nil: then Eval and Export are errors. Optimizer may be nil if
// the training graph has the output gradients: then the optimizer is one in Go, TrainerOptions.Optimizer.
type Artifacts struct {
	Training, Eval, Optimizer, Checkpoint []byte
	// Kept is what Trainer.Keep stored in the checkpoint, by name.
	Kept map[string][]byte
}

// TrainerOptions are the settings of a training session.
type TrainerOptions struct {
	Threads int // ONNX Runtime's threads within an operator, the calling one included; 0 = one a core
	// Execution says where and how ONNX Runtime computes. Zero: DefaultExecution.
	Execution Execution
	// Optimizer is that of artifacts without an optimizer graph; others have theirs built in.
	Optimizer optimizer.Options
	// Profile, if it is not empty, begins the names of the files in which ONNX Runtime notes how long each node took; they
	// are written by Close. It costs some time itself.
	Profile string
}

// Trainer is a training session and its state. It is not safe for concurrent use.
type Trainer struct {
	lib      *Library
	session  *C.OrtTrainingSession
	state    *C.OrtCheckpointState
	options  *C.OrtSessionOptions
	domain   *C.OrtCustomOpDomain
	op       *C.ordo_loss_op
	evalData unsafe.Pointer // the session keeps a pointer into it for Export
	handle   cgo.Handle

	loss        LossFunc
	lossErr     error
	lossOutputs []Output

	contract  contract
	trainOut  []string // user outputs of the training graph, in order
	evalOut   []string
	gradNorm  int // index of grad_norm in trainOut
	gradients int // index of gradients in trainOut, or -1
	outputs   []*C.OrtValue
	updater   *updater // nil where an optimizer graph does its work
	kept      []kept
	stored    map[string][]byte    // of the checkpoint, until somebody keeps it
	stats     map[string][]float32 // batch-norm statistics before the current step
}

// NewTrainer checks the artifacts and creates the session. Its error says which artifact is wrong and how.
func (l *Library) NewTrainer(a Artifacts, loss LossFunc, o TrainerOptions) (*Trainer, error) {
	if !l.HasTraining() {
		return nil, fmt.Errorf("%w: %s", ErrNoTraining, l.path)
	}
	c, err := checkArtifacts(a)
	if err != nil {
		return nil, fmt.Errorf("ort: artifacts: %w", err)
	}
	t := &Trainer{lib: l, loss: loss, contract: c, stats: map[string][]float32{}, stored: maps.Clone(a.Kept)}
	for _, name := range c.lossInputs {
		t.lossOutputs = append(t.lossOutputs, Output{Name: name})
	}
	if err := t.create(a, o); err != nil {
		t.Close()
		return nil, fmt.Errorf("ort: create training session: %w", err)
	}
	return t, nil
}

func (t *Trainer) create(a Artifacts, o TrainerOptions) error {
	if err := status(C.ort_CreateSessionOptions(&t.options)); err != nil {
		return err
	}
	if err := status(C.ort_SetIntraOpNumThreads(t.options, C.int(o.Threads))); err != nil {
		return err
	}
	if err := t.lib.apply(o.Execution, t.options); err != nil {
		return err
	}
	if o.Profile != "" {
		prefix := C.CString(o.Profile)
		defer C.free(unsafe.Pointer(prefix))
		if err := status(C.ort_EnableProfiling(t.options, prefix)); err != nil {
			return err
		}
	}
	domain := C.CString("ordo")
	defer C.free(unsafe.Pointer(domain))
	if err := status(C.ort_CreateCustomOpDomain(domain, &t.domain)); err != nil {
		return err
	}
	t.handle = cgo.NewHandle(t)
	t.op = (*C.ordo_loss_op)(C.malloc(C.sizeof_ordo_loss_op))
	C.ordo_loss_op_init(t.op, C.uintptr_t(t.handle))
	if err := status(C.ort_CustomOpDomain_Add(t.domain, &t.op.op)); err != nil {
		return err
	}
	if err := status(C.ort_AddCustomOpDomain(t.options, t.domain)); err != nil {
		return err
	}
	if err := status(C.ort_LoadCheckpointFromBuffer(pointer(a.Checkpoint), C.size_t(len(a.Checkpoint)), &t.state)); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := t.checkState(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if len(a.Eval) > 0 {
		t.evalData = C.CBytes(a.Eval)
	}
	err := status(C.ort_CreateTrainingSessionFromBuffer(t.lib.env, t.options, t.state,
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
	if inputs != 1 {
		return fmt.Errorf("the session takes %d inputs, not the images alone", inputs)
	}
	var err error
	t.trainOut, err = t.names(
		func(n *C.size_t) *C.OrtStatus { return C.ort_TrainOutputCount(t.session, n) },
		func(i C.size_t, name **C.char) *C.OrtStatus {
			return C.ort_TrainOutputName(t.session, i, t.lib.alloc, name)
		})
	if err != nil {
		return err
	}
	t.gradNorm = slices.Index(t.trainOut, gradNormName)
	t.gradients = slices.Index(t.trainOut, gradientsName)
	if t.gradNorm < 0 {
		return fmt.Errorf("the training graph has no output %s", gradNormName)
	}
	t.outputs = make([]*C.OrtValue, len(t.trainOut))
	if t.evalData != nil {
		t.evalOut, err = t.names(
			func(n *C.size_t) *C.OrtStatus { return C.ort_EvalOutputCount(t.session, n) },
			func(i C.size_t, name **C.char) *C.OrtStatus {
				return C.ort_EvalOutputName(t.session, i, t.lib.alloc, name)
			})
	}
	return err
}

func (t *Trainer) names(count func(*C.size_t) *C.OrtStatus, name func(C.size_t, **C.char) *C.OrtStatus) ([]string, error) {
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
		if err := status(C.ort_AllocatorFree(t.lib.alloc, unsafe.Pointer(s))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Step trains on one batch: forward, the loss, backward, then the optimizer at the given learning rate. It gives the global
// L2 norm of the gradients, before any clipping. If it fails before the update, as with gradients that are not finite, the trainer
// is as it was before the call; an error of the update itself ("optimizer step") leaves it unfit to go on.
func (t *Trainer) Step(images *Tensor, rate float32) (gradNorm float32, err error) {
	if err := t.contract.checkImages(images.shape); err != nil {
		return 0, fmt.Errorf("ort: training step: %w", err)
	}
	if rate < 0 || math.IsNaN(float64(rate)) || math.IsInf(float64(rate), 0) {
		return 0, fmt.Errorf("ort: training step: learning rate %v is not a number of at least 0", rate)
	}
	if err := t.keepStatistics(); err != nil {
		return 0, fmt.Errorf("ort: training step: %w", err)
	}
	defer t.releaseOutputs()
	gradNorm, err = t.forwardBackward(images)
	if err == nil && !finite(gradNorm) {
		err = ErrNonFinite
	}
	if err != nil {
		return 0, fmt.Errorf("ort: training step: %w", errors.Join(err, t.undo()))
	}
	if err := t.update(rate); err != nil {
		return 0, fmt.Errorf("ort: optimizer step: %w", err)
	}
	return gradNorm, nil
}

// forwardBackward leaves the gradients in the session's buffers, and among the outputs if they are one, and gives their
// norm. The caller releases the outputs.
func (t *Trainer) forwardBackward(images *Tensor) (float32, error) {
	in, err := images.value()
	if err != nil {
		return 0, err
	}
	defer C.ort_ReleaseValue(in)
	t.lossErr = nil
	s := C.ort_TrainStep(t.session, nil, 1, &in, C.size_t(len(t.outputs)), &t.outputs[0])
	if err := status(s); err != nil {
		if t.lossErr != nil {
			return 0, t.lossErr
		}
		return 0, err
	}
	norm, _, err := view(t.outputs[t.gradNorm])
	if err != nil {
		return 0, err
	}
	return norm[0], nil
}

func (t *Trainer) releaseOutputs() {
	for i, v := range t.outputs {
		if v != nil {
			C.ort_ReleaseValue(v)
			t.outputs[i] = nil
		}
	}
}

// keepStatistics copies the batch-norm statistics: the forward pass overwrites them in place, before the loss is known.
func (t *Trainer) keepStatistics() error {
	for _, name := range t.contract.statistics {
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
	err := status(C.ort_LazyResetGrad(t.session))
	for name, kept := range t.stats {
		err = errors.Join(err, t.SetParameter(name, kept))
	}
	return err
}

// EvalOutputs names what Eval gives, in order.
func (t *Trainer) EvalOutputs() []string { return t.evalOut }

// Eval runs the evaluation graph (batch norm with its running statistics) and gives each output's values, row-major, in the
// order of EvalOutputs. dst is reused where it is large enough.
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
	defer func() {
		for _, v := range outputs {
			if v != nil {
				C.ort_ReleaseValue(v)
			}
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("ort: evaluation step: %w", err)
	}
	for len(dst) < len(outputs) {
		dst = append(dst, nil)
	}
	dst = dst[:len(outputs)]
	for i, v := range outputs {
		if dst[i], _, err = floats(dst[i], v); err != nil {
			return nil, fmt.Errorf("ort: evaluation step: output %s: %w", t.evalOut[i], err)
		}
	}
	return dst, nil
}

// LearningRate is the rate of the last step.
func (t *Trainer) LearningRate() (float32, error) {
	if t.updater != nil {
		return t.updater.rate, nil
	}
	var rate C.float
	err := status(C.ort_GetLearningRate(t.session, &rate))
	return float32(rate), err
}

// Close releases the session, then its state (the session writes into the state as it goes), then what they used.
func (t *Trainer) Close() {
	if t.session != nil {
		C.ort_ReleaseTrainingSession(t.session)
	}
	if t.state != nil {
		C.ort_ReleaseCheckpointState(t.state)
	}
	if t.domain != nil {
		C.ort_ReleaseCustomOpDomain(t.domain)
	}
	if t.options != nil {
		C.ort_ReleaseSessionOptions(t.options)
	}
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
