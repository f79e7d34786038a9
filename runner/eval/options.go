package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"ordo/augment"
)

// Ranges of the options.
const (
	maxK      = 10000
	maxLevels = 1000
	minImages = 10

	minResamples, maxResamples = 10, 1000000
)

// Options is the `eval:` section of an experiment.
type Options struct {
	KNN         KNNOptions   `yaml:"knn"`
	Order       OrderOptions `yaml:"order"`
	EveryEpochs int          `yaml:"every_epochs"` // evaluate briefly after every n epochs; default 0: only at the end

	// AtEnd is what the evaluation that ends a run measures: brief (kNN, and for every family the order of distances and
	// kNN on transformed images), roles (what a family's roles are compared by, without references: kNN and probe, on
	// transformed images too, and R² of the scale) or full (all that `ordo eval` does); default brief.
	AtEnd string `yaml:"at_end"`
	// Families lists families to evaluate beside those that the experiment names, as strong as they are where nothing is
	// said; all: every family.
	Families []string `yaml:"families"`
	// TrainImages is how many labelled training images classes are learnt from, spread over the split; 0: all; default
	// 2000.
	TrainImages int `yaml:"train_images"`
	// TestImages is how many test images are asked for their class, spread over the split; 0: all; default 1000.
	TestImages int `yaml:"test_images"`
	// FamilyImages is how many training and test images are shown at every scale of a family; 0: all; default 300.
	FamilyImages int `yaml:"family_images"`
	// Candidates is among how many views of an image, at the order's grid of scales and others between, its predicted view
	// is looked for, by at most 100 of the family's images; in [order.levels, 1000]; default 50.
	Candidates int `yaml:"candidates"`
	// Resamples is how often images are drawn anew for an interval, in [10, 1000000]; default 1000.
	Resamples int `yaml:"resamples"`
	// MLP reads scales from features by a small network too, beside the linear map; that takes minutes; default false.
	MLP bool `yaml:"mlp"`
}

// The values of Options.AtEnd.
const (
	AtEndBrief = "brief"
	AtEndRoles = "roles"
	AtEndFull  = "full"
)

// AllFamilies is the entry of Options.Families that stands for every family.
const AllFamilies = "all"

// KNNOptions sets the weighted kNN of the features.
type KNNOptions struct {
	K           int     `yaml:"k"`           // neighbours that vote; default 20, range [1, 10000]
	Temperature float64 `yaml:"temperature"` // divides the similarities in the votes' weights; default 0.1, range (0, 100]
}

// OrderOptions sets the grid of scales on which order accuracy is measured.
type OrderOptions struct {
	Levels int `yaml:"levels"` // grid points of scale, the origin among them; default 7, range [3, 1000]
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	return Options{
		KNN: KNNOptions{K: 20, Temperature: 0.1}, Order: OrderOptions{Levels: 7}, AtEnd: AtEndBrief,
		TrainImages: 2000, TestImages: 1000, FamilyImages: 300, Candidates: 50, Resamples: 1000,
	}
}

// Validate returns all faults of the options, joined.
func (o Options) Validate() error {
	faults := o.KNN.faults("knn.")
	if o.Order.Levels < 3 || o.Order.Levels > maxLevels {
		faults = append(faults, fmt.Errorf("order.levels: must be in [3, %d], got %d", maxLevels, o.Order.Levels))
	}
	if o.EveryEpochs < 0 {
		faults = append(faults, fmt.Errorf("every_epochs: must be 0 (only at the end) or more, got %d", o.EveryEpochs))
	}
	if !slices.Contains([]string{AtEndBrief, AtEndRoles, AtEndFull}, o.AtEnd) {
		faults = append(faults, fmt.Errorf("at_end: must be one of %s, %s, %s, got %q", AtEndBrief, AtEndRoles, AtEndFull,
			o.AtEnd))
	}
	return errors.Join(append(faults, o.measureFaults()...)...)
}

func (o Options) measureFaults() []error {
	var faults []error
	for i, name := range o.Families {
		if _, err := augment.DefaultFamily(name); err != nil && name != AllFamilies {
			faults = append(faults, fmt.Errorf("families[%d]: %w; or all", i, err))
		}
	}
	for _, limit := range []struct {
		key    string
		images int
	}{{"train_images", o.TrainImages}, {"test_images", o.TestImages}, {"family_images", o.FamilyImages}} {
		if limit.images != 0 && limit.images < minImages {
			faults = append(faults, fmt.Errorf("%s: must be 0 (all) or at least %d, got %d", limit.key, minImages, limit.images))
		}
	}
	if o.Candidates < o.Order.Levels || o.Candidates > maxLevels {
		faults = append(faults, fmt.Errorf("candidates: must be in [order.levels, %d], got %d with %d levels", maxLevels,
			o.Candidates, o.Order.Levels))
	}
	if o.Resamples < minResamples || o.Resamples > maxResamples {
		faults = append(faults, fmt.Errorf("resamples: must be in [%d, %d], got %d", minResamples, maxResamples, o.Resamples))
	}
	return faults
}

// Validate returns all faults of the options, joined.
func (o KNNOptions) Validate() error { return errors.Join(o.faults("")...) }

func (o KNNOptions) faults(prefix string) []error {
	var faults []error
	if o.K < 1 || o.K > maxK {
		faults = append(faults, fmt.Errorf("%sk: must be in [1, %d], got %d", prefix, maxK, o.K))
	}
	if math.IsNaN(o.Temperature) || o.Temperature <= 0 || o.Temperature > 100 {
		faults = append(faults, fmt.Errorf("%stemperature: must be in (0, 100], got %g", prefix, o.Temperature))
	}
	return faults
}

// FamilyList is the families that Families names, each once.
func (o Options) FamilyList() []string {
	var list []string
	for _, name := range o.Families {
		names := []string{name}
		if name == AllFamilies {
			names = augment.FamilyNames()
		}
		for _, n := range names {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	return list
}
