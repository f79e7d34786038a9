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
	top, err := source.Folders(o.Root)
	if err != nil {
		return nil, nil, source.Advise(err, "give the folder that holds a folder of images for each class")
	}
	first, second := named(top, trainNames), named(top, testNames)
	made := source.FileOptions{Settings: "folder", Picture: o.Picture}
	if first != "" && second != "" {
		return source.SplitFolders(ctx, o.Root, first, second, o.Bounds, made)
	}
	found, err := source.ClassFolders(ctx, o.Root, first, nil) // first "": the root is the set
	if err != nil {
		return nil, nil, err
	}
	trainFiles, testFiles, err := source.SplitFiles(found.Files, o.TestFraction, o.Bounds, o.Root)
	if err != nil {
		return nil, nil, err
	}
	made.Classes, made.About = found.Classes, source.About{Folder: o.Root, LeftOut: found.LeftOut}
	return source.FileSets(ctx, trainFiles, testFiles, o.Bounds, made)
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
