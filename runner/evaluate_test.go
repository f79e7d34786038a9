package runner

import (
	"slices"
	"testing"

	"ordo/augment"
	"ordo/runner/data"
)

// sorted is a data set of ten images of two classes, every third of them without a label. The image's width is its number.
type sorted struct{ data.Dataset }

func (sorted) Len() int { return 10 }

func (sorted) Label(i int) int {
	if i%3 == 2 {
		return -1
	}
	return i / 5
}

func (sorted) Image(i int) (augment.Image, error) { return augment.Image{Width: i}, nil }

func TestLabelled(t *testing.T) {
	set, labels := labelled(sorted{})
	if want := []int{0, 0, 0, 0, 1, 1, 1}; !slices.Equal(labels, want) {
		t.Errorf("labels %v, want %v", labels, want)
	}
	if set.Len() != 7 {
		t.Fatalf("%d images", set.Len())
	}
	if img, _ := set.Image(4); img.Width != 6 {
		t.Errorf("the fifth labelled image is number %d, want 6", img.Width)
	}
}

func TestSpread(t *testing.T) {
	if got := spread(sorted{}, 4).images; !slices.Equal(got, []int{0, 2, 5, 7}) {
		t.Errorf("got %v", got)
	}
}
