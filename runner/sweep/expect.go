package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordo/runner/config"
	"ordo/runner/expect"
)

// condition is a value that a parameter must have.
type condition struct {
	key   int // in the row's keys
	value string
}

// keys are the parameters that vary, without the seed: those of the table's rows.
func (p *Plan) keys() []string {
	keys := []string{}
	for _, v := range p.parameters {
		if v.varies() && v.Key != seedKey {
			keys = append(keys, v.Key)
		}
	}
	return keys
}

// unset stands in tables for the value of a key that its condition leaves out.
const unset = "–"

// row is a trial's values of the keys.
func (p *Plan) row(t Trial) []string {
	values := []string{}
	for i, v := range p.parameters {
		if v.varies() && v.Key != seedKey {
			values = append(values, cmp.Or(t.Values[i], unset))
		}
	}
	return values
}

// short is a key's last part, where no other key has the same.
func short(key string, keys []string) string {
	last := func(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
	same := 0
	for _, k := range keys {
		if last(k) == last(key) {
			same++
		}
	}
	if same > 1 {
		return key
	}
	return last(key)
}

// groupName writes a row as a section's groups are written.
func groupName(keys, row []string) string {
	parts := make([]string, len(row))
	for i, value := range row {
		parts[i] = short(keys[i], keys) + "=" + value
	}
	return strings.Join(parts, ", ")
}

// conditions reads a group's name: KEY=VALUE, or several with commas. A key is written whole or by its last part, a
// value as in the sweep file.
func conditions(name string, keys []string) ([]condition, error) {
	var all []condition
	for _, part := range splitGroup(name) {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q must be KEY=VALUE", part)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		at := slices.IndexFunc(keys, func(k string) bool { return key == k || key == short(k, keys) })
		if at < 0 {
			return nil, fmt.Errorf("%s is no parameter that this sweep varies; groups are of %s", key,
				strings.Join(keys, ", "))
		}
		all = append(all, condition{at, value})
	}
	return all, nil
}

// splitGroup takes a name apart at the commas that stand in no brackets and no quotes.
func splitGroup(name string) []string {
	var parts []string
	depth, from := 0, 0
	quote := byte(0)
	for i := range len(name) {
		switch c := name[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth <= 0:
			parts = append(parts, name[from:i])
			from = i + 1
		}
	}
	return append(parts, name[from:])
}

// checkGroups reports groups that no trial is of.
func (p *Plan) checkGroups(file string) error {
	if p.Expect == nil {
		return nil
	}
	keys := p.keys()
	var faults []error
	for _, g := range p.Expect.Groups {
		want, err := conditions(g.Name, keys)
		if err == nil && !slices.ContainsFunc(p.Trials, func(t Trial) bool { return holds(want, p.row(t)) }) {
			err = errors.New("no trial has these values; groups are written as " + groupName(keys, p.row(p.Trials[0])))
		}
		if err != nil {
			faults = append(faults, &mistake{g.Line, fmt.Sprintf("%s:%d: expect.%s: %v", file, g.Line, g.Name, err)})
		}
	}
	return errors.Join(faults...)
}

func holds(want []condition, row []string) bool {
	return !slices.ContainsFunc(want, func(c condition) bool { return row[c.key] != c.value })
}

// expected are the ranges of a row: those of the section, and in their place or beside them those of its groups, later
// ones over earlier ones.
func (p *Plan) expected(row []string) []config.Range {
	ranges := slices.Clone(p.Expect.Ranges)
	keys := p.keys()
	for _, g := range p.Expect.Groups {
		if want, err := conditions(g.Name, keys); err != nil || !holds(want, row) {
			continue
		}
		for _, r := range g.Ranges {
			if i := slices.IndexFunc(ranges, func(other config.Range) bool { return other.Metric == r.Metric }); i >= 0 {
				ranges[i] = r
			} else {
				ranges = append(ranges, r)
			}
		}
	}
	return ranges
}

// CheckExpect returns, as faults of kind Config, which of the numbers that the file expects its trials don't measure.
// The file has the section.
func (p *Plan) CheckExpect() error {
	var faults []error
	seen := map[string]bool{}
	for _, t := range p.Trials {
		row := p.row(t)
		if name := groupName(p.keys(), row); !seen[name] {
			seen[name] = true
			if err := config.CheckFamilies(p.expected(row), t.families); err != nil {
				faults = append(faults, fmt.Errorf("%s: %s: %w", p.file, name, err))
			}
		}
	}
	return errors.Join(faults...)
}

// Compare puts the means of a table's rows beside what the file expects. The file has the section.
func (p *Plan) Compare(t Table) expect.Report {
	r := expect.New(p.file, *p.Expect)
	for _, row := range t.Rows {
		means := map[string]float64{}
		for path, s := range row.all {
			if s.N == row.Finished {
				means[path] = s.Mean
			}
		}
		r.Add(groupName(t.Keys, row.Values), p.expected(row.Values), means, row.Finished < row.Trials)
	}
	return r
}
