package ort

/*
#cgo CFLAGS: -O2 -Wall
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"ordo/models/fault"
	"ordo/models/ort/install"
	"ordo/models/ort/kernels"
)

// Runtime is the loaded ONNX Runtime. A process can have one loaded at a time; opening the same file again shares it.
type Runtime struct {
	path    string
	version string
	uses    int
	env     *C.OrtEnv
	memory  *C.OrtMemoryInfo
	alloc   *C.OrtAllocator
	kernels *kernels.OneDNN // nil: not enabled
}

// loaded is the process's one library: ONNX Runtime's environment is global to a process, whatever a binding does.
var (
	loadedMu sync.Mutex
	loaded   *Runtime
)

// Open loads the library file at path. A file that is no ONNX Runtime library that ordo can use is a fault of the kind
// Library. A library without the training API opens too (HasTraining tells); only NewTrainer refuses it.
func Open(path string) (*Runtime, error) {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if loaded != nil {
		if loaded.path != path {
			return nil, fmt.Errorf("ort: open %s: this process already uses %s", path, loaded.path)
		}
		loaded.uses++
		return loaded, nil
	}
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var version *C.char
	if reason := C.ordo_open(cpath, &version); reason != nil {
		return nil, install.UnfitRuntime(path, C.GoString(reason))
	}
	rt := &Runtime{path: path, version: C.GoString(version), uses: 1}
	id := C.CString("ordo")
	defer C.free(unsafe.Pointer(id))
	err := errors.Join(
		// Faults come back as errors; what ONNX Runtime would print besides is the same again, without context.
		status(C.ort_CreateEnv(C.ORT_LOGGING_LEVEL_FATAL, id, &rt.env)),
		status(C.ort_CreateCpuMemoryInfo(C.ORT_DEVICE_ALLOCATOR, C.ORT_MEM_DEFAULT, &rt.memory)),
		status(C.ort_GetAllocatorWithDefaultOptions(&rt.alloc)))
	if err != nil {
		rt.release()
		return nil, install.UnfitRuntime(path, err.Error())
	}
	loaded = rt
	return rt, nil
}

// Path is the file that was opened.
func (rt *Runtime) Path() string { return rt.path }

// Version is what the library says of itself, for example "1.28.0".
func (rt *Runtime) Version() string { return rt.version }

// HasTraining reports whether the library was built with the training API.
func (rt *Runtime) HasTraining() bool { return C.ordo_training_api != nil }

// RequireTraining is a fault of the kind Library where the library was built without the training API.
func (rt *Runtime) RequireTraining() error {
	if rt.HasTraining() {
		return nil
	}
	return fault.New(fault.Library, "%s, ONNX Runtime %s, was built without the training API", rt.path, rt.version).
		With(fault.InstallLibrary{})
}

// Providers names the execution providers that are built in, best first, for example CPUExecutionProvider.
func (rt *Runtime) Providers() ([]string, error) {
	var names **C.char
	var count C.int
	if err := status(C.ort_GetAvailableProviders(&names, &count)); err != nil {
		return nil, fmt.Errorf("ort: list providers: %w", err)
	}
	out := make([]string, count)
	for i, n := range unsafe.Slice(names, int(count)) {
		out[i] = C.GoString(n)
	}
	if err := status(C.ort_ReleaseAvailableProviders(names, count)); err != nil {
		return nil, fmt.Errorf("ort: list providers: %w", err)
	}
	return out, nil
}

// SetSeed sets the generators of operators that draw, such as Dropout. They are the process's, not a session's.
func (rt *Runtime) SetSeed(seed int64) error {
	if err := rt.RequireTraining(); err != nil {
		return err
	}
	return status(C.ort_SetSeed(C.int64_t(seed)))
}

// Close gives the library back; with its last user it is unloaded. Sessions must be closed before.
func (rt *Runtime) Close() {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if rt.uses--; rt.uses == 0 {
		rt.release()
		loaded = nil
	}
}

func (rt *Runtime) release() {
	if rt.kernels != nil {
		rt.kernels.Close()
	}
	if rt.memory != nil {
		C.ort_ReleaseMemoryInfo(rt.memory)
	}
	if rt.env != nil {
		C.ort_ReleaseEnv(rt.env)
	}
	C.ordo_close()
}

// during says where an error came up that only a bug can cause. A fault stays as it is: it says itself what is wrong.
func during(doing string, err error) error {
	if fault.KindOf(err) != fault.Other {
		return err
	}
	return fmt.Errorf("ort: %s: %w", doing, err)
}

// status turns ONNX Runtime's status into an error and releases it.
func status(s *C.OrtStatus) error {
	if s == nil {
		return nil
	}
	defer C.ort_ReleaseStatus(s)
	return errors.New(C.GoString(C.ort_GetErrorMessage(s)))
}
