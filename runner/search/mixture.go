package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// mixture is the distribution that a group of observations makes of a space: a kernel for each, and the prior.
type mixture struct {
	space   Space
	points  [][]float64
	weights []float64   // of the points' kernels, and of the prior at the end
	logs    []float64   // of the weights
	kernels []*marginal // by parameter
	sums    []float64   // of logDensity, kept from call to call
}

// marginal are the kernels of one parameter.
type marginal struct {
	p          Parameter
	low, high  float64   // bounds of the coordinate
	at         []float64 // of every point, in the coordinate; NaN: it lacks the parameter
	sigma      []float64 // of every point that has it
	norm       []float64 // what its logarithm is to be lowered by, so that it is a density within the bounds
	own, other []float64 // logarithms of a choice's probability, by the choice: in its own kernel, and in another
	priors     []float64 // logarithms of the choices' priors
}

// newMixture makes the mixture of points, the oldest first.
func newMixture(s Space, points [][]float64) *mixture {
	m := &mixture{space: s, points: points, weights: recent(len(points)), sums: make([]float64, len(points)+1)}
	m.weights = append(m.weights, 1)
	sum := 0.
	for _, w := range m.weights {
		sum += w
	}
	for i := range m.weights {
		m.weights[i] /= sum
		m.logs = append(m.logs, math.Log(m.weights[i]))
	}
	for k, p := range s {
		m.kernels = append(m.kernels, newMarginal(p, k, points))
	}
	return m
}

// fullWeight is how many of the latest observations weigh 1.
const fullWeight = 25

// recent are the weights of n observations, the oldest first.
func recent(n int) []float64 {
	w := make([]float64, n, n+1)
	ramp := n - fullWeight
	for i := range w {
		w[i] = 1
		if i < ramp {
			w[i] = 1 / float64(n)
			if ramp > 1 {
				w[i] += (1 - 1/float64(n)) * float64(i) / float64(ramp-1)
			}
		}
	}
	return w
}

// newMarginal makes the kernels of parameter k.
func newMarginal(p Parameter, k int, points [][]float64) *marginal {
	m := &marginal{p: p}
	for _, x := range points {
		m.at = append(m.at, x[k])
	}
	if p.Kind == Choice {
		scale := float64(len(p.Probabilities)) / float64(len(points)+1)
		for _, q := range p.Probabilities {
			m.priors = append(m.priors, math.Log(q))
			m.other = append(m.other, math.Log(q*scale/(1+scale)))
			m.own = append(m.own, math.Log((1+q*scale)/(1+scale)))
		}
		return m
	}
	low, high := p.edges()
	m.low, m.high = p.into(low), p.into(high)
	for i, x := range m.at {
		if !math.IsNaN(x) {
			m.at[i] = min(max(p.into(x), m.low), m.high)
		}
	}
	m.widen()
	for i, at := range m.at {
		norm := math.Log(phi((m.high-at)/m.sigma[i]) - phi((m.low-at)/m.sigma[i]))
		if p.step() == 0 {
			norm += math.Log(m.sigma[i] * math.Sqrt(2*math.Pi))
		}
		m.norm = append(m.norm, norm)
	}
	return m
}

// widen gives every kernel the width of the larger of the distances to its neighbours; of one that is alone, to the
// bounds. The outermost have one neighbour.
func (m *marginal) widen() {
	m.sigma = make([]float64, len(m.at))
	var order []int
	for i, at := range m.at {
		if !math.IsNaN(at) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.at[a], m.at[b]) })
	n := len(order)
	extent := m.high - m.low
	if m.p.Kind == Normal {
		extent = 2 * math.Sqrt(3) * m.p.Deviation
	}
	for k, i := range order {
		width := 0.
		if k > 0 {
			width = m.at[i] - m.at[order[k-1]]
		}
		if k+1 < n {
			width = max(width, m.at[order[k+1]]-m.at[i])
		}
		if n == 1 {
			width = max(m.at[i]-m.low, m.high-m.at[i])
		}
		m.sigma[i] = min(max(width, extent/min(100, float64(n+2))), extent)
	}
}

// phi is the normal distribution's cumulative probability.
func phi(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// quantile is its inverse.
func quantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// draw draws a point of the mixture: one kernel's, for what is drawn together was good together.
func (m *mixture) draw(r *rand.Rand) []float64 {
	i := pick(r, m.weights)
	x := make([]float64, len(m.space))
	for k, p := range m.space {
		x[k] = math.NaN()
		switch {
		case !p.meets(x):
		case i == len(m.points) || math.IsNaN(m.kernels[k].at[i]):
			x[k] = p.prior(r)
		default:
			x[k] = m.kernels[k].draw(r, i)
		}
	}
	return x
}

// draw draws a value of the kernel of point i, which has the parameter.
func (m *marginal) draw(r *rand.Rand, i int) float64 {
	if m.p.Kind == Choice {
		weights := make([]float64, len(m.other))
		for c := range weights {
			weights[c] = math.Exp(m.other[c])
		}
		weights[int(m.at[i])] = math.Exp(m.own[int(m.at[i])])
		return float64(pick(r, weights))
	}
	a, b := phi((m.low-m.at[i])/m.sigma[i]), phi((m.high-m.at[i])/m.sigma[i])
	u := m.at[i] + m.sigma[i]*quantile(a+r.Float64()*(b-a))
	return m.p.out(min(max(u, m.low), m.high))
}

// logDensity is the logarithm of the mixture's density at a point, of steps and choices their probability.
func (m *mixture) logDensity(x []float64) float64 {
	copy(m.sums, m.logs)
	for k, v := range x {
		if !math.IsNaN(v) {
			m.kernels[k].add(m.sums, v)
		}
	}
	most := math.Inf(-1)
	for _, s := range m.sums {
		most = max(most, s)
	}
	if math.IsInf(most, -1) {
		return most
	}
	sum := 0.
	for _, s := range m.sums {
		sum += math.Exp(s - most)
	}
	return most + math.Log(sum)
}

// add adds the logarithms of every kernel's density at a value, the prior's last.
func (m *marginal) add(sums []float64, v float64) {
	prior := m.logPrior(v)
	sums[len(m.at)] += prior
	if m.p.Kind == Choice {
		c := int(v)
		for i, at := range m.at {
			switch {
			case math.IsNaN(at):
				sums[i] += prior
			case at == v:
				sums[i] += m.own[c]
			default:
				sums[i] += m.other[c]
			}
		}
		return
	}
	stepped := m.p.step() > 0
	u, from, to := m.p.into(v), 0., 0.
	if stepped {
		from, to = m.p.cell(v)
	}
	for i, at := range m.at {
		switch {
		case math.IsNaN(at):
			sums[i] += prior
		case stepped:
			sums[i] += logMass((from-at)/m.sigma[i], (to-at)/m.sigma[i]) - m.norm[i]
		default:
			z := (u - at) / m.sigma[i]
			sums[i] -= 0.5*z*z + m.norm[i]
		}
	}
}

// logPrior is the logarithm of the prior's density at a value, or its probability.
func (m *marginal) logPrior(v float64) float64 {
	switch {
	case m.p.Kind == Choice:
		return m.priors[int(v)]
	case m.p.Kind == Normal && m.p.step() > 0:
		from, to := m.p.cell(v)
		return logMass((from-m.p.Mean)/m.p.Deviation, (to-m.p.Mean)/m.p.Deviation)
	case m.p.Kind == Normal:
		z := (v - m.p.Mean) / m.p.Deviation
		return -0.5*z*z - math.Log(m.p.Deviation*math.Sqrt(2*math.Pi))
	case m.p.step() > 0:
		from, to := m.p.cell(v)
		return math.Log(max(to-from, math.SmallestNonzeroFloat64) / (m.high - m.low))
	}
	return -math.Log(m.high - m.low)
}

// logMass is the logarithm of the normal distribution's probability between two bounds; where it is too small for a
// number, of the density in the middle times the width, so that nothing becomes impossible.
func logMass(from, to float64) float64 {
	if from > 0 { // the upper tail has more digits when it is mirrored
		from, to = -to, -from
	}
	if p := phi(to) - phi(from); p > 1e-290 {
		return math.Log(p)
	}
	z := (from + to) / 2
	return -0.5*z*z - 0.5*math.Log(2*math.Pi) + math.Log(max(to-from, math.SmallestNonzeroFloat64))
}
