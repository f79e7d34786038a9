package autodiff

import (
	"errors"
	"fmt"
)

// Options say what to build.
type Options struct {
	// Outputs names the graph outputs that the loss sees, in the order in which the loss node gets them; at least one.
	Outputs []string
	// Evaluation names the graph outputs that the evaluation graph gives; none: all. What these don't need it doesn't
	// have.
	Evaluation []string
	// Parameters names the float32 initializers that are parameters, batch norm's running statistics included; all
	// others are constants. nil: those that roles.Parameters finds.
	Parameters []string
	// Frozen names parameters that are not trained, beside batch norm's running statistics. The batch norms of frozen
	// layers go on to normalise by the batch and to keep their statistics.
	Frozen []string
	// DropoutSeed, if not 0, fixes what the dropouts of the training graph draw: each has a generator of its own that
	// starts with it when a session is opened. With 0 they draw from ONNX Runtime's one generator.
	DropoutSeed int64
	// Optimizer holds the constants of AdamW.
	Optimizer OptimizerOptions
	// Kernels, if not nil, lets the training graph have ordo's own operators.
	Kernels *Kernels
	// ExposeGradients adds to the training graph an output grad/NAME for every trainable parameter: the gradient of the
	// step, for checks. It costs a copy of every gradient.
	ExposeGradients bool
	// FlatGradients is for an optimizer outside of ONNX Runtime: it adds to the training graph the output
	// [graph.Gradients] and leaves the optimizer graph out.
	FlatGradients bool
}

// OptimizerOptions are the constants of AdamW, which are fixed when the graph is built. The learning rate is set at
// each step. A step t with gradient g does, as torch.optim.AdamW,
//
//	w ← w − lr·WeightDecay·w
//	m ← Beta1·m + (1−Beta1)·g,   v ← Beta2·v + (1−Beta2)·g²
//	w ← w − lr · m/(1−Beta1ᵗ) / (√(v/(1−Beta2ᵗ)) + Epsilon)
//
// after, with a ClipNorm c, as torch.nn.utils.clip_grad_norm_, g ← g · min(1, c/(‖g‖ + 10⁻⁶)), ‖·‖ over all parameters.
type OptimizerOptions struct {
	Beta1       float64 `yaml:"beta1"`        // in [0, 1)
	Beta2       float64 `yaml:"beta2"`        // in [0, 1)
	Epsilon     float64 `yaml:"epsilon"`      // above 0
	WeightDecay float64 `yaml:"weight_decay"` // in [0, 1]
	ClipNorm    float64 `yaml:"clip_norm"`    // at least 0; 0: any norm
}

// DefaultOptions has AdamW's constants as torch has them, and the loss on the output "embedding".
func DefaultOptions() Options {
	return Options{
		Outputs:   []string{"embedding"},
		Optimizer: OptimizerOptions{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01},
	}
}

// Validate returns every fault of the options, joined.
func (o Options) Validate() error {
	var faults []error
	if len(o.Outputs) == 0 {
		faults = append(faults, errors.New("outputs: must name at least one output of the graph"))
	}
	seen := map[string]bool{}
	for i, name := range o.Outputs {
		if seen[name] {
			faults = append(faults, fmt.Errorf("outputs[%d]: %q is named twice", i, name))
		}
		seen[name] = true
	}
	if err := o.Optimizer.Validate(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Validate returns every fault of the options, joined.
func (o OptimizerOptions) Validate() error {
	var faults []error
	below := func(key string, v, limit float64, closed bool) {
		if !(v >= 0 && (v < limit || closed && v == limit)) {
			faults = append(faults, fmt.Errorf("%s: must be in [0, %v%s, got %v", key, limit,
				map[bool]string{true: "]", false: ")"}[closed], v))
		}
	}
	below("beta1", o.Beta1, 1, false)
	below("beta2", o.Beta2, 1, false)
	below("weight_decay", o.WeightDecay, 1, true)
	if !(o.ClipNorm >= 0) {
		faults = append(faults, fmt.Errorf("clip_norm: must be at least 0, got %v", o.ClipNorm))
	}
	if !(o.Epsilon > 0) {
		faults = append(faults, fmt.Errorf("epsilon: must be above 0, got %v", o.Epsilon))
	}
	return errors.Join(faults...)
}
