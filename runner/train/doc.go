// Package train does the training steps of an experiment.
//
// [Prepare] makes a [Setup] of an experiment: what its text alone decides, which is the view plan, the loss, the
// outputs that the loss looks at, and the model with a head for each of them. [Open] makes a [Stepper] of a setup and
// its artifacts; Feed gives it images, and Take does a step. Who wants epochs, checkpoints and a folder is package
// runner; who only wants to know how fast steps are is package bench. [Threads] and [Workers] are how both share the
// cores.
//
// # What a loss needs beside features and embedding
//
// Losses ask for outputs by name (loss.Need). For each that no model has by itself there is a further head. With F
// features, an embedding of D numbers and a need of n numbers a row the heads are, layer by layer, all with batch norm
// and ReLU in between:
//
//	prediction     on the embedding: min(4D, 2048), D: the shape of BYOL's and SimSiam's predictors
//	essl           on the features: h, h, n with h = min(4F, 2048), as E-SSL, which has layer norms
//	augself        on pairs of features: 512, 512, n, as AugSelf, which has no norms
//	equimod        on the plain view's embedding and an encoding of 128 of the draws: D, one layer as EquiMod
//	order_FAMILY   on the features: 128, 32
//	scale_FAMILY   on the features: n, one layer
//	invariance_V   on the features: 128, 32; V is base or all
//
// An entry of model.heads with the same output takes such a head's place. To an experiment with model.artifacts, which
// has its heads built in, an error says how to build them.
//
// The target of byol and moco is the embedding of a second network, whose weights are an average of the trained ones: a
// forward pass of its own, in training mode, on all views of the batch. Its weights are in the checkpoint, and so is
// what a loss remembers.
//
// # Batches larger than memory
//
// With train.micro_batch a batch goes through the network in parts, by gradient caching (Gao et al. 2021, section 3.2):
//
//	each micro-batch:  views → forward, without gradients → its rows of the outputs that the loss looks at
//	the whole batch:   loss, and its gradient by those outputs
//	each micro-batch:  the same views again → forward → its rows of that gradient → backward, gradients added up
//	the whole batch:   one update
//
// The gradient is that of the whole batch, for every loss: it is a sum over the rows. What differs is batch norm, which
// normalises by the micro-batch, and whose running statistics take a step with each. The price is one more forward
// pass. A model with dropout is refused, as the two passes would leave out different elements. The optimizer is Go's,
// as for a target. The memory is that of a micro-batch, of the outputs and their gradients, and of the gradient of the
// weights, once more.
package train
