// Package zoo holds the built-in backbones, as forward graphs with initial weights made in Go.
//
// A backbone turns an image into its features; a projector, a small perceptron, turns those into the embedding, at which
// the losses look. [Build] makes both as one graph.
//
// # Backbones
//
// resnet18 is He et al., "Deep Residual Learning for Image Recognition" (2015), as torchvision.models.resnet18 is built,
// without its classifier: the features are the last stage's global average. Its small stem, a 3x3 convolution of stride 1
// and no max pool, is the field's usual change for images of 32 pixels.
//
// convnet is five 3x3 convolutions with w, 2w, 2w, 4w, 4w channels, each with batch norm and ReLU, that halve the image
// three times; its features are the averages of the four quarters of what remains, 16w numbers. It keeps where in the
// image something is, coarsely, and takes milliseconds.
//
// # Names and initial weights
//
// Parameters are named as in torchvision: layer2.0.downsample.0.weight. Weights of convolutions are drawn from a normal
// distribution of variance 2/(channels out · kernel pixels) (torch's kaiming_normal_ with fan_out and relu, as
// torchvision's ResNets do), weights and biases of linear layers evenly from ±1/√(inputs) (torch's default), batch norms
// begin as the identity. Every parameter has a random sequence of its own, a function of seed and name, so the weights of
// a layer don't depend on what else is in the network.
package zoo
