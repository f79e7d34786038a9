package loss

import "math"

// listMLE is the negative log-likelihood of the order of scale under Plackett and Luce's model, with -d/temperature as
// the members' scores. Members that are equally far by scale are not compared: each stands against those that are
// further than it, so that the loss does not depend on how ties are sorted.
type listMLE struct{ temperature float64 }

func newListMLE(o OrderOptions) orderLoss { return &listMLE{o.Temperature} }

func (l *listMLE) summands(g *group) int { return g.ordered() }

func (l *listMLE) add(g *group, scale float64) float64 {
	g.line = sized(g.line, g.size)
	slope := scale / l.temperature
	var sum float64
	for i := range g.anchors {
		at := i * g.size
		apart, distance, pull := g.apart[at:][:g.size], g.distance[at:][:g.size], g.pull[at:][:g.size]
		for j, near := range apart {
			if j == i {
				continue
			}
			// The choice is between j and the further ones; each such list has a maximum of its own.
			least := distance[j]
			further := false
			for k, far := range apart {
				if k != i && near < far-scaleTie {
					least = math.Min(least, distance[k])
					further = true
				}
			}
			if !further {
				continue
			}
			var others float64
			for k, far := range apart {
				if k != i && near < far-scaleTie {
					g.line[k] = math.Exp((least - distance[k]) / l.temperature)
					others += g.line[k]
				}
			}
			all := others + math.Exp((least-distance[j])/l.temperature)
			sum += (distance[j]-least)/l.temperature + math.Log(all)
			pull[j] += slope * others / all
			for k, far := range apart {
				if k != i && near < far-scaleTie {
					pull[k] -= slope * g.line[k] / all
				}
			}
		}
	}
	return sum
}
