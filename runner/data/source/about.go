package source

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// About is what a reader has to say of both splits together.
type About struct {
	// Folder is where the set was found: the root that was given, or a folder below it. "" where it has none.
	Folder string
	// Train and Test are how many items the splits have before Bounds keeps some of them.
	Train, Test int
	// LeftOut are the files beside the images that aren't read.
	LeftOut Kinds
}

// Described is a Set that says something of the whole.
type Described interface {
	Set
	// About returns what the set belongs to; both splits have the same.
	About() About
}

// Kinds counts files by extension: lower case, with the dot, "" where a name has none.
type Kinds map[string]int

// Count adds a file.
func (k Kinds) Count(name string) { k[strings.ToLower(filepath.Ext(name))]++ }

// Files returns how many files there are.
func (k Kinds) Files() int {
	n := 0
	for _, c := range k {
		n += c
	}
	return n
}

// Add adds another's files.
func (k Kinds) Add(other Kinds) {
	for ext, n := range other {
		k[ext] += n
	}
}

// String names the kinds, the most frequent first: "10 .npy, 2 .txt".
func (k Kinds) String() string {
	exts := slices.SortedFunc(maps.Keys(k), func(a, b string) int { return cmp.Or(k[b]-k[a], cmp.Compare(a, b)) })
	for i, ext := range exts {
		exts[i] = fmt.Sprintf("%d %s", k[ext], cmp.Or(ext, "without an extension"))
	}
	return List(exts)
}
