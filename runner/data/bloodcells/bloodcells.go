package bloodcells

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says where the images are.
type Options struct {
	Root         string
	TestFraction float64 // of BCCD without ImageSets
	Bounds       source.Bounds
	Picture      picture.Options
}

// depth is how far below the root the data may lie.
const depth = 4

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	if _, err := os.Stat(o.Root); err != nil {
		return nil, nil, fault.Reading(fault.Data, o.Root, err)
	}
	dir, err := source.FindFolder(o.Root, depth, "TRAIN", "TEST")
	if err == nil {
		return source.SplitFolders(ctx, dir, "TRAIN", "TEST", o.Bounds,
			source.FileOptions{Settings: "bloodcells", Picture: o.Picture})
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	dir, err = source.FindFolder(o.Root, depth, "Annotations", "JPEGImages")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, source.Missing("%s holds neither TRAIN and TEST nor Annotations and JPEGImages", o.Root).
			Advise("unpack the data set there or give another folder")
	}
	if err != nil {
		return nil, nil, err
	}
	trainFiles, testFiles, err := boxes(ctx, dir, o)
	if err != nil {
		return nil, nil, err
	}
	classes := label(trainFiles, testFiles)
	return source.FileSets(ctx, files(trainFiles), files(testFiles), o.Bounds,
		source.FileOptions{Settings: "bccd", Classes: classes, Picture: o.Picture, About: source.About{Folder: dir}})
}

// cell is a box and its class.
type cell struct {
	source.File
	class string
}

// boxes lists the cells of both splits.
func boxes(ctx context.Context, dir string, o Options) (train, test []cell, err error) {
	trainNames, testNames, err := splits(dir, o)
	if err != nil {
		return nil, nil, err
	}
	if train, err = cells(ctx, dir, trainNames); err != nil {
		return nil, nil, err
	}
	if test, err = cells(ctx, dir, testNames); err != nil {
		return nil, nil, err
	}
	if len(train) == 0 || len(test) == 0 {
		return nil, nil, fault.New(fault.Data, "%s: %d boxes for training and %d for testing",
			filepath.Join(dir, "Annotations"), len(train), len(test)).Advise("fetch the data set again")
	}
	return train, test, nil
}

// splits returns the names of the photographs of both splits.
func splits(dir string, o Options) (train, test []string, err error) {
	lists := filepath.Join(dir, "ImageSets", "Main")
	train, err = names(filepath.Join(lists, "trainval.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		train, err = names(filepath.Join(lists, "train.txt"))
		if err == nil {
			var more []string
			more, err = names(filepath.Join(lists, "val.txt"))
			if train = append(train, more...); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
	}
	if err == nil {
		test, err = names(filepath.Join(lists, "test.txt"))
		return train, test, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, "Annotations"))
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, filepath.Join(dir, "Annotations"), err)
	}
	var all []string
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), ".xml"); ok && !source.Hidden(e.Name()) {
			all = append(all, stem)
		}
	}
	train, test = source.Split(all, o.TestFraction, o.Bounds.Seed, func(name string) string { return name })
	return train, test, nil
}

// names reads a list of names, one a line.
func names(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	defer f.Close()
	var out []string
	in := bufio.NewScanner(f)
	for number := 1; in.Scan(); number++ {
		switch words := strings.Fields(in.Text()); {
		case len(words) == 0:
		case len(words) > 1, words[0] != filepath.Base(words[0]):
			return nil, fault.New(fault.Data, "%s: line %d: %q is no name of an image", path, number, in.Text()).
				Advise("fetch the file again")
		case slices.Contains(out, words[0]):
			return nil, fault.New(fault.Data, "%s: line %d: %s is listed twice", path, number, words[0])
		default:
			out = append(out, words[0])
		}
	}
	if err := in.Err(); err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	return out, nil
}

// cells lists the boxes of the photographs.
func cells(ctx context.Context, dir string, names []string) ([]cell, error) {
	var out []cell
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		path := filepath.Join(dir, "Annotations", name+".xml")
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.Reading(fault.Data, path, err)
		}
		objects, err := decode(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fault.New(fault.Data, "%s: %w", path, err).Advise("fetch the file again")
		}
		for i, o := range objects {
			box := image.Rect(o.Box.XMin, o.Box.YMin, o.Box.XMax, o.Box.YMax)
			if o.Box.XMax-o.Box.XMin < 2 || o.Box.YMax-o.Box.YMin < 2 {
				continue
			}
			out = append(out, cell{source.File{
				ID: fmt.Sprintf("%s#%d", name, i), Path: filepath.Join(dir, "JPEGImages", name+".jpg"), Box: box,
			}, o.Name})
		}
	}
	return out, nil
}

// object is a cell in an annotation.
type object struct {
	Name string `xml:"name"`
	Box  struct {
		XMin int `xml:"xmin"`
		YMin int `xml:"ymin"`
		XMax int `xml:"xmax"`
		YMax int `xml:"ymax"`
	} `xml:"bndbox"`
}

// maxAnnotation bounds the bytes of an annotation.
const maxAnnotation = 16 << 20

// decode reads an annotation of Pascal VOC.
func decode(r io.Reader) ([]object, error) {
	var a struct {
		XMLName xml.Name `xml:"annotation"`
		Objects []object `xml:"object"`
	}
	if err := xml.NewDecoder(io.LimitReader(r, maxAnnotation)).Decode(&a); err != nil {
		return nil, fmt.Errorf("not an annotation of Pascal VOC: %w", err)
	}
	for i, o := range a.Objects {
		if o.Name = strings.TrimSpace(o.Name); o.Name == "" {
			return nil, fmt.Errorf("object %d has no name", i)
		}
		a.Objects[i] = o
	}
	return a.Objects, nil
}

// label gives the cells their labels and returns the classes, sorted.
func label(splits ...[]cell) []string {
	var classes []string
	for _, cells := range splits {
		for _, c := range cells {
			if !slices.Contains(classes, c.class) {
				classes = append(classes, c.class)
			}
		}
	}
	slices.Sort(classes)
	for _, cells := range splits {
		for i := range cells {
			cells[i].Label = slices.Index(classes, cells[i].class)
		}
	}
	return classes
}

func files(cells []cell) []source.File {
	out := make([]source.File, len(cells))
	for i, c := range cells {
		out[i] = c.File
	}
	return out
}
