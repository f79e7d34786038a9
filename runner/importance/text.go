package importance

import (
	"fmt"

	"ordo/models/table"
)

// Text is the report for a terminal.
func (r Report) Text() string {
	if r.Note != "" {
		return table.Wrap(r.Note, 0) + "\n"
	}
	rows := [][]string{{"key", "share", "p", "among the best"}}
	for _, w := range r.Keys {
		if w.P == nil {
			rows = append(rows, []string{w.Key, "–", "–", fmt.Sprintf("can't be told: %d combinations have it", w.Trials)})
			continue
		}
		best := w.Best
		if !w.Told() {
			best = "not told from chance"
		}
		rows = append(rows, []string{w.Key, fmt.Sprintf("%.0f %%", 100*w.Share), fmt.Sprintf("%.2g", *w.P), best})
	}
	head := fmt.Sprintf("Which keys decide whether a combination is among the best %d of %d (PED-ANOVA); p is how often "+
		"as many that are drawn at random differ as much:", r.Top, r.Trials)
	return table.Wrap(head, 0) + "\n" + table.Columns(rows, 2)
}
