package loss

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNonFinite is wrapped by the error of Compute when a model output that the loss reads holds a NaN or an infinity.
var ErrNonFinite = errors.New("a value that is not finite")

// Views says what the rows of an output are: V = len(Family) views of N = Images images, view-major, so that row
// v*N+n is view v of image n.
type Views struct {
	Images int       // N, at least 1
	Family []int     // of each view: its index in Names, or -1 for a base view
	Scale  []float64 // [V*N], indexed like the rows: finite, and 0 for base views
	Names  []string  // of the ordered families
}

// Output is one output of the model, and room for the gradient of the loss by it.
type Output struct {
	Name string
	Dim  int       // D, at least 1
	Data []float32 // [V*N, D], row-major
	Grad []float32 // [V*N, D], overwritten by Compute: d Total / d Data, zero where no term looks
}

// Values is what Compute gives. Its slices are used again by the next call.
type Values struct {
	Total float64 // sum of Weight*Value over the terms
	Terms []Term
}

// Term is one summand of the loss.
type Term struct {
	Name        string  // its kind: ntxent, ranknet
	Value       float64 // without the weight
	Weight      float64
	Diagnostics []Diagnostic // what tells whether the term works; those that are undefined for a batch are left out
}

// Diagnostic is a named number beside a term's value. The package documentation lists them.
type Diagnostic struct {
	Name  string
	Value float64
}

// term computes one summand.
type term interface {
	// output names the model output that the term looks at.
	output() string
	// check says what in the views the term cannot work with.
	check(v Views) error
	// compute returns value and diagnostics, and adds weight times the gradient to out.Grad.
	compute(v Views, out Output) Term
}

// Loss computes an experiment's loss. It keeps its buffers from call to call: calls with the same shapes allocate
// nothing, and one Loss must not be used by two goroutines at once.
type Loss struct {
	terms  []term
	names  []string
	values []Term
}

// New returns the loss that the options describe, or their faults.
func New(o Options) (*Loss, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	l := new(Loss)
	if o.Invariance.Kind == KindNTXent {
		l.terms = append(l.terms, &ntxentTerm{options: o.Invariance})
	}
	if o.Order.Kind == KindRankNet {
		l.terms = append(l.terms, &rankNetTerm{options: o.Order})
	}
	for _, t := range l.terms {
		if !slices.Contains(l.names, t.output()) {
			l.names = append(l.names, t.output())
		}
	}
	l.values = make([]Term, len(l.terms))
	return l, nil
}

// Outputs returns the names of the model outputs that Compute needs, in the order of the terms that need them.
func (l *Loss) Outputs() []string { return slices.Clone(l.names) }

// Compute returns the loss of a batch and writes its gradient by every output into the output's Grad; outputs that no
// term needs get zeros. It is deterministic. Errors: an output that is needed is missing, shapes do not fit, a term
// cannot work with the views, or a needed output is not finite (ErrNonFinite, with the output's name and the row).
// After an error the gradients mean nothing.
func (l *Loss) Compute(v Views, outs []Output) (Values, error) {
	if err := checkViews(v); err != nil {
		return Values{}, fmt.Errorf("loss: %w", err)
	}
	for _, o := range outs {
		if err := checkOutput(v, o); err != nil {
			return Values{}, fmt.Errorf("loss: output %q: %w", o.Name, err)
		}
	}
	for _, name := range l.names {
		i := find(outs, name)
		if i < 0 {
			return Values{}, fmt.Errorf("loss: the model has no output %q", name)
		}
		if err := checkFinite(v, outs[i]); err != nil {
			return Values{}, fmt.Errorf("loss: output %q: %w", name, err)
		}
	}
	for _, t := range l.terms {
		if err := t.check(v); err != nil {
			return Values{}, fmt.Errorf("loss: %w", err)
		}
	}
	for _, o := range outs {
		clear(o.Grad)
	}
	var total float64
	for i, t := range l.terms {
		l.values[i] = t.compute(v, outs[find(outs, t.output())])
		total += l.values[i].Weight * l.values[i].Value
	}
	return Values{Total: total, Terms: l.values}, nil
}

func find(outs []Output, name string) int {
	for i := range outs {
		if outs[i].Name == name {
			return i
		}
	}
	return -1
}

func checkViews(v Views) error {
	if v.Images < 1 {
		return fmt.Errorf("a batch needs at least one image, got %d", v.Images)
	}
	if len(v.Family) == 0 {
		return errors.New("a batch needs at least one view")
	}
	if len(v.Scale) != len(v.Family)*v.Images {
		return fmt.Errorf("%d views of %d images need %d scales, got %d",
			len(v.Family), v.Images, len(v.Family)*v.Images, len(v.Scale))
	}
	for i, f := range v.Family {
		if f < -1 || f >= len(v.Names) {
			return fmt.Errorf("view %d is of family %d, but there are %d families", i, f, len(v.Names))
		}
		for n, s := range v.Scale[i*v.Images : (i+1)*v.Images] {
			if math.IsNaN(s) || math.IsInf(s, 0) {
				return fmt.Errorf("view %d of image %d has scale %g", i, n, s)
			}
			if f < 0 && s != 0 {
				return fmt.Errorf("view %d of image %d is a base view, but has scale %g instead of 0", i, n, s)
			}
		}
	}
	return nil
}

func checkOutput(v Views, o Output) error {
	if o.Dim < 1 {
		return fmt.Errorf("its rows have %d values", o.Dim)
	}
	rows := len(v.Family) * v.Images
	if len(o.Data) != rows*o.Dim {
		return fmt.Errorf("%d rows of %d values are %d, got %d", rows, o.Dim, rows*o.Dim, len(o.Data))
	}
	if len(o.Grad) != len(o.Data) {
		return fmt.Errorf("the gradient has room for %d values instead of %d", len(o.Grad), len(o.Data))
	}
	return nil
}

func checkFinite(v Views, o Output) error {
	for i, x := range o.Data {
		if !(math.Abs(float64(x)) <= math.MaxFloat32) { // also true for NaN
			row := i / o.Dim
			return fmt.Errorf("row %d (view %d of image %d) holds %g: %w",
				row, row/v.Images, row%v.Images, x, ErrNonFinite)
		}
	}
	return nil
}
