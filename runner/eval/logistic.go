package eval

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"ordo/loss/matrix"
	"ordo/models/fault"
)

// logistic is the objective of multinomial logistic regression on n rows,
//
//	(1/n) Σ_i -log softmax(W·x_i + b)[y_i] + (penalty/2) ‖W‖²
//
// Its parameters are W [classes, dim], then b [classes]. The rows are cut into chunks that depend on n only; each chunk
// sums by itself and the chunks' sums are added in order, so that the number of processors changes nothing.
type logistic struct {
	rows, dim, classes int
	penalty            float64
	chunks             []*chunk
	at, grad           []float64 // the last parameters and the gradient there
	value              float64
}

// chunk is some of the rows, packed for both products: the logits and the gradient.
type chunk struct {
	labels   []int
	x        matrix.Packed[float64] // [rows, dim]
	xt       matrix.Packed[float64] // [dim, rows]
	p        []float64              // [classes, rows] logits, then probabilities
	row      []float64              // [rows] the largest logit, then the sum of the exponentials
	grad     []float64              // of W, [classes, dim]
	gradBias []float64              // [classes]
	loss     float64
}

// newLogistic is of rows x [len(labels), dim] and labels in [0, classes).
func newLogistic(x []float64, labels []int, dim, classes int) *logistic {
	const most = 16 // chunks, and so many times the memory of a gradient
	l := &logistic{rows: len(labels), dim: dim, classes: classes, grad: make([]float64, classes*(dim+1))}
	size := max(256, (l.rows+most-1)/most)
	for from := 0; from < l.rows; from += size {
		n := min(size, l.rows-from)
		c := &chunk{labels: labels[from:][:n], p: make([]float64, classes*n), row: make([]float64, n),
			grad: make([]float64, classes*dim), gradBias: make([]float64, classes)}
		part := matrix.Of(x[from*dim:], n, dim)
		c.x.Pack(part)
		c.xt.Pack(part.T())
		l.chunks = append(l.chunks, c)
	}
	return l
}

// eval brings value and gradient to the parameters.
func (l *logistic) eval(params []float64) {
	if slices.Equal(l.at, params) {
		return
	}
	l.at = append(l.at[:0], params...)
	w, bias := params[:l.classes*l.dim], params[l.classes*l.dim:]
	parallel(len(l.chunks), func(i int) { l.chunks[i].eval(matrix.Of(w, l.classes, l.dim), bias) })
	clear(l.grad)
	var loss, square float64
	for _, c := range l.chunks {
		loss += c.loss
		for j, g := range c.grad {
			l.grad[j] += g
		}
		for j, g := range c.gradBias {
			l.grad[len(w)+j] += g
		}
	}
	for j := range l.grad {
		l.grad[j] /= float64(l.rows)
	}
	for j, v := range w {
		square += v * v
		l.grad[j] += l.penalty * v
	}
	l.value = loss/float64(l.rows) + l.penalty/2*square
}

func (c *chunk) eval(w matrix.Matrix[float64], bias []float64) {
	n, classes := len(c.labels), len(bias)
	p := matrix.Of(c.p, classes, n)
	matrix.Mul(p, w, &c.xt)
	for k, b := range bias {
		for i, v := range c.p[k*n:][:n] {
			v += b
			c.p[k*n+i] = v
			if k == 0 || v > c.row[i] {
				c.row[i] = v
			}
		}
	}
	c.loss = 0
	for k := range classes {
		for i := range n {
			c.p[k*n+i] -= c.row[i]
		}
	}
	for i, label := range c.labels {
		c.loss -= c.p[label*n+i]
	}
	matrix.Exp(c.p, c.p, 1, 0)
	clear(c.row)
	for k := range classes {
		for i, e := range c.p[k*n:][:n] {
			c.row[i] += e
		}
	}
	for i, sum := range c.row {
		c.loss += math.Log(sum)
		c.row[i] = 1 / sum
	}
	for k := range classes {
		for i := range n {
			c.p[k*n+i] *= c.row[i]
		}
	}
	for i, label := range c.labels {
		c.p[label*n+i]--
	}
	for k := range classes {
		c.gradBias[k] = 0
		for _, e := range c.p[k*n:][:n] {
			c.gradBias[k] += e
		}
	}
	matrix.Mul(matrix.Of(c.grad, classes, w.Cols), p, &c.x)
}

// minimum says how L-BFGS went.
type minimum struct {
	params     []float64
	iterations int
	converged  bool // the gradient's largest value is below the tolerance
}

// minimise goes from the parameters start, nil for zeros, to the least objective by L-BFGS.
func (l *logistic) minimise(start []float64, penalty, tolerance float64, iterations int) (minimum, error) {
	l.penalty, l.at = penalty, nil
	if start == nil {
		start = make([]float64, len(l.grad))
	}
	settings := &optimize.Settings{GradientThreshold: tolerance, MajorIterations: iterations,
		FuncEvaluations: 20 * iterations, // a line search finds nothing where values go beyond what numbers hold
		Converger:       optimize.NeverTerminate{}}
	problem := optimize.Problem{
		Func: func(x []float64) float64 { l.eval(x); return l.value },
		Grad: func(grad, x []float64) { l.eval(x); copy(grad, l.grad) },
	}
	// Near the least value rounding may leave a line search nothing to find: what was reached counts, not the
	// complaint.
	result, err := optimize.Minimize(problem, start, settings, &optimize.LBFGS{Linesearcher: &optimize.MoreThuente{}})
	if result == nil || !finite(result.F) || checkFinite("", result.X) != nil {
		return minimum{}, fault.New(fault.Numeric, "logistic regression with penalty %g leaves the range of numbers (%v)",
			penalty, err).Advise("standardise the features")
	}
	l.eval(result.X)
	m := minimum{params: slices.Clone(result.X), iterations: result.MajorIterations, converged: true}
	for _, g := range l.grad {
		m.converged = m.converged && math.Abs(g) < tolerance
	}
	return m, nil
}
