package loss

import "math"

// chain is softplus((d(i,j) - d(i,k) + margin)/temperature) over neighbours: triplets with no member between j and k by
// scale. A tie is one link of the chain: all of its members are compared with all of the next link's.
type chain struct{ temperature, margin float64 }

func newChain(o OrderOptions) orderLoss { return &chain{o.Temperature, o.Margin} }

func (l *chain) summands(g *group) int {
	count := 0
	for i := range g.anchors {
		for j := range g.size {
			next := g.next(i, j)
			for k := range g.size {
				if g.follows(i, j, k, next) {
					count++
				}
			}
		}
	}
	return count
}

func (l *chain) add(g *group, scale float64) float64 {
	var sum float64
	for i := range g.anchors {
		distance, pull := g.distance[i*g.size:][:g.size], g.pull[i*g.size:][:g.size]
		for j := range g.size {
			next := g.next(i, j)
			for k := range g.size {
				if !g.follows(i, j, k, next) {
					continue
				}
				value, slope := softplus((distance[j] - distance[k] + l.margin) / l.temperature)
				sum += value
				slope *= scale / l.temperature
				pull[j] += slope
				pull[k] -= slope
			}
		}
	}
	return sum
}

// next returns how far the next link after member j is from anchor i by scale: infinitely far when there is none.
func (g *group) next(i, j int) float64 {
	next := math.Inf(1)
	apart := g.apart[i*g.size:][:g.size]
	for k, far := range apart {
		if k != i && apart[j] < far-scaleTie {
			next = math.Min(next, far)
		}
	}
	return next
}

// follows says whether member k is in the link after member j, which is next.
func (g *group) follows(i, j, k int, next float64) bool {
	far := g.apart[i*g.size+k]
	return i != j && i != k && g.apart[i*g.size+j] < far-scaleTie && far <= next+scaleTie
}
