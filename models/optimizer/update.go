package optimizer

import "math"

// Every product is converted before it is added: without, compilers for some processors fuse the two and round once.

func (p *Optimizer) stepAdamW(values, grads []float32, rate float64, scale float32) {
	beta1, beta2 := p.o.Betas[0], p.o.Betas[1]
	t := float64(p.steps)
	size := float32(rate / (1 - math.Pow(beta1, t)))
	root := float32(math.Sqrt(1 - math.Pow(beta2, t)))
	share1, keep2, share2, eps := float32(1-beta1), float32(beta2), float32(1-beta2), float32(p.o.Eps)
	p.each(func(_ int, b block) {
		keep := float32(1)
		if p.decay[b.parameter] {
			keep = float32(1 - rate*p.o.WeightDecay)
		}
		w, g := values[b.start:b.end], grads[b.start:b.end]
		m, v := p.first[b.start:b.end], p.second[b.start:b.end]
		for i := range w {
			d := g[i] * scale
			m[i] += float32(share1 * (d - m[i]))
			v[i] = float32(keep2*v[i]) + float32(share2*float32(d*d))
			denominator := float32(math.Sqrt(float64(v[i])))/root + eps
			w[i] = float32(w[i]*keep) - float32(size*float32(m[i]/denominator))
		}
	})
}

func (p *Optimizer) stepSGD(values, grads []float32, rate float64, scale float32) {
	gamma, mu := float32(rate), float32(p.o.Momentum)
	p.each(func(_ int, b block) {
		lambda := p.lambda(b)
		w, g := values[b.start:b.end], grads[b.start:b.end]
		if mu == 0 {
			for i := range w {
				w[i] -= float32(gamma * (float32(g[i]*scale) + float32(lambda*w[i])))
			}
			return
		}
		m := p.first[b.start:b.end]
		for i := range w {
			d := float32(g[i]*scale) + float32(lambda*w[i])
			m[i] = float32(mu*m[i]) + d
			if p.o.Nesterov {
				d += float32(mu * m[i])
			} else {
				d = m[i]
			}
			w[i] -= float32(gamma * d)
		}
	})
}

func (p *Optimizer) stepLARS(values, grads []float32, rate float64, scale float32) {
	gamma, mu := float32(rate), float32(p.o.Momentum)
	p.each(func(_ int, b block) {
		f := p.factors[b.parameter]
		w, g := values[b.start:b.end], grads[b.start:b.end]
		var m []float32
		if mu > 0 {
			m = p.first[b.start:b.end]
		}
		for i := range w {
			d := float32((float32(g[i]*scale) + float32(f.lambda*w[i])) * f.trust)
			if m != nil {
				m[i] = float32(mu*m[i]) + d
				d = m[i]
			}
			w[i] -= float32(gamma * d)
		}
	})
}

func (p *Optimizer) lambda(b block) float32 {
	if !p.decay[b.parameter] {
		return 0
	}
	return float32(p.o.WeightDecay)
}
