// Package zoo holds the built-in backbones, as forward graphs with initial weights made in Go.
//
// A backbone turns an image into its features; a projector, a small perceptron, turns those into the embedding, at
// which the losses look. [Build] makes both as one graph.
//
// # Backbones
//
// convnet is ordo's own: five 3x3 convolutions with w, 2w, 2w, 4w, 4w channels, each with batch norm and ReLU, that
// halve the image three times; its features are the averages of the four quarters of what remains. It keeps where in
// the image something is, coarsely, and takes milliseconds.
//
// The others are networks of torchvision, or of timm for vit, without their classifiers. The features are what the
// classifier would get: the global average of the last stage; for convnext_tiny the layer norm of that, which
// torchvision counts to the classifier; for vit the class token after the last norm.
//
//	backbone            features  weights   original                                     small stem
//	convnet             16w       0.070 M
//	resnet18            8w        11.18 M   torchvision resnet18                         3x3 of stride 1, no max pool
//	resnet34            8w        21.28 M   torchvision resnet34                         the same
//	resnet50            32w       23.51 M   torchvision resnet50                         the same
//	resnet101           32w       42.50 M   torchvision resnet101                        the same
//	wide_resnet50_2     32w       66.83 M   torchvision wide_resnet50_2                  the same
//	mobilenet_v3_small  576       0.927 M   torchvision mobilenet_v3_small               first convolution of stride 1
//	efficientnet_b0     1280      4.008 M   torchvision efficientnet_b0                  first convolution of stride 1
//	convnext_tiny       768       27.82 M   torchvision convnext_tiny                    patches of 2 pixels, not 4
//	vit_tiny            192       5.524 M   timm vit_tiny_patch16_224                    patches of 4 pixels, not 16
//	vit_small           384       21.67 M   timm vit_small_patch16_224                   patches of 4 pixels, not 16
//
// w is [Options].Width, 16 for convnet and 64 for the ResNets. The weights are those of the standard stem, for vit with
// images of 224 pixels, without batch norm's running statistics. The papers are He et al. 2015 (resnet; the stride is
// in the 3x3 convolution of a bottleneck, as torchvision's "v1.5" has it), Zagoruyko and Komodakis 2016 (wide_resnet),
// Howard et al. 2019 (mobilenet_v3), Tan and Le 2019 (efficientnet), Liu et al. 2022 (convnext), Dosovitskiy et al.
// 2020 and, for these sizes, Touvron et al. 2020 (vit).
//
// What the originals do at random while they train is left out: stochastic depth (0.2 at efficientnet_b0's end, 0.1 at
// convnext_tiny's). Their dropout is in the classifier.
//
// # Names and initial weights
//
// Parameters are named as in the originals: layer2.0.downsample.0.weight. The initial distributions are theirs, too:
//
//   - ResNets, mobilenet, efficientnet and convnet: convolutions normal with variance 2/(channels out · kernel pixels)
//     (kaiming_normal_ with fan_out), their biases 0.
//   - convnext_tiny and vit: all weights normal with deviation 0.02 (trunc_normal_, whose bounds of ±2 are never met),
//     the class token 1e-6, biases 0, layer scales 1e-6. The patches of vit keep torch's default, even over ±1/√inputs.
//   - Norms begin as the identity. The projector's linear layers have torch's default.
//
// Batch norm has torch's constants, epsilon 1e-5 and momentum 0.1, but for mobilenet_v3_small with 1e-3 and 0.01; layer
// norm has epsilon 1e-6. Every parameter has a random sequence of its own, a function of seed and name, so the weights
// of a layer don't depend on what else is in the network.
package zoo
