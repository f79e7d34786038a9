package artifacts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/autodiff"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
)

// Options say what to make of a forward graph. As YAML they are the file of `ordo artifacts build --config`.
type Options struct {
	// Features names the graph's output that becomes `features`; a graph with a single output needs no name. An output
	// [batch, c, h, w] is flattened.
	Features string `yaml:"features"`
	// Embedding names the graph's output that becomes `embedding`. Without it, that is the output of the head with that
	// output (a projector), and without such a head a copy of the features.
	Embedding string `yaml:"embedding"`
	// Outputs names further outputs of the graph that the loss shall see.
	Outputs []string `yaml:"outputs"`
	// Heads are added in order; one may stand on another before it.
	Heads []heads.Head `yaml:"heads"`
	// Train and Freeze list patterns for names of stored tensors that are trained or not trained, whatever package roles
	// finds; * stands for any text and ? for one character. Each must match something. What both match is trained:
	// freeze ["*"] and train ["head.*"] train the head alone.
	Train  []string `yaml:"train"`
	Freeze []string `yaml:"freeze"`
	// KeepTied lists patterns for names of tensors that stay one parameter although they are used in several norms or
	// biases, which are taken apart otherwise, see [roles.Untie]. Each must match something; "*" keeps all.
	KeepTied []string `yaml:"keep_tied"`
	// Mean and Std, three numbers each or empty, put (images − mean)/std in front of the network, for a backbone whose
	// images are normalised otherwise than the experiment's (augment.mean, augment.std).
	Mean []float64 `yaml:"mean"`
	Std  []float64 `yaml:"std"`
	// ImageSize is the side of the images, in pixels, where the graph leaves it free.
	ImageSize int `yaml:"image_size"`
	// Seed starts the initial weights of the heads. Default 1.
	Seed uint64 `yaml:"seed"`
	// DropoutSeed, if it is not 0, gives every dropout a random sequence of its own that starts anew with each session.
	// With 0 (the default) they draw from the session's.
	DropoutSeed int64 `yaml:"dropout_seed"`
	// Optimizer holds the constants of AdamW; an experiment replaces them by its own.
	Optimizer autodiff.OptimizerOptions `yaml:"optimizer"`
}

// DefaultOptions adds nothing and trains everything.
func DefaultOptions() Options {
	return Options{Seed: 1, Optimizer: autodiff.DefaultOptions().Optimizer}
}

const (
	maxHeads     = 64
	maxImageSize = 4096
)

// ParseOptions reads options from YAML over the defaults. Unknown keys are errors. An error is of kind fault.Config.
func ParseOptions(text []byte) (Options, error) {
	o := DefaultOptions()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&o); err != nil && !errors.Is(err, io.EOF) {
		// "unmarshal errors:", then a line for each
		text := strings.NewReplacer("yaml: ", "", "unmarshal errors:\n  ", "", "\n  ", "; ",
			" in type artifacts.Options", "").Replace(err.Error())
		return o, fault.New(fault.Config, "%s", text)
	}
	if err := o.Validate(); err != nil {
		return o, fault.Wrap(fault.Config, err)
	}
	return o, nil
}

// Validate returns every fault that the options have on their own, joined.
func (o Options) Validate() error {
	var faults []error
	faultf := func(format string, a ...any) { faults = append(faults, fmt.Errorf(format, a...)) }
	if len(o.Heads) > maxHeads {
		faultf("heads: must be at most %d, got %d", maxHeads, len(o.Heads))
	}
	known := []string{graph.Features}
	if o.embeddingIsGiven() {
		known = append(known, graph.Embedding)
	}
	taken := map[string]bool{graph.Features: true, graph.Embedding: o.Embedding != ""}
	for i, name := range o.Outputs {
		if taken[name] || name == o.Features || name == o.Embedding {
			faultf("outputs[%d]: %q is there already", i, name)
		}
		taken[name] = true
		known = append(known, name)
	}
	if err := heads.ValidateList(o.Heads, known); err != nil {
		faults = append(faults, err)
	}
	for _, list := range o.patterns() {
		for i, p := range list.patterns {
			if p == "" {
				faultf("%s[%d]: must be a pattern such as layer1.*, got nothing", list.key, i)
			}
		}
	}
	if len(o.Mean) != len(o.Std) || len(o.Mean) != 0 && len(o.Mean) != channels {
		faultf("mean: mean and std must have %d numbers each or none, got %d and %d", channels, len(o.Mean), len(o.Std))
	}
	for i, s := range o.Std {
		if !(s > 0 && s < 1e6) {
			faultf("std[%d]: must be in (0, 1e6), got %v", i, s)
		}
	}
	for i, m := range o.Mean {
		if !(m > -1e6 && m < 1e6) {
			faultf("mean[%d]: must be in (-1e6, 1e6), got %v", i, m)
		}
	}
	if o.ImageSize < 0 || o.ImageSize > maxImageSize {
		faultf("image_size: must be in [1, %d], or 0 for the graph's own, got %d", maxImageSize, o.ImageSize)
	}
	if err := o.Optimizer.Validate(); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			faultf("optimizer.%s", line)
		}
	}
	return errors.Join(faults...)
}

// patternList are the patterns of one option.
type patternList struct {
	key      string
	patterns []string
}

func (o Options) patterns() []patternList {
	return []patternList{{"train", o.Train}, {"freeze", o.Freeze}, {"keep_tied", o.KeepTied}}
}

// embeddingIsGiven says whether the embedding is there before any head is.
func (o Options) embeddingIsGiven() bool {
	return o.Embedding != "" ||
		!slices.ContainsFunc(o.Heads, func(h heads.Head) bool { return h.Resolved().Output == graph.Embedding })
}
