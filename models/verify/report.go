package verify

import (
	"fmt"
	"math"
	"strings"

	"ordo/models/table"
)

// Report is what Run found.
type Report struct {
	OK bool `json:"ok"`
	// Failures says in sentences what is wrong; empty if OK.
	Failures []string `json:"failures"`
	// Notes says what could not be compared, and why.
	Notes     []string `json:"notes"`
	Batch     int      `json:"batch"`     // images of the checks
	Tolerance float64  `json:"tolerance"` // of gradients against the reference, of statistics
	// DifferenceTolerance is that of gradients against finite differences.
	DifferenceTolerance float64           `json:"difference_tolerance"`
	Outputs             []OutputReport    `json:"outputs"`
	Parameters          []ParameterReport `json:"parameters"`
	Statistics          []StatisticReport `json:"statistics"`
	// as the graph says, of the differences' loss or the reference's
	GradNorm float64 `json:"grad_norm"`
}

// Number is a float64 that JSON shows as null where there is none.
type Number float64

// none is no number.
func none() Number { return Number(math.NaN()) }

// Is says whether there is one.
func (n Number) Is() bool { return !math.IsNaN(float64(n)) }

// MarshalJSON writes null for no number.
func (n Number) MarshalJSON() ([]byte, error) {
	switch {
	case !n.Is():
		return []byte("null"), nil
	case math.IsInf(float64(n), 0):
		return []byte("1e999"), nil
	}
	return fmt.Appendf(nil, "%g", float64(n)), nil
}

func (n Number) String() string {
	if !n.Is() {
		return "–"
	}
	return fmt.Sprintf("%.1e", float64(n))
}

// OutputReport compares an output with the reference: L2 norm of the difference over that of the reference.
type OutputReport struct {
	Name     string `json:"name"`
	Dim      int64  `json:"dim"`
	Training Number `json:"training_error"`
	Eval     Number `json:"evaluation_error"`
}

// ParameterReport is about one trained parameter.
type ParameterReport struct {
	Name  string  `json:"name"`
	Shape []int64 `json:"shape"`
	// Largest is the largest absolute value of the gradient.
	Largest float64 `json:"largest_gradient"`
	// Reference is the largest deviation from the reference, over its largest gradient.
	Reference Number `json:"reference_error"`
	// Difference is the deviation from finite differences, over the gradient's length.
	Difference Number `json:"difference_error"`
}

// StatisticReport is about a running mean or variance.
type StatisticReport struct {
	Name string `json:"name"`
	// Moments is the largest deviation from the moments of the batch norm's input, over the largest moment.
	Moments Number `json:"moments_error"`
	// Reference is the largest deviation from the reference, put into ONNX's biased form.
	Reference Number `json:"reference_error"`
}

// Text is the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	rows := [][]string{{"output", "size", "training mode", "evaluation mode"}}
	for _, o := range r.Outputs {
		rows = append(rows, []string{o.Name, fmt.Sprint(o.Dim), o.Training.String(), o.Eval.String()})
	}
	b.WriteString(table.Left(rows, 0) + "\n")
	rows = [][]string{{"parameter", "shape", "largest gradient", "reference", "finite differences"}}
	for _, p := range r.Parameters {
		rows = append(rows, []string{p.Name, fmt.Sprint(p.Shape), fmt.Sprintf("%.2e", p.Largest), p.Reference.String(),
			p.Difference.String()})
	}
	b.WriteString(table.Left(rows, 0) + "\n")
	if len(r.Statistics) > 0 {
		rows = [][]string{{"running statistic", "batch moments", "reference"}}
		for _, s := range r.Statistics {
			rows = append(rows, []string{s.Name, s.Moments.String(), s.Reference.String()})
		}
		b.WriteString(table.Left(rows, 0) + "\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, table.Wrap("note: "+n, 2))
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "wrong: %s\n", f)
	}
	fmt.Fprintln(&b, table.Wrap("largest relative errors: "+r.summary(), 2))
	return b.String()
}

// summary is the largest error of each kind.
func (r *Report) summary() string {
	reference, difference, statistic := none(), none(), none()
	larger := func(dst *Number, n Number) {
		if n.Is() && !(*dst >= n) {
			*dst = n
		}
	}
	for _, p := range r.Parameters {
		larger(&reference, p.Reference)
		larger(&difference, p.Difference)
	}
	for _, s := range r.Statistics {
		larger(&statistic, s.Moments)
	}
	return fmt.Sprintf("gradients against the reference %s (tolerance %.0e), against finite differences %s (%.0e), "+
		"running statistics %s (%.0e)",
		reference, r.Tolerance, difference, r.DifferenceTolerance, statistic, r.Tolerance)
}
