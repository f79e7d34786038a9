package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"
)

// Output is one model output of a training step, a matrix of Rows x Columns in row-major order. Data and Grad are ONNX
// Runtime's memory and end with the call; Data is read only, Grad must be filled whole with d loss / d Data.
type Output struct {
	Name          string
	Rows, Columns int
	Data, Grad    []float32
}

// LossFunc computes the gradient of the loss for every model output. An error fails the step and comes back from it.
type LossFunc func(outputs []Output) error

//export ordoLoss
func ordoLoss(handle C.uintptr_t, outputs *C.ordo_output, count C.int) C.int {
	t := cgo.Handle(handle).Value().(*Trainer)
	t.lossErr = t.callLoss(unsafe.Slice(outputs, int(count)))
	if t.lossErr != nil {
		return 1
	}
	return 0
}

func (t *Trainer) callLoss(outputs []C.ordo_output) (err error) {
	// A panic must not unwind through ONNX Runtime's frames.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("ort: panic in the loss: %v", p)
		}
	}()
	if len(outputs) != len(t.lossOutputs) {
		return fmt.Errorf("ort: the loss operator gave %d outputs, the graph names %d", len(outputs), len(t.lossOutputs))
	}
	for i, o := range outputs {
		n := int(o.rows * o.columns)
		t.lossOutputs[i].Rows, t.lossOutputs[i].Columns = int(o.rows), int(o.columns)
		t.lossOutputs[i].Data = unsafe.Slice((*float32)(o.data), n)
		t.lossOutputs[i].Grad = unsafe.Slice((*float32)(o.grad), n)
	}
	return t.loss(t.lossOutputs)
}
