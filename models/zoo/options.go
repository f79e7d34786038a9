package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options choose a backbone and the head on it: the `model:` section of an experiment file.
type Options struct {
	// Backbone is the network that is trained, by its name. Default convnet.
	Backbone string `yaml:"backbone"`
	// Stem is how the network begins: "standard", as published, for images of some 100 pixels and more; or "small" (the
	// default), which halves images like CIFAR's less often. What it changes, the package's documentation says for each
	// backbone. convnet has one stem and ignores it.
	Stem string `yaml:"stem"`
	// Width is the number of channels of the first stage of convnet and of the ResNets; those with bottlenecks have at
	// most 256, the others 1024. 0, the default, is the backbone's own: 16 for convnet, 64 for the ResNets. The others
	// have one width and refuse another.
	Width int `yaml:"width"`
	// PatchSize is the side, in pixels, of the squares that convnext_tiny and the vision transformers cut the image
	// into: at most 8 and at most 64. 0, the default, is the stem's: 4 and 16 for "standard", 2 and 4 for "small". A
	// vision transformer's patches must tile the image. The others have no patches and refuse it.
	PatchSize int `yaml:"patch_size"`
	// Projector lists the layer sizes of the perceptron on the features; the last is the embedding's dimension. Hidden
	// layers have batch norm and ReLU. Empty: the embedding is the features.
	Projector []int `yaml:"projector"`
}

// The limits of sizes, so that a slip of the finger is a sentence and not a machine out of memory.
const (
	maxProjector = 65536
	minImage     = 16
	maxImage     = 1024
	maxPatches   = 4096 // of a vision transformer: its attention takes the square of that
)

// DefaultOptions is the small network that the examples use, with a projector to 64 dimensions.
func DefaultOptions() Options {
	return Options{Backbone: "convnet", Stem: "small", Projector: []int{256, 64}}
}

// The values of Options.Stem.
const (
	smallStem    = "small"
	standardStem = "standard"
)

// Validate returns every fault of the options, joined. What depends on the size of the images, CheckImageSize finds.
func (o Options) Validate() error {
	var faults []error
	fault := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	b, known := find(o.Backbone)
	if !known {
		fault("backbone: must be one of %s, got %q", strings.Join(Names(), ", "), o.Backbone)
	}
	if stems := []string{smallStem, standardStem}; !slices.Contains(stems, o.Stem) {
		fault("stem: must be one of %s, got %q", strings.Join(stems, ", "), o.Stem)
	}
	switch widest := b.maxWidth; {
	case o.Width == 0:
	case known && widest == 0:
		fault("width: %s has one width: leave the key out, got %d", o.Backbone, o.Width)
	case o.Width < 0 || known && o.Width > widest:
		fault("width: must be in [1, %d], or 0 for the backbone's own, got %d", cmp.Or(widest, maxWidth), o.Width)
	}
	switch {
	case o.PatchSize == 0:
	case known && b.maxPatch == 0:
		fault("patch_size: %s has no patches: leave the key out, got %d", o.Backbone, o.PatchSize)
	case known && (o.PatchSize < 0 || o.PatchSize > b.maxPatch):
		fault("patch_size: must be in [1, %d], or 0 for the stem's own, got %d", b.maxPatch, o.PatchSize)
	}
	for i, n := range o.Projector {
		if n < 1 || n > maxProjector {
			fault("projector[%d]: must be in [1, %d], got %d", i, maxProjector, n)
		}
	}
	return errors.Join(faults...)
}

// Sized has the backbone's own width and the stem's patches in place of a Width and a PatchSize of 0; where the
// backbone has one width or no patches, they stay 0.
func (o Options) Sized() Options {
	b, _ := find(o.Backbone)
	o.Width, o.PatchSize = cmp.Or(o.Width, b.width), cmp.Or(o.PatchSize, b.patch[o.Stem])
	return o
}

// CheckImageSize says whether the backbone takes square images of that side, in pixels. The options must be valid.
func (o Options) CheckImageSize(size int) error {
	if size < minImage || size > maxImage {
		return fmt.Errorf("must be in [%d, %d] for the backbone %s, got %d", minImage, maxImage, o.Backbone, size)
	}
	b, _ := find(o.Backbone)
	patch := o.Sized().PatchSize
	if patch == 0 {
		return nil
	}
	switch side := size / patch; {
	case b.tiled && size%patch != 0:
		return fmt.Errorf("must be a multiple of %d, the side of the patches of %s, got %d: choose another patch_size",
			patch, o.Backbone, size)
	case b.tiled && side*side > maxPatches:
		return fmt.Errorf("%d is %d patches of %d pixels, %s takes at most %d: choose a larger patch_size", size,
			side*side, patch, o.Backbone, maxPatches)
	case side < b.minSide:
		return fmt.Errorf("must be at least %d for %s with patches of %d pixels, got %d: choose a smaller patch_size",
			b.minSide*patch, o.Backbone, patch, size)
	}
	return nil
}
