package eval

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"ordo/loss/matrix"
	"ordo/models/fault"
)

// RidgeOptions sets ridge regression.
type RidgeOptions struct {
	Penalties []float64 `yaml:"penalties"` // to choose from; default 1e-6 … 10, by tens; each in (0, 1e12]
	HoldOut   float64   `yaml:"hold_out"`  // share of the training images that choose; default 0.2, range (0, 1)
	Seed      uint64    `yaml:"seed"`      // draws the images that are held out; default 1
}

// DefaultRidgeOptions returns the defaults.
func DefaultRidgeOptions() RidgeOptions {
	return RidgeOptions{Penalties: []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10}, HoldOut: 0.2, Seed: 1}
}

// Validate returns all faults of the options, joined.
func (o RidgeOptions) Validate() error { return invalid(penaltyFaults(o.Penalties, o.HoldOut)) }

// Ridge is a linear map from rows to targets.
type Ridge struct {
	Choice
	scaler  scaler
	weights []float64 // [dim, columns], of the scaled rows
	centre  []float64 // [columns] mean targets
	dim     int
}

// FitRidge fits ridge regression of the targets on standardised rows (mean 0, population deviation 1 over the rows that
// are fitted; a constant column is 0): with n rows it minimises for every column
//
//	(1/n) Σ_i (t_i - w·x_i - b)² + λ ‖w‖²
//
// in closed form, by Cholesky. It is scikit-learn's Ridge with alpha = λ·n. λ is chosen on training images that are
// held out, by the squared error, columns in units of their deviation; of equals the largest. With it all training
// rows are fitted. Errors: rows or targets that are not finite (fault.Numeric), nothing to hold out where there are
// several penalties (fault.Data), options out of range (fault.Config).
func FitRidge(train Sample, o RidgeOptions) (*Ridge, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := train.check("ridge regression: training rows"); err != nil {
		return nil, err
	}
	choice := Choice{Penalty: o.Penalties[0]}
	if len(o.Penalties) > 1 {
		fit, held := holdOutByImage(train.images(), o.HoldOut, o.Seed)
		if len(held) == 0 {
			return nil, nothingHeldOut("ridge regression", train.Rows.Len())
		}
		part, rest := newNormal(train.Rows.Select(fit)), train.Select(held)
		answers := part.answers(train.Select(fit).Targets, train.Columns)
		scores := make([]float64, len(o.Penalties))
		for i, penalty := range o.Penalties {
			r, err := part.fit(answers, penalty)
			if err != nil {
				return nil, err
			}
			scores[i] = relativeError(rest.Targets, r.Predict(rest.Rows), train.Columns)
		}
		choice = newChoice(o.Penalties, scores, leastError(o.Penalties, scores), len(held))
	}
	all := newNormal(train.Rows)
	r, err := all.fit(all.answers(train.Targets, train.Columns), choice.Penalty)
	if err != nil {
		return nil, err
	}
	r.Choice = choice
	return r, nil
}

// relativeError is the mean over the columns of the mean squared error, in units of the targets' variance where there
// is one.
func relativeError(targets, predictions []float64, columns int) float64 {
	var sum float64
	for c := range columns {
		var off, total, square float64
		n := float64(len(targets) / columns)
		for i := c; i < len(targets); i += columns {
			off += (targets[i] - predictions[i]) * (targets[i] - predictions[i])
			total += targets[i]
		}
		for i := c; i < len(targets); i += columns {
			square += (targets[i] - total/n) * (targets[i] - total/n)
		}
		if square > 0 {
			off *= n / square
		}
		sum += off / n
	}
	return sum / float64(columns)
}

// leastError is the number of the penalty with the least error; of equals the largest.
func leastError(penalties, errors []float64) int {
	best := 0
	for i, e := range errors {
		if e < errors[best] || e == errors[best] && penalties[i] > penalties[best] {
			best = i
		}
	}
	return best
}

// normal is what the normal equations of all penalties and targets have in common: of more rows than columns
// w = (XᵀX/n + λ)⁻¹ Xᵀt/n, of fewer the same as Xᵀ (XXᵀ/n + λ)⁻¹ t/n.
type normal struct {
	rows, dim int
	scaler    scaler
	x         []float64
	gram      *mat.SymDense
	factor    mat.Cholesky
	penalty   float64 // of the factor; 0: there is none
}

func newNormal(r Rows) *normal {
	n := &normal{rows: r.Len(), dim: r.Dim, scaler: newScaler(r, true)}
	n.x = n.scaler.apply(r)
	n.gram = gram(n.x, n.rows, n.dim)
	return n
}

// factorise makes the factor for a penalty.
func (n *normal) factorise(penalty float64) error {
	if n.penalty == penalty {
		return nil
	}
	side := n.gram.SymmetricDim()
	a := mat.NewSymDense(side, nil)
	a.CopySym(n.gram)
	for i := range side {
		a.SetSym(i, i, a.At(i, i)+penalty)
	}
	if !n.factor.Factorize(a) {
		n.penalty = 0
		return tooSmall(penalty)
	}
	n.penalty = penalty
	return nil
}

// fit makes the factor for a penalty and solves.
func (n *normal) fit(a answers, penalty float64) (*Ridge, error) {
	if err := n.factorise(penalty); err != nil {
		return nil, err
	}
	return n.solve(a)
}

// answers is targets as all penalties need them.
type answers struct {
	columns int
	centre  []float64 // [columns] means
	right   []float64 // Xᵀt/n [dim, columns], or t/n [rows, columns] of fewer rows than columns; t less its mean
}

func (n *normal) answers(targets []float64, columns int) answers {
	a := answers{columns: columns, centre: make([]float64, columns)}
	for i, t := range targets {
		a.centre[i%columns] += t
	}
	for c := range a.centre {
		a.centre[c] /= float64(n.rows)
	}
	centred := make([]float64, len(targets))
	for i, t := range targets {
		centred[i] = (t - a.centre[i%columns]) / float64(n.rows)
	}
	if a.right = centred; n.dim <= n.rows {
		a.right = n.transposed(centred, columns)
	}
	return a
}

// transposed returns Xᵀ·t of t [rows, columns].
func (n *normal) transposed(t []float64, columns int) []float64 {
	to := make([]float64, n.dim*columns)
	multiply(matrix.Of(to, n.dim, columns), matrix.Of(n.x, n.rows, n.dim).T(), matrix.Of(t, n.rows, columns))
	return to
}

// solve fits the targets with the penalty of the factor.
func (n *normal) solve(a answers) (*Ridge, error) {
	weights, err := n.divide(a.right, a.columns)
	if err != nil {
		return nil, err
	}
	if n.dim > n.rows {
		weights = n.transposed(weights, a.columns)
	}
	return &Ridge{Choice: Choice{Penalty: n.penalty}, scaler: n.scaler, dim: n.dim,
		centre: a.centre, weights: weights}, nil
}

// divide solves the factored system for all columns.
func (n *normal) divide(right []float64, columns int) ([]float64, error) {
	var solved mat.Dense
	// The condition that the error would tell of is bounded by the penalty.
	_ = n.factor.SolveTo(&solved, mat.NewDense(n.gram.SymmetricDim(), columns, right))
	if solved.IsEmpty() {
		return nil, tooSmall(n.penalty)
	}
	return solved.RawMatrix().Data, nil
}

func tooSmall(penalty float64) error {
	return fault.New(fault.Numeric, "ridge regression: penalty %g is too small for features that depend on each other",
		penalty).Advise("set a larger one")
}

// multiply sets dst to a·b.
func multiply(dst, a, b matrix.Matrix[float64]) {
	var right matrix.Packed[float64]
	right.Pack(b)
	multiplyPacked(dst, a, &right)
}

// Predict returns the targets of rows that are as wide as the training rows, [rows.Len(), columns].
func (r *Ridge) Predict(rows Rows) []float64 {
	n, columns := rows.Len(), len(r.centre)
	predicted := make([]float64, n*columns)
	x, w := matrix.Of(r.scaler.apply(rows), n, r.dim), matrix.Of(r.weights, r.dim, columns)
	multiply(matrix.Of(predicted, n, columns), x, w)
	for i := range predicted {
		predicted[i] += r.centre[i%columns]
	}
	return predicted
}

// Evaluate predicts test rows and compares. Errors: rows or targets that are not finite (fault.Numeric).
func (r *Ridge) Evaluate(test Sample) (Regression, error) {
	if err := test.check("ridge regression: test rows"); err != nil {
		return Regression{}, err
	}
	if test.Rows.Dim != r.dim || test.Columns != len(r.centre) {
		return Regression{}, fmt.Errorf("eval: ridge from %d to %d on rows of %d with %d targets",
			r.dim, len(r.centre), test.Rows.Dim, test.Columns)
	}
	return Regress(test, r.Predict(test.Rows))
}
