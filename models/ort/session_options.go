package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"runtime"
	"unsafe"

	"ordo/models/graph"
	"ordo/models/ort/kernels"
)

// SessionOptions say how a session computes.
type SessionOptions struct {
	Threads int // ONNX Runtime's threads within an operator, the calling one included; 0 = one a core
	// Execution says where and how ONNX Runtime computes. Zero: DefaultExecution.
	Execution Execution
}

// sessionOptions are ONNX Runtime's options of one session, with the operators of the domain "ordo".
type sessionOptions struct {
	rt      *Runtime
	it      *C.OrtSessionOptions
	domain  *C.OrtCustomOpDomain
	kernels *kernels.Operators // nil where kernels are not enabled
}

// sessionOptions makes the options of every kind of session. They are to be closed after the session.
func (rt *Runtime) sessionOptions(o SessionOptions) (*sessionOptions, error) {
	s := &sessionOptions{rt: rt}
	if err := s.create(o); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sessionOptions) create(o SessionOptions) error {
	if err := status(C.ort_CreateSessionOptions(&s.it)); err != nil {
		return err
	}
	if err := status(C.ort_SetIntraOpNumThreads(s.it, C.int(o.Threads))); err != nil {
		return err
	}
	e := o.Execution.orDefault()
	if err := s.rt.apply(e, s.it); err != nil {
		return err
	}
	if err := s.set(SpinEntry(e.Spin)); err != nil {
		return err
	}
	return s.addOperators(o.Threads)
}

// addOperators makes the domain, with the operators of package kernels if they are enabled.
func (s *sessionOptions) addOperators(threads int) error {
	name := C.CString(graph.Domain)
	defer C.free(unsafe.Pointer(name))
	if err := status(C.ort_CreateCustomOpDomain(name, &s.domain)); err != nil {
		return err
	}
	if s.rt.kernels != nil {
		if threads == 0 {
			threads = runtime.NumCPU()
		}
		var err error
		s.kernels, err = s.rt.kernels.Register(unsafe.Pointer(C.ordo_api), unsafe.Pointer(s.domain), threads)
		if err != nil {
			return err
		}
	}
	return status(C.ort_AddCustomOpDomain(s.it, s.domain))
}

// set adds an entry to the session's configuration.
func (s *sessionOptions) set(key, value string) error {
	ckey, cvalue := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(ckey))
	defer C.free(unsafe.Pointer(cvalue))
	return status(C.ort_AddSessionConfigEntry(s.it, ckey, cvalue))
}

// open creates an inference session on a graph.
func (s *sessionOptions) open(graph []byte) (session *C.OrtSession, err error) {
	err = status(C.ort_CreateSessionFromArray(s.rt.env, pointer(graph), C.size_t(len(graph)), s.it, &session))
	return session, err
}

// close releases the operators and the options, after the session.
func (s *sessionOptions) close() {
	if s == nil {
		return
	}
	if s.domain != nil {
		C.ort_ReleaseCustomOpDomain(s.domain)
	}
	if s.kernels != nil {
		s.kernels.Close()
	}
	if s.it != nil {
		C.ort_ReleaseSessionOptions(s.it)
	}
}
