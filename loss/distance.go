package loss

import (
	"math"

	"ordo/loss/matrix"
)

// euclideanEps stands under the root of the Euclidean distance, so that its gradient is finite, and 0 for equal rows.
const euclideanEps = 1e-12

// distanceRows are the rows of one image, ready for their distances, and the gradient by them. For the cosine distance
// a row is divided by its norm first, and 1/norm kept (see normalize).
type distanceRows struct {
	kind    string
	dim     int
	row     []float64 // [V, D]
	grad    []float64 // [V, D]
	inverse []float64 // [V]
}

// reset makes room for the rows, with gradients of zero.
func (r *distanceRows) reset(kind string, rows, dim int) {
	r.kind, r.dim = kind, dim
	r.row, r.grad = sized(r.row, rows*dim), grow(r.grad, rows*dim)
	r.inverse = sized(r.inverse, rows)
}

// loadRow makes z row i.
func loadRow[T float](r *distanceRows, i int, z []T) {
	row := r.row[i*r.dim:][:r.dim]
	if r.kind == DistanceCosine {
		r.inverse[i] = normalize(row, z, cosineEps)
		return
	}
	for p, x := range z[:r.dim] {
		row[p] = float64(x)
	}
}

// storeRow adds weight times the gradient by row i to grad.
func storeRow[T float](r *distanceRows, i int, grad []T, weight float64) {
	g := r.grad[i*r.dim:][:r.dim]
	if r.kind == DistanceCosine {
		addNormalizeGrad(grad, g, r.row[i*r.dim:][:r.dim], r.inverse[i], weight)
		return
	}
	addScaled(grad, weight, g)
}

// between returns the distance of rows a and b.
func (r *distanceRows) between(a, b int) float64 {
	x, y := r.row[a*r.dim:][:r.dim], r.row[b*r.dim:][:r.dim]
	switch r.kind {
	case DistanceCosine:
		return 1 - dot(x, y)
	case DistanceEuclidean:
		return math.Sqrt(squaredDistance(x, y) + euclideanEps)
	default:
		return squaredDistance(x, y)
	}
}

// addPull adds the gradient by rows a and b that follows from the gradient by their distance.
func (r *distanceRows) addPull(a, b int, distance, pull float64) {
	x, y := r.row[a*r.dim:][:r.dim], r.row[b*r.dim:][:r.dim]
	gx, gy := r.grad[a*r.dim:][:r.dim], r.grad[b*r.dim:][:r.dim]
	if r.kind == DistanceCosine {
		matrix.AddScaled(gx, -pull, y)
		matrix.AddScaled(gy, -pull, x)
		return
	}
	y, gx, gy = y[:len(x)], gx[:len(x)], gy[:len(x)]
	pull *= distanceSlope(r.kind, distance)
	for p, xp := range x {
		d := pull * (xp - y[p])
		gx[p] += d
		gy[p] -= d
	}
}

// distanceSlope is the factor of (a-b) in the gradient of a Euclidean or squared distance by a.
func distanceSlope(kind string, distance float64) float64 {
	if kind == DistanceEuclidean {
		return 1 / distance
	}
	return 2
}

func squaredDistance(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1 float64
	p := 0
	for ; p+1 < len(a); p += 2 {
		d0, d1 := a[p]-b[p], a[p+1]-b[p+1]
		s0 += d0 * d0
		s1 += d1 * d1
	}
	if p < len(a) {
		d := a[p] - b[p]
		s0 += d * d
	}
	return s0 + s1
}
