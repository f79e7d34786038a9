package models

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/models/heads"
	"ordo/models/ort"
	"ordo/models/weights"
	"ordo/models/zoo"
)

// Options are the `model:` section of an experiment.
type Options struct {
	zoo.Options `yaml:",inline"`
	// Artifacts is a folder of training artifacts, made by `ordo artifacts build` or by ONNX Runtime's own generator.
	// Empty, the default: the backbone is a built-in one. With a folder, which has all that those say, the keys
	// backbone, stem, width, patch_size, projector, heads and weights are left out.
	Artifacts string `yaml:"artifacts"`
	// Heads are further heads on a built-in backbone; none by default. A training adds those that its loss needs and
	// that are not here. Of the keys of a head, views, base_views, plain_view and parameters are left out: the view
	// plan has them.
	Heads []heads.Head `yaml:"heads"`
	// Threads are ONNX Runtime's threads within an operator, the calling one included. 0 (the default): one a core.
	// A number fixes the order of sums, so the same number gives the same bits.
	Threads int `yaml:"threads"`
	// Weights is a .safetensors or .onnx file with the backbone's initial weights, matched by name. Empty, the default:
	// they are drawn from the seed. Package weights says how names are matched.
	Weights string `yaml:"weights"`
	// WeightsStrict refuses a weight file that lacks a parameter of the backbone, has it in another
	// shape, or has tensors beside the backbone's, its classifier's and the projector's;
	// false takes what fits. Default true.
	WeightsStrict bool `yaml:"weights_strict"`
	// Kernels says what computes convolutions, batch norms, pools, matrix products, activations and layer norms in a
	// training step: stock, ONNX Runtime's own operators; fast, ordo's, which need oneDNN, where a machine without them
	// is an error; or auto (the default), the fast ones where the machine has them. They compute the same but for the
	// last bits, and checkpoints of either go on with the other. Folders of artifacts by other programs have the stock
	// ones only.
	Kernels string `yaml:"kernels"`
	// Precision is that of a training step: float32 (the default), or bf16: convolutions multiply numbers in bfloat16,
	// and on a processor with matrix units (AMX) so do matrix products, and activations between convolutions are
	// bfloat16 in memory. There it is about twice as fast; gradients are rounded to two or three digits. It needs the
	// fast kernels. auto is bf16 on such a processor, else float32.
	Precision string `yaml:"precision"`
	// Execution says where and how ONNX Runtime computes.
	Execution ort.Execution `yaml:"execution"`
}

// The values of Options.Kernels and Options.Precision.
const (
	AutoKernels   = "auto"
	StockKernels  = "stock"
	FastKernels   = "fast"
	Float32       = "float32"
	BFloat16      = "bf16"
	AutoPrecision = "auto"
)

// DefaultOptions is a small convolutional network.
func DefaultOptions() Options {
	return Options{Options: zoo.DefaultOptions(), WeightsStrict: true, Kernels: AutoKernels, Precision: Float32,
		Execution: ort.DefaultExecution()}
}

// Resolved has the zoo's defaults taken out where a folder of artifacts stands in for the zoo.
func (o Options) Resolved() Options {
	if o.Artifacts != "" && reflect.DeepEqual(o.Options, zoo.DefaultOptions()) {
		o.Options = zoo.Options{}
	}
	return o
}

// With is the options with all heads that a training needs: the options' own, then those of the given ones whose output
// no other head has, all of them for batches of the given views.
func (o Options) With(needed []heads.Head, b heads.Batch) Options {
	o.Heads = slices.Clone(o.Heads)
	for _, h := range needed {
		if !slices.ContainsFunc(o.Heads,
			func(own heads.Head) bool { return own.Resolved().Output == h.Resolved().Output }) {
			o.Heads = append(o.Heads, h)
		}
	}
	for i, h := range o.Heads {
		o.Heads[i] = h.For(b)
	}
	return o
}

// validateHeads finds the faults of heads whose batches are not known yet.
func (o Options) validateHeads() error {
	var faults []error
	anyBatch := heads.Batch{Views: 3, BaseViews: 2, PlainView: 2, Draws: 1}
	list := slices.Clone(o.Heads)
	for i, h := range list {
		if h.Batch != (heads.Batch{}) {
			faults = append(faults,
				fmt.Errorf("heads[%d]: leave out views, base_views, plain_view and parameters: the view plan has them",
					i))
		}
		list[i] = h.For(anyBatch)
	}
	if err := heads.ValidateList(list, []string{Features, Embedding}); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Validate collects every fault.
func (o Options) Validate() error {
	var err error
	if o.Artifacts == "" {
		err = errors.Join(o.Options.Validate(), o.validateHeads())
	} else {
		err = o.validateArtifacts()
	}
	if o.Threads < 0 || o.Threads > 1024 {
		err = errors.Join(err, fmt.Errorf("threads: must be in [0, 1024], got %d", o.Threads))
	}
	if o.Weights != "" && o.Artifacts == "" {
		if wrong := weights.CheckPath(o.Weights); wrong != nil {
			err = errors.Join(err, fmt.Errorf("weights: %w", wrong))
		}
	}
	err = errors.Join(err, o.ValidateKernels())
	if wrong := o.Execution.Validate(); wrong != nil {
		for line := range strings.Lines(wrong.Error()) {
			err = errors.Join(err, errors.New("execution."+strings.TrimSpace(line)))
		}
	}
	return err
}

// ValidateKernels finds the faults of Kernels and Precision.
func (o Options) ValidateKernels() error {
	var faults []error
	if !slices.Contains([]string{AutoKernels, StockKernels, FastKernels}, o.Kernels) {
		faults = append(faults, fmt.Errorf("kernels: must be %s, %s or %s, got %q", AutoKernels, StockKernels,
			FastKernels, o.Kernels))
	}
	if !slices.Contains([]string{Float32, BFloat16, AutoPrecision}, o.Precision) {
		faults = append(faults, fmt.Errorf("precision: must be %s, %s or %s, got %q", Float32, BFloat16, AutoPrecision,
			o.Precision))
	}
	for _, key := range []struct {
		name  string
		given bool
	}{{"kernels: " + FastKernels, o.Kernels == FastKernels}, {"precision: " + BFloat16, o.Precision == BFloat16}} {
		switch {
		case !key.given:
		case o.Execution.Provider != ort.CPU:
			faults = append(faults, fmt.Errorf("%s: is for execution.provider %s, not %s", key.name, ort.CPU,
				o.Execution.Provider))
		}
	}
	if o.Precision == BFloat16 && o.Kernels == StockKernels {
		faults = append(faults, fmt.Errorf("precision: %s needs kernels %s or %s", BFloat16, AutoKernels, FastKernels))
	}
	return errors.Join(faults...)
}

// validateArtifacts finds the keys that contradict a folder of artifacts; if there are such keys, but no such folder,
// that.
func (o Options) validateArtifacts() error {
	var faults []error
	if z := o.Resolved().Options; !reflect.DeepEqual(z, zoo.Options{}) {
		faults = append(faults,
			fmt.Errorf("artifacts: %s has its backbone and heads built in: leave out backbone, stem, width, "+
				"patch_size and projector", o.Artifacts))
	}
	if len(o.Heads) > 0 {
		list := make([]string, len(o.Heads))
		for i, h := range o.Heads {
			list[i] = h.String()
		}
		faults = append(faults, fault.New(fault.Config, "heads: %s has its heads built in", o.Artifacts).
			Advise("leave the key out").With(fault.BuildArtifacts{Heads: list}))
	}
	if o.Weights != "" {
		faults = append(faults, fmt.Errorf("weights: %s has its weights built in: leave the key out", o.Artifacts))
	}
	if len(faults) == 0 {
		return nil
	}
	if _, err := os.Stat(o.Artifacts); err != nil {
		return fmt.Errorf("artifacts: %w", fault.Reading(fault.Data, o.Artifacts, err))
	}
	return errors.Join(faults...)
}
