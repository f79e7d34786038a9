package list

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// Options says which table it is and what its columns are called.
type Options struct {
	File string
	// PathColumn, LabelColumn and SplitColumn are names of columns; empty: see the package comment.
	PathColumn, LabelColumn, SplitColumn string
	TestFraction                         float64 // where the table has no test split
	Bounds                               source.Bounds
	Picture                              picture.Options
}

// names that a column may have if the options don't say.
var (
	pathNames = []string{
		"path", "image", "file", "file_name", "filename", "image_path", "img", "image_file", "image_bytes", "picture",
		"photo", "jpg", "jpeg", "png", "webp",
	}
	labelNames = []string{"label", "class", "target", "labels", "fine_label", "category"}
	splitNames = []string{"split"}
)

// table is what a file or several say, whatever their format.
type table struct {
	columns []string // that are read
	all     []string // that there are
	// rows has a value a column, and lines the line of each in the file; for Parquet and Arrow its number from 1.
	rows  [][]string
	lines []int
	unit  string   // what lines counts: "line" or "row"
	dirs  []string // of each row's file
	path  string   // of Parquet: the column of images or paths; "": none
	label string   // of Parquet: the column of labels where the options name none; "": none
	// classes are the names of the labels 0, 1 and so on, nil where the labels are the names.
	classes []string
	names   []string // of the classes, found by labels
	splits  []int    // of each row, by the names of files; nil: a column says it, or nothing
	// images is the column whose images the files hold, with empty values; places and ids are those of the rows' images.
	images string
	places []place
	ids    []string
}

// Read lists both splits. Errors name the file and the line and say what to do; the context's error comes back as it
// is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	var t *table
	if info, failed := os.Stat(o.File); failed == nil && info.IsDir() {
		t, err = readShards(ctx, o)
	} else {
		t, err = readFile(o.File, o)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, source.Advise(err, "give the CSV, Parquet or Arrow file that lists the images")
	}
	if err != nil {
		return nil, nil, err
	}
	if train, test, err = t.sets(ctx, o); err != nil && ctx.Err() == nil {
		err = fault.New(fault.Data, "%s: %w", o.File, err)
	}
	return train, test, err
}

// parse reads the table; a Parquet or Arrow file that holds images stays in use.
func parse(f *os.File, size int64, o Options) (*table, error) {
	magic := make([]byte, 4)
	if _, err := f.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(magic, []byte("PAR1")) {
		return readParquet(f, size, o)
	}
	if bytes.Equal(magic, arrowStream) || bytes.Equal(magic, arrowFile[:len(magic)]) {
		return readArrow(f, size, o)
	}
	return readCSV(f)
}

// sets makes the sets of the table.
func (t *table) sets(ctx context.Context, o Options) (train, test source.Set, err error) {
	usual := pathNames
	if t.unit == "row" { // its reader has found it
		usual = []string{t.path}
	}
	path, err := t.column("path", o.PathColumn, usual)
	if err != nil {
		return nil, nil, err
	}
	if path < 0 {
		return nil, nil, fault.New(fault.Data, "no column is called %s, or holds images; there are %s",
			strings.Join(pathNames, ", "), strings.Join(t.all, ", ")).Advise("set data.path_column")
	}
	items, err := t.items(path, o)
	if err != nil {
		return nil, nil, err
	}
	first, second := items[splitTrain], items[splitTest]
	if len(second) == 0 {
		second = items[splitVal]
	}
	switch {
	case len(second) == 0:
		if first, second, err = source.SplitFiles(first, o.TestFraction, o.Bounds, "the table"); err != nil {
			return nil, nil, err
		}
	case len(first) == 0:
		return nil, nil, fault.New(fault.Data, "no image is for training").Advise("mark some with train in the split column")
	}
	settings, about := fmt.Sprintf("list %q", []string{t.columns[path]}), source.About{Folder: o.File}
	if t.places != nil {
		return t.embeddedSets(ctx, first, second, settings, o, about)
	}
	return source.FileSets(ctx, first, second, o.Bounds,
		source.FileOptions{Settings: settings, Classes: t.names, Picture: o.Picture, About: about})
}

// items are the table's images by split, and their classes become t.names.
func (t *table) items(path int, o Options) (items [3][]source.File, err error) {
	usual := labelNames
	if t.unit == "row" {
		usual = []string{t.label}
	}
	label, err := t.column("label", o.LabelColumn, usual)
	if err != nil {
		return items, err
	}
	split, err := t.column("split", o.SplitColumn, splitNames)
	if err != nil {
		return items, err
	}
	labels, classes, err := t.labels(label)
	if err != nil {
		return items, err
	}
	t.names = classes
	seen := map[string]int{}
	for i, row := range t.rows {
		id := row[path]
		if t.ids != nil {
			id = t.ids[i]
		}
		if id == "" {
			return items, t.fault(i, "column %s is empty", t.columns[path])
		}
		if before, ok := seen[id]; ok {
			return items, t.fault(i, "%q again, after %s %d; remove one of them", id, t.unit, t.lines[before])
		}
		seen[id] = i
		at := splitTrain
		if t.splits != nil {
			at = t.splits[i]
		}
		if split >= 0 && (t.splits == nil || o.SplitColumn != "") {
			var ok bool
			if at, ok = splits[strings.ToLower(row[split])]; !ok {
				return items, t.fault(i, "split %q must be train, test or val", row[split])
			}
		}
		file := filepath.FromSlash(id)
		if !filepath.IsAbs(file) {
			file = filepath.Join(t.dirs[i], file)
		}
		items[at] = append(items[at], source.File{ID: id, Path: file, Label: labels[i]})
	}
	return items, nil
}

// Splits by their names.
const (
	splitTrain = iota
	splitTest
	splitVal
)

var splits = map[string]int{
	"train": splitTrain, "training": splitTrain, "test": splitTest, "testing": splitTest,
	"val": splitVal, "valid": splitVal, "validation": splitVal,
}

func (t *table) fault(row int, format string, args ...any) error {
	return fmt.Errorf("%s %d: %s", t.unit, t.lines[row], fmt.Sprintf(format, args...))
}

// column returns the index of the column with the name, or with the first of the usual names that is there, in
// upper or lower case, or -1.
func (t *table) column(what, name string, usual []string) (int, error) {
	if name != "" {
		if i := slices.Index(t.columns, name); i >= 0 {
			return i, nil
		}
		return -1, fault.New(fault.Data, "no column is called %s; there are %s", name, strings.Join(t.all, ", ")).
			Advise("change data.%s_column", what)
	}
	for _, name := range usual {
		// Label in the place of label must not make a set without labels.
		if i := slices.IndexFunc(t.columns, func(c string) bool { return strings.EqualFold(c, name) }); i >= 0 {
			return i, nil
		}
	}
	return -1, nil
}

// isIn says whether the name is one of names, in upper or lower case.
func isIn(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// labels returns the label of each row, -1 for none, and the classes.
func (t *table) labels(column int) (labels []int, classes []string, err error) {
	labels = make([]int, len(t.rows))
	if column < 0 {
		for i := range labels {
			labels[i] = -1
		}
		return labels, nil, nil
	}
	numbers := true
	seen := map[string]int{}
	for _, row := range t.rows {
		if text := row[column]; text != "" {
			_, err := strconv.Atoi(text)
			numbers = numbers && err == nil
			seen[text] = 0
		}
	}
	if t.classes != nil {
		classes = t.classes
		for i := range classes {
			seen[strconv.Itoa(i)] = i
		}
	} else {
		for text := range seen {
			classes = append(classes, text)
		}
		slices.SortFunc(classes, func(a, b string) int {
			if numbers {
				x, _ := strconv.Atoi(a) // all are numbers
				y, _ := strconv.Atoi(b)
				return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
			}
			return cmp.Compare(a, b)
		})
		for i, text := range classes {
			seen[text] = i
		}
	}
	for i, row := range t.rows {
		text := row[column]
		if text == "" {
			labels[i] = -1
			continue
		}
		label, ok := seen[text]
		if t.classes != nil {
			n, err := strconv.Atoi(text)
			label, ok = n, err == nil && n >= 0 && n < len(classes)
			if err == nil && n == -1 { // Hugging Face's mark for no label
				label, ok = -1, true
			}
		}
		if !ok {
			return nil, nil, t.fault(i, "label %q is none of the %d classes that the metadata name", text, len(classes))
		}
		labels[i] = label
	}
	return labels, classes, nil
}
