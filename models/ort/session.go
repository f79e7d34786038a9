package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"ordo/models/onnxgraph"
)

// Session runs a graph as it is, for single operators: to test them and to measure them. Not safe for concurrent use.
type Session struct {
	rt              *Runtime
	session         *C.OrtSession
	options         *sessionOptions
	inputs, outputs []*C.char
}

// NewSession opens a session on a graph whose inputs and outputs are of float32.
func (rt *Runtime) NewSession(graph []byte, o SessionOptions) (*Session, error) {
	s := &Session{rt: rt}
	if err := s.create(graph, o); err != nil {
		s.Close()
		return nil, during("create session", err)
	}
	return s, nil
}

func (s *Session) create(graph []byte, o SessionOptions) error {
	m, err := onnxgraph.Decode(graph)
	if err != nil {
		return err
	}
	for _, in := range m.Graph.Input {
		s.inputs = append(s.inputs, C.CString(in.GetName()))
	}
	for _, out := range m.Graph.Output {
		s.outputs = append(s.outputs, C.CString(out.GetName()))
	}
	if len(s.inputs) == 0 || len(s.outputs) == 0 {
		return errors.New("the graph has no inputs or no outputs")
	}
	if s.options, err = s.rt.sessionOptions(o); err != nil {
		return err
	}
	s.session, err = s.options.open(graph)
	return err
}

// Result is an output of a session. Data is ONNX Runtime's memory and ends with Release.
type Result struct {
	Shape []int64
	Data  []float32
	value *C.OrtValue
}

// Run takes a tensor for each input and gives each output, both in the graph's order. The results are to be released.
func (s *Session) Run(in []*Tensor) ([]Result, error) {
	if len(in) != len(s.inputs) {
		return nil, fmt.Errorf("ort: session: %d inputs, the graph takes %d", len(in), len(s.inputs))
	}
	values := make([]*C.OrtValue, len(in))
	defer release(values)
	for i, t := range in {
		var err error
		if values[i], err = t.value(); err != nil {
			return nil, fmt.Errorf("ort: session: %w", err)
		}
	}
	outputs := make([]*C.OrtValue, len(s.outputs))
	err := status(C.ort_Run(s.session, nil, &s.inputs[0], &values[0], C.size_t(len(values)),
		&s.outputs[0], C.size_t(len(outputs)), &outputs[0]))
	results := make([]Result, len(outputs))
	for i, v := range outputs {
		if err == nil {
			results[i].value = v
			results[i].Data, results[i].Shape, err = view(v)
		}
	}
	if err != nil {
		release(outputs)
		return nil, fmt.Errorf("ort: session: %w", err)
	}
	return results, nil
}

// Release gives the outputs' memory back.
func Release(results []Result) {
	for i := range results {
		C.ort_ReleaseValue(results[i].value)
	}
	clear(results)
}

// Scratch is the memory in bytes that the operators of package kernels hold in this session.
func (s *Session) Scratch() int {
	if s.options.kernels == nil {
		return 0
	}
	return s.options.kernels.Scratch()
}

// Close releases the session.
func (s *Session) Close() {
	if s.session != nil {
		C.ort_ReleaseSession(s.session)
	}
	s.options.close()
	for _, name := range append(s.inputs, s.outputs...) {
		C.free(unsafe.Pointer(name))
	}
	*s = Session{}
}
