// Package roles says what the tensors that a forward graph stores are to the network: what is a parameter that training
// changes, and what is a number, a table or a setting that it must leave alone.
//
// ONNX has one form for all of them, an initializer (or a Constant node, which is the same to ordo). So the role is
// read off the places where a tensor is used, and off its name; its shape alone says nothing, as there are weights of
// one element and softmax scales of shape [1].
//
// # Places
//
// A place is an input of a node that takes the tensor, or what Reshape, Transpose, Expand and the like make of it, or
// what is computed of it and other stored tensors alone. Weights of convolutions and matrix products, their biases,
// scales and shifts of norms, embeddings that are looked up and tokens that are put beside others are parameters.
// Bounds of a Clip and the like are settings. What is added to or multiplied with other values may be both, and there
// the name decides.
//
// # Names
//
// A name can say that a tensor is a parameter ("blocks.0.ls1.gamma", "pos_embed", "conv/ReadVariableOp"), that it is
// none ("rope.inv_freq", "attn_mask"), or that an exporter made it up ("val_51", "onnx::Mul_41",
// "const_fold_opt__202"). A tensor with a made-up name is no parameter where it is
//
//   - one element that is added, multiplied or otherwise combined: an epsilon, a softmax scale, the 3 of a hard-swish;
//   - a table that is multiplied (more than one dimension that isn't 1): rotary positions; or sines and cosines, or a
//     mask, that are added; or something that data are divided by, such as the wavelengths of positions;
//   - the scale or shift of a norm and full of ones or zeros: the norm has none, and ONNX asks for one;
//   - something that the images are shifted or scaled by before the first layer.
//
// All others are the network's own, and trained.
//
// # Tied
//
// In evaluation mode torch's exporters store equal tensors once, so that all norms of a fresh network share their
// scales and shifts. [Untie] takes them apart. Only what has one value in all its elements is taken apart, as training
// would never make two norms equal, and no weight and no embedding, as networks do share those.
package roles
