// Package heads describes and builds what stands on a backbone: projectors, predictors, linear classifiers, order heads. All
// are perceptrons; a [Head] says which.
//
// The layers of a head are numbered as those of a torch Sequential of linear, batch norm (if there is one) and ReLU, so the
// parameters of a projector with one hidden layer are
//
//	projector.0.weight                                                    linear
//	projector.1.weight .bias .running_mean .running_var                   batch norm
//	projector.3.weight projector.3.bias                                   linear
//
// Weights and biases begin as torch's Linear does, evenly in ±1/√inputs; batch norms as the identity. Every parameter has a
// random sequence of its own, a function of seed and name, so what else a model holds changes nothing.
package heads
