package ort

import "ordo/models/ort/kernels"

// EnableKernels loads oneDNN from its library file, see install.FindOneDNN, for the operators of package kernels:
// sessions that are created from now on have them. A file that is no oneDNN is a fault of the kind Library.
func (rt *Runtime) EnableKernels(path string) error {
	loadedMu.Lock()
	defer loadedMu.Unlock()
	if rt.kernels != nil && rt.kernels.Path() == path {
		return nil
	}
	k, err := kernels.Open(path)
	if err != nil {
		return err
	}
	rt.kernels = k
	return nil
}

// Kernels is what EnableKernels loaded, or nil.
func (rt *Runtime) Kernels() *kernels.OneDNN { return rt.kernels }
