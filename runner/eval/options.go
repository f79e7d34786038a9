package eval

import (
	"errors"
	"fmt"
	"math"
)

// Ranges of the options.
const (
	maxK      = 10000
	maxLevels = 1000
)

// Options is the `eval:` section of an experiment.
type Options struct {
	KNN         KNNOptions   `yaml:"knn"`
	Order       OrderOptions `yaml:"order"`
	EveryEpochs int          `yaml:"every_epochs"` // evaluate after every n epochs; default 0: only at the end
}

// KNNOptions sets the weighted kNN of the features.
type KNNOptions struct {
	K           int     `yaml:"k"`           // neighbours that vote; default 20, range [1, 10000]
	Temperature float64 `yaml:"temperature"` // divides the similarities in the votes' weights; default 0.1, range (0, 100]
}

// OrderOptions sets the grid of scales on which order accuracy is measured.
type OrderOptions struct {
	Levels int `yaml:"levels"` // grid points of scale, the origin among them; default 7, range [3, 1000]
	Images int `yaml:"images"` // only the first n test images; default 0: all
}

// DefaultOptions returns the defaults.
func DefaultOptions() Options {
	return Options{KNN: KNNOptions{K: 20, Temperature: 0.1}, Order: OrderOptions{Levels: 7}}
}

// Validate returns all faults of the options, joined.
func (o Options) Validate() error {
	faults := o.KNN.faults("knn.")
	if o.Order.Levels < 3 || o.Order.Levels > maxLevels {
		faults = append(faults, fmt.Errorf("order.levels: must be in [3, %d], got %d", maxLevels, o.Order.Levels))
	}
	if o.Order.Images < 0 {
		faults = append(faults, fmt.Errorf("order.images: must be 0 (all) or more, got %d", o.Order.Images))
	}
	if o.EveryEpochs < 0 {
		faults = append(faults, fmt.Errorf("every_epochs: must be 0 (only at the end) or more, got %d", o.EveryEpochs))
	}
	return errors.Join(faults...)
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
