package artifacts

import (
	"cmp"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/models/near"
)

// matches says which names match one of the patterns of an option. A pattern that matches none is a fault of kind
// fault.Config that names those that are near.
func (l patternList) matches(names []string) (map[string]bool, error) {
	matched := map[string]bool{}
	for i, pattern := range l.patterns {
		found := false
		for _, name := range names {
			if match(pattern, name) {
				found, matched[name] = true, true
			}
		}
		if found {
			continue
		}
		err := fault.New(fault.Config, "%s[%d]: %q matches no parameter", l.key, i, pattern)
		if close := nearest(pattern, names); len(close) > 0 {
			return nil, err.Advise("did you mean %s?", strings.Join(close, ", "))
		}
		return nil, err.Advise("they are called as %s", examples(names))
	}
	return matched, nil
}

// nearest lists up to three of the names that a pattern comes nearest to, by its text without * and ? and as much of
// the names' beginnings or ends.
func nearest(pattern string, names []string) []string {
	text := strings.NewReplacer("*", "", "?", "").Replace(pattern)
	limit := max(2, len(text)/3)
	distance := func(name string) int {
		d := near.Distance(text, name)
		if cut := len(name) - len(text); cut > 0 && len(text) > limit && text != pattern {
			d = min(d, near.Distance(text, name[:len(text)]), near.Distance(text, name[cut:]))
		}
		return d
	}
	close := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return distance(name) > limit })
	slices.SortStableFunc(close, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return close[:min(3, len(close))]
}

// examples lists a few names.
func examples(names []string) string {
	if len(names) > 6 {
		return strings.Join(names[:3], ", ") + ", …, " + strings.Join(names[len(names)-3:], ", ")
	}
	return strings.Join(names, ", ")
}

// match says whether a pattern, in which * is any text and ? any one character, matches a name.
func match(pattern, name string) bool {
	// The position after the last * and what it has swallowed so far, to go back to.
	star, swallowed := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, swallowed = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			swallowed++
			p, n = star+1, swallowed
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
