package orchard

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"ordo/augment"
)

// drawing is the version of the pictures. Whoever changes a pixel of any of them counts it up.
const drawing = 1

// keepBytes bounds the memory in which a set keeps what it has drawn. A set that is larger keeps nothing.
const keepBytes = 512 << 20

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

// Set is a number of pictures. It draws each when it is first asked for it.
type Set struct {
	o    Options
	kept []atomic.Pointer[augment.Image] // nil in a set that keeps nothing
}

// New returns the set with these options. It draws nothing yet.
func New(o Options) (*Set, error) {
	if o.ImageSize < 8 || o.Images < 1 {
		return nil, fmt.Errorf("orchard: want an image size of at least 8 and at least 1 image, got %d and %d",
			o.ImageSize, o.Images)
	}
	s := &Set{o: o}
	if o.Images <= keepBytes/(3*o.ImageSize*o.ImageSize) {
		s.kept = make([]atomic.Pointer[augment.Image], o.Images)
	}
	return s, nil
}

// Len returns the number of pictures.
func (s *Set) Len() int { return s.o.Images }

// Image returns picture i, a pure function of the seed, the split, the size and i: the same bytes on every
// machine. Any number of goroutines may call it. The pixels are read-only.
func (s *Set) Image(i int) (augment.Image, error) {
	if i < 0 || i >= s.o.Images {
		return augment.Image{}, fmt.Errorf("orchard: image %d of %d", i, s.o.Images)
	}
	if s.kept == nil {
		return *s.draw(i), nil
	}
	m := s.kept[i].Load()
	if m == nil {
		m = s.draw(i) // two goroutines may draw the same one: either result is right
		s.kept[i].Store(m)
	}
	return *m, nil
}

func (s *Set) draw(i int) *augment.Image {
	n := s.o.ImageSize
	m := &augment.Image{Width: n, Height: n, Pix: make([]uint8, 3*n*n)}
	sc := newScene(s.o.Seed, uint64(s.o.Split), uint64(i), &classes[s.Label(i)])
	sc.paint(m.Pix, n)
	return m
}

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
func (s *Set) Classes() []string { return Classes() }

// Fingerprint identifies the set's content: equal fingerprints are equal pictures and labels.
func (s *Set) Fingerprint() string {
	h := sha256.Sum256(fmt.Appendf(nil, "orchard %d %+v", drawing, s.o))
	return fmt.Sprintf("%x", h[:8])
}
