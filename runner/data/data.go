package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"ordo/augment"
	"ordo/runner/data/folder"
	"ordo/runner/data/idx"
	"ordo/runner/data/orchard"
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

// Open opens the image set that the options name. It reads and decodes all files of idx and folder, on all
// cores, and returns early with the context's error when ctx is done. Errors about the files wrap [ErrData];
// those about the options are Validate's.
func Open(ctx context.Context, o Options) (Splits, error) {
	if err := o.Validate(); err != nil {
		return Splits{}, fmt.Errorf("data: %w", err)
	}
	splits, err := open(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	switch {
	case err == nil:
		return splits, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Splits{}, fmt.Errorf("data: %w", err)
	default:
		return Splits{}, inputError{err}
	}
}

func open(ctx context.Context, o Options) (Splits, error) {
	switch o.Source {
	case SourceIDX:
		train, test, err := idx.Read(ctx, o.Root, idx.Limits{Train: o.Images, Test: o.TestImages})
		return Splits{train, test}, err
	case SourceFolder:
		train, test, err := folder.Read(ctx, folder.Options{
			Root: o.Root, ShortSide: 2 * o.ImageSize, Seed: o.Seed, TestFraction: o.TestFraction,
			Images: o.Images, TestImages: o.TestImages,
		})
		return Splits{train, test}, err
	default:
		train, err := orchard.New(orchard.Options{
			Seed: o.Seed, Split: orchard.Train, ImageSize: o.ImageSize, Images: cmp.Or(o.Images, DefaultOrchardImages),
		})
		if err != nil {
			return Splits{}, err
		}
		test, err := orchard.New(orchard.Options{
			Seed: o.Seed, Split: orchard.Test, ImageSize: o.ImageSize, Images: cmp.Or(o.TestImages, DefaultOrchardTestImages),
		})
		return Splits{train, test}, err
	}
}

// inputError marks an error as ErrData without repeating that in its text.
type inputError struct{ err error }

func (e inputError) Error() string        { return "data: " + e.err.Error() }
func (e inputError) Unwrap() error        { return e.err }
func (e inputError) Is(target error) bool { return target == ErrData }
