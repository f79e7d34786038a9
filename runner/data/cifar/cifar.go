package cifar

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/source"
)

// The two label sets of CIFAR-100.
const (
	Fine   = "fine"   // 100 classes
	Coarse = "coarse" // 20 classes
)

// Options says where the files are and which set they are of.
type Options struct {
	Root    string
	Classes int    // 10 or 100
	Labels  string // of CIFAR-100: Fine or Coarse
	Bounds  source.Bounds
}

const (
	side   = 32
	pixels = 3 * side * side
)

// layout is what CIFAR-10 and CIFAR-100 differ in.
type layout struct {
	name        string
	train, test []string
	names       string // file of the labels' names
	labels      int    // bytes of labels in a record
	label       int    // which of them counts
	python      string // a file of the version for Python
}

func (o Options) layout() layout {
	if o.Classes == 10 {
		return layout{
			name:  "cifar10",
			train: []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
			test:  []string{"test_batch.bin"}, names: "batches.meta.txt", labels: 1, python: "data_batch_1",
		}
	}
	l := layout{
		name: "cifar100", train: []string{"train.bin"}, test: []string{"test.bin"}, names: "fine_label_names.txt",
		labels: 2, label: 1, python: "meta",
	}
	if o.Labels == Coarse {
		l.names, l.label = "coarse_label_names.txt", 0
	}
	return l
}

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	return o.layout().read(ctx, o)
}

func (l layout) read(ctx context.Context, o Options) (train, test source.Set, err error) {
	dir, err := source.FindFolder(o.Root, 1, l.train[0], l.names)
	if errors.Is(err, fs.ErrNotExist) {
		if python, e := source.FindFolder(o.Root, 1, l.python); e == nil {
			return nil, nil, source.Missing("%s holds the version for Python", python).
				Advise("fetch the binary version (%s and so on)", l.train[0])
		}
	}
	if err != nil {
		return nil, nil, err
	}
	classes, err := readNames(filepath.Join(dir, l.names))
	if err != nil {
		return nil, nil, err
	}
	r := source.RecordOptions{
		Settings: l.name + " " + l.names, Classes: classes, Bytes: pixels, Width: side, Height: side, Channels: 3,
		Decode: source.Planes, About: source.About{Folder: dir},
	}
	list := func(names []string) (records []source.Record, err error) {
		for _, name := range names {
			more, err := l.batch(ctx, filepath.Join(dir, name), &r)
			if err != nil {
				return nil, err
			}
			records = append(records, more...)
		}
		return records, nil
	}
	trainRecords, err := list(l.train)
	if err != nil {
		return nil, nil, err
	}
	testRecords, err := list(l.test)
	if err != nil {
		return nil, nil, err
	}
	return source.RecordSets(ctx, trainRecords, testRecords, o.Bounds, r)
}

// batch lists the records of a file and adds it to the blobs.
func (l layout) batch(ctx context.Context, path string, r *source.RecordOptions) ([]source.Record, error) {
	b, err := source.OpenBlob(path)
	if err != nil {
		return nil, err
	}
	size := int64(l.labels + pixels)
	if b.Size == 0 || b.Size%size != 0 {
		return nil, fault.New(fault.Data, "%s: %d bytes are no whole number of records of %d", path, b.Size, size).
			Advise("fetch the file again")
	}
	stem := strings.TrimSuffix(filepath.Base(path), ".bin")
	records := make([]source.Record, b.Size/size)
	labels := make([]byte, l.labels)
	for i := range records {
		if i%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := int64(i) * size
		if _, err := b.Data.ReadAt(labels, at); err != nil {
			return nil, fault.Reading(fault.Data, path, err)
		}
		label := int(labels[l.label])
		if label >= len(r.Classes) {
			return nil, fault.New(fault.Data, "%s: image %d has label %d, but %s has %d names",
				path, i, label, l.names, len(r.Classes)).Advise("fetch the files again")
		}
		records[i] = source.Record{
			ID: fmt.Sprintf("%s/%05d", stem, i), Label: label, Blob: len(r.Blobs), Offset: at + int64(l.labels),
		}
	}
	r.Blobs = append(r.Blobs, b)
	return records, nil
}

// readNames reads a name a line.
func readNames(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Reading(fault.Data, path, err)
	}
	var names []string
	for name := range strings.Lines(string(text)) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 || len(names) > 256 {
		return nil, fault.New(fault.Data, "%s: %d names of classes", path, len(names)).Advise("fetch the file again")
	}
	return names, nil
}
