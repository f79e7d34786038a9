package loss

import "math"

// scaleTie is the difference of scale up to which two views count as equally far from the anchor.
const scaleTie = 1e-9

// group is what an order loss sees of one image and one family: K views, their scales and their distances.
type group struct {
	anchors  int       // the order is asked from the first so many members
	scale    []float64 // [K]
	distance []float64 // [K, K], symmetric
}

// closer says whether, by scale, member j must be closer to member i than member k.
func (g *group) closer(i, j, k int) bool {
	return math.Abs(g.scale[i]-g.scale[j]) < math.Abs(g.scale[i]-g.scale[k])-scaleTie
}

// triplets counts the (i, j, k), all different, with i an anchor and j closer to it than k by scale.
func (g *group) triplets() int {
	count := 0
	for i := range g.anchors {
		for j := range g.scale {
			for k := range g.scale {
				if i != j && i != k && g.closer(i, j, k) { // j == k is never closer
					count++
				}
			}
		}
	}
	return count
}
