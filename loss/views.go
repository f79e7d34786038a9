package loss

import (
	"errors"
	"fmt"
	"math"
)

// ErrNonFinite is wrapped by the error of Compute when a model output that the loss reads holds a NaN or an infinity.
var ErrNonFinite = errors.New("a value that is not finite")

// What a view can be instead of one of a family.
const (
	BaseView  = -1 // the invariant transformations are drawn, every family is at its origin
	PlainView = -2 // the image as it is, nothing is drawn
)

// Views says what the rows of an output are: V = len(Family) views of N = Images images, view-major, so that row
// v*N+n is view v of image n.
type Views struct {
	Images int       // N, at least 1
	Family []int     // of each view: its index in Names, or BaseView or PlainView
	Scale  []float64 // [V*N], indexed like the rows: in [-1, 1] if two-sided, else in [0, 1]; 0 for base and plain views
	Names  []string  // of the families

	// Period holds, by family, the period of a cyclic scale in units of scale, and 0 for the others: the difference of two
	// scales is then min(|a-b|, Period-|a-b|). Nil: no family is cyclic.
	Period []float64
	// Classes holds, by family, 0, or the number C >= 2 of classes of a nominal family, whose scales are classes without
	// an order: class round(scale*(C-1)). Order losses leave such a family out. Nil: no family is nominal.
	Classes []int

	// DrawNames are the P names of what is drawn for a view, STEP.PARAMETER; nil where no term asks.
	DrawNames []string
	// DrawWidths holds how far apart two values of a draw can be at most, its value when it is not applied among
	// them: of color_jitter's brightness and hue the width of their range, of a sigma its upper bound. Nil: 1 each.
	DrawWidths []float64
	// Draws holds what was drawn: [V*N, P], indexed like the rows.
	Draws []float32

	// Shared is the number of images, neighbours in the batch, whose base views were made with the same draws; 0 or 1:
	// none.
	Shared int
	// Progress is the share of the training that is done, in [0, 1].
	Progress float64
}

// Output is one output of the model, and room for the gradient of the loss by it.
type Output struct {
	Name string
	Dim  int       // D, at least 1
	Data []float32 // [rows, D], row-major; rows are V*N but for the outputs that Need says otherwise of
	Grad []float32 // like Data, overwritten by Compute: d Total / d Data, zero where no term looks; nil: takes no gradient
}

// outputs that terms look at, beside those that options name.
const (
	outputPrediction = "prediction"
	outputTarget     = "target"
	outputESSL       = "essl"
	outputAugSelf    = "augself"
	outputEquiMod    = "equimod"
)

// base returns how many base views there are.
func (v Views) base() int {
	count := 0
	for _, f := range v.Family {
		if f == BaseView {
			count++
		}
	}
	return count
}

// appendBase appends the base views.
func appendBase(to []int, v Views) []int {
	for i, f := range v.Family {
		if f == BaseView {
			to = append(to, i)
		}
	}
	return to
}

// appendGroup appends the members of family f's groups: the base views, then the family's.
func appendGroup(to []int, v Views, f int) []int {
	to = appendBase(to, v)
	for i, family := range v.Family {
		if family == f {
			to = append(to, i)
		}
	}
	return to
}

// nominal says whether the scales of family f are classes.
func (v Views) nominal(f int) bool { return v.Classes != nil && v.Classes[f] > 0 }

// checkPlan finds what contradicts itself in what the view plan alone decides.
func checkPlan(v Views) error {
	if len(v.Family) == 0 {
		return errors.New("a batch needs at least one view")
	}
	for i, f := range v.Family {
		if f < PlainView || f >= len(v.Names) {
			return fmt.Errorf("view %d is of family %d, but there are %d families", i, f, len(v.Names))
		}
	}
	if v.Period != nil && len(v.Period) != len(v.Names) {
		return fmt.Errorf("%d families need %d periods, got %d", len(v.Names), len(v.Names), len(v.Period))
	}
	for f, p := range v.Period {
		if !(p >= 0 && p <= math.MaxFloat64) {
			return fmt.Errorf("family %s has period %g", v.Names[f], p)
		}
	}
	if v.Classes != nil && len(v.Classes) != len(v.Names) {
		return fmt.Errorf("%d families need %d numbers of classes, got %d", len(v.Names), len(v.Names), len(v.Classes))
	}
	for f, c := range v.Classes {
		if c < 0 || c == 1 {
			return fmt.Errorf("family %s has %d classes", v.Names[f], c)
		}
	}
	if v.DrawWidths != nil && len(v.DrawWidths) != len(v.DrawNames) {
		return fmt.Errorf("%d draws need %d widths, got %d", len(v.DrawNames), len(v.DrawNames), len(v.DrawWidths))
	}
	for i, w := range v.DrawWidths {
		if !(w >= 0 && w <= math.MaxFloat64) {
			return fmt.Errorf("draw %s has width %g", v.DrawNames[i], w)
		}
	}
	return nil
}

func checkViews(v Views) error {
	if v.Images < 1 {
		return fmt.Errorf("a batch needs at least one image, got %d", v.Images)
	}
	if err := checkPlan(v); err != nil {
		return err
	}
	rows := len(v.Family) * v.Images
	if len(v.Scale) != rows {
		return fmt.Errorf("%d views of %d images need %d scales, got %d", len(v.Family), v.Images, rows, len(v.Scale))
	}
	for i, f := range v.Family {
		for n, s := range v.Scale[i*v.Images : (i+1)*v.Images] {
			if math.IsNaN(s) || math.IsInf(s, 0) {
				return fmt.Errorf("view %d of image %d has scale %g", i, n, s)
			}
			if f < 0 && s != 0 {
				what := "base"
				if f == PlainView {
					what = "plain"
				}
				return fmt.Errorf("view %d of image %d is a %s view, but has scale %g instead of 0", i, n, what, s)
			}
		}
	}
	if p := len(v.DrawNames); len(v.Draws) != rows*p {
		return fmt.Errorf("%d views of %d images with %d draws need %d values, got %d",
			len(v.Family), v.Images, p, rows*p, len(v.Draws))
	}
	for i, x := range v.Draws {
		if !finite(x) {
			return fmt.Errorf("draw %s of row %d is %g", v.DrawNames[i%len(v.DrawNames)], i/len(v.DrawNames), x)
		}
	}
	if v.Shared < 0 {
		return fmt.Errorf("%d images share their draws", v.Shared)
	}
	if !(v.Progress >= 0 && v.Progress <= 1) {
		return fmt.Errorf("the progress must be in [0, 1], got %g", v.Progress)
	}
	return nil
}

// checkOutput checks an output's shape; rows is 0 where no term asks for a number of rows.
func checkOutput(o Output, rows int) error {
	switch {
	case o.Dim < 1:
		return fmt.Errorf("its rows have %d values", o.Dim)
	case rows > 0 && len(o.Data) != rows*o.Dim:
		return fmt.Errorf("%d rows of %d values are %d, got %d", rows, o.Dim, rows*o.Dim, len(o.Data))
	case len(o.Data)%o.Dim != 0:
		return fmt.Errorf("%d values are no rows of %d", len(o.Data), o.Dim)
	case o.Grad != nil && len(o.Grad) != len(o.Data):
		return fmt.Errorf("the gradient has room for %d values instead of %d", len(o.Grad), len(o.Data))
	}
	return nil
}

func checkFinite(v Views, o Output) error {
	for i, x := range o.Data {
		if finite(x) {
			continue
		}
		row := i / o.Dim
		if len(o.Data) == len(v.Family)*v.Images*o.Dim {
			return fmt.Errorf("row %d (view %d of image %d) holds %g: %w", row, row/v.Images, row%v.Images, x, ErrNonFinite)
		}
		return fmt.Errorf("row %d holds %g: %w", row, x, ErrNonFinite)
	}
	return nil
}

func finite(x float32) bool { return x*0 == 0 }
