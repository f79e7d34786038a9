package pack

import (
	"context"
	"fmt"
	"slices"

	"ordo/augment"
)

// Memory is a set whose decoded images are in memory.
type Memory struct {
	images      []augment.Image
	labels      []int
	ids         []string
	classes     []string
	fingerprint string
	notes       []string
}

// Memory decodes all images of the job, whose format must be raw. Images that can't be read are an [UnreadableError] or, with
// Skip, left out; it returns the context's error when ctx is done.
func (j Job) Memory(ctx context.Context) (*Memory, error) {
	m := &Memory{classes: j.Set.Classes()}
	sum := j.newContent()
	failures, err := j.gather(ctx, func(it item) error {
		id, label := j.Set.ID(it.index), j.Set.Label(it.index)
		sum.add(it, id, label)
		m.images = append(m.images, augment.Image{Width: it.width, Height: it.height, Pix: it.record})
		m.ids, m.labels = append(m.ids, id), append(m.labels, label)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
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
	return m.images[i], nil
}

// Label returns the class of image i, -1 for none.
func (m *Memory) Label(i int) int { return m.labels[i] }

// ID returns the name of image i.
func (m *Memory) ID(i int) string { return m.ids[i] }

// Classes returns the names of the classes.
func (m *Memory) Classes() []string { return slices.Clone(m.classes) }

// Fingerprint identifies the content. A raw [File] of the same set and options has the same.
func (m *Memory) Fingerprint() string { return m.fingerprint }
