package data

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data/pack"
	"ordo/runner/data/source"
)

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
	About       source.About // what List says of the sets
}

// Fingerprint identifies both halves, as the record of a run has it.
func (s Splits) Fingerprint() string { return s.Train.Fingerprint() + "-" + s.Test.Fingerprint() }

// TakeNotes returns, in sentences, what is to be said of the sets since the last call: images that were left out, a
// packed file that was damaged.
func (s Splits) TakeNotes() []string {
	var notes []string
	for _, d := range []Dataset{s.Train, s.Test} {
		if d, ok := d.(interface{ TakeNotes() []string }); ok {
			notes = append(notes, d.TakeNotes()...)
		}
	}
	return notes
}

// Watch hears how Open gets on, from the goroutine that called it. Its functions may be nil.
type Watch struct {
	// Note hears, in sentences, what takes time: packing, waiting for another process that packs.
	Note func(text string)
	// Progress hears how many images of a split are decoded.
	Progress func(done, total int)
}

// Tell lets Note hear the sets' notes (Splits.TakeNotes).
func (w Watch) Tell(s Splits) {
	if w.Note == nil {
		return
	}
	for _, text := range s.TakeNotes() {
		w.Note(text)
	}
}

// Open opens the image set that the options name: in memory, or as files of packed images, which it makes first if they
// are not there (package pack). It returns early with the context's error when ctx is done. Errors about the user's
// files are of kind fault.Data, those about packed ones fault.Storage, those about the options fault.Config.
func Open(ctx context.Context, o Options) (Splits, error) { return OpenWatched(ctx, o, Watch{}) }

// OpenWatched is Open that tells w meanwhile what it does.
func OpenWatched(ctx context.Context, o Options, w Watch) (s Splits, err error) {
	sets, err := listWhole(ctx, o)
	if err != nil {
		return Splits{}, err
	}
	if w.Note != nil {
		for _, text := range sets.Notes() {
			w.Note(text)
		}
		if text := o.short(sets); text != "" {
			w.Note(text)
		}
	}
	s.About = sets.About
	if s.Train, err = o.open(ctx, sets.Train, "train", w); err != nil {
		return Splits{}, wrap(ctx, err)
	}
	if o.Fold > 0 {
		folds, err := o.foldOf(s.Train)
		folds.About = s.About
		return folds, err
	}
	if s.Test, err = o.open(ctx, sets.Test, "test", w); err != nil {
		return Splits{}, wrap(ctx, err)
	}
	return s, nil
}

func (o Options) open(ctx context.Context, set source.Set, split string, w Watch) (Dataset, error) {
	if o.few && set.Len() == 0 {
		return empty(set.Classes()), nil
	}
	job := o.Job(set, split)
	job.Note, job.Progress = w.Note, w.Progress
	packed, err := o.packed(set)
	if err != nil {
		return nil, err
	}
	if !packed {
		return job.Memory(ctx)
	}
	if job.Dir, err = o.Cache.Folder(); err != nil {
		return nil, err
	}
	return job.Pack(ctx)
}

// empty is a split without images (Options.Few), of a set with some classes.
type empty []string

func (empty) Len() int            { return 0 }
func (empty) Label(int) int       { return -1 }
func (empty) ID(int) string       { return "" }
func (e empty) Classes() []string { return e }
func (empty) Fingerprint() string { return strings.Repeat("0", 16) }

func (empty) Image(int) (augment.Image, error) {
	return augment.Image{}, fault.New(fault.Data, "there are no images in the split")
}

// Job returns how a split of the set is decoded: what the options say, without a folder.
func (o Options) Job(set source.Set, split string) pack.Job {
	short := o.Cache.ShortSide
	if o.pictures() {
		short = o.FileShortSide()
	}
	return pack.Job{
		Set: set, Name: o.Source + "-" + split, Format: o.Cache.Format, ShortSide: short, Quality: o.Cache.Quality,
		Skip: o.OnError == OnErrorSkip,
	}
}

// FileShortSide returns the short side in pixels that larger image files are reduced to.
func (o Options) FileShortSide() int { return cmp.Or(o.Cache.ShortSide, 2*o.ImageSize) }

// largeSet is how many bytes of pixels are packed where the user leaves it open.
const largeSet = 512 << 20

// packed says whether the set shall be packed.
func (o Options) packed(set source.Set) (bool, error) {
	if o.Cache.Kind != pack.KindAuto || o.Cache.Format == pack.FormatJPEG || o.pictures() {
		return o.Cache.Kind != pack.KindMemory, nil
	}
	m, err := set.Image(0) // the others have its size
	return len(m.Pix) > largeSet/set.Len(), err
}

// wrap gives an error about the user's files the kind Data, but for one of the context or of the packed files.
func wrap(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, fault.Storage) {
		return err
	}
	return fault.New(fault.Data, "%w", err)
}
