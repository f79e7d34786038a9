package loss

import (
	"math"
	"slices"

	"ordo/loss/matrix"
)

// eigen holds the buffers of values.
type eigen struct{ diagonal, off []float64 }

// values returns the eigenvalues of the symmetric matrix a, [n, n], in ascending order; of a only the lower triangle is
// read, and overwritten. Its numbers must have squares in float64, as in a matrix that is scaled to a largest one near
// 1. Householder reflections make a tridiagonal matrix of it (Golub and Van Loan, Matrix Computations, section 8.3.1),
// and the implicit QL algorithm with Wilkinson's shift a diagonal one (section 8.3.5). It takes about 4/3 n³
// multiplications.
func (e *eigen) values(a []float64, n int) []float64 {
	e.tridiagonal(a, n)
	e.diagonalise(n)
	slices.Sort(e.diagonal)
	return e.diagonal
}

// tridiagonal fills diagonal, and off with the n-1 elements beside it. Row by row from the last one, a reflection of
// the rows and columns before makes all but one element left of the diagonal zero.
func (e *eigen) tridiagonal(a []float64, n int) {
	e.diagonal, e.off = grow(e.diagonal, n), grow(e.off, n)
	image := e.diagonal // of the part that is not final yet
	for i := n - 1; i > 0; i-- {
		v := a[i*n:][:i] // becomes the vector of the reflection
		norm := math.Sqrt(dot(v, v))
		if i == 1 || dot(v[:i-1], v[:i-1]) == 0 {
			e.off[i] = v[i-1]
			continue
		}
		e.off[i] = -math.Copysign(norm, v[i-1])
		v[i-1] -= e.off[i]
		half := dot(v, v) / 2
		// With p = A·v/half and q = p - (p·v/(2 half))·v, the reflected matrix is A - v·qᵀ - q·vᵀ.
		p := image[:i]
		for r := range p {
			line := a[r*n:][:r+1]
			p[r] = dot(line, v[:r+1])
			matrix.AddScaled(p[:r], v[r], line[:r])
		}
		along := dot(p, v) / (2 * half)
		for r := range p {
			p[r] = (p[r] - along*v[r]) / half
		}
		for r := range p {
			line := a[r*n:][:r+1]
			matrix.AddScaled(line, -v[r], p[:r+1])
			matrix.AddScaled(line, -p[r], v[:r+1])
		}
	}
	for i := range n {
		e.diagonal[i] = a[i*n+i]
	}
	copy(e.off, e.off[1:])
	e.off[n-1] = 0
}

// maxSweeps is far beyond the two or so that an eigenvalue takes.
const maxSweeps = 64

// diagonalise turns diagonal into the eigenvalues.
func (e *eigen) diagonalise(n int) {
	d, off := e.diagonal, e.off
	for l := range n {
		for range maxSweeps {
			m := l // the first element from l on that has nothing beside it
			for ; m < n-1; m++ {
				if size := math.Abs(d[m]) + math.Abs(d[m+1]); math.Abs(off[m]) <= 0x1p-53*size {
					break
				}
			}
			if m == l {
				break
			}
			g := (d[l+1] - d[l]) / (2 * off[l])
			g = d[m] - d[l] + off[l]/(g+math.Copysign(math.Hypot(g, 1), g))
			s, c, p := 1.0, 1.0, 0.0
			i := m - 1
			for ; i >= l; i-- {
				f, b := s*off[i], c*off[i]
				r := math.Sqrt(f*f + g*g)
				off[i+1] = r
				if r == 0 {
					d[i+1] -= p
					off[m] = 0
					break
				}
				s, c = f/r, g/r
				g = d[i+1] - p
				r = (d[i]-g)*s + 2*c*b
				p = s * r
				d[i+1] = g + p
				g = c*r - b
			}
			if i < l {
				d[l] -= p
				off[l] = g
				off[m] = 0
			}
		}
	}
}
