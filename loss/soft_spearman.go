package loss

// softSpearman is one minus Spearman's rank correlation of scale and distance, the ranks of the distances being soft:
// sums of sigmoids of differences.
type softSpearman struct{ temperature float64 }

func newSoftSpearman(o OrderOptions) orderLoss { return &softSpearman{o.Temperature} }

func (l *softSpearman) summands(g *group) int { return g.ordered() }

// add works on e, the soft ranks of the distances minus the ranks of the scales. A pair that is tied by scale counts
// one half in both, so it cancels; any other adds to the rank of the nearer member, and takes from the rank of the
// further one, w = sigmoid((d_near - d_far)/temperature). The loss is Σ e²/(2 Σ t²), t the ranks of the scales minus
// their mean.
func (l *softSpearman) add(g *group, scale float64) float64 {
	k := g.size
	g.line, g.square = sized(g.line, k), sized(g.square, k*k)
	var sum float64
	for i := range g.anchors {
		if !g.orders(i) {
			continue
		}
		apart, distance, pull := g.apart[i*k:][:k], g.distance[i*k:][:k], g.pull[i*k:][:k]
		e := g.line
		clear(e)
		var spread float64
		for a, near := range apart {
			if a == i {
				continue
			}
			var centred float64
			for b, far := range apart {
				switch {
				case b == i:
				case near < far-scaleTie:
					centred -= 0.5
					_, w := softplus((distance[a] - distance[b]) / l.temperature)
					g.square[a*k+b] = w
					e[a] += w
					e[b] -= w
				case far < near-scaleTie:
					centred += 0.5
				}
			}
			spread += centred * centred
		}
		var squares float64
		for _, x := range e {
			squares += x * x
		}
		sum += squares / (2 * spread)
		slope := scale / (spread * l.temperature)
		for a, near := range apart {
			for b, far := range apart {
				if a == i || b == i || !(near < far-scaleTie) {
					continue
				}
				w := g.square[a*k+b]
				by := slope * (e[a] - e[b]) * w * (1 - w)
				pull[a] += by
				pull[b] -= by
			}
		}
	}
	return sum
}
