package orchard

import (
	"crypto/sha256"
	"fmt"

	"ordo/augment"
	"ordo/runner/data/source"
)

// drawing is the version of the pictures. Whoever changes a pixel of any of them counts it up.
const drawing = 1

// Split is one of the two halves of Orchard. They have no picture in common: the split is a key of every
// random number.
type Split uint64

// The splits.
const (
	Train Split = iota
	Test
)

func (s Split) String() string {
	if s == Test {
		return "test"
	}
	return "train"
}

// Options says which pictures to draw.
type Options struct {
	Seed      uint64
	Split     Split
	ImageSize int // side in pixels, at least 8
	Images    int // how many, at least 1
}

// Set is a number of pictures. It draws each when it is asked for it, and keeps none.
type Set struct{ o Options }

// New returns the set with these options. It draws nothing yet.
func New(o Options) (*Set, error) {
	if o.ImageSize < 8 || o.Images < 1 {
		return nil, fmt.Errorf("orchard: want an image size of at least 8 and at least 1 image, got %d and %d",
			o.ImageSize, o.Images)
	}
	return &Set{o}, nil
}

// Len returns the number of pictures.
func (s *Set) Len() int { return s.o.Images }

// Image draws picture i, a pure function of the seed, the split, the size and i: the same bytes on every machine. Any
// number of goroutines may call it.
func (s *Set) Image(i int) (augment.Image, error) {
	if i < 0 || i >= s.o.Images {
		return augment.Image{}, fmt.Errorf("orchard: image %d of %d", i, s.o.Images)
	}
	n := s.o.ImageSize
	m := augment.Image{Width: n, Height: n, Pix: make([]uint8, 3*n*n)}
	sc := newScene(s.o.Seed, uint64(s.o.Split), uint64(i), &classes[s.Label(i)])
	sc.paint(m.Pix, n)
	return m, nil
}

// Encoded returns nil: there is no file.
func (s *Set) Encoded(int) ([]byte, error) { return nil, nil }

// Inspect tells what picture i is without drawing it.
func (s *Set) Inspect(int) (source.Header, error) {
	return source.Header{Format: "drawn", Width: s.o.ImageSize, Height: s.o.ImageSize, Channels: 3}, nil
}

// Digest names picture i: no two are equal.
func (s *Set) Digest(i int) (string, error) { return s.Key() + s.ID(i), nil }

// Label returns the class of picture i. Every run of 12 pictures that starts at a multiple of 12 holds each
// class once, in an order of its own.
func (s *Set) Label(i int) int {
	n := len(classes)
	r := newStream(s.o.Seed, uint64(s.o.Split), uint64(i/n), 12)
	var order [len(classes)]int
	for j := range order { // Fisher and Yates, from the inside out
		k := int(r.next() % uint64(j+1))
		order[j] = order[k]
		order[k] = j
	}
	return order[i%n]
}

// ID returns the name of picture i, such as "train/000017".
func (s *Set) ID(i int) string { return fmt.Sprintf("%v/%06d", s.o.Split, i) }

// Classes returns the names of the classes in the order of their labels.
func (s *Set) Classes() []string { return classNames() }

// Fingerprint identifies the set's content: equal fingerprints are equal pictures and labels.
func (s *Set) Fingerprint() string { return s.Key()[:16] }

// Key names the content.
func (s *Set) Key() string {
	h := sha256.Sum256(fmt.Appendf(nil, "orchard %d %+v", drawing, s.o))
	return fmt.Sprintf("%x", h[:16])
}
