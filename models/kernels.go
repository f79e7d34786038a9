package models

import (
	"errors"
	"fmt"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/ort"
	"ordo/models/ort/install"
	"ordo/models/ort/kernels"
)

// Kernels are what Build may use of ordo's own operators; nil: nothing.
type Kernels = autodiff.Kernels

// OpenKernels loads oneDNN from its library file, see install.FindOneDNN, and gives what Build may use of it, as the options say. An
// empty file stands for a machine that has none. Where the options leave it open and the machine, or a folder of artifacts, lacks
// what is needed, kernels are nil and the note, a sentence for the log, says why.
func OpenKernels(rt *Runtime, oneDNN string, o Options) (k *Kernels, note string, err error) {
	if o.Kernels == StockKernels || o.Execution.Provider != ort.CPU {
		return nil, "", nil
	}
	if o.Artifacts != "" {
		err = artifacts.CanUseKernels(o.Artifacts)
	}
	if err == nil {
		if oneDNN == "" {
			err = install.ErrNoOneDNN
		} else {
			err = rt.EnableKernels(oneDNN)
		}
	}
	switch {
	case err == nil:
	case o.Kernels == FastKernels:
		return nil, "", fmt.Errorf("model.kernels: %s: %w; or set it to %s", FastKernels, err, AutoKernels)
	case o.Precision == BFloat16:
		return nil, "", fmt.Errorf("model.precision: %s needs the fast kernels: %w; or set it to %s", BFloat16, err, Float32)
	default:
		return nil, fmt.Sprintf("without the fast kernels, as %v", err), nil
	}
	lib := rt.Kernels()
	precision := autodiff.Float32
	if o.Precision == BFloat16 {
		if precision = autodiff.BFloat16; !lib.BF16() {
			return nil, "", fmt.Errorf("%w: model.precision: %s: this processor has no instructions for bfloat16: set it to %s", ErrPrecision, BFloat16, Float32)
		}
	}
	return &Kernels{Precision: precision, Supports: func(c autodiff.Convolution) bool { return supports(lib, c, precision) }}, "", nil
}

// ErrPrecision is wrapped by the error for a precision that the processor hasn't.
var ErrPrecision = errors.New("the precision cannot be used")

// nominalBatch is the batch for which oneDNN is asked; its choice doesn't depend on it.
const nominalBatch = 32

func supports(lib *kernels.OneDNN, c autodiff.Convolution, precision string) bool {
	ints := func(v [2]int64) [2]int { return [2]int{int(v[0]), int(v[1])} }
	_, err := lib.Supports(kernels.Convolution{
		Batch: nominalBatch, Channels: int(c.Channels), Filters: int(c.Filters), Groups: int(c.Groups), Height: int(c.Height), Width: int(c.Width),
		Kernel: ints(c.Kernel), Strides: ints(c.Strides), Dilations: ints(c.Dilations),
		Pads: [4]int{int(c.Pads[0]), int(c.Pads[1]), int(c.Pads[2]), int(c.Pads[3])}, Bias: c.Bias, Precision: precision,
	})
	return err == nil
}
