// Package optimizer updates parameters by their gradients, in Go, over flat buffers.
//
// # Words
//
//   - The parameters of a model are one vector w of float32 values, one parameter after the other; their gradients g
//     are another of the same length.
//   - The rate γ is the learning rate of a step, given with each.
//   - The decay λ pulls weights towards zero; it is [Options.WeightDecay].
//   - Biases and norms are the parameters of one dimension or none: biases, and the scales and shifts of
//     normalisations. [Options.ExcludeBiasNorm] spares them the decay, and LARS's adaptation.
//
// # Formulas
//
// SGD, as torch.optim.SGD without dampening, with momentum μ:
//
//	d ← g + λw
//	b ← μb + d
//	w ← w − γb, or with Nesterov's momentum w ← w − γ(d + μb)
//
// LARS (You, Gitman, Ginsburg 2017, eq. 6), with ‖·‖ over each parameter apart; a parameter whose norm, or whose
// gradient's norm, is 0 takes an SGD step without decay:
//
//	d ← (g + λw) · η‖w‖ / (‖g‖ + λ‖w‖ + ε)
//	b ← μb + d
//	w ← w − γb
//
// The paper has γ inside of b. Here it stands outside, as in torch's SGD and in the implementations that solo-learn and
// lightly use, which matters only where γ changes. Those use η = 0.001 or 0.02 and exclude biases and norms.
//
// AdamW (Loshchilov and Hutter 2019, algorithm 2), as torch.optim.AdamW, in step t:
//
//	w ← w − γλw
//	m ← β₁m + (1−β₁)g,   v ← β₂v + (1−β₂)g²
//	w ← w − γ · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε)
//
// Clipping (Pascanu, Mikolov, Bengio 2013), as torch.nn.utils.clip_grad_norm_, before all of these, over all
// parameters:
//
//	g ← g · min(1, c / (‖g‖ + 10⁻⁶))
//
// An exponential moving average, the target network of BYOL and MoCo, is an [Average]:
//
//	a ← τa + (1−τ)w
//
// # Equal bits
//
// Values are updated on their own, and sums are of blocks of fixed places, in float64 and in one order. So results do
// not depend on the number of goroutines, and products are rounded before they are added, on every processor.
package optimizer
