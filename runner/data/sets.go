package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ordo/models/fault"
	"ordo/runner/data/bloodcells"
	"ordo/runner/data/cifar"
	"ordo/runner/data/cub200"
	"ordo/runner/data/folder"
	"ordo/runner/data/fruits360"
	"ordo/runner/data/idx"
	"ordo/runner/data/list"
	"ordo/runner/data/orchard"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
	"ordo/runner/data/stl10"
)

// Sets are the two halves of an image set as its reader lists them, undecoded.
type Sets struct {
	Train, Test source.Set
	About       source.About // the zero value where the reader has nothing to say
}

// Notes are, in sentences, what is to be said of the sets: files that are left out, and one class only.
func (s Sets) Notes() []string {
	var notes []string
	if s.About.LeftOut.Files() > 0 {
		notes = append(notes, fmt.Sprintf("%s: files that can't be read as images are left out: %v", s.About.Folder,
			s.About.LeftOut))
	}
	if classes := s.Train.Classes(); len(classes) == 1 && s.About.Folder != "" {
		notes = append(notes, fmt.Sprintf("warning: there is one class only, %s: are the classes in %s?", classes[0],
			filepath.Join(s.About.Folder, classes[0])))
	}
	return notes
}

// List lists the image set that the options name, and decodes nothing. It returns early with the context's error when
// ctx is done. Errors about the files are of kind fault.Data, those about the options of kind fault.Config.
func List(ctx context.Context, o Options) (Sets, error) {
	sets, err := listWhole(ctx, o)
	if err != nil {
		return Sets{}, err
	}
	return o.fold(sets)
}

// listWhole is List without the fold.
func listWhole(ctx context.Context, o Options) (Sets, error) {
	if err := o.Validate(); err != nil {
		return Sets{}, fault.Wrap(fault.Config, err)
	}
	sets, err := listSets(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Sets{}, wrap(ctx, o.missing(err))
	}
	if d, ok := sets.Train.(source.Described); ok {
		sets.About = d.About()
	}
	if sets.Train, err = o.each(sets.Train, "per_class", o.PerClass); err != nil {
		return Sets{}, err
	}
	sets.Test, err = o.each(sets.Test, "test_per_class", o.TestPerClass)
	return sets, err
}

// missing says of a relative root that isn't there what it is relative to, or gives the error back.
func (o Options) missing(err error) error {
	if o.Root == "" || filepath.IsAbs(o.Root) || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	wd, failed := os.Getwd()
	if _, there := os.Stat(o.Root); failed != nil || there == nil {
		return err
	}
	return source.Missing("data.root: there is no %s in the working folder, %s", o.Root, wd).
		Advise("give another root, or work in the folder that it is in")
}

func listSets(ctx context.Context, o Options) (s Sets, err error) {
	bounds := source.Bounds{Images: o.Images, TestImages: o.TestImages, Seed: o.Seed, Few: o.few}
	colour, _ := background(o.Background) // Validate has seen it
	pictures := picture.Options{Background: colour, Limit: picture.DefaultLimit()}
	switch o.Source {
	case SourceIDX:
		var train, test *idx.Set
		if train, test, err = idx.Read(ctx, o.Root, idx.Limits{Train: o.Images, Test: o.TestImages}); err == nil {
			s.Train, s.Test = train, test
		}
	case SourceFolder:
		s.Train, s.Test, err = folder.Read(ctx, folder.Options{
			Root: o.Root, TestFraction: o.TestFraction, Bounds: bounds, Picture: pictures,
		})
	case SourceFruits360:
		s.Train, s.Test, err = fruits360.Read(ctx, fruits360.Options{Root: o.Root, Bounds: bounds, Picture: pictures})
	case SourceCUB200:
		s.Train, s.Test, err = cub200.Read(ctx, cub200.Options{
			Root: o.Root, Boxes: o.Boxes, Bounds: bounds, Picture: pictures,
		})
	case SourceBloodCells:
		s.Train, s.Test, err = bloodcells.Read(ctx, bloodcells.Options{
			Root: o.Root, TestFraction: o.TestFraction, Bounds: bounds, Picture: pictures,
		})
	case SourceCIFAR10:
		s.Train, s.Test, err = cifar.Read(ctx, cifar.Options{Root: o.Root, Classes: 10, Bounds: bounds})
	case SourceCIFAR100:
		s.Train, s.Test, err = cifar.Read(ctx, cifar.Options{
			Root: o.Root, Classes: 100, Labels: cmp.Or(o.Labels, cifar.Fine), Bounds: bounds,
		})
	case SourceSTL10:
		s.Train, s.Test, err = stl10.Read(ctx, stl10.Options{Root: o.Root, Unlabeled: o.Unlabeled, Bounds: bounds})
	case SourceList:
		s.Train, s.Test, err = list.Read(ctx, list.Options{
			File: o.Root, PathColumn: o.PathColumn, LabelColumn: o.LabelColumn, SplitColumn: o.SplitColumn,
			TestFraction: o.TestFraction, Bounds: bounds, Picture: pictures,
		})
	default:
		return listOrchard(o)
	}
	return s, err
}

func listOrchard(o Options) (Sets, error) {
	train, err := orchard.New(orchard.Options{
		Seed: o.Seed, Split: orchard.Train, ImageSize: o.ImageSize,
		Images: cmp.Or(o.PerClass*orchard.Classes, o.Images, orchardImages),
	})
	if err != nil {
		return Sets{}, err
	}
	test, err := orchard.New(orchard.Options{
		Seed: o.Seed, Split: orchard.Test, ImageSize: o.ImageSize,
		Images: cmp.Or(o.TestPerClass*orchard.Classes, o.TestImages, orchardTestImages),
	})
	return Sets{Train: train, Test: test}, err
}
