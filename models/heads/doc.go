// Package heads describes and builds what stands on a backbone: projectors, predictors, linear classifiers, order
// heads. All are perceptrons; a [Head] says which.
//
// The layers of a head are numbered as those of a torch Sequential of linear, batch norm (if there is one) and ReLU, so
// the parameters of a projector with one hidden layer are
//
//	projector.0.weight                                                    linear
//	projector.1.weight .bias .running_mean .running_var                   batch norm
//	projector.3.weight projector.3.bias                                   linear
//
// Weights and biases begin as torch's Linear does, evenly in ±1/√inputs; batch norms as the identity. Every parameter
// has a random sequence of its own, a function of seed and name, so what else a model holds changes nothing.
//
// # Heads that look at several views
//
// A training batch has V views of N images, in rows v·N + n. Two kinds of heads need that; they are left out of
// evaluation graphs and encoders, which take images of any number. For a row of view v let x_v be the head's input, [N,
// n].
//
// A pair is what AugSelf (Lee et al. 2021) predicts differences of parameters from: its perceptron takes, of the first
// two base views,
//
//	[x_0 | x_1] and then [x_1 | x_0]                                      rows 2·N
//
// A conditioned head is EquiMod's predictor (Devillers and Lefort 2023): for each of the B base views it takes the
// plain view and what was drawn for the base view, p_b, the rows of the graph's second input `parameters` [V·N, P],
//
//	[x_plain | batch norm(W·p_b)] for b = 0 … B-1                         rows B·N
//
// with W a linear layer of [Head.Encoding] outputs (NAME.encoding.0.weight and the batch norm NAME.encoding.1). Its
// batch norm is what makes parameters of unlike units alike.
package heads
