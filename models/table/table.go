package table

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is the number of letters that a line of a table has at most, where its cells can be broken so.
const Width = 80

// narrowest is how far a column is narrowed.
const narrowest = 8

// Columns lays out a table whose first row is its head. The first column and the last stand to the left, the others to
// the right, behind so many spaces. Where a line would be longer than Width, the widest columns are narrowed, and their
// cells go on below.
func Columns(table [][]string, indent int) string {
	return write(table, indent, func(column, columns int) bool { return column == 0 || column == columns-1 })
}

// Left is Columns with all columns to the left.
func Left(table [][]string, indent int) string {
	return write(table, indent, func(int, int) bool { return true })
}

// Fits says whether a table, behind so many spaces, has room in Width with no cell broken but those of its head.
func Fits(table [][]string, indent int) bool {
	return indent+total(headed(table)) <= Width
}

// total is the width of a table with such columns. Empty ones at the end take no room.
func total(widths []int) int {
	for len(widths) > 1 && widths[len(widths)-1] == 0 {
		widths = widths[:len(widths)-1]
	}
	sum := 2 * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// write writes a table; left says of each column whether it stands to the left.
func write(table [][]string, indent int, left func(column, columns int) bool) string {
	table = fit(table, Width-indent)
	widths := widths(table)
	var b strings.Builder
	for _, row := range table {
		line := strings.Repeat(" ", indent)
		for i, cell := range row {
			if i > 0 {
				line += "  "
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if left(i, len(row)) {
				line += cell + pad
			} else {
				line += pad + cell
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
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

// fit makes a table no wider than a number of letters, with two between columns: it narrows the widest columns, and
// what of a cell finds no room stands in further rows below it. A table of very many columns stays wider.
func fit(table [][]string, width int) [][]string {
	widths := widths(table)
	total := total(widths)
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

// broken breaks a cell into parts of at most n letters: at a space or behind a mark where there is one behind the first
// third of a part.
func broken(cell string, n int) []string {
	rest := []rune(cell)
	var parts []string
	for len(rest) > n {
		at := n
		for i := n; i > n/3; i-- {
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

// Wrap breaks a text into lines of at most Width letters, but for longer words. All lines but the first are indented.
func Wrap(text string, indent int) string { return wrap("", text, indent) }

// Fact is a fact behind its name, which stands in a column of so many letters, in lines of at most Width.
func Fact(name string, column int, text string) string {
	return wrap(name+strings.Repeat(" ", max(0, column-utf8.RuneCountInString(name))), text, column)
}

// wrap breaks a text into lines, the first of which begins with what is there already.
func wrap(line, text string, indent int) string {
	var lines []string
	begun := line == "" || strings.HasSuffix(line, " ") // a word can follow
	for _, word := range strings.Fields(text) {
		switch {
		case begun:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= Width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = strings.Repeat(" ", indent) + word
		}
		begun = false
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}
