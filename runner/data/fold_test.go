package data

import (
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
)

// TestFold: every fold puts another block of each class aside, together they are all training images, and what is
// listed and what is opened are the same images.
func TestFold(t *testing.T) {
	labels := []byte{0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1} // 10 and 5
	o := DefaultOptions()
	o.Source, o.Root = SourceIDX, digits(t, labels, []byte{0, 1, 0, 1, 0, 1})
	var whole Splits
	seen := map[string]int{}
	prints := map[string]bool{}
	for o.Fold = range Folds + 1 {
		sets, err := List(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids(sets.Train), ids(s.Train)) || !slices.Equal(ids(sets.Test), ids(s.Test)) {
			t.Errorf("fold %d: listed %v, %v, opened %v, %v", o.Fold, ids(sets.Train), ids(sets.Test), ids(s.Train), ids(s.Test))
		}
		prints[s.Train.Fingerprint()], prints[s.Test.Fingerprint()] = true, true
		if o.Fold == 0 {
			whole = s
			continue
		}
		if s.Test.Len() != 3 || s.Train.Len() != 12 {
			t.Fatalf("fold %d: %d aside of %d", o.Fold, s.Test.Len(), s.Train.Len())
		}
		for i := range s.Test.Len() {
			id := s.Test.ID(i)
			seen[id]++
			at := slices.Index(ids(whole.Train), id)
			got, err := s.Test.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			want, err := whole.Train.Image(at)
			if err != nil {
				t.Fatal(err)
			}
			if s.Test.Label(i) != int(labels[at]) || !slices.Equal(got.Pix, want.Pix) {
				t.Errorf("fold %d: %s is another image than it was", o.Fold, id)
			}
		}
	}
	if len(seen) != len(labels) || len(prints) != 2*(Folds+1) {
		t.Errorf("%d of %d images were put aside, %d fingerprints", len(seen), len(labels), len(prints))
	}
	o.Fold = 2 // the second of five blocks: the third and fourth of the class 0, the second of the class 1
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ids(s.Test), ids(whole.Train)[3:6]; !slices.Equal(got, want) {
		t.Errorf("fold 2 puts %v aside, want %v", got, want)
	}
}

func TestFoldOfNothing(t *testing.T) {
	o := DefaultOptions()
	o.Source, o.Root, o.Fold = SourceIDX, digits(t, []byte{0, 1, 0, 1, 2, 2}, []byte{0, 1, 2, 0, 1, 2}), 1
	for _, open := range []func() error{
		func() error { _, err := Open(t.Context(), o); return err },
		func() error { _, err := List(t.Context(), o); return err },
	} {
		if err := open(); fault.KindOf(err) != fault.Config ||
			!strings.Contains(err.Error(), "data.fold: fold 1 puts 0 of 6") {
			t.Errorf("got %v", err)
		}
	}
	o.Fold = 6
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "fold: must be in [0, 5], got 6") {
		t.Errorf("got %v", err)
	}
}
