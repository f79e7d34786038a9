package loss

// triplet is the hinge max(0, d(i,j) - d(i,k) + m) over the triplets.
type triplet struct {
	margin float64
	scaled bool // m is the margin times how much further k is than j by scale
}

func newTriplet(o OrderOptions) orderLoss { return &triplet{o.Margin, o.ScaledMargin} }

func (l *triplet) summands(g *group) int { return g.triplets() }

func (l *triplet) add(g *group, scale float64) float64 {
	var sum float64
	for i := range g.anchors {
		at := i * g.size
		apart, distance, pull := g.apart[at:][:g.size], g.distance[at:][:g.size], g.pull[at:][:g.size]
		for j, near := range apart {
			for k, far := range apart {
				if i == j || i == k || !(near < far-scaleTie) {
					continue
				}
				margin := l.margin
				if l.scaled {
					margin *= far - near
				}
				if hinge := distance[j] - distance[k] + margin; hinge > 0 {
					sum += hinge
					pull[j] += scale
					pull[k] -= scale
					g.active++
				}
			}
		}
	}
	return sum
}
