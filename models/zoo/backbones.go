package zoo

import "slices"

// backbone says how a network is built and which options it takes.
type backbone struct {
	name string
	// source is the function that builds the same network in the library whose names and initial weights it has.
	source string
	// classifier is the prefix of the parameters of the classifier, which is left out.
	classifier string
	// width is the usual Options.Width and maxWidth the largest; 0: it has one width.
	width, maxWidth int
	// patch is the usual Options.PatchSize by stem, maxPatch the largest; 0: it has no patches.
	patch    map[string]int
	maxPatch int
	// tiled says that the patches must cover the image and are compared with each other; minSide is how many there must
	// be on a side.
	tiled   bool
	minSide int
	// opset is 0 for the usual one.
	opset int64
	// build adds the network behind the images, up to a node that makes the features, and returns the number of
	// features.
	build func(n *network, o Options, imageSize int) int
}

// maxWidth is the largest width of the networks whose features are no more than 16 times as many.
const maxWidth = 1024

// backbones lists all that Build can make. To add one: an entry here, its layers in a file of its own, and the names
// and shapes of the original in testdata/shapes.
func backbones() []backbone {
	const transformer = "timm.models.vision_transformer."
	residual := func(name string, r resnet, widest int) backbone {
		return backbone{
			name: name, source: "torchvision.models." + name, classifier: "fc.", width: 64, maxWidth: widest,
			build: func(n *network, o Options, _ int) int { return n.resnet(r, o.Width, o.Stem) },
		}
	}
	vision := func(name string, v vit) backbone {
		return backbone{
			name: name, source: transformer + name + "_patch16_224", classifier: "head.",
			patch: map[string]int{standardStem: 16, smallStem: 4}, maxPatch: 64, tiled: true, opset: geluOpset,
			build: func(n *network, o Options, imageSize int) int { return n.vit(v, o.PatchSize, imageSize) },
		}
	}
	return []backbone{
		{name: "convnet", width: 16, maxWidth: maxWidth, build: func(n *network, o Options, imageSize int) int {
			return n.convnet(o.Width, imageSize)
		}},
		residual("resnet18", resnet{blocks: [4]int{2, 2, 2, 2}}, maxWidth),
		residual("resnet34", resnet{blocks: [4]int{3, 4, 6, 3}}, maxWidth),
		residual("resnet50", resnet{blocks: [4]int{3, 4, 6, 3}, bottleneck: 1}, maxWidth/4),
		residual("resnet101", resnet{blocks: [4]int{3, 4, 23, 3}, bottleneck: 1}, maxWidth/4),
		residual("wide_resnet50_2", resnet{blocks: [4]int{3, 4, 6, 3}, bottleneck: 2}, maxWidth/4),
		{
			name: "mobilenet_v3_small", source: "torchvision.models.mobilenet_v3_small", classifier: "classifier.",
			build: func(n *network, o Options, _ int) int { return n.mobileNetV3Small(o.Stem) },
		},
		{
			name: "efficientnet_b0", source: "torchvision.models.efficientnet_b0", classifier: "classifier.",
			build: func(n *network, o Options, _ int) int { return n.efficientNetB0(o.Stem) },
		},
		{
			name: "convnext_tiny", source: "torchvision.models.convnext_tiny", classifier: "classifier.2.",
			patch: map[string]int{standardStem: 4, smallStem: 2}, maxPatch: 8, minSide: 8, opset: geluOpset,
			build: func(n *network, o Options, _ int) int { return n.convNeXtTiny(o.PatchSize) },
		},
		vision("vit_tiny", vit{dim: 192, depth: 12, heads: 3}),
		vision("vit_small", vit{dim: 384, depth: 12, heads: 6}),
	}
}

func find(name string) (backbone, bool) {
	all := backbones()
	i := slices.IndexFunc(all, func(b backbone) bool { return b.name == name })
	if i < 0 {
		return backbone{}, false
	}
	return all[i], true
}

// Names lists the backbones.
func Names() []string {
	var names []string
	for _, b := range backbones() {
		names = append(names, b.name)
	}
	return names
}

// Keys lists the keys of Options, but for backbone and projector, that a backbone takes.
func Keys(name string) []string {
	b, known := find(name)
	var keys []string
	if known && b.source != "" {
		keys = append(keys, "stem")
	}
	if b.width > 0 {
		keys = append(keys, "width")
	}
	if b.maxPatch > 0 {
		keys = append(keys, "patch_size")
	}
	return keys
}

// Source is the Python function whose network a backbone equals, parameter by parameter, without its classifier; "" for
// those that are ordo's own.
func Source(name string) string {
	b, _ := find(name)
	return b.source
}

// Classifier is the prefix of the names that the classifier's parameters have in weight files of the backbone's source.
// ordo leaves the classifier out. "" if there is none.
func Classifier(name string) string {
	b, _ := find(name)
	return b.classifier
}
