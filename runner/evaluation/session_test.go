package evaluation

import (
	"testing"

	"ordo/runner/data"
)

// labelled is a data set of ten images of so many classes, whose labels begin at from.
type labelled struct {
	data.Dataset
	classes, from int
}

func (labelled) Len() int { return 10 }

func (l labelled) Label(i int) int { return max(i, l.from-1) - 10 + l.from }

func (l labelled) Classes() []string { return make([]string, l.classes) }

func TestHasClasses(t *testing.T) {
	two, one, none := labelled{classes: 2, from: 10}, labelled{classes: 1, from: 10}, labelled{classes: 2, from: 0}
	for _, c := range []struct {
		train, test labelled
		want        bool
	}{{two, two, true}, {one, one, false}, {two, none, false}, {none, two, false}} {
		if got := HasClasses(data.Splits{Train: c.train, Test: c.test}); got != c.want {
			t.Errorf("%+v, %+v: %v", c.train, c.test, got)
		}
	}
}
