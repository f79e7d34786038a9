package pack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ordo/models/fault"
)

// Values of Options.Kind and Options.Format.
const (
	KindAuto   = "auto"
	KindMemory = "memory"
	KindPacked = "packed"

	FormatRaw  = "raw"
	FormatJPEG = "jpeg"
)

// Options is the `data.cache:` section of an experiment: where decoded images are kept, and how.
type Options struct {
	// Kind is where decoded images are kept: memory (all images are decoded when a run starts), packed (they are decoded
	// once, into a file that later runs map) or auto, the default: packed where there are image files to decode, for jpeg,
	// and for sets of more than 512 MiB of pixels; memory for the rest. It makes no difference to any pixel.
	Kind string `yaml:"kind"`

	// Format is how packed images are written: raw, the default: 3 bytes a pixel, nothing to decode; or jpeg: a tenth of
	// the disk space, decoded for every view. A JPEG file that needs no reduction, cut or turn is kept byte for byte. Only
	// packed has jpeg.
	Format string `yaml:"format"`

	// ShortSide is the short side in pixels that larger images are reduced to, antialiased; smaller ones stay as they are;
	// in [8, 8192]. 0, the default, is twice data.image_size where there are image files, and no reduction elsewhere.
	ShortSide int `yaml:"short_side"`

	// Quality is the JPEG quality of images that are encoded anew; in [1, 100], default 90. Format raw has no use
	// for it.
	Quality int `yaml:"quality"`

	// Dir is the folder of packed files. Empty, the default, is the folder packed in ORDO_CACHE or, where that isn't set,
	// in the folder ordo of the user's cache folder.
	Dir string `yaml:"dir"`
}

// DefaultOptions returns auto, raw, quality 90.
func DefaultOptions() Options {
	return Options{Kind: KindAuto, Format: FormatRaw, Quality: 90}
}

const (
	minShortSide = 8
	maxShortSide = 8192
)

// Validate reports every fault of the options at once, each a sentence that starts with the key.
func (o Options) Validate() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{KindAuto, KindMemory, KindPacked}, o.Kind) {
		add("kind: must be one of auto, memory, packed, got %q", o.Kind)
	}
	switch {
	case o.Format != FormatRaw && o.Format != FormatJPEG:
		add("format: must be one of raw, jpeg, got %q", o.Format)
	case o.Format == FormatJPEG && o.Kind == KindMemory:
		add("format: memory keeps decoded images, got jpeg; set kind to packed, or format to raw")
	}
	if o.ShortSide != 0 && (o.ShortSide < minShortSide || o.ShortSide > maxShortSide) {
		add("short_side: must be in [%d, %d], or 0 for twice the image size, got %d", minShortSide, maxShortSide, o.ShortSide)
	}
	if o.Quality < 1 || o.Quality > 100 {
		add("quality: must be in [1, 100], got %d", o.Quality)
	}
	return errors.Join(faults...)
}

// Folder returns the folder of packed files, which need not exist: o.Dir or its default.
func (o Options) Folder() (string, error) {
	if o.Dir != "" {
		return filepath.Abs(o.Dir)
	}
	cache := os.Getenv("ORDO_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fault.New(fault.Storage, "this user has no cache folder (%w)", err).
				Advise("set data.cache.dir to a folder")
		}
		cache = filepath.Join(user, "ordo")
	}
	return filepath.Abs(filepath.Join(cache, "packed"))
}
