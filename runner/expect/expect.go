package expect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/report"
)

// Report is a comparison.
type Report struct {
	File    string  `json:"file"`              // whose section it is
	Minutes float64 `json:"minutes,omitempty"` // as the section says
	Seeds   int     `json:"seeds,omitempty"`   // as the section says
	Checks  []Check `json:"checks"`
	// Verdicts are those of `ordo select`.
	Verdicts []VerdictCheck `json:"verdicts,omitempty"`
	Failed   int            `json:"failed"` // how many of both are not ok
}

// VerdictCheck is a verdict beside those that are expected.
type VerdictCheck struct {
	Family  string   `json:"family"`
	Verdict string   `json:"verdict"` // "": there is none
	Any     []string `json:"expected"`
	Status  string   `json:"status"` // OK, Outside or Missing
}

// Check is a number beside its range.
type Check struct {
	Group  string   `json:"group,omitempty"` // of a sweep's trials
	Metric string   `json:"metric"`
	Value  *float64 `json:"value"` // null: the result has no such number
	Low    *float64 `json:"low"`   // null: open
	High   *float64 `json:"high"`
	Status string   `json:"status"` // one of the constants below
}

// What can become of a number.
const (
	OK         = "ok"
	Outside    = "outside"
	Missing    = "missing"    // the result has no such number, as of images without labels
	Unfinished = "unfinished" // trials of the group are not finished
)

// New returns the report of a section to which nothing was compared yet.
func New(file string, x config.Expect) Report {
	return Report{File: file, Minutes: x.Minutes, Seeds: x.Seeds, Checks: []Check{}}
}

// Add compares numbers, by their paths, with ranges. The group is that of a sweep's trials; unfinished says that some
// of them are not finished.
func (r *Report) Add(group string, ranges []config.Range, numbers map[string]float64, unfinished bool) {
	for _, want := range ranges {
		c := Check{Group: group, Metric: want.Metric, Low: finite(want.Low), High: finite(want.High), Status: OK}
		x, ok := numbers[want.Metric]
		if ok {
			c.Value = &x
		}
		switch {
		case unfinished:
			c.Status = Unfinished
		case !ok:
			c.Status = Missing
		case !(x >= want.Low && x <= want.High):
			c.Status = Outside
		}
		if c.Status != OK {
			r.Failed++
		}
		r.Checks = append(r.Checks, c)
	}
}

// AddVerdicts compares verdicts, by family, with those that are expected.
func (r *Report) AddVerdicts(want []config.Verdict, verdicts map[string]string) {
	for _, v := range want {
		c := VerdictCheck{Family: v.Family, Verdict: verdicts[v.Family], Any: v.Any, Status: OK}
		switch {
		case c.Verdict == "":
			c.Status = Missing
		case !slices.Contains(v.Any, c.Verdict):
			c.Status = Outside
		}
		if c.Status != OK {
			r.Failed++
		}
		r.Verdicts = append(r.Verdicts, c)
	}
}

// finite is x, or nil for an infinity.
func finite(x float64) *float64 {
	if math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// Guide says how long the file's author waited, and how many seeds the ranges come from; "": the section doesn't say.
func (r Report) Guide() string {
	var parts []string
	if r.Seeds > 0 {
		parts = append(parts, fmt.Sprintf("ranges from %s", report.Plural(r.Seeds, "seed")))
	}
	if r.Minutes > 0 {
		parts = append(parts, fmt.Sprintf("about %g min on 2 cores", r.Minutes))
	}
	return strings.Join(parts, ", ")
}

// Text is the table for a terminal.
func (r Report) Text() string {
	grouped := slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Group != "" })
	head := []string{"metric", "value", "low", "high", ""}
	if grouped {
		head = slices.Insert(head, 1, "group")
	}
	rows := [][]string{head}
	for _, c := range r.Checks {
		row := []string{c.Metric, number(c.Value, "–"), number(c.Low, "any"), number(c.High, "any"), c.Status}
		if grouped {
			row = slices.Insert(row, 1, c.Group)
		}
		rows = append(rows, row)
	}
	caption := "expected by " + r.File
	if guide := r.Guide(); guide != "" {
		caption += " (" + guide + ")"
	}
	text := caption + ":\n"
	if len(r.Checks) > 0 || len(r.Verdicts) == 0 {
		text += table.Columns(rows, 0)
	}
	if len(r.Verdicts) == 0 {
		return text
	}
	rows = [][]string{{"family", "verdict", "expected", ""}}
	for _, c := range r.Verdicts {
		rows = append(rows, []string{c.Family, cmp.Or(c.Verdict, "–"), strings.Join(c.Any, " or "), c.Status})
	}
	return text + table.Left(rows, 0)
}

func number(x *float64, none string) string {
	if x == nil {
		return none
	}
	return table.Number("%.4f", *x)
}
