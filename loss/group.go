package loss

import "math"

// scaleTie is the difference of scale up to which two views count as equally far from the anchor.
const scaleTie = 1e-9

// group is what an order loss sees of one image and one family: K members, the base views first, and, from each of the
// anchors, how far the members are by scale and in the output. An anchor's own entries are zero.
type group struct {
	anchors  int       // A: how many members, the first ones, the order is asked from
	size     int       // K
	apart    []float64 // [A, K] differences of scale
	distance []float64 // [A, K]
	pull     []float64 // [A, K] gradient of the loss by distance

	// Room for a loss's own numbers: [K] and [K, K].
	line, square []float64
	// active counts the summands of a hinge that are not zero.
	active int
}

// scaleDifference is how far two scales of a family are apart: |a - b|, and around the circle the shorter way if the
// family is cyclic, with a period above 0.
func scaleDifference(a, b, period float64) float64 {
	d := math.Abs(a - b)
	if period > 0 {
		d = math.Mod(d, period)
		d = math.Min(d, period-d)
	}
	return d
}

// period is the period of a cyclic family's scale, else 0.
func (v Views) period(f int) float64 {
	if v.Period == nil {
		return 0
	}
	return v.Period[f]
}

// setScales begins a group.
func (g *group) setScales(scale []float64, anchors int, period float64) {
	g.size, g.anchors = len(scale), anchors
	g.apart = grow(g.apart, anchors*len(scale))
	for i := range anchors {
		row := g.apart[i*g.size:][:g.size]
		for j, s := range scale {
			row[j] = scaleDifference(scale[i], s, period)
		}
	}
}

// triplets counts the (i, j, k), all different, with i an anchor and j closer to it than k by scale.
func (g *group) triplets() int {
	count := 0
	for i := range g.anchors {
		apart := g.apart[i*g.size:][:g.size]
		for j, near := range apart {
			for k, far := range apart {
				if i != j && i != k && near < far-scaleTie { // j == k is never closer
					count++
				}
			}
		}
	}
	return count
}

// judge returns how many triplets are in order by distance, exact ties counting half, and how many are not strictly so.
func (g *group) judge() (right float64, violated int) {
	for i := range g.anchors {
		apart, distance := g.apart[i*g.size:][:g.size], g.distance[i*g.size:][:g.size]
		for j, near := range apart {
			for k, far := range apart {
				if i == j || i == k || !(near < far-scaleTie) {
					continue
				}
				switch wrong := distance[j] - distance[k]; {
				case wrong < 0:
					right++
				case wrong == 0:
					right += 0.5
					violated++
				default:
					violated++
				}
			}
		}
	}
	return right, violated
}

// ordered counts the anchors from which at least two members are differently far by scale.
func (g *group) ordered() int {
	count := 0
	for i := range g.anchors {
		if g.orders(i) {
			count++
		}
	}
	return count
}

func (g *group) orders(i int) bool {
	low, high := math.Inf(1), math.Inf(-1)
	for j, apart := range g.apart[i*g.size:][:g.size] {
		if j != i {
			low, high = math.Min(low, apart), math.Max(high, apart)
		}
	}
	return low < high-scaleTie
}
