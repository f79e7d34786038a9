package source

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"ordo/augment"
	"ordo/models/fault"
)

// Blob is a file of records of one size. It stays open as long as it is used.
type Blob struct {
	Name string // for errors
	Data io.ReaderAt
	Size int64
	// Stamp tells this content from another of the same name and size: for files, the modification time.
	Stamp int64
}

// OpenBlob opens a file.
func OpenBlob(path string) (Blob, error) {
	f, info, err := OpenFile(path)
	if err != nil {
		return Blob{}, err
	}
	return Blob{path, f, info.Size(), info.ModTime().UnixNano()}, nil
}

// Record is an item of a Blob.
type Record struct {
	ID     string
	Label  int // -1: none
	Blob   int
	Offset int64
}

// Records is a set of records.
type Records struct {
	o   RecordOptions
	key string
}

// RecordOptions says what records are.
type RecordOptions struct {
	Settings string // the reader's name and options, in any form: they go into the key
	Classes  []string
	Blobs    []Blob
	Records  []Record
	Bytes    int // of a record
	// Width and Height of an image, Channels: 1 or 3.
	Width, Height, Channels int
	// Decode writes a record of Bytes bytes as RGB into dst, 3*Width*Height values.
	Decode func(dst, record []uint8)
	About  About
}

// NewRecords returns the set of the given records. The error is the context's.
func NewRecords(ctx context.Context, o RecordOptions) (*Records, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "records %q %q %d %d %d %d\n", o.Settings, o.Classes, o.Bytes, o.Width, o.Height, o.Channels)
	for _, b := range o.Blobs {
		fmt.Fprintf(h, "%d %d\n", b.Size, b.Stamp)
	}
	for _, r := range o.Records {
		fmt.Fprintf(h, "%q %d %d %d\n", r.ID, r.Label, r.Blob, r.Offset)
	}
	return &Records{o, fmt.Sprintf("%x", h.Sum(nil)[:16])}, nil
}

// Len returns the number of items.
func (s *Records) Len() int { return len(s.o.Records) }

// ID returns the name of item i.
func (s *Records) ID(i int) string { return s.o.Records[i].ID }

// Label returns the class of item i, or -1.
func (s *Records) Label(i int) int { return s.o.Records[i].Label }

// Classes returns the names of the classes, nil when there are no labels.
func (s *Records) Classes() []string { return slices.Clone(s.o.Classes) }

// Key names the content.
func (s *Records) Key() string { return s.key }

// About says what the set belongs to.
func (s *Records) About() About { return s.o.About }

func (s *Records) record(i int) ([]byte, error) {
	if i < 0 || i >= s.Len() {
		return nil, fmt.Errorf("image %d of %d", i, s.Len())
	}
	r := s.o.Records[i]
	raw := make([]byte, s.o.Bytes)
	if n, err := s.o.Blobs[r.Blob].Data.ReadAt(raw, r.Offset); n < len(raw) {
		return nil, fault.New(fault.Data, "%s: image %d: %w", s.o.Blobs[r.Blob].Name, i, err).Advise("fetch the file again")
	}
	return raw, nil
}

// Digest names the content of item i.
func (s *Records) Digest(i int) (string, error) {
	raw, err := s.record(i)
	return digest(raw), err
}

// Image reads item i.
func (s *Records) Image(i int) (augment.Image, error) {
	raw, err := s.record(i)
	if err != nil {
		return augment.Image{}, err
	}
	m := augment.Image{Width: s.o.Width, Height: s.o.Height, Pix: make([]uint8, 3*s.o.Width*s.o.Height)}
	s.o.Decode(m.Pix, raw)
	return m, nil
}

// Encoded returns nil: records are no JPEG files.
func (s *Records) Encoded(int) ([]byte, error) { return nil, nil }

// Inspect tells what item i is.
func (s *Records) Inspect(int) (Header, error) {
	return Header{
		Format: "raw", Width: s.o.Width, Height: s.o.Height, Channels: s.o.Channels, Bytes: int64(s.o.Bytes),
	}, nil
}

// Planes writes three planes after each other, red, green, blue, each row by row, as RGB.
func Planes(dst, planes []uint8) {
	n := len(dst) / 3
	for i := range n {
		dst[3*i], dst[3*i+1], dst[3*i+2] = planes[i], planes[n+i], planes[2*n+i]
	}
}
