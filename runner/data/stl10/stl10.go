package stl10

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

// Options says where the files are and what is trained on.
type Options struct {
	Root      string
	Unlabeled bool // add the images without labels to the training split
	Bounds    source.Bounds
}

const (
	side   = 96
	pixels = 3 * side * side
)

// Read lists both splits. Errors name the file and say what to do; the context's error comes back as it is.
func Read(ctx context.Context, o Options) (train, test source.Set, err error) {
	dir, err := source.FindFolder(o.Root, 1, "train_X.bin", "test_X.bin")
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, "class_names.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	classes := strings.Fields(string(text))
	if len(classes) == 0 || len(classes) > 255 {
		return nil, nil, fault.New(fault.Data, "%s: %d names of classes", path, len(classes)).Advise("fetch the file again")
	}
	r := source.RecordOptions{
		Settings: fmt.Sprintf("stl10 unlabeled=%t", o.Unlabeled), Classes: classes, Bytes: pixels,
		Width: side, Height: side, Channels: 3,
		Decode: columns, About: source.About{Folder: dir},
	}
	trainRecords, err := list(dir, "train", &r)
	if err != nil {
		return nil, nil, err
	}
	testRecords, err := list(dir, "test", &r)
	if err != nil {
		return nil, nil, err
	}
	if o.Unlabeled {
		more, err := list(dir, "unlabeled", &r)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, source.Advise(err, "fetch it, or set data.unlabeled to false")
		}
		if err != nil {
			return nil, nil, err
		}
		trainRecords = append(trainRecords, more...)
	}
	return source.RecordSets(ctx, trainRecords, testRecords, o.Bounds, r)
}

// list lists the records of a split and adds its file to the blobs.
func list(dir, split string, r *source.RecordOptions) ([]source.Record, error) {
	b, err := source.OpenBlob(filepath.Join(dir, split+"_X.bin"))
	if err != nil {
		return nil, err
	}
	if b.Size == 0 || b.Size%pixels != 0 {
		return nil, fault.New(fault.Data, "%s: %d bytes are no whole number of images of %d", b.Name, b.Size, pixels).
			Advise("fetch the file again")
	}
	var labels []byte
	path := filepath.Join(dir, split+"_y.bin")
	if split != "unlabeled" {
		if labels, err = os.ReadFile(path); err != nil {
			return nil, fault.Reading(fault.Data, path, err)
		}
		if int64(len(labels)) != b.Size/pixels {
			return nil, fault.New(fault.Data, "%s: %d labels for the %d images of %s", path, len(labels), b.Size/pixels, b.Name).
				Advise("fetch both again")
		}
	}
	records := make([]source.Record, b.Size/pixels)
	for i := range records {
		records[i] = source.Record{
			ID: fmt.Sprintf("%s/%05d", split, i), Label: -1, Blob: len(r.Blobs), Offset: int64(i) * pixels,
		}
		if labels == nil {
			continue
		}
		if records[i].Label = int(labels[i]) - 1; records[i].Label < 0 || records[i].Label >= len(r.Classes) {
			return nil, fault.New(fault.Data, "%s: image %d has label %d, want 1 to %d", path, i, labels[i], len(r.Classes)).
				Advise("fetch the file again")
		}
	}
	r.Blobs = append(r.Blobs, b)
	return records, nil
}

// columns writes planes that lie column by column as RGB.
func columns(dst, planes []uint8) {
	for y := range side {
		for x := range side {
			for c := range 3 {
				dst[3*(y*side+x)+c] = planes[c*side*side+x*side+y]
			}
		}
	}
}
