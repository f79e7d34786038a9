package models

import (
	"fmt"

	"ordo/models/artifacts"
	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
)

// Kernels are what Build may use of ordo's own operators; nil: nothing.
type Kernels = autodiff.Kernels

// OpenKernels loads oneDNN from its library file, see install.FindOneDNN, and gives what Build may use of it, as the
// options say. An empty file stands for a machine that has none. Where the options leave it open and the machine, or a
// folder of artifacts, lacks what is needed, kernels are nil and the note, a sentence for the log, says why. It also
// says what the precision auto has become.
func OpenKernels(rt *Runtime, file string, o Options) (k *Kernels, note string, err error) {
	if o.Kernels == StockKernels || o.Execution.Provider != ort.CPU {
		return nil, "", nil
	}
	if o.Artifacts != "" {
		err = artifacts.CanUseKernels(o.Artifacts)
	}
	if err == nil {
		if file == "" {
			err = fault.New(fault.Library, "oneDNN is not installed").With(fault.InstallLibrary{OneDNN: true})
		} else {
			err = rt.EnableKernels(file)
		}
	}
	switch {
	case err == nil:
	case o.Kernels == FastKernels:
		return nil, "", fault.New(fault.Other, "model.kernels is %s: %w", FastKernels, err).
			Advise("set it to %s", AutoKernels)
	case o.Precision == BFloat16:
		return nil, "", fault.New(fault.Other, "model.precision is %s, which needs the fast kernels: %w", BFloat16, err).
			Advise("set it to %s", Float32)
	default:
		return nil, fmt.Sprintf("without the fast kernels, as %v", err), nil
	}
	oneDNN := rt.Kernels()
	return kernelsFor(oneDNN, o.Precision)
}

// kernelsFor are oneDNN's kernels and ordo's own in a precision; the note says what auto has become.
func kernelsFor(oneDNN *kernels.OneDNN, which string) (k *Kernels, note string, err error) {
	amx := oneDNN.AMX()
	precision := autodiff.Float32
	switch {
	case which == AutoPrecision && amx:
		precision = autodiff.BFloat16
		note = "model.precision is bf16, as the processor has matrix units for it"
	case which == BFloat16 && !oneDNN.BF16():
		return nil, "", fault.New(fault.Config, "model.precision: this processor has no instructions for %s", BFloat16).
			Advise("set it to %s", Float32)
	case which == BFloat16:
		precision = autodiff.BFloat16
	}
	k = &Kernels{Precision: precision}
	k.Supports = func(c autodiff.Convolution) bool { return supports(oneDNN, c, precision, false) }
	// Without matrix units Winograd's algorithm in float32 is faster, and wants its images in float32.
	if precision == autodiff.BFloat16 && amx {
		k.Products = autodiff.BFloat16
		k.Stores = func(c autodiff.Convolution) bool { return supports(oneDNN, c, precision, true) }
	}
	return k, note, nil
}

// nominalBatch is the batch for which oneDNN is asked; its choice doesn't depend on it.
const nominalBatch = 32

func supports(oneDNN *kernels.OneDNN, c autodiff.Convolution, precision string, stored bool) bool {
	ints := func(v [2]int64) [2]int { return [2]int{int(v[0]), int(v[1])} }
	_, err := oneDNN.Supports(kernels.Convolution{
		Batch: nominalBatch, Channels: int(c.Channels), Filters: int(c.Filters), Groups: int(c.Groups),
		Height: int(c.Height), Width: int(c.Width),
		Kernel: ints(c.Kernel), Strides: ints(c.Strides), Dilations: ints(c.Dilations),
		Pads: [4]int{int(c.Pads[0]), int(c.Pads[1]), int(c.Pads[2]), int(c.Pads[3])}, Bias: c.Bias, Precision: precision,
		Stored: stored,
	})
	return err == nil
}
