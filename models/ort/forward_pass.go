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

	"ordo/models/onnxgraph"
)

// ForwardPass runs a forward pass in training mode by itself, see autodiff.TrainingForward. Its parameters are read where they lie, at
// every Run, so a network that changes is followed without a copy. Not safe for concurrent use.
type ForwardPass struct {
	rt         *Runtime
	session    *C.OrtSession
	options    *sessionOptions
	contract   contract // of its batches alone
	parameters []Parameter
	pinner     runtime.Pinner

	inputs, outputs []*C.char // names: those of the batch, then the parameters
	outputNames     []string
	columns         []int
	bound           []*C.OrtValue // by parameter
}

// NewForwardPass opens a session on a graph of autodiff.TrainingForward.
func (rt *Runtime) NewForwardPass(graph []byte, o SessionOptions) (*ForwardPass, error) {
	f := &ForwardPass{rt: rt}
	if err := f.create(graph, o); err != nil {
		f.Close()
		return nil, fmt.Errorf("ort: create forward session: %w", err)
	}
	return f, nil
}

func (f *ForwardPass) create(graph []byte, o SessionOptions) error {
	m, err := parse("forward graph", graph)
	if err != nil {
		return err
	}
	if err := f.readGraph(m.Graph); err != nil {
		return fmt.Errorf("forward graph: %w", err)
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
	f.session, err = f.options.open(graph)
	return err
}

func (f *ForwardPass) readGraph(g *onnxgraph.Graph) error {
	var parameters []*C.char
	for _, in := range g.Input {
		name := in.GetName()
		shape, err := floatShape(in)
		if err != nil {
			return fmt.Errorf("input %s: %w", name, err)
		}
		cname := C.CString(name)
		switch {
		case name == imagesName && len(shape) == 4:
			f.contract.images = shape
		case name == drawnName && len(shape) == 2:
			f.contract.drawn = shape
		default:
			f.parameters = append(f.parameters, Parameter{Name: name, Shape: shape})
			parameters = append(parameters, cname)
			continue
		}
		f.contract.inputs = append(f.contract.inputs, name)
		f.inputs = append(f.inputs, cname)
	}
	f.inputs = append(f.inputs, parameters...)
	f.bound = make([]*C.OrtValue, len(parameters))
	for _, out := range g.Output {
		f.outputs = append(f.outputs, C.CString(out.GetName()))
		f.outputNames = append(f.outputNames, out.GetName())
		typ, err := out.TensorType()
		if err != nil || len(typ.Shape) != 2 || !typ.Shape[1].Static() {
			return fmt.Errorf("output %s is %v, it must be [rows, n]", out.GetName(), typ)
		}
		f.columns = append(f.columns, int(typ.Shape[1].Size))
	}
	if f.contract.images == nil || len(f.outputs) == 0 {
		return errors.New("it takes no images or gives nothing")
	}
	return nil
}

// Outputs names what Run gives, in order.
func (f *ForwardPass) Outputs() []string { return f.outputNames }

// Columns is the number of columns of each output.
func (f *ForwardPass) Columns() []int { return f.columns }

// bind lets the pass read a parameter's values, which stay where they are until Close.
func (f *ForwardPass) bind(i int, values []float32) error {
	p := f.parameters[i]
	if len(values) != p.size() {
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

// Bind lets a forward pass take its parameters: the trained ones out of trained, which holds them as Trained does and stays
// where it is, and copies of the frozen ones.
func (t *Trainer) Bind(f *ForwardPass, trained []float32) error {
	parts := map[string][]float32{}
	at := 0
	for _, p := range t.contract.parameters {
		if !p.Trainable {
			continue
		}
		end := at + p.size()
		if end > len(trained) {
			return fmt.Errorf("ort: bind parameters: %d values are too few", len(trained))
		}
		parts[p.Name] = trained[at:end]
		at = end
	}
	if at != len(trained) {
		return fmt.Errorf("ort: bind parameters: %d values for %d", len(trained), at)
	}
	for i, p := range f.parameters {
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

// Trained gives the values of the trainable parameters, one after the other in the order of Parameters: not a copy, but where the
// optimizer in Go has them, to be read only and until Close. With the optimizer of ONNX Runtime that is an error.
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
	if f.contract.drawn == nil {
		in.Draws = nil // of the training graph, perhaps not of this part of it
	}
	if err := f.contract.checkInputs(in); err != nil {
		return dst, fmt.Errorf("ort: forward pass: %w", err)
	}
	for i, v := range f.bound {
		if v == nil {
			return dst, fmt.Errorf("ort: forward pass: parameter %s has no values", f.parameters[i].Name)
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
	err = status(C.ort_Run(f.session, nil, &f.inputs[0], &values[0], C.size_t(len(values)), &f.outputs[0], C.size_t(len(outputs)), &outputs[0]))
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
