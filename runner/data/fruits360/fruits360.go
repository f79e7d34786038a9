package fruits360

import (
	"context"

	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says where the images are.
type Options struct {
	Root    string
	Bounds  source.Bounds
	Picture picture.Options
}

// The folders of the two splits.
const (
	trainFolder = "Training"
	testFolder  = "Test"
)

// depth is how far below the root the splits may lie.
const depth = 3

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	dir, err := source.FindFolder(o.Root, depth, trainFolder, testFolder)
	if err != nil {
		return nil, nil, err
	}
	return source.SplitFolders(ctx, dir, trainFolder, testFolder, o.Bounds,
		source.FileOptions{Settings: "fruits360", Picture: o.Picture})
}
