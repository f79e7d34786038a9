package autodiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Operators lists the operators that can be trained, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(rules())) }

// OperatorTable is a Markdown table of the operators that can be trained, and of what their gradients don't do; the
// file OPERATORS.md holds it.
func OperatorTable() string {
	var table strings.Builder
	table.WriteString("| operator | limits |\n| --- | --- |\n")
	for _, op := range Operators() {
		fmt.Fprintf(&table, "| %s | %s |\n", op, rules()[op].note)
	}
	return table.String()
}
