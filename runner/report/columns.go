package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line writes a fact with its name before it.
func line(b *strings.Builder, name, format string, args ...any) {
	fmt.Fprintf(b, "%-14s%s\n", name, fmt.Sprintf(format, args...))
}

// Width is the number of letters that a line of a table has at most, where its cells can be broken so.
const Width = 80

// narrowest is how far a column is narrowed.
const narrowest = 8

// Columns lays out a table whose first row is its head. The first column and the last stand to the left, the others to
// the right. Where a line would be longer than Width, the widest columns are narrowed, and their cells go on below.
func Columns(table [][]string) string {
	table = Fit(table, Width)
	widths := widths(table)
	var b strings.Builder
	for _, row := range table {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch i {
			case 0:
				line.WriteString(cell + pad)
			case len(row) - 1:
				line.WriteString("  " + cell)
			default:
				line.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// widths are those of a table's columns, in letters.
func widths(table [][]string) []int {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// Fit makes a table no wider than a number of letters, with two between columns: it narrows the widest columns, and what
// of a cell finds no room stands in further rows below it. A table of very many columns stays wider.
func Fit(table [][]string, width int) [][]string {
	widths := widths(table)
	total := -2
	for _, w := range widths {
		total += w + 2
	}
	if total <= width {
		return table
	}
	// First the heads are broken, then cells between words, then cells anywhere.
	for _, least := range [][]int{headed(table), pieces(table), nil} {
		for total > width && narrow(widths, least) {
			total--
		}
	}
	var fitted [][]string
	for _, row := range table {
		parts := make([][]string, len(row))
		lines := 0
		for i, cell := range row {
			parts[i] = broken(cell, widths[i])
			lines = max(lines, len(parts[i]))
		}
		for k := range lines {
			line := make([]string, len(row))
			for i, p := range parts {
				if k < len(p) {
					line[i] = p[k]
				}
			}
			fitted = append(fitted, line)
		}
	}
	return fitted
}

// narrow takes a letter from the widest column that is wider than its least width, if there is one.
func narrow(widths, least []int) bool {
	widest := -1
	for i, w := range widths {
		at := narrowest
		if least != nil {
			at = max(at, least[i])
		}
		if w > at && (widest < 0 || w > widths[widest]) {
			widest = i
		}
	}
	if widest < 0 {
		return false
	}
	widths[widest]--
	return true
}

// headed are the widths of a table's columns with the first row broken at its spaces and marks.
func headed(table [][]string) []int {
	least := pieces(table[:1])
	if len(table) > 1 {
		for i, w := range widths(table[1:]) {
			least[i] = max(least[i], w)
		}
	}
	return least
}

// pieces are the widths of a table's columns with all cells broken at their spaces and marks.
func pieces(table [][]string) []int {
	least := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			begin := 0
			letters := []rune(cell)
			for k := range letters {
				if mark(letters, k) || k == len(letters)-1 {
					least[i] = max(least[i], k+1-begin)
					begin = k + 1
				}
			}
		}
	}
	return least
}

// mark says whether a cell may be broken behind letter k. Signs and points of numbers are no marks.
func mark(letters []rune, k int) bool {
	if strings.ContainsRune(" /_=", letters[k]) {
		return true
	}
	next := k + 1
	return strings.ContainsRune("-.,+", letters[k]) && next < len(letters) && !unicode.IsDigit(letters[next])
}

// broken breaks a cell into parts of at most n letters: at a space or behind a mark where there is one in the second
// half of a part.
func broken(cell string, n int) []string {
	rest := []rune(cell)
	var parts []string
	for len(rest) > n {
		at := n
		for i := n; i > n/2; i-- {
			if rest[i] == ' ' || mark(rest, i-1) {
				at = i
				break
			}
		}
		parts = append(parts, strings.TrimRight(string(rest[:at]), " "))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
	return append(parts, string(rest))
}

// markdown writes a table whose first row is its head.
func markdown(table [][]string) string {
	var b strings.Builder
	for i, row := range table {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
	return b.String()
}
