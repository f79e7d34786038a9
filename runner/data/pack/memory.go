package pack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"ordo/augment"
	"ordo/runner/data/source"
)

// Memory is a set whose decoded images are in memory. All methods may be called by any number of goroutines at once.
type Memory struct {
	images      []atomic.Pointer[augment.Image] // nil: not asked for yet
	set         source.Set                      // what they come from then
	labels      []int
	ids         []string // nil: the set's
	classes     []string
	fingerprint string

	mu    sync.Mutex
	notes []string
}

// Memory decodes the images of the job, whose format must be raw. Images that can't be read are an [UnreadableError]
// or, with Skip, left out; it returns the context's error when ctx is done. A set that knows its own fingerprint is
// read as images are asked for, unless they shall be reduced.
func (j Job) Memory(ctx context.Context) (*Memory, error) {
	m := &Memory{classes: j.Set.Classes()}
	sum := j.newContent()
	if sum.own != "" && j.ShortSide == 0 {
		m.set, m.fingerprint = j.Set, sum.fingerprint()
		m.images, m.labels = make([]atomic.Pointer[augment.Image], j.Set.Len()), make([]int, j.Set.Len())
		for i := range m.labels {
			m.labels[i] = j.Set.Label(i)
		}
		return m, ctx.Err()
	}
	var images []*augment.Image
	failures, err := j.gather(ctx, 0, nil, func(it item) error {
		id, label := j.Set.ID(it.index), j.Set.Label(it.index)
		sum.add(it, id, label)
		images = append(images, &augment.Image{Width: it.width, Height: it.height, Pix: it.record})
		m.ids, m.labels = append(m.ids, id), append(m.labels, label)
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.images = make([]atomic.Pointer[augment.Image], len(images))
	for i, img := range images {
		m.images[i].Store(img)
	}
	if len(failures) > 0 {
		sum.skip()
		m.notes = []string{skipped(failures, j.Set.Len(), "")}
	}
	m.fingerprint = sum.fingerprint()
	return m, nil
}

// TakeNotes returns, in sentences, what was left out, once.
func (m *Memory) TakeNotes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	notes := m.notes
	m.notes = nil
	return notes
}

// Len returns the number of images.
func (m *Memory) Len() int { return len(m.images) }

// Image returns image i. The pixels are read-only.
func (m *Memory) Image(i int) (augment.Image, error) {
	if i < 0 || i >= len(m.images) {
		return augment.Image{}, fmt.Errorf("pack: image %d of %d", i, len(m.images))
	}
	if img := m.images[i].Load(); img != nil {
		return *img, nil
	}
	img, err := m.set.Image(i)
	if err != nil {
		return augment.Image{}, err
	}
	m.images[i].Store(&img) // two goroutines may have asked: either's image is right
	return img, nil
}

// Label returns the class of image i, -1 for none.
func (m *Memory) Label(i int) int { return m.labels[i] }

// ID returns the name of image i.
func (m *Memory) ID(i int) string {
	if m.ids == nil {
		return m.set.ID(i)
	}
	return m.ids[i]
}

// Classes returns the names of the classes.
func (m *Memory) Classes() []string { return slices.Clone(m.classes) }

// Fingerprint identifies the content. A raw [File] of the same set and options has the same.
func (m *Memory) Fingerprint() string { return m.fingerprint }
