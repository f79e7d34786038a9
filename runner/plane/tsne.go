package plane

import (
	"context"
	"math"
	"math/rand/v2"

	"ordo/models/fault"
)

// TSNEOptions say how TSNE goes about it.
type TSNEOptions struct {
	// Perplexity is how many neighbours a row has, about; at most a third of the other rows.
	Perplexity float64
	// Iterations is how many steps of gradient descent are taken; the first third holds neighbours closer together.
	Iterations int
	// Seed draws the noise that tells equal rows apart.
	Seed uint64
}

// DefaultTSNEOptions are those of most tools but for fewer steps, which some hundred rows need.
func DefaultTSNEOptions() TSNEOptions { return TSNEOptions{Perplexity: 30, Iterations: 600, Seed: 1} }

// LeastRows is the smallest number of rows that TSNE takes.
const LeastRows = 4

// The descent, as it is usual: how much closer neighbours are held at first, and the momentum then and later.
const (
	exaggeration  = 12
	firstMomentum = 0.5
	lastMomentum  = 0.8
	leastRate     = 50
	spreadAtStart = 1e-4
)

// TSNE gives rows, [n, columns] with n at least LeastRows, places at which near rows are near. It takes time and memory
// with n². The same rows and options give the same places.
func TSNE(ctx context.Context, rows []float32, columns int, o TSNEOptions) ([]Point, error) {
	n := len(rows) / columns
	start, err := PCA(rows, columns)
	if err != nil {
		return nil, err
	}
	d := descent{p: affinities(squaredDistances(directions(rows, columns), columns), n, perplexity(o.Perplexity, n)),
		y: begin(start, o.Seed)}
	speed, gains, slope := make([]Point, n), make([]Point, n), make([]Point, n)
	for i := range gains {
		gains[i] = Point{1, 1}
	}
	rate := max(float64(n)/exaggeration/4, leastRate)
	for step := range o.Iterations {
		if ctx.Err() != nil {
			return nil, fault.New(fault.Interrupted, "interrupted while %d rows were given their places", n)
		}
		closer, momentum := 1., lastMomentum
		if step < o.Iterations/3 {
			closer, momentum = exaggeration, firstMomentum
		}
		d.gradient(slope, closer)
		for i := range d.y {
			speed[i].X = move(&gains[i].X, speed[i].X, slope[i].X, momentum, rate)
			speed[i].Y = move(&gains[i].Y, speed[i].Y, slope[i].Y, momentum, rate)
			d.y[i].X += speed[i].X
			d.y[i].Y += speed[i].Y
		}
		d.centre()
	}
	return d.y, nil
}

// move is the next step of a number: longer as long as it goes one way.
func move(gain *float64, speed, slope, momentum, rate float64) float64 {
	if (slope > 0) == (speed > 0) {
		*gain = max(0.8**gain, 0.01)
	} else {
		*gain += 0.2
	}
	return momentum*speed - rate**gain*slope
}

// perplexity is what is asked for, as far as there are neighbours.
func perplexity(asked float64, n int) float64 { return max(1, min(asked, float64(n-1)/3)) }

// begin is where the descent starts: the principal components, made small, and noise that is smaller yet.
func begin(at []Point, seed uint64) []Point {
	var squares float64
	for _, p := range at {
		squares += p.X * p.X
	}
	scale := 0.
	if squares > 0 {
		scale = spreadAtStart / math.Sqrt(squares/float64(len(at)))
	}
	noise := rand.New(rand.NewPCG(seed, 0))
	y := make([]Point, len(at))
	for i, p := range at {
		y[i] = Point{scale*p.X + 0.01*spreadAtStart*noise.NormFloat64(),
			scale*p.Y + 0.01*spreadAtStart*noise.NormFloat64()}
	}
	return y
}

// directions are rows of length 1; one of zeros stays so.
func directions(rows []float32, columns int) []float64 {
	all := widened(rows)
	for at := 0; at < len(all); at += columns {
		row := all[at:][:columns]
		var squares float64
		for _, x := range row {
			squares += x * x
		}
		if squares > 0 {
			for c := range row {
				row[c] /= math.Sqrt(squares)
			}
		}
	}
	return all
}

// squaredDistances are those between all rows, [n, n].
func squaredDistances(rows []float64, columns int) []float64 {
	n := len(rows) / columns
	all := make([]float64, n*n)
	for i := range n {
		a := rows[i*columns:][:columns]
		for j := range i {
			var sum float64
			for c, x := range rows[j*columns:][:columns] {
				sum += (x - a[c]) * (x - a[c])
			}
			all[i*n+j], all[j*n+i] = sum, sum
		}
	}
	return all
}

// affinities are the shares of the pairs of rows that are neighbours, [n, n]; they add up to 1. Each row's width is
// chosen so that the entropy of its neighbours is the logarithm of the perplexity.
func affinities(squares []float64, n int, perplexity float64) []float64 {
	p, row := make([]float64, n*n), make([]float64, n)
	for i := range n {
		neighbours(row, squares[i*n:][:n], i, math.Log(perplexity))
		for j, x := range row {
			p[i*n+j] += x / float64(2*n)
			p[j*n+i] += x / float64(2*n)
		}
	}
	return p
}

// neighbours fills in the shares of a row's neighbours, itself none, with the given entropy, by bisection.
func neighbours(share, squares []float64, own int, entropy float64) {
	nearest := math.Inf(1)
	for j, s := range squares {
		if j != own {
			nearest = min(nearest, s)
		}
	}
	low, high, narrow := 0., math.Inf(1), 1.
	for range 64 {
		var sum, weighted float64
		for j, s := range squares {
			share[j] = 0
			if j != own {
				share[j] = math.Exp(-narrow * (s - nearest))
				sum += share[j]
				weighted += share[j] * (s - nearest)
			}
		}
		for j := range share {
			share[j] /= sum
		}
		found := math.Log(sum) + narrow*weighted/sum
		switch {
		case math.Abs(found-entropy) < 1e-7:
			return
		case found > entropy:
			low = narrow
		default:
			high = narrow
		}
		if narrow = (low + high) / 2; math.IsInf(high, 1) {
			narrow = 2 * low
		}
	}
}

// descent is where the rows are.
type descent struct {
	p []float64 // affinities of the rows, [n, n]
	y []Point
}

// near is how near two places are, of which their affinity is a share: 1 where they are one.
func near(a, b Point) float64 {
	x, y := a.X-b.X, a.Y-b.Y
	return 1 / (1 + x*x + y*y)
}

// sum is that of all pairs of places, each in both directions.
func (d *descent) sum() float64 {
	var sum float64
	for i, a := range d.y {
		for _, b := range d.y[:i] {
			sum += near(a, b)
		}
	}
	return 2 * sum
}

// gradient is that of the divergence of the places from the rows, with affinities closer times as large. Nearness is
// computed twice: to keep n² numbers takes longer.
func (d *descent) gradient(slope []Point, closer float64) {
	n, share := len(d.y), 1/d.sum()
	for i, a := range d.y {
		var at Point
		p := d.p[i*n:][:n]
		for j, b := range d.y {
			q := near(a, b)
			pull := (closer*p[j] - q*share) * q
			at.X += pull * (a.X - b.X)
			at.Y += pull * (a.Y - b.Y)
		}
		slope[i] = Point{4 * at.X, 4 * at.Y}
	}
}

// centre moves the places so that their mean is 0.
func (d *descent) centre() {
	var mean Point
	for _, p := range d.y {
		mean.X += p.X / float64(len(d.y))
		mean.Y += p.Y / float64(len(d.y))
	}
	for i := range d.y {
		d.y[i].X -= mean.X
		d.y[i].Y -= mean.Y
	}
}
