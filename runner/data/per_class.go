package data

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/data/source"
)

// each keeps n images of every class of a set, in the set's order; 0 keeps all. Which ones is what images keeps of the
// whole set. A set that has no more than that stays what it is, key and fingerprint too.
func (o Options) each(set source.Set, key string, n int) (source.Set, error) {
	if n == 0 {
		return set, nil
	}
	classes := make([][]int, len(set.Classes()))
	for i := range set.Len() {
		label := set.Label(i)
		if label < 0 {
			return nil, fault.New(fault.Config, "data.%s: counts images of a class, and %s has none", key, set.ID(i)).
				Advise("leave it out, or give every image a class")
		}
		classes[label] = append(classes[label], i)
	}
	var kept []int
	for _, items := range classes {
		if o.Source == SourceIDX {
			kept = append(kept, items[:min(n, len(items))]...)
		} else {
			kept = append(kept, source.Sample(items, n, o.Seed, set.ID)...)
		}
	}
	if len(kept) == set.Len() {
		return set, nil
	}
	slices.Sort(kept)
	return Subset(set, kept), nil
}

// short says which classes have fewer images than per_class asks for; "": none.
func (o Options) short(sets Sets) string {
	var says []string
	for _, split := range []struct {
		set source.Set
		key string
		n   int
	}{{sets.Train, "per_class", o.PerClass}, {sets.Test, "test_per_class", o.TestPerClass}} {
		if split.n == 0 {
			continue
		}
		counts := make([]int, len(split.set.Classes()))
		for i := range split.set.Len() {
			counts[split.set.Label(i)]++
		}
		var fewer []string
		for label, count := range counts {
			if count < split.n {
				fewer = append(fewer, fmt.Sprintf("%s (%d)", split.set.Classes()[label], count))
			}
		}
		if len(fewer) > 0 {
			says = append(says, fmt.Sprintf("data.%s: %d of %d classes have fewer than %d images: %s", split.key, len(fewer),
				len(counts), split.n, source.List(fewer)))
		}
	}
	return strings.Join(says, "\n")
}
