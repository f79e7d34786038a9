package kernels

/*
#cgo CXXFLAGS: -std=c++17 -O3 -Wall -Wno-psabi
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "kernels.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"ordo/models/ort/install"
)

// OneDNN is the loaded oneDNN. A process can have one loaded at a time; opening the same file again shares it.
type OneDNN struct {
	path, version string
	uses          int
}

var (
	loadedMu sync.Mutex
	loaded   *OneDNN
)

// Open loads the oneDNN at path. A file that is no oneDNN that ordo can use is a fault of the kind Library.
func Open(path string) (*OneDNN, error) {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if loaded != nil {
		if loaded.path != path {
			return nil, fmt.Errorf("kernels: open %s: this process already uses %s", path, loaded.path)
		}
		loaded.uses++
		return loaded, nil
	}
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var version [3]C.int
	if reason := C.ordo_onednn_open(cpath, &version[0]); reason != nil {
		return nil, install.UnfitOneDNN(path, text(reason))
	}
	loaded = &OneDNN{path: path, version: fmt.Sprintf("%d.%d.%d", version[0], version[1], version[2]), uses: 1}
	return loaded, nil
}

// Path is the file that was opened.
func (d *OneDNN) Path() string { return d.path }

// Version is what the library says of itself, for example "3.13.0".
func (d *OneDNN) Version() string { return d.version }

// BF16 reports whether the processor has instructions for bfloat16, without which precision bf16 is an error.
func (d *OneDNN) BF16() bool { return C.ordo_onednn_bf16() != 0 }

// AMX reports whether the processor has matrix units for bfloat16.
func (d *OneDNN) AMX() bool { return C.ordo_onednn_amx() != 0 }

// Close gives the library back. Sessions with its operators must be closed before.
//
// It stays mapped after its last user: unloading an OpenMP runtime under threads that used it ends the process.
func (d *OneDNN) Close() {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if d.uses--; d.uses == 0 {
		C.ordo_onednn_close()
		loaded = nil
	}
}

// Operators are the operators of one session.
type Operators struct{ it *C.ordo_kernels }

// Register adds the operators to a custom operator domain of ONNX Runtime: api is its table of functions (OrtApi of
// version 19 or later), domain an OrtCustomOpDomain, threads the number that the session has, at least 1.
func (d *OneDNN) Register(api, domain unsafe.Pointer, threads int) (*Operators, error) {
	var reason *C.char
	it := C.ordo_kernels_register((*unsafe.Pointer)(api), domain, C.int(threads), &reason)
	if it == nil {
		return nil, fmt.Errorf("kernels: register operators: %s", text(reason))
	}
	return &Operators{it}, nil
}

// Scratch is the memory in bytes that the operators hold between calls, beside ONNX Runtime's.
func (o *Operators) Scratch() int { return int(C.ordo_kernels_scratch(o.it)) }

// Close releases the operators, after the session and the domain.
func (o *Operators) Close() { C.ordo_kernels_release(o.it) }

// text takes over a C string.
func text(s *C.char) string {
	defer C.free(unsafe.Pointer(s))
	return C.GoString(s)
}

// vectorBits is the width of the vectors that the loops beside oneDNN use: 512 (AVX-512), 256 (AVX2) or 128. It is for
// tests, whose files can't call C.
func vectorBits() int { return int(C.ordo_vector_bits()) }

// limitVectors makes the loops use vectors of at most n bits, for tests of what other processors run; 512 lifts the
// limit.
func limitVectors(n int) { C.ordo_limit_vectors(C.int(n)) }
