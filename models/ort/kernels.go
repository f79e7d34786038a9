package ort

import (
	"fmt"

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
