package report

import (
	"fmt"
	"slices"
	"strings"

	"ordo/runner/data/source"
	"ordo/runner/data/survey"
)

const (
	maxClasses    = 200
	maxUnreadable = 10
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
	fmt.Fprintf(&b, "%-16s%24s%24s\n", "", "train", "test")
	for _, fact := range splitFacts {
		fmt.Fprintf(&b, "%-16s%24s%24s\n", fact.name, fact.of(s.Train), fact.of(s.Test))
	}
	b.WriteString("(width and height: smallest – median – largest)\n")
	if d := s.Duplicates; d.Groups > 0 {
		fmt.Fprintf(&b, "\nduplicates: %d images are equal to others, in %s, %d of them across the splits\n",
			d.Images, Plural(d.Groups, "group"), d.Across)
		for _, ids := range d.Examples {
			fmt.Fprintf(&b, "  %s\n", strings.Join(ids, " = "))
		}
	}
	if bad := slices.Concat(s.Train.Unreadable, s.Test.Unreadable); len(bad) > 0 {
		fmt.Fprintf(&b, "\nunreadable:\n%s", Unreadable(bad[:min(len(bad), maxUnreadable)]))
		if more := len(bad) - maxUnreadable; more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	b.WriteString(classes(s.Classes))
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
		return Bytes(s.Bytes)
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
		fmt.Fprintf(&b, "%-44s%10d%10d\n", shorten(c.Name, maxClassName), c.Train, c.Test)
	}
	if more := len(list) - maxClasses; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return b.String()
}

// Unreadable is a line for each image that can't be read, with the reason.
func Unreadable(failures []survey.Failure) string {
	var b strings.Builder
	for _, f := range failures {
		fmt.Fprintf(&b, "  %s: %s\n", f.ID, f.Cause)
	}
	return b.String()
}

// shorten cuts a text to at most n letters.
func shorten(text string, n int) string {
	letters := []rune(text)
	if len(letters) <= n {
		return text
	}
	return string(letters[:n-1]) + "…"
}
