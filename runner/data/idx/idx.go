package idx

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
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
	"ordo/runner/data/source"
)

// maxSide and maxBytes bound what a file may hold: the height and width of its images, and the bytes of its
// values once unpacked.
const (
	maxSide  = 1 << 12
	maxBytes = 1 << 31
)

// Limits are the largest numbers of images to take of each split, the first ones of the files; 0 is all.
type Limits struct {
	Train, Test int
}

// Set is one split.
type Set struct {
	*source.Records
	fingerprint string
}

// Fingerprint identifies the content: a hash of size, pixels and labels. Whether the files were compressed makes no
// difference.
func (s *Set) Fingerprint() string { return s.fingerprint }

// split is the content of the files of one split.
type split struct {
	name          string
	count         int // of images in the file
	width, height int
	grey          []uint8
	labels        []uint8 // nil: none
}

// Read reads both splits from the folder dir; the pixels stay in memory, grey as they are. It returns the context's
// error when ctx is done, and otherwise errors that name the file and say what to do.
func Read(ctx context.Context, dir string, limits Limits) (train, test *Set, err error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, nil, source.Advise(fault.Reading(fault.Data, dir, err),
			"give the folder that holds the files train-images-idx3-ubyte and so on")
	} else if !info.IsDir() {
		return nil, nil, fault.New(fault.Data, "%s is a file", dir).Advise("give the folder that it is in")
	}
	first, err := readSplit(ctx, dir, "train", limits.Train)
	if err != nil {
		return nil, nil, err
	}
	second, err := readSplit(ctx, dir, "t10k", limits.Test)
	if err != nil {
		return nil, nil, err
	}
	second.name = "test"
	highest := -1
	for _, s := range []*split{first, second} {
		if len(s.labels) > 0 {
			highest = max(highest, int(slices.Max(s.labels)))
		}
	}
	var classes []string
	for i := range highest + 1 {
		classes = append(classes, strconv.Itoa(i))
	}
	about := source.About{Folder: dir, Train: first.count, Test: second.count}
	if train, err = first.set(ctx, classes, about); err != nil {
		return nil, nil, err
	}
	test, err = second.set(ctx, classes, about)
	return train, test, err
}

// set makes a set of the split.
func (s *split) set(ctx context.Context, classes []string, about source.About) (*Set, error) {
	pixels := s.width * s.height
	h := sha256.New()
	fmt.Fprintf(h, "idx %s %d %d %d %t %d\n", s.name, len(s.grey)/pixels, s.width, s.height, s.labels != nil, len(classes))
	rgb := make([]uint8, 3*pixels)
	for at := 0; at < len(s.grey); at += pixels {
		repeat(rgb, s.grey[at:at+pixels])
		h.Write(rgb)
	}
	h.Write(s.labels)
	sum := h.Sum(nil)
	o := source.RecordOptions{
		Settings: fmt.Sprintf("idx %x", sum), Classes: classes, Bytes: pixels, Width: s.width, Height: s.height, Channels: 1,
		Blobs:  []source.Blob{{Name: s.name, Data: bytes.NewReader(s.grey), Size: int64(len(s.grey))}},
		Decode: repeat, About: about,
	}
	for i := range len(s.grey) / pixels {
		r := source.Record{ID: fmt.Sprintf("%s/%06d", s.name, i), Label: -1, Offset: int64(i) * int64(pixels)}
		if s.labels != nil {
			r.Label = int(s.labels[i])
		}
		o.Records = append(o.Records, r)
	}
	records, err := source.NewRecords(ctx, o)
	return &Set{records, fmt.Sprintf("%x", sum[:8])}, err
}

// repeat writes grey values as RGB.
func repeat(dst, grey []uint8) {
	for i, v := range grey {
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
	}
}

func readSplit(ctx context.Context, dir, name string, limit int) (*split, error) {
	file, err := find(dir, name+"-images", "idx3-ubyte")
	if err != nil {
		return nil, err
	}
	dims, grey, err := readFile(ctx, file, 3)
	if err != nil {
		return nil, err
	}
	count := dims[0]
	s := &split{name: name, count: count, height: dims[1], width: dims[2], grey: grey}

	file, err = find(dir, name+"-labels", "idx1-ubyte")
	if err == nil {
		dims, s.labels, err = readFile(ctx, file, 1)
		if err == nil && dims[0] != count {
			err = fault.New(fault.Data, "%s: %d labels for %d images, so the files don't belong together", file, dims[0], count).
				Advise("fetch both again")
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if limit > 0 && limit < count {
		s.labels = s.labels[:min(limit, len(s.labels))]
		s.grey = s.grey[:limit*s.width*s.height]
	}
	return s, nil
}

// find returns the path of the file of this name in one of its spellings.
func find(dir, stem, kind string) (string, error) {
	for _, end := range []string{"", ".gz"} {
		for _, joint := range []string{"-", "."} {
			path := filepath.Join(dir, stem+joint+kind+end)
			_, err := os.Stat(path)
			if err == nil {
				return path, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", fault.Reading(fault.Data, path, err)
			}
		}
	}
	return "", source.Missing("%s holds no %s-%s, with or without .gz", dir, stem, kind).
		Advise("put it there or give another folder")
}

// readFile reads a file with the given number of dimensions, compressed or not whatever its name says.
func readFile(ctx context.Context, path string, dims int) ([]int, []uint8, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	defer f.Close()
	shape, values, err := decode(stoppable{ctx, f}, dims)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, fault.New(fault.Data, "%s: %w", path, err).Advise("fetch the file again")
	}
	return shape, values, nil
}

// stoppable is a reader that fails once its context is done.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// decode reads one file of unsigned bytes with the given number of dimensions, 1 to 3, compressed by gzip or
// not. It returns the dimensions, all at least 1, and the values in row-major order. What it allocates is in
// proportion to what it reads, whatever the header claims. A file that ends early or holds more than its
// header says is an error.
func decode(r io.Reader, dims int) ([]int, []uint8, error) {
	if dims < 1 || dims > 3 {
		return nil, nil, fmt.Errorf("want 1 to 3 dimensions, not %d", dims)
	}
	b := bufio.NewReaderSize(r, 1<<16)
	if start, err := b.Peek(2); err == nil && start[0] == 0x1f && start[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("damaged gzip header: %w", err)
		}
		r = z
	} else {
		r = b
	}
	kind, want := make([]byte, 4), []byte{0, 0, 8, byte(dims)}
	if _, err := io.ReadFull(r, kind); err != nil {
		return nil, nil, fmt.Errorf("cut off in its header: %w", err)
	}
	if !bytes.Equal(kind, want) {
		return nil, nil, fmt.Errorf("begins with % x, not % x: no IDX file of unsigned bytes with %d dimensions",
			kind, want, dims)
	}
	header := make([]byte, 4*dims)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, nil, fmt.Errorf("cut off in its header: %w", err)
	}
	shape := make([]int, dims)
	total := int64(1)
	for i := range shape {
		d := binary.BigEndian.Uint32(header[4*i:])
		if i > 0 && d > maxSide {
			return nil, nil, fmt.Errorf("header claims images with a side of %d, the limit is %d", d, maxSide)
		}
		shape[i] = int(d)
		total *= int64(d) // at most 2^32 * 2^12 * 2^12
	}
	if total == 0 {
		return nil, nil, fmt.Errorf("header claims %s values: empty", product(shape))
	}
	if total > maxBytes {
		return nil, nil, fmt.Errorf("header claims %s values, the limit is %d", product(shape), maxBytes)
	}
	values, err := io.ReadAll(io.LimitReader(r, total+1))
	switch {
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, nil, fmt.Errorf("damaged after %d of %d values: %w", len(values), total, err)
	case int64(len(values)) < total:
		return nil, nil, fmt.Errorf("cut off after %d of %d values", len(values), total)
	case int64(len(values)) > total:
		return nil, nil, fmt.Errorf("goes on after the %d values that its header claims", total)
	case err != nil:
		return nil, nil, fmt.Errorf("cut off after its values: %w", err)
	}
	return shape, values, nil
}

func product(shape []int) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, " x ")
}
