package ort

/*
#include <stdlib.h>
#include "api.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"ordo/models/fault"
)

// Execution providers that Execution takes.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// providers maps them to ONNX Runtime's names.
var providers = map[string]string{CPU: "CPUExecutionProvider", CUDA: "CUDAExecutionProvider"}

// optimizationLevels are ONNX Runtime's GraphOptimizationLevel.
var optimizationLevels = map[string]C.int{"none": 0, "basic": 1, "extended": 2, "all": 99}

// Execution says where and how ONNX Runtime computes. It changes speed and memory, and the last bits of the results.
type Execution struct {
	// Provider is what computes: cpu (default) or cuda; cuda is an error where library or machine lack it, never the CPU
	// instead.
	Provider     string `yaml:"provider"`
	Device       int    `yaml:"device"`       // the number of the GPU for cuda, in [0, 63]; default 0
	Optimization string `yaml:"optimization"` // how far graphs are optimized: none, basic, extended or all (default)
	// Arena keeps freed memory for the next step; default true. Without it a step is slower and takes less memory.
	Arena bool `yaml:"arena"`
	// Spin is how long a thread without work looks for some before it sleeps, in microseconds, in [0, 1000000]; default
	// 200; 0: not at all. To wake takes some microseconds more, and a thread that looks takes a core from other programs.
	Spin int `yaml:"spin_us"`
}

// DefaultSpin is that of Execution.Spin in microseconds. ONNX Runtime's own is a number of pauses, which take 3 to
// 500 ms by the processor (its pull request 27916), and two trainings side by side then take a fifth longer than one
// after the other.
const DefaultSpin = 200

// DefaultExecution is the CPU, all optimizations, with an arena: ONNX Runtime's own but for Spin.
func DefaultExecution() Execution {
	return Execution{Provider: CPU, Optimization: "all", Arena: true, Spin: DefaultSpin}
}

// maxSpin is the most that Execution.Spin can be.
const maxSpin = 1_000_000

// ONNX Runtime's configuration of threads without work.
const (
	allowSpinning = "session.intra_op.allow_spinning"
	spinDuration  = "session.intra_op.spin_duration_us"
)

// SpinEntry is the entry of a session's configuration that makes its threads look for work so many microseconds.
func SpinEntry(microseconds int) (key, value string) {
	if microseconds == 0 {
		return allowSpinning, "0"
	}
	return spinDuration, strconv.Itoa(microseconds)
}

// Validate returns every fault, joined, each starting with its key.
func (e Execution) Validate() error {
	var faults []error
	if _, ok := providers[e.Provider]; !ok {
		faults = append(faults, fmt.Errorf("provider: must be %s or %s, got %q", CPU, CUDA, e.Provider))
	}
	if e.Device < 0 || e.Device > 63 {
		faults = append(faults, fmt.Errorf("device: must be in [0, 63], got %d", e.Device))
	}
	if e.Device > 0 && e.Provider == CPU {
		faults = append(faults, fmt.Errorf("device: must be 0 where the provider is %s, got %d", CPU, e.Device))
	}
	if _, ok := optimizationLevels[e.Optimization]; !ok {
		faults = append(faults, fmt.Errorf("optimization: must be none, basic, extended or all, got %q", e.Optimization))
	}
	if e.Spin < 0 || e.Spin > maxSpin {
		faults = append(faults, fmt.Errorf("spin_us: must be in [0, %d], got %d", maxSpin, e.Spin))
	}
	return errors.Join(faults...)
}

// orDefault is the default one in place of an Execution of zeros.
func (e Execution) orDefault() Execution {
	if e == (Execution{}) {
		return DefaultExecution()
	}
	return e
}

// apply writes the settings into session options. An execution provider that the library or the machine lacks is a
// fault of the kind Library.
func (rt *Runtime) apply(e Execution, options *C.OrtSessionOptions) error {
	if err := e.Validate(); err != nil {
		return fmt.Errorf("execution: %w", err)
	}
	if err := status(C.ort_SetSessionGraphOptimizationLevel(options, optimizationLevels[e.Optimization])); err != nil {
		return err
	}
	// The pattern is a plan of a step's memory, which is taken in one piece beside what the first step took in many: a
	// training step of resnet18, mobilenet_v3_small or vit_tiny took 1.5 to 1.8 times the memory with it, and was at most
	// a twentieth faster.
	if err := status(C.ort_DisableMemPattern(options)); err != nil {
		return err
	}
	if !e.Arena {
		if err := status(C.ort_DisableCpuMemArena(options)); err != nil {
			return err
		}
	}
	if e.Provider == CPU {
		return nil
	}
	built, err := rt.Providers()
	if err != nil {
		return err
	}
	if !slices.Contains(built, providers[e.Provider]) {
		return fault.New(fault.Library, "%s has no %s, only %s", rt.path, providers[e.Provider], strings.Join(built, ", ")).
			Advise(otherwiseCPU).With(fault.InstallLibrary{GPU: true})
	}
	if missing, err := MissingCUDA(rt.path); err == nil && len(missing) > 0 {
		return fault.New(fault.Library, "the provider %s lacks libraries that the loader does not find: %s",
			e.Provider, strings.Join(missing, ", ")).
			Advise("install NVIDIA's driver, CUDA and cuDNN in the versions that these names tell, and add their folders to "+
				"LD_LIBRARY_PATH; or %s", otherwiseCPU)
	}
	if err := appendCUDA(e, options); err != nil {
		return fault.New(fault.Library, "the provider %s cannot be used on device %d: %w", e.Provider, e.Device, err).
			Advise(otherwiseCPU)
	}
	return nil
}

const otherwiseCPU = "set model.execution.provider to " + CPU

func appendCUDA(e Execution, options *C.OrtSessionOptions) error {
	var cuda *C.OrtCUDAProviderOptionsV2
	if err := status(C.ort_CreateCUDAProviderOptions(&cuda)); err != nil {
		return err
	}
	defer C.ort_ReleaseCUDAProviderOptions(cuda)
	key, value := C.CString("device_id"), C.CString(strconv.Itoa(e.Device))
	defer C.free(unsafe.Pointer(key))
	defer C.free(unsafe.Pointer(value))
	if err := status(C.ort_UpdateCUDAProviderOptions(cuda, &key, &value, 1)); err != nil {
		return err
	}
	return status(C.ort_SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda))
}
