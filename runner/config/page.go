package config

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// columns is the width of the page's lines.
const columns = 120

const pageHead = `# The experiment file

<!-- Made of the options' structs by ` + "`go test ./runner/config -update`; `ordo keys --markdown` prints it." + ` -->

An experiment file is YAML. It holds what differs from the defaults; this page lists every key.

` + "```yaml" + `
seed: 1
data: {source: folder, root: photos}
augment:
  invariant: [random_resized_crop, horizontal_flip]
  ordered:
    - {family: rotate, max: 180}
train: {epochs: 30}
` + "```" + `

Any key can be set in other places too. The command line comes before the environment, and that before the file:

` + "```sh" + `
ordo run FILE train.epochs=3 augment.ordered.0.max=90
ORDO_TRAIN_EPOCHS=3 ordo run FILE
` + "```" + `

Values are written as in YAML. INDEX stands for the position in a list, counted from 0. FAMILY stands for the name of a
family, such as rotate, or of a joint one, such as rotate+blur. Settings of list entries have no variable.
Ranges are as in mathematics: [0, 1) holds 0 but not 1. Where a default or a range depends on the kind of loss or on the
family, the kind or the family is in parentheses behind it.

A file can come over another one, and then holds what differs from that:

` + "```yaml" + `
extends: demo.yaml                              # from this file's folder; it may extend a third one
train: {epochs: 30}
` + "```" + `

Maps merge key by key, lists are replaced as a whole. ` + "`name` and `expect`" + ` are a file's own and are not taken
over. ` + "`ordo config show FILE`" + ` says of every value which file and line it comes from.

One section, ` + "`expect`" + `, is no part of the experiment, and no key of it can be set elsewhere. It says what the
author found, by the names of the numbers in ` + "`result.json`" + `. ` + "`ordo run FILE --check`" + ` compares, and
fails outside of a range:

` + "```yaml" + `
expect:
  minutes: 2                                    # on 2 cores, as a guide
  seeds: 3                                      # that the ranges come from, as information
  knn_top1: [0.86, 0.94]                        # low and high, both inside
  order_accuracy.rotate.embedding: [0.9, null]  # null: open
` + "```" + `

A sweep file has it too: it is compared with the means over seeds, and ` + "`rotate=ordered:`" + ` (or
` + "`rotate=ordered, lr=1e-3:`" + `) before further metrics holds for the rows with this value.

` + "`ordo keys SECTION`" + ` shows the keys of a section, and the shell completes keys and values
(` + "`ordo completion --help`" + `).
`

// Page returns the table of keys as Markdown.
func Page() string { return page(keys()) }

func page(all []Key) string {
	var sections []string
	bullets := map[string]string{}
	for _, k := range all {
		section := parent(k.Path)
		if bullets[section] == "" {
			sections = append(sections, section)
		}
		text := fmt.Sprintf("- `%s`: %s. %s", k.Path, k.Facts(), k.Doc)
		bullets[section] += Wrap(text, columns, "  ")
	}
	var b strings.Builder
	b.WriteString(pageHead)
	for _, section := range sections {
		switch strings.Count(section, ".") {
		case 0:
			b.WriteString("\n## " + cmp.Or(section, "The run") + "\n\n")
		default:
			b.WriteString("\n### " + section + "\n\n")
		}
		b.WriteString(bullets[section])
	}
	return b.String()
}

// Wrap breaks a text into lines of at most n letters, all but the first with an indent. A longer word has a line
// of its own.
func Wrap(text string, n int, indent string) string {
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		letters := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+letters > n:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += letters
	}
	return b.String() + "\n"
}
