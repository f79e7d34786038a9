package eval

import (
	"fmt"
	"math"

	"ordo/models/fault"
)

// Sample is rows with the numbers that are to be read from them, such as the scale at which each view was made.
//
// Individual prediction reads the scale from one view's row, relative prediction the difference of two views' scales
// from both rows (Concatenate). On data that look alike at all scales the individual one is impossible.
//
// In range and beyond it is a matter of which rows are given: Select takes those of a range of scales.
type Sample struct {
	Rows    Rows
	Targets []float64 // [Rows.Len(), Columns], each in the range of a float32
	Columns int
	Images  []int // the image of every row, which is held out with all of its rows; nil: each row is an image of its own
	Cyclic  bool  // the two columns are cosine and sine of an angle, as Angles makes them
}

// Select copies the rows of these numbers with their targets.
func (s Sample) Select(rows []int) Sample {
	t := s
	t.Rows = s.Rows.Select(rows)
	t.Targets = make([]float64, 0, len(rows)*s.Columns)
	for _, i := range rows {
		t.Targets = append(t.Targets, s.Targets[i*s.Columns:][:s.Columns]...)
	}
	if s.Images != nil {
		t.Images = pick(s.Images, rows)
	}
	return t
}

// images is the image of every row.
func (s Sample) images() []int {
	if s.Images != nil {
		return s.Images
	}
	all := make([]int, s.Rows.Len())
	for i := range all {
		all[i] = i
	}
	return all
}

func (s Sample) check(what string) error {
	if err := s.Rows.checkValues(what); err != nil {
		return err
	}
	n := s.Rows.Len()
	if s.Columns < 1 || len(s.Targets) != n*s.Columns || s.Images != nil && len(s.Images) != n ||
		s.Cyclic && s.Columns != 2 {
		return fmt.Errorf("eval: %s: %d targets of %d columns and %d images for %d rows (cyclic: %t)",
			what, len(s.Targets), s.Columns, len(s.Images), n, s.Cyclic)
	}
	for i, t := range s.Targets {
		if !(math.Abs(t) <= math.MaxFloat32) { // also false for NaN
			return fault.New(fault.Numeric, "%s: the target of row %d is %g", what, i/s.Columns, t)
		}
	}
	return nil
}

// Concatenate puts two views' rows side by side, [z, z'], as SIE (Garrido et al. 2023) does for relative prediction.
func Concatenate(a, b Rows) (Rows, error) {
	if a.Len() != b.Len() {
		return Rows{}, fmt.Errorf("eval: %d rows beside %d", a.Len(), b.Len())
	}
	r := Rows{Data: make([]float32, 0, len(a.Data)+len(b.Data)), Dim: a.Dim + b.Dim}
	for i := range a.Len() {
		r.Data = append(append(r.Data, a.Row(i)...), b.Row(i)...)
	}
	return r, nil
}

// Within returns which of the scales are in [low, high], rising: the rows of a range.
func Within(scales []float64, low, high float64) []int {
	var rows []int
	for i, s := range scales {
		if s >= low && s <= high {
			rows = append(rows, i)
		}
	}
	return rows
}

// Angles returns cosine and sine of angles in degrees, [len(degrees), 2]: what is predicted of a family that comes
// back to where it began. The error of the angle itself would call 359° and 1° far apart.
func Angles(degrees []float64) []float64 {
	targets := make([]float64, 0, 2*len(degrees))
	for _, d := range degrees {
		sin, cos := math.Sincos(d * math.Pi / 180)
		targets = append(targets, cos, sin)
	}
	return targets
}

// AngularErrors returns the angle in degrees, [0, 180], between the predicted and the true direction of every row, both
// [n, 2]. A prediction that points nowhere is 90° off, as a random one is in the mean.
func AngularErrors(targets, predictions []float64) []float64 {
	errors := make([]float64, len(targets)/2)
	for i := range errors {
		x, y := predictions[2*i], predictions[2*i+1]
		errors[i] = 90
		if math.Hypot(x, y) > normEps {
			c, s := targets[2*i], targets[2*i+1]
			errors[i] = math.Abs(math.Atan2(c*y-s*x, c*x+s*y)) * 180 / math.Pi
		}
	}
	return errors
}

// R2 is the coefficient of determination in the two ways that the field knows; they agree where there is one column.
type R2 struct {
	// Pooled is 1 - Σ(t - p)² / Σ(t - t̄)² with one mean t̄ over all targets and columns, as SIE has it: columns that
	// vary much count much. Undefined where all targets are equal.
	Pooled Value `json:"r2_pooled"`
	// PerDimension is the mean of the columns' own R², scikit-learn's r2_score with multioutput "uniform_average", over
	// those whose targets vary. Undefined where none does.
	PerDimension Value   `json:"r2_per_dimension"`
	Columns      []Value `json:"r2_columns,omitempty"` // of every column; undefined where its targets are all equal
	Constant     int     `json:"constant_columns"`     // columns whose targets are all equal
}

// DeterminationOf returns R² of predictions for targets, both [n, columns]. Beyond what is linear it may be as
// negative as it likes, and is reported so. Targets of unlike units should be standardised, by the training rows.
func DeterminationOf(targets, predictions []float64, columns int) R2 {
	var r R2
	var sum float64
	r.Pooled = determination(targets, predictions, 0, 1)
	for c := range columns {
		v := determination(targets, predictions, c, columns)
		r.Columns = append(r.Columns, v)
		if v.Defined {
			sum += v.Number
		} else {
			r.Constant++
		}
	}
	r.PerDimension = ratio(sum, float64(columns-r.Constant))
	return r
}

// determination is R² of every step-th number from first on.
func determination(targets, predictions []float64, first, step int) Value {
	var sum, n float64
	varies := false
	for i := first; i < len(targets); i += step {
		sum += targets[i]
		n++
		varies = varies || targets[i] != targets[first]
	}
	if !varies {
		return Value{}
	}
	var off, spread float64
	for i := first; i < len(targets); i += step {
		off += (targets[i] - predictions[i]) * (targets[i] - predictions[i])
		spread += (targets[i] - sum/n) * (targets[i] - sum/n)
	}
	return less(ratio(off, spread))
}

// Regression is how well numbers are read from rows.
type Regression struct {
	R2
	MeanAbsoluteError float64 `json:"mean_absolute_error"`         // over all targets
	Degrees           Value   `json:"angular_error"`               // mean, of cyclic targets only
	DegreesConstant   Value   `json:"angular_error_of_a_constant"` // of the best single direction, which sees nothing
	Rows              int     `json:"rows"`

	// Errors and Spread are the sums of squares of Pooled row by row, Angular the angular errors: intervals over images
	// are made of them, BootstrapRatio(PerImage(Errors, …), PerImage(Spread, …)) being that of 1 - Pooled.
	Errors, Spread, Angular []float64 `json:"-"`
}

// Regress compares predictions [n, test.Columns] with the targets. Errors: predictions or rows that are not finite
// (fault.Numeric).
func Regress(test Sample, predictions []float64) (Regression, error) {
	if err := test.check("regression: test rows"); err != nil {
		return Regression{}, err
	}
	if len(predictions) != len(test.Targets) {
		return Regression{}, fmt.Errorf("eval: regression: %d predictions of %d targets", len(predictions), len(test.Targets))
	}
	if err := checkFinite("regression: predictions", predictions); err != nil {
		return Regression{}, err
	}
	n := test.Rows.Len()
	r := Regression{R2: DeterminationOf(test.Targets, predictions, test.Columns), Rows: n,
		Errors: make([]float64, n), Spread: make([]float64, n)}
	centre := mean(test.Targets)
	for i, t := range test.Targets {
		e := t - predictions[i]
		r.Errors[i/test.Columns] += e * e
		r.Spread[i/test.Columns] += (t - centre) * (t - centre)
		r.MeanAbsoluteError += math.Abs(e) / float64(len(predictions))
	}
	if test.Cyclic {
		r.Angular = AngularErrors(test.Targets, predictions)
		r.Degrees = Defined(mean(r.Angular))
		var c, s float64
		for i := range n {
			c, s = c+test.Targets[2*i], s+test.Targets[2*i+1]
		}
		constant := make([]float64, 2*n)
		for i := range n {
			constant[2*i], constant[2*i+1] = c, s
		}
		r.DegreesConstant = Defined(mean(AngularErrors(test.Targets, constant)))
	}
	return r, nil
}
