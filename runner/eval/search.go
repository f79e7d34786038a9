package eval

import (
	"fmt"
	"slices"
)

// Neighbour is a row that is near another.
type Neighbour struct {
	Row      int
	Distance float64 // 1 less the cosine, in [0, 2]; 1 where one of the two rows is zero
}

// Search finds the rows nearest to some by cosine, exactly, among rows that come in parts: memory is that of the rows
// asked for and of one part.
type Search struct {
	dim, k int
	own    []int     // which row each question is, -1: none that is added
	unit   []float64 // [questions, dim]
	best   []nearest
}

// NewSearch begins a search for the k rows nearest to each question, [questions, dim]; of fewer rows all are found. own
// are the rows' own numbers, [questions], which are not found; nil: they are none of the rows that are added. Errors:
// shapes that don't fit, and questions that are not finite, of kind Numeric.
func NewSearch(questions []float32, dim, k int, own []int) (*Search, error) {
	if dim < 1 || k < 1 || len(questions)%dim != 0 || own != nil && len(own)*dim != len(questions) {
		return nil, fmt.Errorf("eval: search for %d neighbours of %d numbers, %d a row", k, len(questions), dim)
	}
	r := Rows{Data: questions, Dim: dim}
	if err := r.checkValues("search: rows"); err != nil {
		return nil, err
	}
	return newSearch(r, k, own), nil
}

func newSearch(r Rows, k int, own []int) *Search {
	unit, _ := units(r)
	if own == nil {
		own = slices.Repeat([]int{-1}, r.Len())
	}
	return &Search{dim: r.Dim, k: k, own: own, unit: unit, best: make([]nearest, len(own))}
}

// Add compares the questions with rows, [n, dim], whose numbers begin with first. The result doesn't depend on how rows
// are cut into parts.
func (s *Search) Add(rows []float32, first int) error {
	r := Rows{Data: rows, Dim: s.dim}
	if len(rows)%s.dim != 0 {
		return fmt.Errorf("eval: search among %d numbers, %d a row", len(rows), s.dim)
	}
	if err := r.checkValues("search: rows"); err != nil {
		return err
	}
	s.add(r, first)
	return nil
}

func (s *Search) add(r Rows, first int) {
	others, questions := newCosines(r), len(s.own)
	parallel((questions+cosineRows-1)/cosineRows, func(b int) {
		from := b * cosineRows
		count := min(cosineRows, questions-from)
		others.of(s.unit[from*s.dim:][:count*s.dim], func(i, at int, cosines []float64) {
			best := &s.best[from+i]
			for j, c := range cosines {
				row := first + at + j
				if row != s.own[from+i] && (len(*best) < s.k || c >= (*best)[0].cosine) {
					best.add(neighbour{c, row}, s.k)
				}
			}
		})
	})
}

// Nearest are the neighbours that question i has so far, the nearest first, of equal ones those with the lowest number.
func (s *Search) Nearest(i int) []Neighbour {
	sorted := slices.SortedFunc(slices.Values(s.best[i]), func(a, b neighbour) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	found := make([]Neighbour, len(sorted))
	for n, x := range sorted {
		found[n] = Neighbour{x.row, min(max(1-x.cosine, 0), 2)}
	}
	return found
}
