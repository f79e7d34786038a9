package loss

import "math"

// rankNet is softplus((d(i,j) - d(i,k))/temperature) over the triplets.
type rankNet struct{ temperature float64 }

func newRankNet(o OrderOptions) orderLoss { return &rankNet{o.Temperature} }

func (l *rankNet) summands(g *group) int { return g.triplets() }

func (l *rankNet) add(g *group, scale float64) float64 {
	var sum float64
	for i := range g.anchors {
		at := i * g.size
		apart, distance, pull := g.apart[at:][:g.size], g.distance[at:][:g.size], g.pull[at:][:g.size]
		for j, near := range apart {
			for k, far := range apart {
				if i == j || i == k || !(near < far-scaleTie) {
					continue
				}
				value, slope := softplus((distance[j] - distance[k]) / l.temperature)
				sum += value
				slope *= scale / l.temperature
				pull[j] += slope
				pull[k] -= slope
			}
		}
	}
	return sum
}

// softplus returns log(1 + eˣ) and its derivative, for every x without overflow.
func softplus(x float64) (value, slope float64) {
	e := math.Exp(-math.Abs(x))
	value = max(x, 0) + math.Log1p(e)
	if x >= 0 {
		return value, 1 / (1 + e)
	}
	return value, e / (1 + e)
}
