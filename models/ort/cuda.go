package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"debug/elf"
	"os"
	"path/filepath"
	"unsafe"

	"ordo/models/fault"
)

// cudaProvider is the library, beside ONNX Runtime's own, that holds the CUDA execution provider.
const cudaProvider = "libonnxruntime_providers_cuda.so"

// cudaDriver comes with NVIDIA's driver, not with CUDA; CUDA's runtime loads it by itself.
const cudaDriver = "libcuda.so.1"

// MissingCUDA names the libraries that the CUDA execution provider of the ONNX Runtime at path needs and this machine
// does not have, such as libcudart.so.13 or libcudnn.so.9. None: training with CUDA would work if there is a GPU. An
// ONNX Runtime without that provider's library beside it is a fault of the kind Library.
func MissingCUDA(path string) ([]string, error) {
	dir := filepath.Dir(path)
	provider := filepath.Join(dir, cudaProvider)
	if _, err := os.Stat(provider); err != nil {
		return nil, fault.New(fault.Library, "%s has no %s beside it", path, cudaProvider).
			With(fault.InstallLibrary{GPU: true})
	}
	f, err := elf.Open(provider)
	if err != nil {
		return nil, fault.Reading(fault.Library, provider, err)
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return nil, fault.Reading(fault.Library, provider, err)
	}
	var missing []string
	for _, name := range append(needed, cudaDriver) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			continue // ONNX Runtime loads it from there
		}
		cname := C.CString(name)
		if !C.ordo_can_load(cname) {
			missing = append(missing, name)
		}
		C.free(unsafe.Pointer(cname))
	}
	return missing, nil
}
