package eval

import (
	"errors"
	"math"
	"slices"
)

// scaleTie is the difference up to which two scales count as equal.
const scaleTie = 1e-9

// Grid returns levels scales from 0 to 1, evenly spaced. levels is at least 2.
func Grid(levels int) []float64 {
	s := make([]float64, levels)
	for i := range s {
		s[i] = float64(i) / float64(levels-1)
	}
	return s
}

// OrderByImage is how well each image's distances from the origin keep the order of a family's scale, one value an
// image: means, intervals over images (BootstrapMean), classes (ByGroup) and the gain over another model on the same
// images (BootstrapDifference) are made of them.
type OrderByImage struct {
	// Accuracy is the share of the pairs of scales whose distances are in order, exact ties half. A model that
	// ignores the family has 0.5. That is not what an untrained network has, which is the reference to hold a model
	// against.
	Accuracy []float64 `json:"-"` // [images]
	// Spearman and Kendall are the rank correlations of scale and distance, Kendall's the tau-b, which takes ties of
	// either out of the denominator. Of an image whose distances are all equal they are undefined: 0, and counted.
	Spearman  []float64   `json:"-"`
	Kendall   []float64   `json:"-"`
	Distance  [][]float64 `json:"-"`         // [scales][images] 1 - cosine from the origin
	Undefined int         `json:"undefined"` // images whose distances are all equal
	Ties      int         `json:"ties"`      // pairs of different scales whose distances are exactly equal
	Pairs     int         `json:"pairs"`     // of different scales, an image
}

// OrderOfImages measures one family image by image. The first scale is 0, the origin, which is the anchor only: its
// own distance is 0 whatever the model does. The others are not negative, and at least two differ by more than 1e-9.
// Errors: outputs that are not finite (fault.Numeric).
func OrderOfImages(z Orbit) (OrderByImage, error) {
	if err := z.check("order"); err != nil {
		return OrderByImage{}, err
	}
	scales := z.Scales[1:]
	if z.Scales[0] != 0 {
		return OrderByImage{}, errors.New("eval: order: the first scale must be 0, the origin")
	}
	r := OrderByImage{Accuracy: make([]float64, z.Images), Spearman: make([]float64, z.Images),
		Kendall: make([]float64, z.Images), Distance: originDistances(z)}
	for i, s := range scales {
		if s < 0 {
			return OrderByImage{}, errors.New("eval: order: a scale is negative")
		}
		for _, t := range scales[:i] {
			if math.Abs(s-t) > scaleTie {
				r.Pairs++
			}
		}
	}
	if r.Pairs == 0 {
		return OrderByImage{}, errors.New("eval: order: there must be at least two different scales beside the origin")
	}
	scaleRanks := ranks(scales, scaleTie)
	distance := make([]float64, len(scales))
	for i := range z.Images {
		for g := range distance {
			distance[g] = r.Distance[g+1][i]
		}
		p := comparePairs(scales, distance)
		r.Ties += p.tiedDistance
		r.Accuracy[i] = (float64(p.concordant) + 0.5*float64(p.tiedDistance)) / float64(r.Pairs)
		r.Kendall[i] = p.tau()
		rho, ok := rankCorrelation(scaleRanks, ranks(distance, 0))
		if !ok {
			r.Undefined++
		}
		r.Spearman[i] = rho
	}
	return r, nil
}

// originDistances returns 1 - cosine of every scale and image from the image's origin, [scales][images]. A row of zeros
// has distance 1 from any.
func originDistances(z Orbit) [][]float64 {
	distances := make([][]float64, len(z.Scales))
	origin, _ := units(z.At(0))
	for g := range distances {
		distances[g] = make([]float64, z.Images)
	}
	parallel(len(distances)-1, func(g int) {
		row := make([]float64, z.Dim)
		at := z.At(g + 1)
		for i := range z.Images {
			normalize(row, at.Row(i))
			distances[g+1][i] = 1 - dot(origin[i*z.Dim:][:z.Dim], row)
		}
	})
	return distances
}

// pairs counts an image's pairs of scales.
type pairs struct {
	concordant, discordant int
	tiedScale              int // the scales are equal, whatever the distances
	tiedDistance           int // only the distances are
	tiedBoth               int
}

func comparePairs(scales, distance []float64) pairs {
	var p pairs
	for i := range scales {
		for j := range i {
			ds, dd := scales[i]-scales[j], distance[i]-distance[j]
			switch {
			case math.Abs(ds) <= scaleTie:
				p.tiedScale++
				if dd == 0 {
					p.tiedBoth++
				}
			case dd == 0:
				p.tiedDistance++
			case (ds > 0) == (dd > 0):
				p.concordant++
			default:
				p.discordant++
			}
		}
	}
	return p
}

// tau is Kendall's tau-b, 0 where it is undefined: (P - Q) / √((P + Q + X)(P + Q + Y)), X pairs tied in scale only
// and Y in distance only (Kendall 1945).
func (p pairs) tau() float64 {
	pq := p.concordant + p.discordant
	below := float64(pq+p.tiedScale-p.tiedBoth) * float64(pq+p.tiedDistance)
	if below == 0 {
		return 0
	}
	return float64(p.concordant-p.discordant) / math.Sqrt(below)
}

// Kendall is Kendall's tau-b of pairs of numbers; ok is false where one of the two never varies. Numbers of a that are
// within 1e-9 of each other are ties.
func Kendall(a, b []float64) (tau float64, ok bool) {
	p := comparePairs(a, b)
	compared := p.concordant + p.discordant
	return p.tau(), compared+p.tiedScale > p.tiedBoth && compared+p.tiedDistance > 0
}

// ranks returns the ranks of x from 0 on; a run of values, each at most tie above the one before, shares its mean rank.
func ranks(x []float64, tie float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return a - b
	})
	r := make([]float64, len(x))
	for first := 0; first < len(order); {
		last := first
		for last+1 < len(order) && x[order[last+1]]-x[order[last]] <= tie {
			last++
		}
		for _, i := range order[first : last+1] {
			r[i] = float64(first+last) / 2
		}
		first = last + 1
	}
	return r
}

// rankCorrelation returns the correlation of two rankings, and false where one of them is constant.
func rankCorrelation(a, b []float64) (float64, bool) {
	mean := float64(len(a)-1) / 2 // of any ranking, exactly
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-mean, b[i]-mean
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0, false
	}
	return ab / math.Sqrt(aa*bb), true
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
