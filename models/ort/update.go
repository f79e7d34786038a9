package ort

// #include "api.h"
import "C"

import (
	"encoding"
	"fmt"
	"runtime"

	"ordo/models/checkpoint"
	"ordo/models/optimizer"
)

// updater runs an optimizer in Go, for artifacts without an optimizer graph. The training API gives no access to
// gradients and copies parameters in and out, so the gradients are a graph output, read where they lie, and the
// trainable parameters have a copy here, which the optimizer changes and which is then copied into the session.
type updater struct {
	optimizer *optimizer.Optimizer
	values    *Tensor
	stale     bool // the session's parameters were changed by another
}

func (t *Trainer) newUpdater(o optimizer.Options, threads int) (*updater, error) {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var parameters []optimizer.Part
	total := 0
	for _, p := range t.contract.Parameters {
		if p.Trainable {
			n := p.Size()
			parameters = append(parameters, optimizer.Part{Size: n, Rank: len(p.Shape)})
			total += n
		}
	}
	u := &updater{stale: true}
	var err error
	if u.optimizer, err = optimizer.New(o, parameters, threads); err != nil {
		return nil, err
	}
	u.values, err = t.rt.NewTensor(total)
	return u, err
}

// update changes the trainable parameters by the gradients of the last forward and backward pass.
func (t *Trainer) update(rate float32) error {
	if t.updater == nil {
		if err := status(C.ort_SetLearningRate(t.session, C.float(rate))); err != nil {
			return err
		}
		if err := status(C.ort_OptimizerStep(t.session, nil)); err != nil {
			return err
		}
		return status(C.ort_LazyResetGrad(t.session))
	}
	gradients, _, err := view(t.outputs[t.gradients])
	if err != nil {
		return err
	}
	if err := t.refresh(); err != nil {
		return err
	}
	u := t.updater
	buffer, err := u.values.value()
	if err != nil {
		return err
	}
	defer C.ort_ReleaseValue(buffer)
	u.optimizer.Step(u.values.Data(), gradients, float64(rate))
	if err := status(C.ort_CopyBufferToParameters(t.session, buffer, true)); err != nil {
		return err
	}
	return status(C.ort_LazyResetGrad(t.session))
}

// refresh makes the updater's copy of the trainable parameters that of the session.
func (t *Trainer) refresh() error {
	u := t.updater
	if !u.stale {
		return nil
	}
	buffer, err := u.values.value()
	if err != nil {
		return err
	}
	defer C.ort_ReleaseValue(buffer)
	if err := status(C.ort_CopyParametersToBuffer(t.session, buffer, true)); err != nil {
		return err
	}
	u.stale = false
	return nil
}

// parametersChanged says that the session's trainable parameters are no longer those of the last step.
func (t *Trainer) parametersChanged() {
	if t.updater != nil {
		t.updater.stale = true
	}
}

// State is what a trainer keeps in its checkpoint beside ONNX Runtime's own, such as a target network's weights
// (optimizer.Average).
type State interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// optimizerState is the name of the optimizer in Go among what is kept.
const optimizerState = "optimizer"

// Keep gives s what the checkpoint holds under the name, if it holds something, and lets every Save store it. The name
// must be a new one.
func (t *Trainer) Keep(name string, s State) error {
	for _, k := range t.kept {
		if k.Name == name {
			return fmt.Errorf("ort: keep %s: there is one already", name)
		}
	}
	if stored, ok := t.stored[name]; ok {
		if err := s.UnmarshalBinary(stored); err != nil {
			return fmt.Errorf("ort: keep %s: %w", name, err)
		}
		delete(t.stored, name)
	}
	t.kept = append(t.kept, checkpoint.Kept{Name: name, State: s})
	return nil
}
