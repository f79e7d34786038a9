package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// ForwardPass runs a forward pass in training mode by itself, see autodiff.ForwardPass. Its parameters are read where
// they lie, at every Run, so a network that changes is followed without a copy. Not safe for concurrent use.
type ForwardPass struct {
	rt       *Runtime
	session  *C.OrtSession
	options  *sessionOptions
	contract contract // of its batches alone
	pinner   runtime.Pinner

	inputs, outputs []*C.char // names: those of the batch, then the parameters
	outputNames     []string
	columns         []int
	bound           []*C.OrtValue // by parameter
}

// NewForwardPass opens a session on a graph of autodiff.ForwardPass.
func (rt *Runtime) NewForwardPass(m *onnxgraph.Model, o SessionOptions) (*ForwardPass, error) {
	f := &ForwardPass{rt: rt}
	if err := f.create(m, o); err != nil {
		f.Close()
		return nil, during("create forward session", err)
	}
	return f, nil
}

func (f *ForwardPass) create(m *onnxgraph.Model, o SessionOptions) error {
	if err := f.readContract(m); err != nil {
		return fmt.Errorf("forward graph: %w", err)
	}
	data, err := m.Encode()
	if err != nil {
		return err
	}
	// Threads that go on spinning after a run would take the cores from the training session, and an arena the memory.
	o.Execution = o.Execution.orDefault()
	o.Execution.Arena = false
	if f.options, err = f.rt.sessionOptions(o); err != nil {
		return err
	}
	if err := f.options.set("session.force_spinning_stop", "1"); err != nil {
		return err
	}
	f.session, err = f.options.open(data)
	return err
}

// readContract takes the names of what the graph takes and gives.
func (f *ForwardPass) readContract(m *onnxgraph.Model) (err error) {
	if f.contract.Contract, err = graph.ReadForward(m); err != nil {
		return err
	}
	for _, name := range f.contract.Inputs {
		f.inputs = append(f.inputs, C.CString(name))
	}
	for _, p := range f.contract.Parameters {
		f.inputs = append(f.inputs, C.CString(p.Name))
	}
	f.bound = make([]*C.OrtValue, len(f.contract.Parameters))
	for _, out := range f.contract.Outputs {
		f.outputs = append(f.outputs, C.CString(out.Name))
		if out.Columns == 0 {
			return fmt.Errorf("output %s must be [rows, n]", out.Name)
		}
		f.outputNames = append(f.outputNames, out.Name)
		f.columns = append(f.columns, int(out.Columns))
	}
	return nil
}

// Outputs names what Run gives, in order.
func (f *ForwardPass) Outputs() []string { return f.outputNames }

// Columns is the number of columns of each output.
func (f *ForwardPass) Columns() []int { return f.columns }

// bind lets the pass read a parameter's values, which stay where they are until Close.
func (f *ForwardPass) bind(i int, values []float32) error {
	p := f.contract.Parameters[i]
	if len(values) != p.Size() {
		return fmt.Errorf("parameter %s has shape %v, got %d values", p.Name, p.Shape, len(values))
	}
	if len(values) == 0 {
		return fmt.Errorf("parameter %s is empty", p.Name)
	}
	f.pinner.Pin(&values[0])
	v, err := f.rt.wrap(unsafe.Pointer(&values[0]), p.Shape)
	if err != nil {
		return err
	}
	if f.bound[i] != nil {
		C.ort_ReleaseValue(f.bound[i])
	}
	f.bound[i] = v
	return nil
}

// Bind lets a forward pass take its parameters: the trained ones out of trained, which holds them as Trained does and
// stays where it is, and copies of the frozen ones.
func (t *Trainer) Bind(f *ForwardPass, trained []float32) error {
	parts := map[string][]float32{}
	at := 0
	for _, p := range t.contract.Parameters {
		if !p.Trainable {
			continue
		}
		end := at + p.Size()
		if end > len(trained) {
			return fmt.Errorf("ort: bind parameters: %d values are too few", len(trained))
		}
		parts[p.Name] = trained[at:end]
		at = end
	}
	if at != len(trained) {
		return fmt.Errorf("ort: bind parameters: %d values for %d", len(trained), at)
	}
	for i, p := range f.contract.Parameters {
		values, ok := parts[p.Name]
		if !ok {
			var err error
			if values, err = t.readParameter(nil, p.Name); err != nil {
				return fmt.Errorf("ort: bind parameters: %w", err)
			}
		}
		if err := f.bind(i, values); err != nil {
			return fmt.Errorf("ort: bind parameters: %w", err)
		}
	}
	return nil
}

// Trained gives the values of the trainable parameters, one after the other in the order of Parameters: not a copy, but
// where the optimizer in Go has them, to be read only and until Close. With the optimizer of ONNX Runtime that is an
// error.
func (t *Trainer) Trained() ([]float32, error) {
	if t.updater == nil {
		return nil, errors.New("ort: trained parameters: the optimizer is ONNX Runtime's, which keeps them to itself")
	}
	if err := t.refresh(); err != nil {
		return nil, fmt.Errorf("ort: trained parameters: %w", err)
	}
	return t.updater.values.Data(), nil
}

// Run gives every output's values, row-major, in the order of Outputs. dst is reused where it is large enough.
func (f *ForwardPass) Run(dst [][]float32, in Inputs) ([][]float32, error) {
	if f.contract.Draws == nil {
		in.Draws = nil // of the training graph, perhaps not of this part of it
	}
	if err := f.contract.checkInputs(in); err != nil {
		return dst, fmt.Errorf("ort: forward pass: %w", err)
	}
	for i, v := range f.bound {
		if v == nil {
			return dst, fmt.Errorf("ort: forward pass: parameter %s has no values", f.contract.Parameters[i].Name)
		}
	}
	batch, err := f.contract.values(in)
	defer release(batch)
	if err != nil {
		return dst, fmt.Errorf("ort: forward pass: %w", err)
	}
	values := slices.Concat(batch, f.bound)
	outputs := make([]*C.OrtValue, len(f.outputs))
	defer release(outputs)
	err = status(C.ort_Run(f.session, nil, &f.inputs[0], &values[0], C.size_t(len(values)),
		&f.outputs[0], C.size_t(len(outputs)), &outputs[0]))
	if err == nil {
		dst, err = readOutputs(dst, outputs, f.outputNames)
	}
	if err != nil {
		return dst, fmt.Errorf("ort: forward pass: %w", err)
	}
	return dst, nil
}

// Close releases the session and lets go of the parameters.
func (f *ForwardPass) Close() {
	release(f.bound)
	if f.session != nil {
		C.ort_ReleaseSession(f.session)
	}
	f.options.close()
	for _, name := range append(f.inputs, f.outputs...) {
		C.free(unsafe.Pointer(name))
	}
	f.pinner.Unpin()
	*f = ForwardPass{}
}
