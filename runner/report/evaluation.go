package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ordo/models/table"
	"ordo/runner/eval"
	"ordo/runner/evaluation"
)

// evaluationColumns are those of every table of an evaluation's metrics.
func evaluationColumns(r evaluation.Result) []string {
	columns := []string{
		"metric", "output", "value", "95 % interval", "chance", "untrained", "pixels", "gain", "its interval",
	}
	if r.Against != "" {
		columns = append(columns, "other", "gain over it", "its interval")
	}
	return columns
}

// evaluationRow is a metric's row.
func evaluationRow(r evaluation.Result, m evaluation.Metric) []string {
	row := []string{
		m.Name, m.Output, number(m.Value), interval(m.Interval), number(m.References.Chance), number(m.References.Untrained),
		number(m.References.Pixels), "", "",
	}
	if m.Gain != nil {
		row[7], row[8] = signed(m.Gain.Value), interval(m.Gain.Interval)
	}
	if r.Against == "" {
		return row
	}
	if m.Against == nil {
		return append(row, "", "", "")
	}
	return append(row, number(m.References.Against), signed(m.Against.Value), interval(m.Against.Interval))
}

// number writes a value, or nothing where there is none.
func number(v eval.Value) string {
	switch {
	case !v.Defined:
		return "–"
	case v.Number >= 10 || v.Number <= -10:
		return table.Number("%.1f", v.Number)
	default:
		return table.Number("%.3f", v.Number)
	}
}

func signed(v eval.Value) string {
	text := number(v)
	if v.Defined && v.Number > 0 && strings.ContainsAny(text, "123456789") { // what rounds to 0 has no sign
		return "+" + text
	}
	return text
}

func interval(i *evaluation.Interval) string {
	if i == nil || !i.Low.Defined {
		return ""
	}
	return "[" + number(i.Low) + ", " + number(i.High) + "]"
}

// principal are the metrics of families that a table has unless all are asked for: the others say the same in another
// way.
var principal = []string{
	"order_accuracy", "order_spearman", "scale_r2", "scale_r2_degrees", "scale_r2_relative", "scale_r2_beyond",
	"scale_r2_mlp", "predicted_mrr", "predicted_gain", "relative_distance", "knn_transformed", "probe_transformed",
}

// Principal leaves the metrics that most tables need.
func Principal(r evaluation.Result) evaluation.Result {
	r.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m evaluation.Metric) bool {
		return m.Group == evaluation.GroupFamily && !slices.Contains(principal, m.Name)
	})
	return r
}

// section is metrics that stand below one heading.
type section struct {
	heading string
	metrics []evaluation.Metric
}

// sections are the classes, then every family, then what needs no labels.
func sections(r evaluation.Result) []section {
	all := []section{{heading: fmt.Sprintf("Classes (%d)", r.Data.Classes)}}
	at := map[string]int{}
	for _, name := range r.Families() {
		at[name] = len(all)
		all = append(all, section{})
	}
	all = append(all, section{heading: "Without labels"})
	for _, m := range r.Metrics {
		i := 0
		switch m.Group {
		case evaluation.GroupFamily:
			i = at[m.Family]
			all[i].heading = familyHeading(m)
		case evaluation.GroupLabelFree:
			i = len(all) - 1
		}
		all[i].metrics = append(all[i].metrics, m)
	}
	if len(all[0].metrics) == 0 {
		all = all[1:]
	}
	return all
}

// Section is metrics of an evaluation that stand below one heading, and a row for each.
type Section struct {
	Heading string
	Metrics []evaluation.Metric
	Rows    [][]string // of EvaluationSections' head
}

// EvaluationSections is EvaluationTable in its parts: the columns' names, the sections, and how the numbers are to be
// read.
func EvaluationSections(r evaluation.Result) (head []string, all []Section, legend []string) {
	for _, s := range sections(r) {
		of := Section{Heading: s.heading, Metrics: s.metrics}
		for _, m := range s.metrics {
			of.Rows = append(of.Rows, evaluationRow(r, m))
		}
		all = append(all, of)
	}
	return evaluationColumns(r), all, evaluationLegend(r)
}

func familyHeading(m evaluation.Metric) string {
	role := m.Protocol.Role
	if role == "" {
		role = "not in the experiment"
	}
	return fmt.Sprintf("%s (%s, max %s, %d scales)", m.Family, role, Strength(m.Protocol), len(m.Protocol.Scales))
}

// evaluationTitle says whose numbers these are.
func evaluationTitle(r evaluation.Result) string {
	return fmt.Sprintf("%s: evaluation %s, settings %s", evaluationWhose(r), r.Name, r.Settings)
}

func evaluationWhose(r evaluation.Result) string {
	whose := r.Target
	if r.Run != nil {
		whose = fmt.Sprintf("%s (%s), seed %d", r.Run.Name, r.Run.Hash, r.Run.Seed)
	}
	if r.Against != "" {
		whose += ", beside " + r.Against
	}
	return whose
}

// evaluationLegend says how the numbers are to be read.
func evaluationLegend(r evaluation.Result) []string {
	n, of := 0, 0
	for _, m := range r.Metrics {
		if i := m.Interval; i != nil && i.Resamples > 0 && i.Method == "percentile bootstrap over images" {
			n, of = i.Resamples, max(of, i.Of)
		}
	}
	var lines []string
	if n > 0 {
		lines = append(lines, fmt.Sprintf("Intervals: 95 %% percentile bootstrap, %d resamples, over up to %d test images "+
			"of this one training (over episodes for few-shot); other seeds differ by more. Ranks and variances have none.",
			n, of))
	}
	for _, m := range r.Metrics {
		if m.Name == "knn" {
			lines = append(lines, fmt.Sprintf("kNN: %s; %d test images among %d training images.", m.Protocol.Method,
				m.Protocol.TestImages, m.Protocol.TrainImages))
			break
		}
	}
	if r.Data.ImageSize == 0 { // rows without images
		return lines
	}
	return append(lines,
		"Untrained: the network before its first step. Gain: over it, paired by image. "+
			fmt.Sprintf("Pixels: the view reduced to %d numbers.", r.Pixels),
		fmt.Sprintf("Views: %d px, framing %s, no random transformation (but LiDAR's), positive direction.",
			r.Data.ImageSize, r.Data.Framing))
}

// The tables of EvaluationTable, which fit a terminal: indices of evaluationColumns, and what they are called there.
var (
	measured = textTable{[]int{2, 3, 4, 5, 6, 7, 8},
		[]string{"value", "95 % interval", "chance", "untr.", "pixels", "gain", "its interval"}}
	besides = textTable{[]int{2, 9, 10, 11}, []string{"value", "other", "gain over it", "its interval"}}
)

type textTable struct {
	columns []int
	names   []string
}

// outputWidth is that of the column of outputs, the indent of four included.
const outputWidth = 13

// write writes a table with a line for the name of each metric.
func (t textTable) write(b *strings.Builder, r evaluation.Result) {
	widths := make([]int, len(t.names))
	var cells [][]string
	for _, s := range sections(r) {
		for _, m := range s.metrics {
			all := evaluationRow(r, m)
			row := []string{m.Output}
			for _, c := range t.columns {
				row = append(row, bare.Replace(all[c]))
			}
			cells = append(cells, row)
		}
	}
	for _, row := range append([][]string{append([]string{""}, t.names...)}, cells...) {
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i+1]))
		}
	}
	line := func(first string, numbers []string) {
		text := first
		if n := outputWidth - utf8.RuneCountInString(first); n >= 0 {
			text += strings.Repeat(" ", n)
		} else {
			text += "\n" + strings.Repeat(" ", outputWidth)
		}
		for i, x := range numbers {
			text += strings.Repeat(" ", 1+widths[i]-utf8.RuneCountInString(x)) + x
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	b.WriteString("\n")
	line("", t.names)
	n := 0
	for _, s := range sections(r) {
		b.WriteString(s.heading + "\n")
		for i, m := range s.metrics {
			if i == 0 || s.metrics[i-1].Name != m.Name {
				b.WriteString("  " + m.Name + "\n")
			}
			line("    "+m.Output, cells[n][1:])
			n++
		}
	}
}

// bare takes the brackets from an interval, which its two ends do without.
var bare = strings.NewReplacer("[", "", "]", "", ", ", "…")

// EvaluationTable is the text that people read.
func EvaluationTable(r evaluation.Result) string {
	var b strings.Builder
	b.WriteString(table.Wrap(evaluationTitle(r), 2) + "\n")
	measured.write(&b, r)
	if r.Against != "" {
		fmt.Fprintf(&b, "\n%s\n", table.Wrap("Beside "+r.Against, 2))
		besides.write(&b, r)
	}
	b.WriteString("\n")
	for _, line := range evaluationLegend(r) {
		b.WriteString(table.Wrap(line, 2) + "\n")
	}
	return b.String()
}

// EvaluationMarkdown is the same as Markdown.
func EvaluationMarkdown(r evaluation.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", evaluationTitle(r))
	columns := evaluationColumns(r)
	for _, s := range sections(r) {
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", s.heading, strings.Join(columns, " | "),
			strings.Repeat(" --- |", len(columns)))
		for _, m := range s.metrics {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(evaluationRow(r, m), " | "))
		}
	}
	b.WriteString("\n")
	for _, line := range evaluationLegend(r) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	return b.String()
}

// EvaluationLaTeX is one table of booktabs.
func EvaluationLaTeX(r evaluation.Result) string {
	escape := strings.NewReplacer("_", `\_`, "%", `\%`, "&", `\&`, "#", `\#`, "–", "--").Replace
	columns := evaluationColumns(r)
	var b strings.Builder
	fmt.Fprintf(&b, "%% %s\n\\begin{tabular}{ll%s}\n\\toprule\n%s \\\\\n", evaluationTitle(r),
		strings.Repeat("r", len(columns)-2), escape(strings.Join(columns, "\t")))
	for _, s := range sections(r) {
		fmt.Fprintf(&b, "\\midrule\n\\multicolumn{%d}{l}{%s} \\\\\n", len(columns), escape(s.heading))
		for _, m := range s.metrics {
			fmt.Fprintf(&b, "%s \\\\\n", escape(strings.Join(evaluationRow(r, m), "\t")))
		}
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	for _, line := range evaluationLegend(r) {
		fmt.Fprintf(&b, "%% %s\n", line)
	}
	return strings.ReplaceAll(b.String(), "\t", " & ")
}

// EvaluationCSV is a line a metric with all digits; what is undefined is empty.
func EvaluationCSV(r evaluation.Result) (string, error) {
	exact := func(v eval.Value) string {
		if !v.Defined {
			return ""
		}
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	}
	ends := func(i *evaluation.Interval) []string {
		if i == nil {
			return []string{"", ""}
		}
		return []string{exact(i.Low), exact(i.High)}
	}
	difference := func(d *evaluation.Difference) []string {
		if d == nil {
			return []string{"", "", ""}
		}
		return append([]string{exact(d.Value)}, ends(d.Interval)...)
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{{"group", "family", "role", "metric", "output", "value", "low", "high", "chance", "untrained",
		"pixels", "gain", "gain_low", "gain_high", "other", "gain_over_other", "gain_over_other_low",
		"gain_over_other_high", "method"}}
	for _, m := range r.Metrics {
		line := append([]string{m.Group, m.Family, m.Protocol.Role, m.Name, m.Output, exact(m.Value)}, ends(m.Interval)...)
		line = append(line, exact(m.References.Chance), exact(m.References.Untrained), exact(m.References.Pixels))
		line = append(append(line, difference(m.Gain)...), exact(m.References.Against))
		lines = append(lines, append(append(line, difference(m.Against)...), m.Protocol.Method))
	}
	if err := w.WriteAll(lines); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return b.String(), nil
}
