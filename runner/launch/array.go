package launch

import (
	"fmt"
	"regexp"
	"strings"
)

// Array is what a cluster runs in several tasks.
type Array struct {
	Command string // of ordo: sweep, embed or eval
	Name    string // of the jobs
	Hash    string // tells them from others of that name
	Lines   string // what a shell does in task $n, which is counted from 1
	Tasks   []int  // to run, ascending
	Of      int    // tasks in all
}

// Numbered are the lines of tasks that differ in their number only: the words of a command before it.
func Numbered(words []string) string { return "exec " + quoted(words) + ` "$n"` + "\n" }

// Cases are the lines of tasks that are commands of their own, the words of each.
func Cases(commands [][]string) string {
	var b strings.Builder
	b.WriteString("case $n in\n")
	for i, words := range commands {
		fmt.Fprintf(&b, "%d) exec %s ;;\n", i+1, quoted(words))
	}
	return b.String() + "esac\n"
}

// plain is what a shell takes as one word without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=@+-]+$`)

// quoted writes words for a shell.
func quoted(words []string) string {
	var all []string
	for _, w := range words {
		if !plain.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		all = append(all, w)
	}
	return strings.Join(all, " ")
}
