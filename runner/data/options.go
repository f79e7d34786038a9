package data

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ordo/runner/data/cifar"
	"ordo/runner/data/pack"
)

// The sources that Options.Source can name.
const (
	SourceOrchard    = "orchard"
	SourceIDX        = "idx"
	SourceFolder     = "folder"
	SourceFruits360  = "fruits360"
	SourceCUB200     = "cub200"
	SourceBloodCells = "bloodcells"
	SourceCIFAR10    = "cifar10"
	SourceCIFAR100   = "cifar100"
	SourceSTL10      = "stl10"
	SourceList       = "list"
)

// sources lists the sources, in the order in which they are documented.
func sources() []string {
	return []string{
		SourceOrchard, SourceIDX, SourceFolder, SourceFruits360, SourceCUB200, SourceBloodCells, SourceCIFAR10,
		SourceCIFAR100, SourceSTL10, SourceList,
	}
}

// The sizes of the two splits of Orchard when Options leaves them open: 400 and 80 images a class.
const (
	orchardImages     = 4800
	orchardTestImages = 960
)

// Options is the `data:` section of an experiment.
type Options struct {
	// Source is the kind of image set. Default orchard.
	Source string `yaml:"source"`

	// Root is the folder that holds the files; for list it is the CSV, Parquet or Arrow file, or a folder of Parquet
	// or Arrow files, such as save_to_disk of Hugging Face's datasets writes. All sources but orchard need it; orchard
	// has no files and takes none. As in all paths, a leading ~ and ${NAME} of the environment are expanded.
	Root string `yaml:"root"`

	// ImageSize is the side, in pixels, of the square images that the backbone sees; in [8, 1024], default 32. Orchard
	// draws at this size, and large image files are reduced to a short side of twice this size when they are read.
	ImageSize int `yaml:"image_size"`

	// Images is the number of training images. Orchard draws that many; 0, the default, are 4800, which is 400 a class.
	// For the other sources it is an upper bound, and 0 means all: idx takes the first ones, the others take those whose
	// ids hash lowest, which mixes the classes.
	Images int `yaml:"images"`
	// TestImages is the number of test images, like images; 0 are 960 of Orchard. Default 0.
	TestImages int `yaml:"test_images"`

	// PerClass is the number of training images of each class; 0, the default: the classes are as the source has them.
	// Orchard draws that many. The other sources keep their order and take images of each class as images takes them of
	// all: idx the first ones, the others those whose ids hash lowest. A class that has fewer keeps all of them, which
	// is said. It stands in place of images, and every image must have a label.
	PerClass int `yaml:"per_class"`
	// TestPerClass is the number of test images of each class, like per_class, in place of test_images. Default 0.
	TestPerClass int `yaml:"test_per_class"`

	// Seed chooses the images that Orchard draws, those that images, per_class and the like keep, and the test split of a
	// set that comes without one. It is not the experiment's seed, so that runs with several seeds see the same images.
	// Default 0.
	Seed uint64 `yaml:"seed"`

	// TestFraction is the share of images that is put aside as the test split of a set that comes without one (folder,
	// list, and BCCD of bloodcells); in (0, 1), default 0.2. The other sources ignore it.
	TestFraction float64 `yaml:"test_fraction"`

	// Fold puts a fifth of the training images aside in the place of the test split, so that settings can be chosen
	// without a look at it: of every class the fold-th of five blocks in the set's order, in which the frames of a film
	// follow each other. In [0, 5]; 0, the default, is the test split itself.
	Fold int `yaml:"fold"`

	// Background is the colour under transparent pixels of image files: white (the default), black, grey (128 in all
	// channels), or '#rrggbb' in hexadecimal digits. orchard, idx, cifar10, cifar100 and stl10 have no transparent pixels
	// and take white only.
	Background string `yaml:"background"`

	// Boxes cuts the images of cub200 to their birds. Default false. Only cub200 has it.
	Boxes bool `yaml:"boxes"`

	// Labels are the classes of cifar100: fine (100 of them) or coarse (20). Empty, the default, is fine. Only cifar100
	// has it.
	Labels string `yaml:"labels"`

	// Unlabeled adds the 100,000 images without labels of stl10 to its training split. Default false. Only stl10 has it.
	Unlabeled bool `yaml:"unlabeled"`

	// PathColumn is the column of list's table with the images or their paths. Empty, the default: path, image and so on,
	// or the one whose values are images. Only list has it.
	PathColumn string `yaml:"path_column"`
	// LabelColumn is the column of list's table with the classes. Empty, the default: label, class and so on. Only list
	// has it.
	LabelColumn string `yaml:"label_column"`
	// SplitColumn is the column of list's table with train or test. Empty, the default: split. Only list has it.
	SplitColumn string `yaml:"split_column"`

	// Cache says where decoded images are kept, and how.
	Cache pack.Options `yaml:"cache"`

	// OnError says what becomes of unreadable images: fail (the default) names them and ends the run before it begins;
	// skip leaves them out, says so, and lists them beside the packed images.
	OnError string `yaml:"on_error"`

	few bool // see Few
}

// Values of Options.OnError.
const (
	OnErrorFail = "fail"
	OnErrorSkip = "skip"
)

// Few allows a split without images, where a set that comes in one part has too few for two: to look at images, not to
// train.
func (o Options) Few() Options {
	o.few = true
	return o
}

// DefaultOptions returns the options of an experiment that says nothing about data: Orchard at 32 px.
func DefaultOptions() Options {
	return Options{Source: SourceOrchard, ImageSize: 32, TestFraction: 0.2, Background: "white",
		Cache: pack.DefaultOptions(), OnError: OnErrorFail}
}

// Validate reports every fault of the options at once. It doesn't touch the disk.
func (o Options) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	known := slices.Contains(sources(), o.Source)
	switch {
	case !known:
		add("source: must be one of %s, got %q", strings.Join(sources(), ", "), o.Source)
	case o.Source == SourceOrchard && o.Root != "":
		add("root: orchard is drawn and has no files, got %q; leave root out, or set source to idx or folder", o.Root)
	case o.Source == SourceList && o.Root == "":
		add("root: list needs the CSV, Parquet or Arrow file that lists the images")
	case o.Source != SourceOrchard && o.Root == "":
		add("root: %s needs the folder that holds its files", o.Source)
	}
	if o.ImageSize < 8 || o.ImageSize > 1024 {
		add("image_size: must be in [8, 1024], got %d", o.ImageSize)
	}
	if o.Images < 0 {
		add("images: must not be negative, got %d", o.Images)
	}
	if o.TestImages < 0 {
		add("test_images: must not be negative, got %d", o.TestImages)
	}
	for _, c := range []struct {
		key, other    string
		each, overall int
	}{{"per_class", "images", o.PerClass, o.Images}, {"test_per_class", "test_images", o.TestPerClass, o.TestImages}} {
		if c.each < 0 {
			add("%s: must not be negative, got %d", c.key, c.each)
		} else if c.each > 0 && c.overall > 0 {
			add("%s: stands in place of %s, which is %d; leave one of them out", c.key, c.other, c.overall)
		}
	}
	if !(o.TestFraction > 0 && o.TestFraction < 1) {
		add("test_fraction: must be in (0, 1), got %v", o.TestFraction)
	}
	if o.Fold < 0 || o.Fold > Folds {
		add("fold: must be in [0, %d], got %d", Folds, o.Fold)
	}
	if colour, ok := background(o.Background); !ok {
		add("background: must be white, black, grey or '#rrggbb' in hexadecimal digits, got %q", o.Background)
	} else if known && !o.pictures() && colour != [3]uint8{255, 255, 255} {
		add("background: %s has no transparent pixels; leave background out", o.Source)
	}
	if !slices.Contains([]string{"", cifar.Fine, cifar.Coarse}, o.Labels) {
		add("labels: must be fine or coarse, got %q", o.Labels)
	}
	// Settings of one source mean nothing to the others.
	for _, own := range []struct {
		key, source string
		set         bool
	}{
		{"boxes", SourceCUB200, o.Boxes},
		{"labels", SourceCIFAR100, o.Labels != ""},
		{"unlabeled", SourceSTL10, o.Unlabeled},
		{"path_column", SourceList, o.PathColumn != ""},
		{"label_column", SourceList, o.LabelColumn != ""},
		{"split_column", SourceList, o.SplitColumn != ""},
	} {
		if known && own.set && o.Source != own.source {
			add("%s: only %s has it, and source is %s; leave it out", own.key, own.source, o.Source)
		}
	}
	var inCache interface{ Unwrap() []error }
	if errors.As(o.Cache.Validate(), &inCache) {
		for _, err := range inCache.Unwrap() {
			add("cache.%w", err)
		}
	}
	if o.OnError != OnErrorFail && o.OnError != OnErrorSkip {
		add("on_error: must be fail or skip, got %q", o.OnError)
	}
	return errors.Join(faults...)
}

// pictures says whether the source reads image files.
func (o Options) pictures() bool {
	return slices.Contains([]string{SourceFolder, SourceFruits360, SourceCUB200, SourceBloodCells, SourceList}, o.Source)
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// background reads a colour.
func background(text string) (colour [3]uint8, ok bool) {
	switch text {
	case "white":
		text = "#ffffff"
	case "black":
		text = "#000000"
	case "grey":
		text = "#808080"
	}
	if !hexColour.MatchString(text) {
		return colour, false
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	return [3]uint8{uint8(n >> 16), uint8(n >> 8), uint8(n)}, err == nil
}
