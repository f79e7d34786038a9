package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
)

// Bounds says how many items of each split are kept: see Sample. 0 is all.
type Bounds struct {
	Images, TestImages int
	Seed               uint64
	Few                bool // allows a split without items, where a set that comes in one part has too few for two
}

// Listing is what ClassFolders finds.
type Listing struct {
	Files   []File
	Classes []string // nil: the images have none
	LeftOut Kinds    // the other files
}

// ClassFolders lists the images in root/below, which holds a folder a class, or images without a class. Images may
// lie in folders inside a class's folder. Ids are paths below root with slashes; classes are the folders' names, sorted
// by their bytes. With known classes, others are an error, and the known ones are returned. The error may be the
// context's.
func ClassFolders(ctx context.Context, root, below string, known []string) (Listing, error) {
	dir := filepath.Join(root, below)
	folders, err := Folders(dir)
	if err != nil {
		return Listing{}, err
	}
	found := Listing{Classes: known, LeftOut: Kinds{}}
	loose, err := looseImages(dir, found.LeftOut)
	if err != nil {
		return Listing{}, err
	}
	if len(folders) > 0 && len(loose) > 0 {
		return Listing{}, fault.New(fault.Data, "%s holds images (%s) beside folders of images", dir, List(loose)).
			Advise("move them into the folder of their class, or away")
	}
	add := func(inner string, names []string, label int) {
		in := filepath.ToSlash(filepath.Join(below, inner)) // "": the root itself
		for _, name := range names {
			at := name
			if in != "" {
				at = in + "/" + name
			}
			path := filepath.Join(root, filepath.FromSlash(at))
			if strings.HasSuffix(path, at) {
				at = path[len(path)-len(at):] // the same memory: there may be a million
			}
			found.Files = append(found.Files, File{ID: at, Path: path, Label: label})
		}
	}
	if len(folders) == 0 {
		if len(loose) == 0 {
			return Listing{}, fault.New(fault.Data, "%s holds neither images nor folders%s", dir, only(found.LeftOut)).
				Advise("put the images of each class into a folder of their own")
		}
		add("", loose, -1)
		return found, nil
	}
	if known == nil {
		found.Classes = folders
	}
	walked := make([]walk, len(folders))
	err = ask(ctx, len(folders), 1, func(i int) { walked[i] = walkImages(filepath.Join(dir, folders[i])) })
	if err != nil {
		return Listing{}, err
	}
	total := 0
	for _, w := range walked {
		total += len(w.names)
	}
	found.Files = make([]File, 0, total)
	for i, class := range folders {
		label := slices.Index(found.Classes, class)
		if label < 0 {
			return Listing{}, fault.New(fault.Data, "%s is a class without training images", filepath.Join(dir, class)).
				Advise("give it some or remove it")
		}
		w := walked[i]
		walked[i] = walk{}
		if w.err != nil {
			return Listing{}, w.err
		}
		if len(w.names) == 0 {
			return Listing{}, fault.New(fault.Data, "%s: a class without images%s", filepath.Join(dir, class), only(w.others)).
				Advise("add some or remove the folder")
		}
		found.LeftOut.Add(w.others)
		add(class, w.names, label)
	}
	return found, nil
}

// SplitFolders makes the two sets of a root with a folder for each split, each a folder a class. o says the rest.
func SplitFolders(ctx context.Context, root, train, test string, b Bounds, o FileOptions) (Set, Set, error) {
	first, err := ClassFolders(ctx, root, train, nil)
	if err != nil {
		return nil, nil, err
	}
	second, err := ClassFolders(ctx, root, test, first.Classes)
	if err != nil {
		return nil, nil, err
	}
	o.Classes = second.Classes
	o.About = About{Folder: root, LeftOut: first.LeftOut}
	o.About.LeftOut.Add(second.LeftOut)
	return FileSets(ctx, first.Files, second.Files, b, o)
}

// only says which files are there in place of images.
func only(others Kinds) string {
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf(", only files that aren't read (%v); convert them to PNG if they are images", others)
}

// looseImages returns the names of the images in dir itself, and counts its other files.
func looseImages(dir string, others Kinds) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Reading(fault.Data, dir, err)
	}
	var names []string
	for _, e := range entries {
		isFolder, err := isDir(dir, e.Name(), e)
		switch {
		case Hidden(e.Name()), isFolder:
		case isImage(e.Name()):
			names = append(names, e.Name()) // also a link that leads nowhere: an image that can't be read
		case err == nil:
			others.Count(e.Name())
		}
	}
	return names, nil
}

// FileSets makes the two sets of a reader, and counts them in o.About.
func FileSets(ctx context.Context, train, test []File, b Bounds, o FileOptions) (Set, Set, error) {
	o.About.Train, o.About.Test = len(train), len(test)
	id := func(f File) string { return f.ID }
	first, err := NewFiles(ctx, Sample(train, b.Images, b.Seed, id), o)
	if err != nil {
		return nil, nil, err
	}
	second, err := NewFiles(ctx, Sample(test, b.TestImages, b.Seed, id), o)
	if err != nil {
		return nil, nil, err
	}
	return first, second, nil
}

// RecordSets makes the two sets of a reader of records, and counts them in o.About; o.Records is ignored.
func RecordSets(ctx context.Context, train, test []Record, b Bounds, o RecordOptions) (Set, Set, error) {
	o.About.Train, o.About.Test = len(train), len(test)
	id := func(r Record) string { return r.ID }
	o.Records = Sample(train, b.Images, b.Seed, id)
	first, err := NewRecords(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	o.Records = Sample(test, b.TestImages, b.Seed, id)
	second, err := NewRecords(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return first, second, nil
}

// SplitFiles puts a share of a set that comes in one part aside for testing. Where names the part in the error.
func SplitFiles(files []File, share float64, b Bounds, where string) (train, test []File, err error) {
	train, test = Split(files, share, b.Seed, func(f File) string { return f.ID })
	if !b.Few && (len(train) == 0 || len(test) == 0) {
		return nil, nil, fault.New(fault.Data, "%s: splitting its %d images leaves %d for training and %d for testing", where,
			len(files), len(train), len(test)).
			Advise("add images, make train and test folders, or change data.test_fraction (%v)", share)
	}
	return train, test, nil
}
