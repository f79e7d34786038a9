package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"ordo/augment"
	"ordo/runner/data/source"
)

// Subset returns the items of a set that have the given numbers, in the order of the list, as a set of its own.
func Subset(set source.Set, items []int) source.Set {
	some := subset{set, items}
	if all, ok := set.(source.Inspector); ok {
		return inspected{some, all}
	}
	return some
}

// First returns the first n items of a set, or all where there are fewer.
func First(set source.Set, n int) source.Set {
	items := make([]int, min(n, set.Len()))
	for i := range items {
		items[i] = i
	}
	return Subset(set, items)
}

type subset struct {
	source.Set
	items []int
}

func (s subset) Len() int                           { return len(s.items) }
func (s subset) ID(i int) string                    { return s.Set.ID(s.items[i]) }
func (s subset) Label(i int) int                    { return s.Set.Label(s.items[i]) }
func (s subset) Image(i int) (augment.Image, error) { return s.Set.Image(s.items[i]) }
func (s subset) Encoded(i int) ([]byte, error)      { return s.Set.Encoded(s.items[i]) }

// Key names the items as well as the set that they are of.
func (s subset) Key() string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, s.Set.Key()) // a hash takes everything
	for _, i := range s.items {
		_, _ = fmt.Fprintf(sum, " %d", i)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// inspected is a subset of a set that can tell what its items are.
type inspected struct {
	subset
	all source.Inspector
}

func (s inspected) Inspect(i int) (source.Header, error) { return s.all.Inspect(s.items[i]) }
func (s inspected) Digest(i int) (string, error)         { return s.all.Digest(s.items[i]) }

// SharedFile is that of the whole set.
func (s inspected) SharedFile(i int) string {
	if all, ok := s.all.(interface{ SharedFile(i int) string }); ok {
		return all.SharedFile(s.items[i])
	}
	return ""
}

// File is that of the whole set.
func (s inspected) File(i int) string {
	if all, ok := s.all.(interface{ File(i int) string }); ok {
		return all.File(s.items[i])
	}
	return ""
}
