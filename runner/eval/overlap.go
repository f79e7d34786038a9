package eval

import (
	"fmt"
	"slices"

	"ordo/loss/matrix"
)

// Overlap is how much of images' neighbourhoods two representations share.
type Overlap struct {
	Overlap float64   `json:"overlap"` // mean share of the k nearest that both have
	Chance  float64   `json:"chance"`  // of neighbours drawn at random: k / (n-1)
	K       int       `json:"k"`
	Rows    int       `json:"rows"`
	ByImage []float64 `json:"-"` // [Rows]
}

// NeighbourOverlap is the share of each row's k nearest other rows by cosine that are the same in two representations
// of the same images, which may differ in width: mutual kNN (Huh et al. 2024, "The Platonic Representation
// Hypothesis"). Of rows that are equally near the first ones are taken. k is at least 1; of fewer than k+1 rows all
// others are neighbours. Numbers compare at equal k and rows only. Errors: rows that are not finite (fault.Numeric).
func NeighbourOverlap(a, b Rows, k int) (Overlap, error) {
	if err := a.checkValues("neighbour overlap: rows"); err != nil {
		return Overlap{}, err
	}
	if err := b.checkValues("neighbour overlap: other rows"); err != nil {
		return Overlap{}, err
	}
	n := a.Len()
	if b.Len() != n || n < 2 || k < 1 {
		return Overlap{}, fmt.Errorf("eval: overlap of %d neighbours among %d rows and %d", k, n, b.Len())
	}
	k = min(k, n-1)
	r := Overlap{K: k, Rows: n, Chance: float64(k) / float64(n-1), ByImage: make([]float64, n)}
	one, other := neighbours(a, k), neighbours(b, k)
	for i := range n {
		shared := 0
		for _, j := range one[i*k:][:k] {
			if _, ok := slices.BinarySearch(other[i*k:][:k], j); ok {
				shared++
			}
		}
		r.ByImage[i] = float64(shared) / float64(k)
	}
	r.Overlap = mean(r.ByImage)
	return r, nil
}

// neighbours returns the k rows nearest to every row, rising, [rows, k]. Cosines are float64, so that equal rows are
// equally near.
func neighbours(rows Rows, k int) []int {
	n := rows.Len()
	own := make([]int, n)
	for i := range own {
		own[i] = i
	}
	s := newSearch(rows, k, own)
	s.add(rows, 0)
	all := make([]int, 0, n*k)
	for _, of := range s.best {
		for _, x := range of {
			all = append(all, x.row)
		}
		slices.Sort(all[len(all)-k:])
	}
	return all
}

// cosines is rows that are compared with many others, in blocks that stay in a processor's cache.
type cosines struct {
	rows, dim int
	blocks    []matrix.Packed[float64] // of cosineBlock rows each, of length 1, as right factors
}

// So many rows are compared with so many at once.
const (
	cosineRows  = 128
	cosineBlock = 128
)

func newCosines(rows Rows) *cosines {
	c := &cosines{rows: rows.Len(), dim: rows.Dim}
	unit, _ := units(rows)
	for from := 0; from < c.rows; from += cosineBlock {
		var p matrix.Packed[float64]
		n := min(cosineBlock, c.rows-from)
		p.Pack(matrix.Of(unit[from*c.dim:], n, c.dim).T())
		c.blocks = append(c.blocks, p)
	}
	return c
}

// of calls do with the cosines of every question, a row of length 1, with the rows from first on.
func (c *cosines) of(questions []float64, do func(question, first int, cosines []float64)) {
	n := len(questions) / c.dim
	products := make([]float64, n*cosineBlock)
	for k := range c.blocks {
		first := k * cosineBlock
		width := min(cosineBlock, c.rows-first)
		matrix.Mul(matrix.Of(products, n, width), matrix.Of(questions, n, c.dim), &c.blocks[k])
		for i := range n {
			do(i, first, products[i*width:][:width])
		}
	}
}
