package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"unsafe"

	"github.com/google/renameio/v2"

	"ordo/models/checkpoint"
	"ordo/models/fault"
	"ordo/models/graph"
)

// Parameters lists the model's parameters in the training graph's order, the order of CopyParameters too.
func (t *Trainer) Parameters() []graph.Parameter { return t.contract.Parameters }

// Parameter copies a parameter's values out, in row-major order.
func (t *Trainer) Parameter(name string) ([]float32, error) {
	return t.readParameter(nil, name)
}

func (t *Trainer) readParameter(dst []float32, name string) ([]float32, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var v *C.OrtValue
	if err := status(C.ort_GetParameter(t.state, cname, t.rt.alloc, &v)); err != nil {
		return dst, fmt.Errorf("ort: read parameter %s: %w", name, err)
	}
	defer C.ort_ReleaseValue(v)
	dst, _, err := floats(dst, v)
	if err != nil {
		return dst, fmt.Errorf("ort: read parameter %s: %w", name, err)
	}
	return dst, nil
}

// SetParameter overwrites a parameter's values; their number must be the parameter's.
func (t *Trainer) SetParameter(name string, values []float32) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	_, shape, err := t.stateShape(name)
	if err != nil {
		return fmt.Errorf("ort: set parameter %s: %w", name, err)
	}
	if len(values) != (graph.Parameter{Shape: shape}).Size() {
		return fmt.Errorf("ort: set parameter %s: %d values for shape %v", name, len(values), shape)
	}
	t.parametersChanged()
	return t.rt.lend(values, shape, func(v *C.OrtValue) error {
		if err := status(C.ort_UpdateParameter(t.state, cname, v)); err != nil {
			return fmt.Errorf("ort: set parameter %s: %w", name, err)
		}
		return nil
	})
}

// stateShape gives a parameter's element type and shape in the state; it works before there is a session.
func (t *Trainer) stateShape(name string) (int, []int64, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var info *C.OrtTensorTypeAndShapeInfo
	if err := status(C.ort_GetParameterTypeAndShape(t.state, cname, &info)); err != nil {
		return 0, nil, err
	}
	defer C.ort_ReleaseTensorTypeAndShapeInfo(info)
	return typeAndShape(info)
}

// lend gives ONNX Runtime a copy of Go's values for one call.
func (rt *Runtime) lend(values []float32, shape []int64, use func(*C.OrtValue) error) error {
	p := C.malloc(C.size_t(4*len(values) + 1))
	defer C.free(p)
	copy(unsafe.Slice((*float32)(p), len(values)), values)
	v, err := rt.wrap(p, shape)
	if err != nil {
		return err
	}
	defer C.ort_ReleaseValue(v)
	return use(v)
}

// ParameterCount is the number of values of all parameters, or of the trainable ones.
func (t *Trainer) ParameterCount(trainableOnly bool) (int, error) {
	var n C.size_t
	if err := status(C.ort_GetParametersSize(t.session, &n, C.bool(trainableOnly))); err != nil {
		return 0, fmt.Errorf("ort: count parameters: %w", err)
	}
	return int(n), nil
}

// CopyParameters gives the values of all parameters, or of the trainable ones, in the order of Parameters.
func (t *Trainer) CopyParameters(trainableOnly bool) ([]float32, error) {
	n, err := t.ParameterCount(trainableOnly)
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	err = t.rt.lend(out, []int64{int64(n)}, func(v *C.OrtValue) error {
		if err := status(C.ort_CopyParametersToBuffer(t.session, v, C.bool(trainableOnly))); err != nil {
			return err
		}
		values, _, err := view(v)
		copy(out, values)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ort: copy parameters: %w", err)
	}
	return out, nil
}

// SetProperty stores an int64, a float32 or a string in the state; Save writes it into the checkpoint.
func (t *Trainer) SetProperty(name string, value any) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var s *C.OrtStatus
	switch v := value.(type) {
	case int64:
		n := C.int64_t(v)
		s = C.ort_AddProperty(t.state, cname, C.ORT_PROPERTY_INT, unsafe.Pointer(&n))
	case float32:
		f := C.float(v)
		s = C.ort_AddProperty(t.state, cname, C.ORT_PROPERTY_FLOAT, unsafe.Pointer(&f))
	case string:
		c := C.CString(v)
		defer C.free(unsafe.Pointer(c))
		s = C.ort_AddProperty(t.state, cname, C.ORT_PROPERTY_STRING, unsafe.Pointer(c))
	default:
		return fmt.Errorf("ort: set property %s: %T is not int64, float32 or string", name, value)
	}
	if err := status(s); err != nil {
		return fmt.Errorf("ort: set property %s: %w", name, err)
	}
	return nil
}

// Property reads what SetProperty stored, now or before the checkpoint was saved.
func (t *Trainer) Property(name string) (any, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	var kind C.int
	var p unsafe.Pointer
	if err := status(C.ort_GetProperty(t.state, cname, t.rt.alloc, &kind, &p)); err != nil {
		return nil, fmt.Errorf("ort: property %s: %w", name, err)
	}
	var value any
	switch kind {
	case C.ORT_PROPERTY_INT:
		value = int64(*(*C.int64_t)(p))
	case C.ORT_PROPERTY_FLOAT:
		value = float32(*(*C.float)(p))
	case C.ORT_PROPERTY_STRING:
		value = C.GoString((*C.char)(p))
	}
	if err := status(C.ort_AllocatorFree(t.rt.alloc, p)); err != nil {
		return nil, fmt.Errorf("ort: property %s: %w", name, err)
	}
	return value, nil
}

// Save writes parameters, optimizer moments, properties and all that Keep was given to path: whole, or not at all. What
// can't be written is a fault of the kind Storage.
func (t *Trainer) Save(path string) error {
	return replaceFile(path, func(f *renameio.PendingFile, name *C.char) error {
		if err := status(C.ort_SaveCheckpoint(t.state, name, true)); err != nil {
			return diskError(f, path, fmt.Errorf("ort: save checkpoint: %w", err))
		}
		return fault.Writing(path, checkpoint.Seal(f, t.kept))
	})
}

// Export writes the evaluation graph with the current parameters inside as a plain ONNX model with the given outputs.
// What can't be written is a fault of the kind Storage.
func (t *Trainer) Export(path string, outputs ...string) error {
	if len(t.evalOut) == 0 {
		return errors.New("ort: export: the artifacts have no evaluation graph")
	}
	if len(outputs) == 0 {
		return errors.New("ort: export: no outputs named")
	}
	names := make([]*C.char, len(outputs))
	for i, n := range outputs {
		names[i] = C.CString(n)
		defer C.free(unsafe.Pointer(names[i]))
	}
	return replaceFile(path, func(f *renameio.PendingFile, name *C.char) error {
		if err := status(C.ort_ExportModelForInferencing(t.session, name, C.size_t(len(names)), &names[0])); err != nil {
			return diskError(f, path, fmt.Errorf("ort: export: %w", err))
		}
		return nil
	})
}

// replaceFile makes the file at path appear whole or not at all: write fills a temporary file, whose name it gets too.
func replaceFile(path string, write func(f *renameio.PendingFile, name *C.char) error) error {
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fault.Writing(path, err)
	}
	defer f.Cleanup() //nolint:errcheck // after a successful rename there is nothing left to clean
	name := C.CString(f.Name())
	defer C.free(unsafe.Pointer(name))
	if err := write(f, name); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fault.Writing(path, err)
	}
	return graph.SyncDir(filepath.Dir(path))
}

// diskError finds out whether ONNX Runtime, which loses the operating system's error, failed because the disk did.
func diskError(f io.Writer, path string, err error) error {
	if _, disk := f.Write(make([]byte, 1<<20)); disk != nil {
		return fault.Writing(path, disk)
	}
	return err
}
