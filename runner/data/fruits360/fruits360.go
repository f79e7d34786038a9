package fruits360

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says where the images are.
type Options struct {
	Root    string
	Bounds  source.Bounds
	Picture picture.Options
}

// The folders of the two splits; that of the test split has other names in some copies.
const trainFolder = "Training"

var testFolders = []string{"Test", "Testing", "Validation"}

// depth is how far below the root the splits may lie.
const depth = 3

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	for _, testFolder := range testFolders {
		dir, err := source.FindFolder(o.Root, depth, trainFolder, testFolder)
		if err == nil {
			return source.SplitFolders(ctx, dir, trainFolder, testFolder, o.Bounds,
				source.FileOptions{Settings: "fruits360", Picture: o.Picture})
		}
		if _, gone := os.Stat(o.Root); gone != nil || !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	return nil, nil, source.Missing("%s holds no folder with %s and one of %s in it", o.Root, trainFolder,
		source.List(testFolders)).Advise("unpack the data set there or give another folder")
}
