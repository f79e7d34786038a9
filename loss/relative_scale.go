package loss

import "math"

// relativeScale is the share of the scales' spread within images that a linear head on the features leaves unexplained.
type relativeScale[T float] struct {
	target []float64 // [K, C]
	rest   []float64 // [K, C] the head's rows less the targets
	mean   []float64 // [C]
}

// scaleColumns is how many numbers say a family's scale: of a cyclic one cosine and sine of the phase.
func (v Views) scaleColumns(f int) int {
	if v.period(f) > 0 {
		return 2
	}
	return 1
}

// run is wholeLoss's: there is one summand, or none without any spread.
func (s *relativeScale[T]) run(k *order[T], b batch[T], v Views, f int) (value float64, summands int) {
	size := len(k.members) * b.dim
	s.target, s.rest, s.mean = sized(s.target, size), sized(s.rest, size), sized(s.mean, b.dim)
	var spread float64
	for n := range b.images {
		s.aim(k.members, v, f, n)
		spread += s.centre(s.target)
	}
	if spread == 0 {
		return 0, 0
	}
	var rest float64
	for n := range b.images {
		s.aim(k.members, v, f, n)
		for i, view := range k.members {
			for c, x := range b.data[b.at(view, n):][:b.dim] {
				s.rest[i*b.dim+c] = float64(x) - s.target[i*b.dim+c]
			}
		}
		rest += s.centre(s.rest)
		if b.grad == nil {
			continue
		}
		for i, view := range k.members {
			addScaled(b.grad[b.at(view, n):][:b.dim], b.weight*2/spread, s.rest[i*b.dim:][:b.dim])
		}
	}
	return rest / spread, 1
}

// aim sets the targets of the members of image n.
func (s *relativeScale[T]) aim(members []int, v Views, f, n int) {
	period := v.period(f)
	for i, view := range members {
		scale := v.Scale[view*v.Images+n]
		if period > 0 {
			s.target[2*i+1], s.target[2*i] = math.Sincos(2 * math.Pi * scale / period)
		} else {
			s.target[i] = scale
		}
	}
}

// centre takes the mean over the members off their rows, and returns what is left, squared and added up.
func (s *relativeScale[T]) centre(rows []float64) (squares float64) {
	dim := len(s.mean)
	clear(s.mean)
	for i, x := range rows {
		s.mean[i%dim] += x * float64(dim) / float64(len(rows))
	}
	for i := range rows {
		rows[i] -= s.mean[i%dim]
		squares += rows[i] * rows[i]
	}
	return squares
}
