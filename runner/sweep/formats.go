package sweep

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordo/models/table"
)

// Formats of a table.
const (
	FormatText     = "text"
	FormatMarkdown = "markdown"
	FormatLaTeX    = "latex"
	FormatCSV      = "csv"
)

// Formats lists them.
func Formats() []string { return []string{FormatText, FormatMarkdown, FormatLaTeX, FormatCSV} }

// As writes the table in one of the formats.
func (t Table) As(format string) (string, error) {
	switch format {
	case FormatText:
		return t.Text(), nil
	case FormatMarkdown:
		return t.markdown(), nil
	case FormatLaTeX:
		return t.latex(), nil
	case FormatCSV:
		return t.csv()
	}
	return "", fmt.Errorf("sweep: there is no format %q", format)
}

// Text is the table for a terminal.
func (t Table) Text() string {
	head, rows := t.cells(brief)
	text := ""
	for _, line := range t.caption() {
		text += table.Wrap(line, 0) + "\n"
	}
	fixed := len(t.Keys) + 1
	// Numbers that find no room beside the others stand in a further table.
	part := func(from, to int) (some [][]string) {
		for _, row := range append([][]string{head}, rows...) {
			some = append(some, slices.Concat(row[:fixed], row[fixed+from:fixed+to], row[len(row)-1:]))
		}
		return some
	}
	for from := 0; from < len(t.Metrics); {
		to := from + 1
		for to < len(t.Metrics) && table.Fits(part(from, to+1), 2) {
			to++
		}
		if from > 0 {
			text += "\n"
		}
		text += table.Left(part(from, to), 2)
		from = to
	}
	for i, line := range t.compared() {
		if i > 0 {
			line = "  " + line
		}
		text += line + "\n"
	}
	for _, line := range t.warned() {
		text += table.Wrap(line, 2) + "\n"
	}
	return text
}

// markdown is the table for a document.
func (t Table) markdown() string {
	head, rows := t.cells(mean)
	var b strings.Builder
	b.WriteString(strings.Join(t.caption(), "; ") + "\n\n")
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(head)
	b.WriteString(strings.Repeat("| --- ", len(head)) + "|\n")
	for _, cells := range rows {
		line(cells)
	}
	if lines := t.compared(); len(lines) > 0 {
		b.WriteString("\n" + lines[0] + "\n\n")
		for _, text := range lines[1:] {
			b.WriteString("- " + text + "\n")
		}
	}
	for _, text := range t.warned() {
		b.WriteString("\n" + text + "\n")
	}
	return b.String()
}

// compared says how every row differs from its baseline, a line a row after one of what it is.
func (t Table) compared() []string {
	if t.Baseline == nil {
		return nil
	}
	var conditions []string
	for i, value := range t.Baseline {
		if value != "" {
			conditions = append(conditions, short(t.Keys[i], t.Keys)+"="+value)
		}
	}
	lines := []string{fmt.Sprintf("%s less that of %s, paired by seed (95 %%; p by Holm over the rows):", t.Metric.Name,
		strings.Join(conditions, ", "))}
	for _, r := range t.Rows {
		d := r.Against[t.Metric.Name]
		if d == nil {
			continue
		}
		text := fmt.Sprintf("%s: %s", groupName(t.Keys, r.Values), difference(d))
		if r.P != nil {
			text += fmt.Sprintf(", p = %.2g", *r.P)
		}
		lines = append(lines, text+fmt.Sprintf(", n = %d", d.N))
	}
	return lines
}

// latexEscapes are the characters that mean something to LaTeX.
var latexEscapes = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`,
	"{", `\{`,
	"}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "±", `$\pm$`, "–", "--")

// latex is the table for a paper: booktabs, the best in bold.
func (t Table) latex() string {
	head, rows := t.cells(mean)
	head = head[:len(head)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "%% %s\n%% needs \\usepackage{booktabs}\n\\begin{tabular}{%s%s}\n\\toprule\n",
		strings.Join(t.caption(), "; "),
		strings.Repeat("l", len(t.Keys)), strings.Repeat("r", len(head)-len(t.Keys)))
	line := func(cells []string, bold bool) {
		for i, c := range cells {
			cells[i] = latexEscapes.Replace(c)
			if bold && i == len(t.Keys)+1 { // the metric
				cells[i] = `\textbf{` + cells[i] + "}"
			}
		}
		b.WriteString(strings.Join(cells, " & ") + ` \\` + "\n")
	}
	line(head, false)
	b.WriteString("\\midrule\n")
	for i, cells := range rows {
		line(cells[:len(cells)-1], t.Rows[i].Best)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	for _, text := range t.compared() {
		b.WriteString("% " + text + "\n")
	}
	return b.String()
}

// csv is the table for a program: the keys, trials and finished, then mean, std, interval and n of every number, best,
// within noise, and with a baseline the metric's difference from it, its interval and p.
func (t Table) csv() (string, error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	head := append(slices.Clone(t.Keys), "trials", "finished")
	for _, path := range t.Metrics {
		head = append(head, path+".mean", path+".std", path+".low", path+".high", path+".n")
	}
	head = append(head, "best", "within_noise")
	if t.Baseline != nil {
		head = append(head, "against", "against.low", "against.high", "p_holm")
	}
	records := [][]string{head}
	for _, r := range t.Rows {
		record := append(slices.Clone(r.Values), strconv.Itoa(r.Trials), strconv.Itoa(r.Finished))
		for _, path := range t.Metrics {
			if s := r.Numbers[path]; s != nil {
				record = append(record, number(&s.Mean), number(s.Std), number(s.Low), number(s.High), strconv.Itoa(s.N))
			} else {
				record = append(record, "", "", "", "", "0")
			}
		}
		record = append(record, strconv.FormatBool(r.Best), strconv.FormatBool(r.Noise))
		if d := r.Against[t.Metric.Name]; d != nil {
			record = append(record, number(&d.Value), number(d.Low), number(d.High), number(r.P))
		} else if t.Baseline != nil {
			record = append(record, "", "", "", "")
		}
		records = append(records, record)
	}
	if err := w.WriteAll(records); err != nil {
		return "", fmt.Errorf("sweep: write CSV: %w", err)
	}
	return b.String(), nil
}

// number is all digits of a number; "" of none.
func number(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
