package cub200

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says where the images are and whether they are cut.
type Options struct {
	Root    string
	Boxes   bool // cut each image to its bird
	Bounds  source.Bounds
	Picture picture.Options
}

// Read lists both splits. Errors name the file and the line and say what to do; the context's error comes back as it
// is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	dir, err := source.FindFolder(o.Root, 2, "images.txt", "images")
	if err != nil {
		return nil, nil, err
	}
	trainFiles, testFiles, classes, err := list(dir, o.Boxes)
	if err != nil {
		return nil, nil, fault.New(fault.Data, "%w", err).Advise("fetch the data set again")
	}
	settings := fmt.Sprintf("cub200 boxes=%t", o.Boxes)
	return source.FileSets(ctx, trainFiles, testFiles, o.Bounds,
		source.FileOptions{Settings: settings, Classes: classes, Picture: o.Picture, About: source.About{Folder: dir}})
}

func list(dir string, boxes bool) (train, test []source.File, classes []string, err error) {
	names, order, err := table(dir, "classes.txt", 1)
	if err != nil {
		return nil, nil, nil, err
	}
	label := map[string]int{}
	for i, class := range order {
		label[class] = i
		name := names[class].fields[0]
		if _, plain, ok := strings.Cut(name, "."); ok {
			name = plain
		}
		classes = append(classes, name)
	}
	images, order, err := table(dir, "images.txt", 1)
	if err != nil {
		return nil, nil, nil, err
	}
	labels, _, err := table(dir, "image_class_labels.txt", 1)
	if err != nil {
		return nil, nil, nil, err
	}
	splits, _, err := table(dir, "train_test_split.txt", 1)
	if err != nil {
		return nil, nil, nil, err
	}
	var cuts map[string]line
	if boxes {
		if cuts, _, err = table(dir, "bounding_boxes.txt", 4); err != nil {
			return nil, nil, nil, err
		}
	}
	seen := map[string]bool{}
	for _, id := range order {
		path := images[id].fields[0]
		if !filepath.IsLocal(filepath.FromSlash(path)) || seen[path] {
			return nil, nil, nil, images[id].wrong("%q is listed twice or isn't a path below images", path)
		}
		seen[path] = true
		f := source.File{ID: path, Path: filepath.Join(dir, "images", filepath.FromSlash(path))}
		class, ok := labels[id]
		if !ok {
			return nil, nil, nil, images[id].wrong("image %s has no line in image_class_labels.txt", id)
		}
		if f.Label, ok = label[class.fields[0]]; !ok {
			return nil, nil, nil, class.wrong("class %q is not in classes.txt", class.fields[0])
		}
		if boxes {
			box, ok := cuts[id]
			if !ok {
				return nil, nil, nil, images[id].wrong("image %s has no line in bounding_boxes.txt", id)
			}
			if f.Box, err = box.rectangle(); err != nil {
				return nil, nil, nil, err
			}
		}
		split, ok := splits[id]
		switch {
		case !ok:
			return nil, nil, nil, images[id].wrong("image %s has no line in train_test_split.txt", id)
		case split.fields[0] == "1":
			train = append(train, f)
		case split.fields[0] == "0":
			test = append(test, f)
		default:
			return nil, nil, nil, split.wrong("must be 1 for training or 0 for testing, found %q", split.fields[0])
		}
	}
	if len(train) == 0 || len(test) == 0 {
		return nil, nil, nil, fault.New(fault.Data, "%s: %d images for training and %d for testing",
			filepath.Join(dir, "train_test_split.txt"), len(train), len(test))
	}
	return train, test, classes, nil
}

// line is what a file says about an id.
type line struct {
	file   string
	number int
	fields []string
}

func (l line) wrong(format string, args ...any) error {
	return fault.New(fault.Data, "%s: line %d: %s", l.file, l.number, fmt.Sprintf(format, args...))
}

// rectangle reads X Y WIDTH HEIGHT.
func (l line) rectangle() (image.Rectangle, error) {
	var v [4]float64
	for i := range v {
		x, err := strconv.ParseFloat(l.fields[i], 64)
		if err != nil || math.Abs(x) > 1e6 || math.IsNaN(x) {
			return image.Rectangle{}, l.wrong("%q is no coordinate", l.fields[i])
		}
		v[i] = x
	}
	round := func(x float64) int { return int(math.Round(x)) }
	box := image.Rectangle{image.Pt(round(v[0]), round(v[1])), image.Pt(round(v[0]+v[2]), round(v[1]+v[3]))}
	if box.Empty() {
		return box, l.wrong("the box %v x %v pixels is empty", v[2], v[3])
	}
	return box, nil
}

// table reads a file of lines ID FIELD…, and returns them by id, and the ids in their order.
func table(dir, name string, fields int) (map[string]line, []string, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	defer f.Close()
	lines, order := map[string]line{}, []string(nil)
	in := bufio.NewScanner(f)
	for number := 1; in.Scan(); number++ {
		parts := strings.Fields(in.Text())
		l := line{file: path, number: number}
		switch {
		case len(parts) == 0:
			continue
		case len(parts) != fields+1 && strings.Contains(in.Text(), ","):
			return nil, nil, l.wrong("its values are separated by commas, those of the published tables by blanks; " +
				"put blanks in their place")
		case len(parts) != fields+1:
			return nil, nil, l.wrong("must be an id and %d more, found %d words", fields, len(parts))
		case lines[parts[0]].file != "":
			return nil, nil, l.wrong("id %s again, after line %d", parts[0], lines[parts[0]].number)
		}
		l.fields = parts[1:]
		lines[parts[0]] = l
		order = append(order, parts[0])
	}
	if err := in.Err(); err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	if len(order) == 0 {
		return nil, nil, fault.New(fault.Data, "%s: an empty file", path)
	}
	return lines, order, nil
}
