package data

import (
	"context"
	"errors"
	"fmt"

	"ordo/augment"
	"ordo/runner/data/pack"
)

// ErrData is wrapped by every error about the files that the user named: missing, of the wrong kind, damaged.
var ErrData = errors.New("bad input data")

// Dataset is one split of an image set. All methods may be called by any number of goroutines at once.
type Dataset interface {
	// Len returns the number of images, at least 1.
	Len() int
	// Image returns image i, for i in [0, Len()). Its pixels are read-only.
	Image(i int) (augment.Image, error)
	// Label returns the index in Classes of the class of image i, or -1 when the set has no labels.
	Label(i int) int
	// ID returns the name of image i, unique in the set and the same in every run.
	ID(i int) string
	// Classes returns the names of the classes, nil when the set has no labels. Both splits have the same.
	Classes() []string
	// Fingerprint identifies the content in 16 hexadecimal digits: sets with equal fingerprints hold equal
	// pixels, labels and ids in equal order.
	Fingerprint() string
}

// Splits are the two halves of an image set.
type Splits struct {
	Train, Test Dataset
}

// Open opens the image set that the options name and keeps its pixels in memory. It returns early with the context's error
// when ctx is done. Errors about the files wrap [ErrData]; those about the options are Validate's.
func Open(ctx context.Context, o Options) (Splits, error) {
	sets, err := List(ctx, o)
	if err != nil {
		return Splits{}, err
	}
	job := pack.Job{Format: pack.FormatRaw}
	if o.pictures() {
		job.ShortSide = 2 * o.ImageSize
	}
	job.Set = sets.Train
	train, err := job.Memory(ctx)
	if err != nil {
		return Splits{}, wrap(err)
	}
	job.Set = sets.Test
	test, err := job.Memory(ctx)
	if err != nil {
		return Splits{}, wrap(err)
	}
	return Splits{train, test}, nil
}

// wrap marks an error about the files as ErrData; one of the context is none.
func wrap(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("data: %w", err)
	}
	return inputError{err}
}

// inputError marks an error as ErrData without repeating that in its text.
type inputError struct{ err error }

func (e inputError) Error() string        { return "data: " + e.err.Error() }
func (e inputError) Unwrap() error        { return e.err }
func (e inputError) Is(target error) bool { return target == ErrData }
