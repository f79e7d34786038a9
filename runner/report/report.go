package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/models"
	"ordo/models/table"
	"ordo/runner/eval"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// Evaluation is one line: what an evaluation after an epoch found of the classes and of the ordered families.
func Evaluation(epoch int, e track.Evaluation) string {
	parts := []string{fmt.Sprintf("after epoch %d:", epoch)}
	if top1, ok := e.Metrics["knn."+models.Features]; ok {
		parts = append(parts, fmt.Sprintf("kNN %.3f", top1))
	}
	for _, family := range slices.Sorted(maps.Keys(e.Distances)) {
		if name := family + ".order_accuracy"; e.Protocols[name].Role == augment.RoleOrdered {
			parts = append(parts, fmt.Sprintf("order of %s %.3f (features %.3f)", family,
				e.Metrics[name+"."+models.Embedding], e.Metrics[name+"."+models.Features]))
		}
	}
	return strings.Join(parts, "  ")
}

// Table is the summary that ends a run: the numbers beside their references, and how they were made.
func Table(r track.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), seed %d: %s, %s, %.0f images/s, loss %.4f\n",
		r.Name, r.Hash, r.Seed, Plural(r.Epochs, "epoch"), Plural(r.Steps, "step"), r.ImagesPerSecond, r.Loss)
	families := rolesFirst(r.Evaluation)
	rows := summaryRows(r.Evaluation, families)
	if len(rows) > 0 {
		b.WriteString("\n" + table.Columns(append(evaluatedHead(), rows...), 2) + "\n" + readingHelp(r.Evaluation, families))
	}
	b.WriteString(warned(r))
	share, target := r.TimeShare, ""
	if share.Target > 0 {
		target = "averaged network " + percent(share.Target) + ", "
	}
	took := fmt.Sprintf("Time: %.0f s of training steps: ONNX Runtime %s, %swaiting for data %s, loss %s, rest %s.",
		r.Seconds, percent(share.ONNXRuntime), target, percent(share.DataWait), percent(share.Loss), percent(share.Rest))
	b.WriteString("\n" + indented(strings.Join(wrap(took, table.Width-2), "\n")+"\n"))
	fmt.Fprintf(&b, "  Memory: %.0f MB at most.\n", float64(r.PeakMemoryBytes)/1e6)
	return b.String()
}

// summaryRows are kNN and order, of the classes and of every family.
func summaryRows(e track.Evaluation, families []string) [][]string {
	var rows [][]string
	add := func(label, name string) {
		if _, ok := e.Protocols[name]; ok {
			rows = append(rows, evaluatedRow(e, label, name))
		}
	}
	add("kNN", "knn")
	for _, family := range families {
		add("kNN, "+family, family+".knn_transformed")
	}
	for _, family := range families {
		add("order, "+family, family+".order_accuracy")
	}
	return rows
}

// Summary is Table's table of an evaluation, a head and rows, with the lines that say how its numbers were made. There
// are no rows where nothing was evaluated.
func Summary(e track.Evaluation) (head []string, rows [][]string, legend []string) {
	families := rolesFirst(e)
	for i, above := range evaluatedHead()[0] {
		head = append(head, strings.TrimSpace(above+" "+evaluatedHead()[1][i]))
	}
	last := len(head) - 1 // it only keeps Table's columns apart
	for _, row := range summaryRows(e, families) {
		rows = append(rows, row[:last])
	}
	if rows == nil {
		return nil, nil, nil
	}
	for line := range strings.Lines(readingHelp(e, families)) {
		legend = append(legend, strings.TrimSpace(line))
	}
	return head[:last], rows, legend
}

// warned says how the training collapsed, and what else was warned of.
func warned(r track.Result) string {
	var b strings.Builder
	for _, f := range r.Collapse {
		fmt.Fprintf(&b, "  Collapsed since epoch %d: the %s's %v; at the end %.3g.\n", f.Since, f.Output, f, f.Last)
	}
	for _, text := range r.Warnings {
		if !strings.HasPrefix(text, guard.Collapses) { // it stands above, as it ended
			b.WriteString(indented(strings.Join(wrap("Warning: "+text, table.Width-2), "\n")) + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + b.String()
}

// rolesFirst lists the families: ordered ones, absent ones, invariant ones, others; each by name.
func rolesFirst(e track.Evaluation) []string {
	rank := func(family string) int {
		roles := []string{augment.RoleOrdered, augment.RoleAbsent, augment.RoleInvariant, ""}
		return slices.Index(roles, e.Protocols[family+".order_accuracy"].Role)
	}
	families := slices.Sorted(maps.Keys(e.Distances))
	slices.SortStableFunc(families, func(a, b string) int { return rank(a) - rank(b) })
	return families
}

// evaluatedHead are the two lines above evaluatedRow's.
func evaluatedHead() [][]string {
	return [][]string{
		{"", "features", "features", "embedding", "embedding", "pixels", "chance", ""},
		{"", "trained", "untrained", "trained", "untrained", "", "", ""},
	}
}

func evaluatedRow(e track.Evaluation, label, name string) []string {
	row := []string{label}
	for _, c := range []struct {
		numbers map[string]float64
		output  string
	}{
		{e.Metrics, models.Features}, {e.Untrained, models.Features},
		{e.Metrics, models.Embedding}, {e.Untrained, models.Embedding},
		{e.Pixels, models.Features}, {e.Chance, models.Features},
	} {
		cell := "–"
		if v, ok := c.numbers[name+"."+c.output]; ok {
			cell = table.Number("%.3f", v)
		}
		row = append(row, cell)
	}
	return append(row, "")
}

// readingHelp says how the numbers of a summary were made.
func readingHelp(e track.Evaluation, families []string) string {
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString(indented(strings.Join(wrap(fmt.Sprintf(format, args...), table.Width-2), "\n") + "\n"))
	}
	var last eval.Protocol // all have the same views
	if p, ok := e.Protocols["knn"]; ok {
		last = p
		say("kNN: %s; %d test images among %d.", p.Method, p.TestImages, p.TrainImages)
	}
	var shown []string
	for _, family := range families {
		p := e.Protocols[family+".order_accuracy"]
		last = p
		shown = append(shown, fmt.Sprintf("%s %s (max %s)", family, roleInWords(p.Role), Strength(p)))
	}
	if len(shown) > 0 {
		say("kNN, FAMILY: of %d test images, transformed; mean over %d scales.", last.TestImages, len(last.Scales)-1)
		say("Order: share of pairs of scales whose distances (1 - cosine) from the untouched " +
			"image are in order; the same images and scales.")
		say("Families: %s.", strings.Join(shown, ", "))
	}
	say("Views: %d px, framing %s, no random transformation; short side resized, centre crop.", last.ImageSize,
		last.Framing)
	return b.String()
}

// roleInWords is a role in words.
func roleInWords(role string) string {
	if role == "" {
		return "not trained"
	}
	return role
}

// Strength is a family's max, or those of a joint family's members.
func Strength(p eval.Protocol) string {
	most := fmt.Sprintf("%g", p.Max)
	if p.Unit != "" {
		most += " " + p.Unit
	}
	for _, m := range p.MaxWith {
		most += fmt.Sprintf(" + %g", m)
	}
	return most
}

// indented moves lines two places to the right.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// wrap breaks a text into lines of at most width characters, but for longer words.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
