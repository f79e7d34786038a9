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

	"ordo/augment"
)

// MaxSide and MaxBytes bound what a file may hold: the height and width of its images, and the bytes of its
// values once unpacked.
const (
	MaxSide  = 1 << 12
	MaxBytes = 1 << 31
)

// Limits are the largest numbers of images to take of each split, the first ones of the files; 0 is all.
type Limits struct {
	Train, Test int
}

// Set is one split, its images in memory as RGB.
type Set struct {
	split         string
	width, height int
	pix           []uint8 // Len() images after each other
	labels        []uint8 // nil: none
	classes       []string
}

// Len returns the number of images.
func (s *Set) Len() int { return len(s.pix) / (3 * s.width * s.height) }

// Image returns image i, its grey repeated in all three channels. The pixels are read-only.
func (s *Set) Image(i int) (augment.Image, error) {
	if i < 0 || i >= s.Len() {
		return augment.Image{}, fmt.Errorf("idx: image %d of %d", i, s.Len())
	}
	n := 3 * s.width * s.height
	return augment.Image{Width: s.width, Height: s.height, Pix: s.pix[i*n : (i+1)*n : (i+1)*n]}, nil
}

// Label returns the label of image i, or -1 when the split has no labels.
func (s *Set) Label(i int) int {
	if s.labels == nil {
		return -1
	}
	return int(s.labels[i])
}

// ID returns the name of image i, such as "train/000017": its place in the file.
func (s *Set) ID(i int) string { return fmt.Sprintf("%s/%06d", s.split, i) }

// Classes returns "0", "1" and so on up to the highest label of both splits, or nil when neither has labels.
func (s *Set) Classes() []string { return slices.Clone(s.classes) }

// Fingerprint identifies the content: a hash of size, pixels and labels. Whether the files were compressed
// makes no difference.
func (s *Set) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "idx %s %d %d %d %t %d\n", s.split, s.Len(), s.width, s.height, s.labels != nil, len(s.classes))
	h.Write(s.pix)
	h.Write(s.labels)
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// Read reads both splits from the folder dir. It returns the context's error when ctx is done, and otherwise
// errors that name the file and say what to do.
func Read(ctx context.Context, dir string, limits Limits) (train, test *Set, err error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, nil, fmt.Errorf("idx: %w; give the folder that holds the files train-images-idx3-ubyte and so on", err)
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("idx: %s is a file; give the folder that it is in", dir)
	}
	train, err = readSplit(ctx, dir, "train", limits.Train)
	if err != nil {
		return nil, nil, err
	}
	test, err = readSplit(ctx, dir, "t10k", limits.Test)
	if err != nil {
		return nil, nil, err
	}
	test.split = "test"
	highest := -1
	for _, s := range []*Set{train, test} {
		if len(s.labels) > 0 {
			highest = max(highest, int(slices.Max(s.labels)))
		}
	}
	for i := range highest + 1 {
		train.classes = append(train.classes, strconv.Itoa(i))
	}
	test.classes = train.classes
	return train, test, nil
}

func readSplit(ctx context.Context, dir, name string, limit int) (*Set, error) {
	file, err := find(dir, name+"-images", "idx3-ubyte")
	if err != nil {
		return nil, err
	}
	dims, grey, err := readFile(ctx, file, 3)
	if err != nil {
		return nil, err
	}
	s := &Set{split: name, height: dims[1], width: dims[2]}
	count := dims[0]

	file, err = find(dir, name+"-labels", "idx1-ubyte")
	if err == nil {
		dims, s.labels, err = readFile(ctx, file, 1)
		if err == nil && dims[0] != count {
			err = fmt.Errorf("idx: %s: %d labels for %d images; the files don't belong together, fetch both again",
				file, dims[0], count)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}

	if limit > 0 && limit < count {
		count = limit
		s.labels = s.labels[:min(count, len(s.labels))]
		grey = grey[:count*s.width*s.height]
	}
	s.pix = make([]uint8, 3*len(grey))
	for i, v := range grey {
		s.pix[3*i], s.pix[3*i+1], s.pix[3*i+2] = v, v, v
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
				return "", fmt.Errorf("idx: %w", err)
			}
		}
	}
	return "", fmt.Errorf("idx: %s holds no %s-%s, with or without .gz; put it there or give another folder: %w",
		dir, stem, kind, fs.ErrNotExist)
}

// readFile reads a file with so many dimensions, compressed or not whatever its name says.
func readFile(ctx context.Context, path string, dims int) ([]int, []uint8, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("idx: %w", err)
	}
	defer f.Close()
	shape, values, err := Decode(stoppable{ctx, f}, dims)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, fmt.Errorf("idx: %w", ctx.Err())
		}
		return nil, nil, fmt.Errorf("idx: %s: %w; fetch the file again", path, err)
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

// Decode reads one file of unsigned bytes with the given number of dimensions, 1 to 3, compressed by gzip or
// not. It returns the dimensions, all at least 1, and the values in row-major order. What it allocates is in
// proportion to what it reads, whatever the header claims. A file that ends early or holds more than its
// header says is an error.
func Decode(r io.Reader, dims int) ([]int, []uint8, error) {
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
		if i > 0 && d > MaxSide {
			return nil, nil, fmt.Errorf("header claims images with a side of %d, the limit is %d", d, MaxSide)
		}
		shape[i] = int(d)
		total *= int64(d) // at most 2^32 * 2^12 * 2^12
	}
	if total == 0 {
		return nil, nil, fmt.Errorf("header claims %s values: empty", product(shape))
	}
	if total > MaxBytes {
		return nil, nil, fmt.Errorf("header claims %s values, the limit is %d", product(shape), MaxBytes)
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
