package folder

import (
	"context"
	"slices"
	"strings"

	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says where the images are and how they are split.
type Options struct {
	Root         string
	TestFraction float64 // of a root without a test split
	Bounds       source.Bounds
	Picture      picture.Options
}

// names of the folders of a split, in lower case, the preferred ones first.
var (
	trainNames = []string{"train", "training"}
	testNames  = []string{"test", "testing", "val", "valid", "validation"}
)

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	trainFiles, testFiles, classes, err := list(o)
	if err != nil {
		return nil, nil, err
	}
	return source.FileSets(ctx, trainFiles, testFiles, o.Bounds,
		source.FileOptions{Settings: "folder", Classes: classes, Picture: o.Picture})
}

func list(o Options) (train, test []source.File, classes []string, err error) {
	top, err := source.Folders(o.Root)
	if err != nil {
		return nil, nil, nil, source.Advise(err, "give the folder that holds a folder of images for each class")
	}
	first, second := named(top, trainNames), named(top, testNames)
	if first == "" { // the root is the set
		second = ""
	}
	train, classes, err = source.ClassFolders(o.Root, first, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	if second == "" {
		train, test, err = source.SplitFiles(train, o.TestFraction, o.Bounds.Seed, o.Root)
		return train, test, classes, err
	}
	test, classes, err = source.ClassFolders(o.Root, second, classes)
	return train, test, classes, err
}

// named returns the folder that has one of the names, or "".
func named(folders, names []string) string {
	for _, name := range names {
		if i := slices.IndexFunc(folders, func(f string) bool { return strings.EqualFold(f, name) }); i >= 0 {
			return folders[i]
		}
	}
	return ""
}
