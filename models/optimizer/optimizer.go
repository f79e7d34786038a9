package optimizer

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Part is what an optimizer knows of a parameter of the model, which is a part of the flat vector.
type Part struct {
	Size int // values
	Rank int // dimensions
}

// Optimizer updates one model's parameters and holds what that needs from step to step. Not for concurrent use.
type Optimizer struct {
	o       Options
	workers int
	blocks  []block
	ranges  []span // the blocks of each parameter
	decay   []bool // per parameter
	size    int

	steps         int64
	first, second []float32 // sgd, lars: b and none; adamw: m and v

	gradSquares, valueSquares []float64 // per block
	factors                   []factors // of lars, per parameter
}

// block is a stretch of one parameter, the unit of work and of sums.
type block struct{ parameter, start, end int }

type span struct{ start, end int }

// factors are those of LARS in one step: η‖w‖ / (‖g‖ + λ‖w‖ + ε), and λ.
type factors struct{ trust, lambda float32 }

// blockSize is the number of values that a goroutine takes at once. Sums depend on it.
const blockSize = 1 << 14

// New makes an optimizer for parameters in the order of the flat vector. It works with workers goroutines, at least 1.
func New(o Options, parameters []Part, workers int) (*Optimizer, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("optimizer: %w", err)
	}
	p := &Optimizer{o: o, workers: max(1, workers)}
	for i, par := range parameters {
		if par.Size < 0 {
			return nil, fmt.Errorf("optimizer: parameter %d has %d values", i, par.Size)
		}
		s := span{start: len(p.blocks)}
		for at := 0; at < par.Size; at += blockSize {
			p.blocks = append(p.blocks, block{i, p.size + at, p.size + min(at+blockSize, par.Size)})
		}
		s.end = len(p.blocks)
		p.ranges = append(p.ranges, s)
		p.decay = append(p.decay, o.decays(par.Rank))
		p.size += par.Size
	}
	if o.Optimizer == AdamW || o.Momentum > 0 {
		p.first = make([]float32, p.size)
	}
	if o.Optimizer == AdamW {
		p.second = make([]float32, p.size)
	}
	p.gradSquares = make([]float64, len(p.blocks))
	p.valueSquares = make([]float64, len(p.blocks))
	p.factors = make([]factors, len(parameters))
	return p, nil
}

// Steps is the number of steps done.
func (p *Optimizer) Steps() int64 { return p.steps }

// Step updates the values by their gradients, both as long as all parameters together. Gradients that are not finite
// make values that are not: look at them before.
func (p *Optimizer) Step(values, grads []float32, rate float64) {
	if len(values) != p.size || len(grads) != p.size {
		panic(fmt.Sprintf("optimizer: %d values and %d gradients for %d", len(values), len(grads), p.size))
	}
	p.steps++
	scale := p.clip(grads)
	switch p.o.Optimizer {
	case AdamW:
		p.stepAdamW(values, grads, rate, scale)
	case SGD:
		p.stepSGD(values, grads, rate, scale)
	case LARS:
		p.findFactors(values, grads, scale)
		p.stepLARS(values, grads, rate, scale)
	}
}

// clip gives the factor of all gradients.
func (p *Optimizer) clip(grads []float32) float32 {
	if p.o.ClipGradNorm == 0 {
		return 1
	}
	p.each(func(i int, b block) { p.gradSquares[i] = sumSquares(grads[b.start:b.end]) })
	norm := math.Sqrt(sum(p.gradSquares))
	return float32(min(1, p.o.ClipGradNorm/(norm+1e-6)))
}

// findFactors computes LARS's factors of the gradients as clipped.
func (p *Optimizer) findFactors(values, grads []float32, scale float32) {
	p.each(func(i int, b block) {
		if p.decay[b.parameter] {
			p.gradSquares[i] = sumSquares(grads[b.start:b.end])
			p.valueSquares[i] = sumSquares(values[b.start:b.end])
		}
	})
	for i, r := range p.ranges {
		p.factors[i] = factors{trust: 1}
		if !p.decay[i] {
			continue
		}
		g := math.Sqrt(sum(p.gradSquares[r.start:r.end])) * float64(scale)
		w := math.Sqrt(sum(p.valueSquares[r.start:r.end]))
		if g > 0 && w > 0 {
			p.factors[i] = factors{float32(p.o.Eta * w / (g + p.o.WeightDecay*w + p.o.Eps)), float32(p.o.WeightDecay)}
		}
	}
}

// Norm is the L2 norm of a vector, summed in float64 and always in the same order.
func Norm(x []float32) float64 {
	var squares float64
	for at := 0; at < len(x); at += blockSize {
		squares += sumSquares(x[at:min(at+blockSize, len(x))])
	}
	return math.Sqrt(squares)
}

// each calls f for every block.
func (p *Optimizer) each(f func(i int, b block)) {
	parallel(len(p.blocks), p.workers, func(i int) { f(i, p.blocks[i]) })
}

// parallel calls f for 0 to n-1, in any order.
func parallel(n, workers int, f func(i int)) {
	if workers = min(workers, n); workers < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wait.Wait()
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// sumSquares has four sums, so that an addition need not wait for the one before.
func sumSquares(x []float32) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a += float64(float64(x[0]) * float64(x[0]))
		b += float64(float64(x[1]) * float64(x[1]))
		c += float64(float64(x[2]) * float64(x[2]))
		d += float64(float64(x[3]) * float64(x[3]))
	}
	for _, v := range x {
		a += float64(float64(v) * float64(v))
	}
	return (a + b) + (c + d)
}
