package config

import (
	"strings"

	"ordo/models/near"
)

// Nearest returns the key among the candidates that the user most likely meant by a path, or "".
func Nearest(path string, candidates []string) string {
	best, least := "", max(2, len(path)/3)+1
	last := path[strings.LastIndexByte(path, '.')+1:]
	for _, c := range candidates {
		d := near.Distance(path, c)
		// The right key in the wrong section counts as one slip more than it has.
		if end := c[strings.LastIndexByte(c, '.')+1:]; len(last) > 1 {
			if e := near.Distance(last, end) + 1; e <= max(2, len(last)/3) {
				d = min(d, e)
			}
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}
