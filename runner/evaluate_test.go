package runner

import (
	"slices"
	"testing"

	"ordo/runner/data"
)

// sorted is a data set of ten images of two classes, every third of them without a label.
type sorted struct{ data.Dataset }

func (sorted) Len() int { return 10 }

func (sorted) Label(i int) int {
	if i%3 == 2 {
		return -1
	}
	return i / 5
}

func TestLabelsOf(t *testing.T) {
	l := labelsOf(sorted{})
	if want := []int{0, 0, 0, 0, 1, 1, 1}; !slices.Equal(l.labels, want) {
		t.Errorf("labels %v, want %v", l.labels, want)
	}
	if want := []int{0, 1, 3, 4, 6, 7, 9}; !slices.Equal(l.images, want) {
		t.Errorf("images %v, want %v", l.images, want)
	}
}

func TestSpread(t *testing.T) {
	if got := spread(10, 4); !slices.Equal(got, []int{0, 2, 5, 7}) {
		t.Errorf("got %v", got)
	}
}
