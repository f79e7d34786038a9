package table

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestFit: a table of long names is as wide as a terminal, and nothing of it is lost.
func TestFit(t *testing.T) {
	long := "runs/orchard-order-d3456fa615/018-kind-rank_n_contrast-distance-cosine-seed-3"
	for _, c := range []struct {
		name  string
		table [][]string
		want  string
	}{
		{"long names", [][]string{{"status", "a number with a long name", "folder"}, {"finished", "0.9310", long},
			{"", "", "x"}},
			"status    a number  folder\n" +
				"            with a\n" +
				"              long\n" +
				"              name\n" +
				"finished    0.9310  runs/orchard-order-d3456fa615/018-kind-rank_n_contrast-\n" +
				"                    distance-cosine-seed-3\n" +
				"                    x\n"},
		{"no mark to break at", [][]string{{strings.Repeat("x", 90), "1"}},
			strings.Repeat("x", 77) + "  1\n" + strings.Repeat("x", 13) + "\n"},
		{"an empty column at the end",
			[][]string{{strings.Repeat("x ", 38) + "xxx", ""}}, strings.Repeat("x ", 38) + "xxx\n"},
		{"what fits", [][]string{{strings.Repeat("x", 77), "1"}}, strings.Repeat("x", 77) + "  1\n"},
	} {
		if got := Columns(c.table, 0); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
	got := Columns([][]string{{"a", "bc", "d"}, {"µs", "1", "left"}, {"", "", ""}}, 0)
	got += Left([][]string{{"a", "bc", "d"}, {"µs", "1", "left"}}, 2)
	if want := "a   bc  d\nµs   1  left\n\n  a   bc  d\n  µs  1   left\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Wrap(strings.Repeat("word ", 20)+strings.Repeat("x", 90), 2), strings.Repeat("word ", 15)+
		"word\n  word word word word\n  "+strings.Repeat("x", 90); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Fact("name", 6, strings.Repeat("word ", 16)), "name  "+strings.Repeat("word ", 14)+"word\n"+
		"      word"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Fact("name", 2, ""); got != "name" {
		t.Errorf("%q", got)
	}
	many := make([]string, 40)
	for i := range many {
		many[i] = "0.1234 ± 0.0012"
	}
	for _, row := range fit([][]string{many}, Width) {
		for _, cell := range row {
			if utf8.RuneCountInString(cell) > narrowest {
				t.Errorf("%q is wider than a column need be", cell)
			}
		}
	}
}
