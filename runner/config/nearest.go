package config

import "strings"

// Nearest returns the key among the candidates that the user most likely meant by a path, or "".
func Nearest(path string, candidates []string) string {
	best, least := "", max(2, len(path)/3)+1
	last := path[strings.LastIndexByte(path, '.')+1:]
	for _, c := range candidates {
		d := distance(path, c)
		// The right key in the wrong section counts as one slip more than it has.
		if end := c[strings.LastIndexByte(c, '.')+1:]; len(last) > 1 {
			if e := distance(last, end) + 1; e <= max(2, len(last)/3) {
				d = min(d, e)
			}
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete, change or swap with their neighbour that makes a into b (optimal
// string alignment).
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := prev[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, prev[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
