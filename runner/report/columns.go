package report

import (
	"fmt"
	"strings"

	"ordo/models/table"
)

// factWidth is that of the names of facts.
const factWidth = 14

// line writes a fact with its name before it, in lines of table.Width at most.
func line(b *strings.Builder, name, format string, args ...any) {
	b.WriteString(table.Fact(name, factWidth, fmt.Sprintf(format, args...)) + "\n")
}

// markdown writes a table whose first row is its head.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
	return b.String()
}
