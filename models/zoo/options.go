package zoo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options choose a backbone and the head on it: the `model:` section of an experiment file.
type Options struct {
	// Backbone is "convnet" (the default) or "resnet18".
	Backbone string `yaml:"backbone"`
	// Stem is how resnet18 begins: "standard", a 7x7 convolution of stride 2 and a max pool, for images of some 100
	// pixels and more; or "small" (the default), a 3x3 convolution of stride 1, for images like CIFAR's. convnet has one
	// stem and ignores it.
	Stem string `yaml:"stem"`
	// Width is the number of channels of the first stage, in [1, 1024]. 0 is the backbone's own: 64 for resnet18, 16 for
	// convnet. The features are 8 times that for resnet18 and 16 times that for convnet.
	Width int `yaml:"width"`
	// Projector lists the layer sizes of the perceptron on the features; the last is the embedding's dimension. Hidden
	// layers have batch norm and ReLU. Empty: the embedding is the features.
	Projector []int `yaml:"projector"`
}

// The limits of sizes, so that a slip of the finger is a sentence and not a machine out of memory.
const (
	maxWidth     = 1024
	maxProjector = 65536
	minImage     = 16
	maxImage     = 1024
)

// DefaultOptions is the small network that the examples use, with a projector to 64 dimensions.
func DefaultOptions() Options {
	return Options{Backbone: "convnet", Stem: "small", Projector: []int{256, 64}}
}

// Names lists the backbones.
func Names() []string { return []string{"convnet", "resnet18"} }

// stems lists the values of Options.Stem.
func stems() []string { return []string{"small", "standard"} }

// Validate returns every fault of the options, joined.
func (o Options) Validate() error {
	var faults []error
	if !slices.Contains(Names(), o.Backbone) {
		faults = append(faults, fmt.Errorf("backbone: must be one of %s, got %q", strings.Join(Names(), ", "), o.Backbone))
	}
	if !slices.Contains(stems(), o.Stem) {
		faults = append(faults, fmt.Errorf("stem: must be one of %s, got %q", strings.Join(stems(), ", "), o.Stem))
	}
	if o.Width < 0 || o.Width > maxWidth {
		faults = append(faults, fmt.Errorf("width: must be in [1, %d], or 0 for the backbone's own, got %d", maxWidth, o.Width))
	}
	for i, n := range o.Projector {
		if n < 1 || n > maxProjector {
			faults = append(faults, fmt.Errorf("projector[%d]: must be in [1, %d], got %d", i, maxProjector, n))
		}
	}
	return errors.Join(faults...)
}

// CheckImageSize says whether the backbone takes square images of that side, in pixels.
func (o Options) CheckImageSize(size int) error {
	if size < minImage || size > maxImage {
		return fmt.Errorf("must be in [%d, %d] for the backbone %s, got %d", minImage, maxImage, o.Backbone, size)
	}
	return nil
}
