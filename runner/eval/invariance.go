package eval

import (
	"ordo/models/fault"
)

// Invariance is how little outputs change with a family, relative to how much they differ between images. Beside an
// order it shows whether that is one of changes that matter or of noise.
type Invariance struct {
	// NormalisedVariance is the mean over the units (columns) of the variance over scales, averaged over images, by
	// the variance over images, averaged over scales: Quiroga et al. 2020, "Measuring (in)variances in Convolutional
	// Networks". 0 is invariant, 1 as variable as between images. Variances are of the population. A unit with
	// neither has 1; one that varies over scales only has no number and is counted. Undefined where no unit has a
	// number.
	NormalisedVariance Value `json:"normalised_variance"`
	InfiniteUnits      int   `json:"infinite_units"` // that vary over scales and not over images
	ConstantUnits      int   `json:"constant_units"` // that do not vary
	// PooledVariance is the ratio of the two variances' sums over the units, for which dead units do not count.
	PooledVariance Value `json:"pooled_variance"`

	// RelativeDistance is the mean distance 1 - cosine of an image's outputs from its origin, over the scales beside
	// it, by the mean distance between different images at the origin. Undefined for one image.
	RelativeDistance Value     `json:"relative_distance"`
	Between          Value     `json:"between_images"`             // that mean distance between different images
	DistanceByScale  []float64 `json:"distance_by_scale"`          // [scales] mean from the origin
	RelativeByScale  []Value   `json:"relative_distance_by_scale"` // [scales]

	// PositiveNegative is the mean cosine of z(x, 0) and z(x, s) less that of z(x, 0) and z(y, s), y another image,
	// over the scales beside the origin, as CASSLE measures it: 0 where images can't be told apart. Undefined for one
	// image.
	PositiveNegative Value `json:"positive_minus_negative"`

	// One value an image: the distance over scales, the distance to other images, and the cosines' difference.
	// BootstrapRatio(Within, Others) is the interval of RelativeDistance, BootstrapMean(Cosines) of PositiveNegative.
	Within, Others, Cosines []float64 `json:"-"`
}

// InvarianceOf measures one family. The grid's first scale is the origin, and there is at least one other. Errors:
// outputs that are not finite (fault.Numeric).
func InvarianceOf(z Orbit) (Invariance, error) {
	if err := z.check("invariance"); err != nil {
		return Invariance{}, err
	}
	if len(z.Scales) < 2 {
		return Invariance{}, fault.New(fault.Config, "invariance: there is no scale beside the origin")
	}
	var r Invariance
	r.variances(z)
	r.distances(z)
	return r, nil
}

func (r *Invariance) variances(z Orbit) {
	overScales, overImages := make([]float64, z.Dim), make([]float64, z.Dim)
	grid, images := len(z.Scales), z.Images
	parallel(z.Dim, func(j int) {
		at := func(g, i int) float64 { return float64(z.Data[(g*images+i)*z.Dim+j]) }
		for i := range images {
			overScales[j] += variance(grid, func(g int) float64 { return at(g, i) }) / float64(images)
		}
		for g := range grid {
			overImages[j] += variance(images, func(i int) float64 { return at(g, i) }) / float64(grid)
		}
	})
	var sum, above, below float64
	units := 0
	for j, v := range overScales {
		above, below = above+v, below+overImages[j]
		switch q := ratio(v, overImages[j]); {
		case v == 0 && overImages[j] == 0:
			r.ConstantUnits++
			sum++
			units++
		case !q.Defined:
			r.InfiniteUnits++
		default:
			sum += q.Number
			units++
		}
	}
	r.NormalisedVariance = ratio(sum, float64(units))
	r.PooledVariance = ratio(above, below)
}

// variance is the population's, exactly 0 of equal values.
func variance(n int, at func(i int) float64) float64 {
	first := at(0)
	var sum float64
	for i := range n {
		sum += at(i) - first
	}
	shift := sum / float64(n)
	var square float64
	for i := range n {
		d := at(i) - first - shift
		square += d * d
	}
	return square / float64(n)
}

func (r *Invariance) distances(z Orbit) {
	n, dim, grid := z.Images, z.Dim, len(z.Scales)
	r.Within, r.Others, r.Cosines = make([]float64, n), make([]float64, n), make([]float64, n)
	r.DistanceByScale, r.RelativeByScale = make([]float64, grid), make([]Value, grid)
	origin, _ := units(z.At(0))
	for g := range grid {
		unit := origin
		if g > 0 {
			unit, _ = units(z.At(g))
		}
		all := make([]float64, dim) // sum over the images: their mean cosine with a row takes one product
		for i := range n {
			for j, x := range unit[i*dim:][:dim] {
				all[j] += x
			}
		}
		for i := range n {
			from, to := origin[i*dim:][:dim], unit[i*dim:][:dim]
			cosine := dot(from, to)
			others := 0.0 // mean cosine with other images
			if n > 1 {
				others = (dot(from, all) - cosine) / float64(n-1)
			}
			if g == 0 {
				r.Others[i] = max(0, 1-others)
				continue
			}
			d := max(0, 1-cosine)
			r.DistanceByScale[g] += d / float64(n)
			r.Within[i] += d
			r.Cosines[i] += cosine - others
		}
	}
	for i := range n {
		r.Within[i] /= float64(grid - 1)
		r.Cosines[i] /= float64(grid - 1)
	}
	if n == 1 {
		return
	}
	between := mean(r.Others)
	r.Between = Defined(between)
	r.RelativeDistance = ratio(mean(r.Within), between)
	r.PositiveNegative = Defined(mean(r.Cosines))
	for g, d := range r.DistanceByScale {
		r.RelativeByScale[g] = ratio(d, between)
	}
}
