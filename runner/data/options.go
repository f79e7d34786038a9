package data

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The sources that Options.Source can name.
const (
	SourceOrchard = "orchard"
	SourceIDX     = "idx"
	SourceFolder  = "folder"
)

// Sources lists the sources, in the order in which they are documented.
func Sources() []string { return []string{SourceOrchard, SourceIDX, SourceFolder} }

// The sizes of the two splits of Orchard when Options leaves them open: 400 and 80 images a class.
const (
	DefaultOrchardImages     = 4800
	DefaultOrchardTestImages = 960
)

// Options is the `data:` section of an experiment.
type Options struct {
	// Source is the kind of image set: orchard, idx or folder. Default orchard.
	Source string `yaml:"source"`

	// Root is the folder that holds the files. Required by idx and folder; orchard has no files and takes none.
	Root string `yaml:"root"`

	// ImageSize is the side, in pixels, of the square images that the backbone sees: 8 to 1024, default 32.
	// Orchard draws at this size, and folder reduces large images to a short side of twice this size when it
	// reads them.
	ImageSize int `yaml:"image_size"`

	// Images and TestImages are the numbers of training and test images. Orchard draws so many, and 0, the
	// default, means DefaultOrchardImages and DefaultOrchardTestImages. For idx and folder they are upper
	// bounds, and 0 means all: idx takes the first ones, folder takes those whose paths hash lowest, which
	// mixes the classes.
	Images     int `yaml:"images"`
	TestImages int `yaml:"test_images"`

	// Seed chooses the images that Orchard draws, and how folder splits a root that comes without train and
	// test folders. It is not the experiment's seed, so that runs with several seeds see the same images.
	// Default 0.
	Seed uint64 `yaml:"seed"`

	// TestFraction is the share of images that folder puts aside as the test split of a root that comes
	// without train and test folders: in (0, 1), default 0.2. The other sources ignore it.
	TestFraction float64 `yaml:"test_fraction"`
}

// DefaultOptions returns the options of an experiment that says nothing about data: Orchard at 32 px.
func DefaultOptions() Options {
	return Options{Source: SourceOrchard, ImageSize: 32, TestFraction: 0.2}
}

// Validate reports every fault of the options at once. It doesn't touch the disk.
func (o Options) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case !slices.Contains(Sources(), o.Source):
		fault("source: must be one of %s, got %q", strings.Join(Sources(), ", "), o.Source)
	case o.Source == SourceOrchard && o.Root != "":
		fault("root: orchard is drawn and has no files, got %q; leave root out, or set source to idx or folder", o.Root)
	case o.Source != SourceOrchard && o.Root == "":
		fault("root: %s needs the folder that holds its files", o.Source)
	}
	if o.ImageSize < 8 || o.ImageSize > 1024 {
		fault("image_size: must be in [8, 1024], got %d", o.ImageSize)
	}
	if o.Images < 0 {
		fault("images: must not be negative, got %d", o.Images)
	}
	if o.TestImages < 0 {
		fault("test_images: must not be negative, got %d", o.TestImages)
	}
	if !(o.TestFraction > 0 && o.TestFraction < 1) {
		fault("test_fraction: must be in (0, 1), got %v", o.TestFraction)
	}
	return errors.Join(faults...)
}
