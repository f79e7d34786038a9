package embed

import (
	"archive/zip"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"ordo/models"
	"ordo/models/fault"
)

// Limits of what a small file may ask for: its arrays may be bounded + ratio·size bytes in all. Numbers of networks do
// not compress as well, and those that NumPy does not compress take what the file takes.
const (
	bounded   = 256 << 20
	ratio     = 64
	perValue  = 32 // bytes that a text or a label takes at least
	maxArrays = 10_000
)

// The arrays that are no outputs.
const (
	arrayIDs     = "ids"
	arrayLabels  = "labels"
	arrayClasses = "classes"
	arraySplit   = "split"
	arrayScale   = "scale"
	arrayMeta    = "meta"
)

// reserved are the names that outputs can't have: those of arrays and of columns.
func reserved() []string {
	return append(said(true), arrayIDs, arrayLabels, arrayClasses, arrayMeta, columnNeighbours)
}

// Read reads an embeddings file, of Export or of another tool: see the package for its arrays. The outputs are those of
// the given names; without any they are features and embedding, or else all matrices of floats. What is wrong with the
// file is a fault of kind Data, numbers that are not finite one of kind Numeric.
func Read(path string, outputs []string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	t, err := read(f, info.Size(), outputs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, fault.Wrap(fault.Data, err))
	}
	return t, nil
}

func read(r io.ReaderAt, size int64, outputs []string) (*Table, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault.New(fault.Data, "is no embeddings file, which is an .npz archive of numpy.savez: %w", err)
	}
	f := &file{arrays: map[string]*array{}, left: bounded + ratio*uint64(size)}
	if err := f.open(z.File); err != nil {
		return nil, err
	}
	t := &Table{}
	n, err := f.outputs(t, outputs)
	if err != nil {
		return nil, err
	}
	for _, read := range []func(t *Table, n int) error{f.labels, f.ids, f.split} {
		if err := read(t, n); err != nil {
			return nil, err
		}
	}
	return t, cmp.Or(t.check(), t.finite())
}

// file is an archive that is being read.
type file struct {
	arrays map[string]*array
	names  []string // in the archive's order
	left   uint64   // bytes of values that may still be read
}

func (f *file) open(entries []*zip.File) error {
	if len(entries) > maxArrays {
		return fault.New(fault.Data, "has %d arrays", len(entries))
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			continue
		}
		if f.arrays[name] != nil {
			return fault.New(fault.Data, "has two arrays %q", name)
		}
		a, err := openArray(entry)
		if err != nil {
			return fault.New(fault.Data, "its array %q %w", name, err)
		}
		f.arrays[name] = a
		f.names = append(f.names, name)
	}
	return nil
}

// take gives an array of n values or rows that is about to be read; n -1: of any number.
func (f *file) take(name string, n int) (*array, error) {
	a := f.arrays[name]
	if n >= 0 && (len(a.shape) == 0 || a.shape[0] != n) {
		return nil, fault.New(fault.Data, "its array %s has the shape %v, and there are %d images", name, a.shape, n)
	}
	size, _ := a.size()
	cost := uint64(size)
	if !a.matrix() && size > 0 {
		cost = max(cost, cost/uint64(a.width)*perValue)
	}
	if cost > f.left {
		return nil, fault.New(fault.Data, "its array %s would unpack to %d bytes, far more than the file has", name, size)
	}
	f.left -= cost
	return a, nil
}

// column is take of an array of one axis.
func (f *file) column(name string, n int) (*array, error) {
	a, err := f.take(name, n)
	if err == nil && len(a.shape) != 1 {
		err = fault.New(fault.Data, "its array %s has the shape %v, not one axis", name, a.shape)
	}
	return a, err
}

// outputs reads the outputs of the given names, and returns the number of images.
func (f *file) outputs(t *Table, wanted []string) (int, error) {
	names := slices.Clone(wanted)
	if len(names) == 0 {
		names = slices.DeleteFunc([]string{models.Features, models.Embedding}, func(name string) bool {
			return f.arrays[name] == nil
		})
	}
	if len(names) == 0 {
		names = slices.DeleteFunc(slices.Clone(f.names), func(name string) bool {
			return !f.arrays[name].matrix() || slices.Contains([]string{arrayIDs, arrayLabels, arrayClasses, arraySplit}, name)
		})
	}
	if len(names) == 0 {
		return 0, fault.New(fault.Data, "has no matrix of floats, [images, columns], among its arrays %.200q", f.names).
			Advise("save what the encoder gives as the array features")
	}
	n := -1
	for _, name := range names {
		if f.arrays[name] == nil {
			return 0, fault.New(fault.Data, "has no array %s, its arrays are %.200q", name, f.names)
		}
		a, err := f.take(name, n)
		if err != nil {
			return 0, err
		}
		if !a.matrix() || a.shape[0] == 0 || a.shape[1] == 0 {
			return 0, fault.New(fault.Data, "its array %s is no matrix of float16, float32 or float64, [images, columns], "+
				"its shape is %v", name, a.shape)
		}
		values, err := a.floats()
		if err != nil {
			return 0, fault.New(fault.Data, "its array %s %w", name, err)
		}
		n = a.shape[0]
		t.Outputs = append(t.Outputs, Output{name, a.shape[1], values})
	}
	return n, nil
}

// ids reads names of the images, texts or numbers.
func (f *file) ids(t *Table, n int) (err error) {
	if f.arrays[arrayIDs] != nil {
		t.IDs, _, err = f.words(arrayIDs, n)
	}
	return err
}

// words reads texts, or whole numbers as texts, and says which.
func (f *file) words(name string, n int) (words []string, numbers []int64, err error) {
	a, err := f.column(name, n)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case a.text():
		words, err = a.texts()
	case a.whole():
		numbers, err = a.integers()
		for _, v := range numbers {
			words = append(words, strconv.FormatInt(v, 10))
		}
	default:
		return nil, nil, fault.New(fault.Data, "its array %s holds neither texts nor whole numbers", name).
			Advise("save it with dtype str or int64")
	}
	if err != nil {
		return nil, nil, fault.New(fault.Data, "its array %s %w", name, err)
	}
	return words, numbers, nil
}

// labels reads labels and classes. Without classes these are the labels that there are.
func (f *file) labels(t *Table, n int) error {
	var err error
	if f.arrays[arrayClasses] != nil {
		if t.Classes, _, err = f.words(arrayClasses, -1); err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, name := range t.Classes {
			if seen[name] {
				return fault.New(fault.Data, "its array %s has %q twice", arrayClasses, name)
			}
			seen[name] = true
		}
	}
	if f.arrays[arrayLabels] == nil {
		t.Classes = nil
		return nil
	}
	words, numbers, err := f.words(arrayLabels, n)
	if err != nil {
		return err
	}
	t.Labels = make([]int, n)
	if numbers == nil {
		return t.name(words)
	}
	if f.arrays[arrayClasses] != nil {
		for i, v := range numbers {
			t.Labels[i] = int(max(v, -1))
		}
		return nil // check compares them with the classes
	}
	all := slices.Clone(numbers)
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(v int64) bool { return v < 0 })
	for _, v := range all {
		t.Classes = append(t.Classes, strconv.FormatInt(v, 10))
	}
	for i, v := range numbers {
		at, there := slices.BinarySearch(all, v)
		if !there {
			at = -1
		}
		t.Labels[i] = at
	}
	return nil
}

// name sets labels that are names of classes; "" is none.
func (t *Table) name(words []string) error {
	if t.Classes == nil {
		all := slices.Clone(words)
		slices.Sort(all)
		t.Classes = slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
	}
	numbers := map[string]int{"": -1}
	for i, name := range t.Classes {
		numbers[name] = i
	}
	for i, word := range words {
		number, there := numbers[word]
		if !there {
			return fault.New(fault.Data, "its label %q is none of the classes %.200q", word, t.Classes)
		}
		t.Labels[i] = number
	}
	return nil
}

// split reads which rows are of the test split: train or test, or truths and numbers, of which 1 is test. All are
// where nothing says it.
func (f *file) split(t *Table, n int) error {
	t.Test = slices.Repeat([]bool{true}, n)
	if f.arrays[arraySplit] == nil {
		return nil
	}
	words, _, err := f.words(arraySplit, n)
	if err != nil {
		return err
	}
	for i, word := range words {
		switch word {
		case SplitTest, "1":
		case SplitTrain, "0":
			t.Test[i] = false
		default:
			return fault.New(fault.Data, "its array %s has %q in row %d", arraySplit, word, i).
				Advise("it must be train or test, or 0 for train and 1 for test")
		}
	}
	return nil
}
