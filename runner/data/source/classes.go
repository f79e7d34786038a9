package source

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"ordo/models/fault"
)

// Bounds says how many items of each split are kept: see Sample. 0 is all.
type Bounds struct {
	Images, TestImages int
	Seed               uint64
}

// ClassFolders lists the images in root/below, which holds a folder a class, or images without a class. Images may lie
// in folders inside a class's folder. Ids are paths below root with slashes; classes are the folders' names, sorted by
// their bytes. With known classes, others are an error, and the known ones are returned.
func ClassFolders(root, below string, known []string) (files []File, classes []string, err error) {
	dir := filepath.Join(root, below)
	folders, err := Folders(dir)
	if err != nil {
		return nil, nil, err
	}
	loose, err := looseImages(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(folders) > 0 && len(loose) > 0 {
		return nil, nil, fault.New(fault.Data, "%s holds images (%s) beside folders of images", dir, List(loose)).
			Advise("move them into the folder of their class, or away")
	}
	add := func(inner string, names []string, label int) {
		for _, name := range names {
			at := filepath.ToSlash(filepath.Join(below, inner, name))
			files = append(files, File{ID: at, Path: filepath.Join(root, filepath.FromSlash(at)), Label: label})
		}
	}
	if len(folders) == 0 {
		if len(loose) == 0 {
			return nil, nil, fault.New(fault.Data, "%s holds neither images nor folders", dir).
				Advise("put the images of each class into a folder of their own")
		}
		add("", loose, -1)
		return files, known, nil
	}
	classes = known
	if known == nil {
		classes = folders
	}
	for _, class := range folders {
		label := slices.Index(classes, class)
		if label < 0 {
			return nil, nil, fault.New(fault.Data, "%s is a class without training images", filepath.Join(dir, class)).
				Advise("give it some or remove it")
		}
		names, err := walkImages(filepath.Join(dir, class))
		if err != nil {
			return nil, nil, err
		}
		if len(names) == 0 {
			return nil, nil, fault.New(fault.Data, "%s: a class without images", filepath.Join(dir, class)).
				Advise("add some or remove the folder")
		}
		add(class, names, label)
	}
	return files, classes, nil
}

// looseImages returns the names of the images in dir itself.
func looseImages(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Reading(fault.Data, dir, err)
	}
	var names []string
	for _, e := range entries {
		if isFolder, err := isDir(dir, e.Name(), e); isImage(e.Name()) && !Hidden(e.Name()) && (err != nil || !isFolder) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// FileSets makes the two sets of a reader.
func FileSets(ctx context.Context, train, test []File, b Bounds, o FileOptions) (Set, Set, error) {
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

// RecordSets makes the two sets of a reader of records; o.Records is ignored.
func RecordSets(ctx context.Context, train, test []Record, b Bounds, o RecordOptions) (Set, Set, error) {
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
func SplitFiles(files []File, share float64, seed uint64, where string) (train, test []File, err error) {
	train, test = Split(files, share, seed, func(f File) string { return f.ID })
	if len(train) == 0 || len(test) == 0 {
		return nil, nil, fault.New(fault.Data, "%s: splitting its %d images leaves %d for training and %d for testing", where,
			len(files), len(train), len(test)).
			Advise("add images, make train and test folders, or change data.test_fraction (%v)", share)
	}
	return train, test, nil
}
