package eval

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"ordo/models/fault"
)

// Len is the number of rows.
func (r Rows) Len() int {
	if r.Dim < 1 {
		return 0
	}
	return len(r.Data) / r.Dim
}

// Row is row i, in the same memory.
func (r Rows) Row(i int) []float32 { return r.Data[i*r.Dim:][:r.Dim:r.Dim] }

// Select copies the rows of these numbers, in their order, with their labels where there are any.
func (r Rows) Select(rows []int) Rows {
	s := Rows{Data: make([]float32, 0, len(rows)*r.Dim), Dim: r.Dim}
	for _, i := range rows {
		s.Data = append(s.Data, r.Row(i)...)
	}
	if r.Labels != nil {
		s.Labels = pick(r.Labels, rows)
	}
	return s
}

// checkValues says what is wrong with the rows: their shape, which only a bug can cause, or values that are not finite.
func (r Rows) checkValues(what string) error {
	if r.Dim < 1 || len(r.Data)%r.Dim != 0 || len(r.Data) == 0 {
		return fmt.Errorf("eval: %s: %d values are no rows of %d", what, len(r.Data), r.Dim)
	}
	for i, x := range r.Data {
		if !finite(float64(x)) {
			return nonFinite(what+": row", i/r.Dim)
		}
	}
	return nil
}

// checkLabelled is checkValues for rows that each have a label.
func (r Rows) checkLabelled(what string) error {
	if err := r.checkValues(what); err != nil {
		return err
	}
	if len(r.Labels) != r.Len() {
		return fmt.Errorf("eval: %s: %d labels for %d rows", what, len(r.Labels), r.Len())
	}
	for i, c := range r.Labels {
		if c < 0 {
			return fmt.Errorf("eval: %s: row %d has label %d", what, i, c)
		}
	}
	return nil
}

// Orbit is a model's outputs of images at every scale of a grid: row g*Images+i of Data is image i at Scales[g]. The
// first scale is the origin.
type Orbit struct {
	Data        []float32 // [len(Scales), Images, Dim]
	Scales      []float64
	Images, Dim int
}

// At is the outputs of all images at grid point g, in the same memory.
func (o Orbit) At(g int) Rows {
	return Rows{Data: o.Data[g*o.Images*o.Dim:][:o.Images*o.Dim], Dim: o.Dim}
}

// Select copies the images of these numbers, in their order.
func (o Orbit) Select(images []int) Orbit {
	s := Orbit{Scales: o.Scales, Images: len(images), Dim: o.Dim}
	for g := range o.Scales {
		s.Data = append(s.Data, o.At(g).Select(images).Data...)
	}
	return s
}

func (o Orbit) check(what string) error {
	if o.Images < 1 || o.Dim < 1 || len(o.Scales) < 1 || len(o.Data) != len(o.Scales)*o.Images*o.Dim {
		return fmt.Errorf("eval: %s: %d values are not %d images at %d scales with rows of %d",
			what, len(o.Data), o.Images, len(o.Scales), o.Dim)
	}
	for _, s := range o.Scales {
		if !finite(s) {
			return fmt.Errorf("eval: %s: scale %g", what, s)
		}
	}
	for i, x := range o.Data {
		if !finite(float64(x)) {
			row := i / o.Dim
			return fault.New(fault.Numeric, "%s: image %d at scale %g holds a value that is not finite",
				what, row%o.Images, o.Scales[row/o.Images])
		}
	}
	return nil
}

// sameShape says whether two orbits are of the same images and scales, as far as numbers show it.
func sameShape(a, b Orbit) error {
	if a.Images != b.Images || a.Dim != b.Dim || len(a.Scales) != len(b.Scales) {
		return fmt.Errorf("eval: %d images at %d scales with rows of %d beside %d at %d with rows of %d",
			a.Images, len(a.Scales), a.Dim, b.Images, len(b.Scales), b.Dim)
	}
	return nil
}

func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 } // false for NaN

// checkFinite is for numbers that are one an image, an episode or a seed.
func checkFinite(what string, values []float64) error {
	for i, v := range values {
		if !finite(v) {
			return fault.New(fault.Numeric, "%s: value %d is not finite", what, i)
		}
	}
	return nil
}

func pick[T any](all []T, rows []int) []T {
	s := make([]T, len(rows))
	for i, r := range rows {
		s[i] = all[r]
	}
	return s
}

// units returns the rows of length 1, and which of them were zero; those stay zero.
func units(r Rows) (unit []float64, zero []bool) {
	unit, zero = make([]float64, len(r.Data)), make([]bool, r.Len())
	for i := range zero {
		to := unit[i*r.Dim:][:r.Dim]
		normalize(to, r.Row(i))
		zero[i] = dot(to, to) == 0
	}
	return unit, zero
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// parallel calls do for every number in [0, n) on as many goroutines as there are processors. What do writes belongs to
// its number, so that nothing depends on which comes first.
func parallel(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}

// invalid makes one error of what is wrong with options; nil where nothing is.
func invalid(faults []error) error { return fault.Wrap(fault.Config, errors.Join(faults...)) }
