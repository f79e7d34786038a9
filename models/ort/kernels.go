package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"ordo/models/ort/kernels"
)

// EnableKernels loads oneDNN from its library file, see install.FindOneDNN, for the operators of package kernels: sessions that are
// created from now on have them. Its error wraps kernels.ErrLibrary.
func (rt *Runtime) EnableKernels(path string) error {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if rt.kernels != nil && rt.kernels.Path() == path {
		return nil
	}
	k, err := kernels.Open(path)
	if err != nil {
		return fmt.Errorf("ort: %w", err)
	}
	rt.kernels = k
	return nil
}

// Kernels is what EnableKernels loaded, or nil.
func (rt *Runtime) Kernels() *kernels.OneDNN { return rt.kernels }

// operators are the custom operators of one session.
type operators struct {
	domain  *C.OrtCustomOpDomain
	kernels *kernels.Operators
}

// newOperators makes the domain "ordo", with the operators of package kernels if they are enabled, and adds it to the options.
func (rt *Runtime) newOperators(options *C.OrtSessionOptions, threads int) (*operators, error) {
	o := new(operators)
	name := C.CString(lossDomain)
	defer C.free(unsafe.Pointer(name))
	err := status(C.ort_CreateCustomOpDomain(name, &o.domain))
	if err == nil && rt.kernels != nil {
		if threads == 0 {
			threads = runtime.NumCPU()
		}
		o.kernels, err = rt.kernels.Register(unsafe.Pointer(C.ordo_api), unsafe.Pointer(o.domain), threads)
	}
	if err == nil {
		err = status(C.ort_AddCustomOpDomain(options, o.domain))
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// close releases them, after the session.
func (o *operators) close() {
	if o == nil {
		return
	}
	if o.domain != nil {
		C.ort_ReleaseCustomOpDomain(o.domain)
	}
	if o.kernels != nil {
		o.kernels.Close()
	}
}
