package source

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

func hash(seed uint64, id string) uint64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), id...))
	return binary.BigEndian.Uint64(sum[:])
}

// Sample keeps n of the items, in their order: those whose ids hash lowest with the seed, which mixes the classes, and
// moves few when items come or go. 0 keeps all.
func Sample[T any](items []T, n int, seed uint64, id func(T) string) []T {
	if n == 0 || n >= len(items) {
		return items
	}
	type hashed struct {
		hash uint64
		at   int
	}
	all := make([]hashed, len(items))
	for i, it := range items {
		all[i] = hashed{hash(seed, id(it)), i}
	}
	slices.SortFunc(all, func(a, b hashed) int {
		if a.hash != b.hash {
			if a.hash < b.hash {
				return -1
			}
			return 1
		}
		return a.at - b.at
	})
	kept := all[:n]
	slices.SortFunc(kept, func(a, b hashed) int { return a.at - b.at })
	out := make([]T, n)
	for i, h := range kept {
		out[i] = items[h.at]
	}
	return out
}

// Split puts the share of the items aside as a test split whose ids hash below it. Adding or removing an item moves no
// other one, and neither does their order.
func Split[T any](items []T, share float64, seed uint64, id func(T) string) (train, test []T) {
	for _, it := range items {
		if float64(hash(seed, id(it)))/(1<<64) < share {
			test = append(test, it)
		} else {
			train = append(train, it)
		}
	}
	return train, test
}

// List writes names as a sentence has them, the first few if they are many.
func List(names []string) string {
	const few = 6
	if len(names) > few {
		names = append(slices.Clone(names[:few]), "…")
	}
	return strings.Join(names, ", ")
}
