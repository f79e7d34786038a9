package data

import (
	"slices"
	"testing"

	"ordo/runner/data/source"
)

func TestSubset(t *testing.T) {
	o := DefaultOptions()
	o.ImageSize, o.Images, o.TestImages = 8, 24, 12
	sets, err := List(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	set := sets.Train
	numbers := []int{20, 3, 3}
	some := Subset(set, numbers)
	if some.Len() != 3 || !slices.Equal(some.Classes(), set.Classes()) {
		t.Errorf("%d items of %v", some.Len(), some.Classes())
	}
	for i, n := range numbers {
		got, err := some.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		want, err := set.Image(n)
		if err != nil {
			t.Fatal(err)
		}
		if some.ID(i) != set.ID(n) || some.Label(i) != set.Label(n) || !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("item %d is not item %d of the set", i, n)
		}
	}
	keys := map[string]bool{}
	for _, s := range []source.Set{set, some, Subset(set, []int{20, 3}), First(set, 2)} {
		keys[s.Key()] = true
	}
	if len(keys) != 4 || len(some.Key()) != 32 || some.Key() != Subset(set, numbers).Key() {
		t.Errorf("keys %v", keys)
	}
	if n := First(set, 100).Len(); n != 24 {
		t.Errorf("the first 100 of 24 are %d", n)
	}
}
