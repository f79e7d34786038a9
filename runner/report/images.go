package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ordo/runner/data/source"
	"ordo/runner/data/survey"
	"ordo/runner/machine"
)

const (
	maxClasses    = 200
	maxUnreadable = 10 // lines
	alike         = 3  // images that can't be read for one reason are a line from here on
	maxClassName  = 43 // letters
)

// ImageSet is what a look over an image set found: a column for each split, duplicates, images that can't be read, and
// the classes. Root is the folder of the source, "" where it has none.
func ImageSet(kind, root string, about source.About, s survey.Survey) string {
	var b strings.Builder
	if root != "" {
		kind += " in " + root
	}
	fmt.Fprintf(&b, "%-16s%s\n", "source", kind)
	if about.Folder != root && about.Folder != "" {
		fmt.Fprintf(&b, "%-16s%s\n", "found in", about.Folder)
	}
	if about.LeftOut.Files() > 0 {
		fmt.Fprintf(&b, "%-16s%v (not read as images)\n", "left out", about.LeftOut)
	}
	b.WriteByte('\n')
	b.WriteString(splitTable(s))
	b.WriteString("(width and height: smallest – median – largest)\n")
	if d := s.Duplicates; d.Groups > 0 {
		fmt.Fprintf(&b, "\nduplicates: %d images are equal to others, in %s, %d of them across the splits\n",
			d.Images, Plural(d.Groups, "group"), d.Across)
		for _, ids := range d.Examples {
			for i, id := range ids {
				fmt.Fprintf(&b, "%s%s", []string{"  ", " = "}[min(i, 1)], printable(string(id)))
			}
			b.WriteByte('\n')
		}
	}
	if bad := slices.Concat(s.Train.Unreadable, s.Test.Unreadable); len(bad) > 0 {
		fmt.Fprintf(&b, "\nunreadable:\n%s", Unreadable(bad))
	}
	b.WriteString(classes(s.Classes))
	return b.String()
}

// splitTable has a column for each split, wide enough for what is in it.
func splitTable(s survey.Survey) string {
	const least, between = 24, 2
	rows := [][3]string{{"", "train", "test"}}
	for _, fact := range splitFacts {
		rows = append(rows, [3]string{fact.name, fact.of(s.Train), fact.of(s.Test)})
	}
	widths := [3]int{16, least, least}
	for _, row := range rows {
		for c, text := range row[1:] {
			widths[c+1] = max(widths[c+1], utf8.RuneCountInString(text)+between)
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s%*s%*s\n", widths[0], row[0], widths[1], row[1], widths[2], row[2])
	}
	return b.String()
}

// splitFacts are the rows about both splits.
var splitFacts = []struct {
	name string
	of   func(s survey.Split) string
}{
	{"images", func(s survey.Split) string { return fmt.Sprint(s.Images) }},
	{"without label", func(s survey.Split) string { return fmt.Sprint(s.Unlabelled) }},
	{"width", func(s survey.Split) string { return spread(s.Width) }},
	{"height", func(s survey.Split) string { return spread(s.Height) }},
	{"format", func(s survey.Split) string { return counts(s.Formats) }},
	{"channels", func(s survey.Split) string { return counts(s.Channels) }},
	{"on disk", func(s survey.Split) string {
		if s.Bytes == 0 {
			return "nothing"
		}
		return machine.Bytes(s.Bytes)
	}},
	{"unreadable", func(s survey.Split) string { return fmt.Sprint(len(s.Unreadable)) }},
	{"key", func(s survey.Split) string { return s.Key[:16] }},
}

func spread(r survey.Range) string { return fmt.Sprintf("%d – %d – %d", r.Min, r.Median, r.Max) }

func counts(all []survey.Count) string {
	if len(all) == 1 {
		return all[0].Name
	}
	var parts []string
	for _, c := range all {
		parts = append(parts, fmt.Sprintf("%s %d", c.Name, c.Images))
	}
	return strings.Join(parts, ", ")
}

// classes is the table of classes, or nothing where there are none.
func classes(list []survey.Class) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-44s%10s%10s\n", fmt.Sprintf("class (%d)", len(list)), "train", "test")
	for _, c := range list[:min(len(list), maxClasses)] {
		fmt.Fprintf(&b, "%-44s%10d%10d\n", shorten(printable(c.Name), maxClassName), c.Train, c.Test)
	}
	if more := len(list) - maxClasses; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String()
}

// Unreadable lists images that can't be read: a line for each with the reason, or one for several that have the same,
// and no more than ten.
func Unreadable(failures []survey.Failure) string {
	var b strings.Builder
	lines, shown := 0, 0
	groups := source.GroupAlike(len(failures), func(i int) (id, cause string) {
		return string(failures[i].ID), failures[i].Cause
	})
	for _, g := range groups {
		ids := g.IDs
		for i, id := range ids {
			ids[i] = printable(id)
		}
		if len(ids) >= alike && lines < maxUnreadable {
			fmt.Fprintf(&b, "  %d images: %s (%s)\n", len(ids), printable(g.Reason), source.List(ids))
			lines, shown = lines+1, shown+len(ids)
			continue
		}
		for _, id := range ids[:min(len(ids), maxUnreadable-lines)] {
			fmt.Fprintf(&b, "  %s: %s\n", id, printable(g.Reason))
			lines, shown = lines+1, shown+1
		}
	}
	if more := len(failures) - shown; more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	return b.String()
}

// printable is a text with what a terminal can't show, such as bytes that are not UTF-8, as \\xNN.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted[1 : len(quoted)-1])
}

// shorten cuts a text to at most n letters, in its middle: the ends of names tell most.
func shorten(text string, n int) string {
	letters := []rune(text)
	if len(letters) <= n {
		return text
	}
	head := n / 2
	return string(letters[:head]) + "…" + string(letters[len(letters)-(n-1-head):])
}
