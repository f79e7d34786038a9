package optimizer

import (
	"errors"
	"fmt"
)

// Names that Options.Optimizer takes.
const (
	AdamW = "adamw" // Loshchilov and Hutter 2019
	SGD   = "sgd"   // with momentum, Nesterov's too
	LARS  = "lars"  // You, Gitman, Ginsburg 2017
)

// Options say how parameters are updated. They are keys of the `train:` section of an experiment.
type Options struct {
	Optimizer string `yaml:"optimizer"` // the rule of the update: adamw (default), sgd or lars
	// decay λ of the weights; in [0, 1], default 1e-2; 1e-4 to 1e-6 is usual with sgd and lars
	WeightDecay float64 `yaml:"weight_decay"`
	// decays β₁ and β₂ of the moments of adamw, in [0, 1); default [0.9, 0.999]
	Betas [2]float64 `yaml:"betas"`
	// ε of adamw and lars, against division by 0; in [1e-16, 1], default 1e-8
	Eps      float64 `yaml:"eps"`
	Momentum float64 `yaml:"momentum"` // momentum μ of sgd and lars, in [0, 1); default 0.9
	Nesterov bool    `yaml:"nesterov"` // Nesterov's momentum, of sgd; default false
	Eta      float64 `yaml:"eta"`      // trust coefficient η of lars, in (0, 1]; default 1e-3
	// no decay of biases and norms, and with lars no adaptation; usual with lars; default false
	ExcludeBiasNorm bool `yaml:"exclude_bias_norm"`
	// largest L2 norm over all gradients, in [0, 1e6]; 0, the default: any
	ClipGradNorm float64 `yaml:"clip_grad_norm"`
}

// DefaultOptions returns the constants of torch.optim.AdamW, and the usual ones of the others.
func DefaultOptions() Options {
	return Options{Optimizer: AdamW, WeightDecay: 1e-2, Betas: [2]float64{0.9, 0.999}, Eps: 1e-8, Momentum: 0.9,
		Eta: 1e-3}
}

// Validate returns every fault, joined, each starting with its key. A setting that the optimizer does not have must be
// at its default: nothing that somebody asks for is passed over in silence.
func (o Options) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	known := o.Optimizer == AdamW || o.Optimizer == SGD || o.Optimizer == LARS
	check(known, "optimizer: must be %s, %s or %s, got %q", AdamW, SGD, LARS, o.Optimizer)
	check(o.WeightDecay >= 0 && o.WeightDecay <= 1, "weight_decay: must be in [0, 1], got %v", o.WeightDecay)
	for i, b := range o.Betas {
		check(b >= 0 && b < 1, "betas[%d]: must be in [0, 1), got %v", i, b)
	}
	check(o.Eps >= 1e-16 && o.Eps <= 1, "eps: must be in [1e-16, 1], got %v", o.Eps)
	check(o.Momentum >= 0 && o.Momentum < 1, "momentum: must be in [0, 1), got %v", o.Momentum)
	check(o.Eta > 0 && o.Eta <= 1, "eta: must be in (0, 1], got %v", o.Eta)
	check(o.ClipGradNorm >= 0 && o.ClipGradNorm <= 1e6, "clip_grad_norm: must be in [0, 1e6], 0 for none, got %v",
		o.ClipGradNorm)
	if known {
		d := DefaultOptions()
		only := func(isDefault bool, key, of string, ok bool) {
			check(ok || isDefault, "%s: must be left at its default, for it is of %s and train.optimizer is %s", key,
				of, o.Optimizer)
		}
		only(o.Betas == d.Betas, "betas", AdamW, o.Optimizer == AdamW)
		only(o.Eps == d.Eps, "eps", AdamW+" and "+LARS, o.Optimizer != SGD)
		only(o.Momentum == d.Momentum, "momentum", SGD+" and "+LARS, o.Optimizer != AdamW)
		only(!o.Nesterov, "nesterov", SGD, o.Optimizer == SGD)
		only(o.Eta == d.Eta, "eta", LARS, o.Optimizer == LARS)
		check(!o.Nesterov || o.Momentum > 0, "nesterov: must be false where momentum is 0")
	}
	return errors.Join(faults...)
}

// decays reports whether the decay, and LARS's adaptation, apply to a parameter of so many dimensions.
func (o Options) decays(rank int) bool { return rank > 1 || !o.ExcludeBiasNorm }
