package sweep

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/guard"
	"ordo/runner/track"
)

// Table is what a sweep has found so far.
type Table struct {
	Sweep   string   `json:"sweep"` // the folder
	Name    string   `json:"name"`
	Hash    string   `json:"hash"`
	Status  string   `json:"status"` // finished if all trials are, else incomplete
	Metric  Metric   `json:"metric"`
	Keys    []string `json:"keys"`    // parameters that vary, without the seed
	Metrics []string `json:"metrics"` // paths into a run's result: Metric's first
	Rows    []Row    `json:"rows"`    // a row for every combination of Keys
	Trials  []State  `json:"trials"`
	// Warnings are those of the finished trials, what most of them warn of first.
	Warnings []Warning `json:"warnings"`
	Note     string    `json:"note,omitempty"` // why no row is the best, if none is
}

// Warning is a sentence of the trials' results.
type Warning struct {
	Text   string `json:"text"`
	Trials int    `json:"trials"` // that have it
}

// Row is a combination of values, over all its seeds.
type Row struct {
	Values   []string            `json:"values"` // of Table.Keys
	Trials   int                 `json:"trials"`
	Finished int                 `json:"finished"`
	Numbers  map[string]*Summary `json:"numbers"` // by path; absent if no finished trial has it
	Best     bool                `json:"best"`    // by Table.Metric; all that are equal

	all map[string]*Summary // of every number, those that the table doesn't show too
}

// Summary is the mean of N numbers and their sample standard deviation, which one number doesn't have.
type Summary struct {
	Mean float64  `json:"mean"`
	Std  *float64 `json:"std"` // sqrt(Σ(x-mean)²/(N-1)); null for N = 1
	N    int      `json:"n"`
}

// State is how far a trial is.
type State struct {
	Trial
	Status  string             `json:"status"` // finished, failed or pending
	Numbers map[string]float64 `json:"numbers,omitempty"`
	Failure *Failure           `json:"failure,omitempty"`

	row      []string // the values of its row
	warnings []string
	all      map[string]float64 // every number
}

// Table reads the folder of the plan's sweep; "" is the plan's. It is an error if the folder holds none or
// another one.
func (p *Plan) Table(dir string) (Table, error) {
	if dir == "" {
		dir = p.dir()
	}
	was, err := readPlan(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Table{}, fault.New(fault.Other, "%s: this sweep was not started there", dir).With(fault.Start{})
	case err != nil:
		return Table{}, err
	case was.Hash != p.Hash:
		return Table{}, p.otherSweep(dir, was)
	}
	failures, err := readFailures(dir)
	if err != nil {
		return Table{}, err
	}
	t := Table{
		Sweep: dir + string(os.PathSeparator), Name: p.Name, Hash: p.Hash, Status: Finished, Metric: p.Metric,
		Keys: p.keys(),
	}
	for _, trial := range p.Trials {
		s := State{Trial: trial, Status: Pending}
		if result, ok := trial.result(dir); ok {
			s.Status, s.all = Finished, track.Numbers(result)
			s.Numbers = maps.Clone(s.all)
			s.warnings = warnings(result)
		} else {
			t.Status = "incomplete"
			if f, ok := failures[trial.Folder]; ok {
				s.Status, s.Failure = Failed, &f
			}
		}
		t.Trials = append(t.Trials, s)
	}
	t.choose(p.columns)
	t.fill(p)
	t.warn()
	return t, nil
}

// warnings lists what a trial's result warns of, each once. Of a collapse, whose numbers are another trial's nowhere,
// it says only that there was one.
func warnings(result map[string]any) []string {
	var all []string
	texts, _ := result["warnings"].([]any)
	for _, v := range texts {
		text, ok := v.(string)
		if strings.HasPrefix(text, guard.Collapses) {
			text = guard.Collapses
		}
		if ok && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// warn counts the trials' warnings.
func (t *Table) warn() {
	t.Warnings = []Warning{}
	for _, s := range t.Trials {
		for _, text := range s.warnings {
			i := slices.IndexFunc(t.Warnings, func(w Warning) bool { return w.Text == text })
			if i < 0 {
				i = len(t.Warnings)
				t.Warnings = append(t.Warnings, Warning{Text: text})
			}
			t.Warnings[i].Trials++
		}
	}
	slices.SortStableFunc(t.Warnings, func(a, b Warning) int { return b.Trials - a.Trials })
}

// warned says each warning in a line.
func (t Table) warned() []string {
	finished := 0
	for _, r := range t.Rows {
		finished += r.Finished
	}
	var lines []string
	for _, w := range t.Warnings {
		lines = append(lines, fmt.Sprintf("%s%s (%d of %d trials)", track.Warning, w.Text, w.Trials, finished))
	}
	return lines
}

// choose lists the numbers that a table shows, and keeps only those of the trials.
func (t *Table) choose(columns []string) {
	there := map[string]bool{}
	for _, s := range t.Trials {
		for path := range s.Numbers {
			there[path] = true
		}
	}
	t.Metrics = []string{t.Metric.Name}
	add := func(path string) {
		if there[path] && !slices.Contains(t.Metrics, path) {
			t.Metrics = append(t.Metrics, path)
		}
	}
	for _, path := range columns {
		add(path)
	}
	if columns == nil {
		add("knn_top1")
		for _, path := range slices.Sorted(maps.Keys(there)) {
			if strings.HasPrefix(path, "order_accuracy.") && strings.HasSuffix(path, ".embedding") {
				add(path)
			}
		}
		add("loss")
	}
	for _, s := range t.Trials {
		maps.DeleteFunc(s.Numbers, func(path string, _ float64) bool { return !slices.Contains(t.Metrics, path) })
	}
	for _, path := range append([]string{t.Metric.Name}, columns...) {
		if t.Note != "" || len(there) == 0 || there[path] {
			continue
		}
		t.Note = "no result has " + path
		if near := config.Nearest(path, slices.Sorted(maps.Keys(there))); near != "" {
			t.Note += ", did you mean " + near + "?"
		}
	}
}

// fill makes the rows.
func (t *Table) fill(p *Plan) {
	samples := []map[string][]float64{} // by row and path
	for k, s := range t.Trials {
		values := p.row(s.Trial)
		t.Trials[k].row = values
		i := slices.IndexFunc(t.Rows, func(r Row) bool { return slices.Equal(r.Values, values) })
		if i < 0 {
			i = len(t.Rows)
			t.Rows = append(t.Rows, Row{Values: values, Numbers: map[string]*Summary{}, all: map[string]*Summary{}})
			samples = append(samples, map[string][]float64{})
		}
		t.Rows[i].Trials++
		if s.Status == Finished {
			t.Rows[i].Finished++
		}
		for path, x := range s.all {
			samples[i][path] = append(samples[i][path], x)
		}
	}
	var best *Summary
	for i, r := range t.Rows {
		for path, xs := range samples[i] {
			r.all[path] = summarise(xs)
			if slices.Contains(t.Metrics, path) {
				r.Numbers[path] = r.all[path]
			}
		}
		if s := r.Numbers[t.Metric.Name]; s != nil && (best == nil || t.better(s, best)) {
			best = s
		}
	}
	for i, r := range t.Rows {
		s := r.Numbers[t.Metric.Name]
		t.Rows[i].Best = s != nil && s.Mean == best.Mean
	}
}

func (t *Table) better(a, b *Summary) bool {
	if t.Metric.Goal == minimize {
		return a.Mean < b.Mean
	}
	return a.Mean > b.Mean
}

func summarise(xs []float64) *Summary {
	s := Summary{N: len(xs)}
	for _, x := range xs {
		s.Mean += x / float64(len(xs))
	}
	if len(xs) > 1 {
		squares := 0.0
		for _, x := range xs {
			squares += (x - s.Mean) * (x - s.Mean)
		}
		std := math.Sqrt(squares / float64(len(xs)-1))
		s.Std = &std
	}
	return &s
}

// String is "0.9310 ± 0.0042", the deviation left out where there is none.
func (s *Summary) String() string {
	switch {
	case s == nil:
		return "–"
	case s.Std == nil:
		return fmt.Sprintf("%.4f", s.Mean)
	}
	return fmt.Sprintf("%.4f ± %.4f", s.Mean, *s.Std)
}

// short is String with a digit less beside a deviation, for a terminal.
func (s *Summary) short() string {
	if s == nil || s.Std == nil {
		return s.String()
	}
	return fmt.Sprintf("%.3f ± %.3f", s.Mean, *s.Std)
}

// cells returns the heading and the rows as text, with numbers in a form.
func (t Table) cells(form func(*Summary) string) (head []string, rows [][]string) {
	head = slices.Concat(t.Keys, []string{"n"}, t.Metrics, []string{""})
	for _, r := range t.Rows {
		cells := append(slices.Clone(r.Values), strconv.Itoa(r.Finished))
		if r.Finished < r.Trials {
			cells[len(cells)-1] = fmt.Sprintf("%d of %d", r.Finished, r.Trials)
		}
		for _, path := range t.Metrics {
			cells = append(cells, form(r.Numbers[path]))
		}
		mark := ""
		if r.Best {
			mark = "best"
		}
		rows = append(rows, append(cells, mark))
	}
	return head, rows
}

// caption says what the numbers are.
func (t Table) caption() string {
	text := fmt.Sprintf("%s (%s): mean ± sample standard deviation over n seeds; best is %s, to %s",
		t.Name, t.Hash, t.Metric.Name, t.Metric.Goal)
	if t.Note != "" {
		text += "; " + t.Note
	}
	return text
}

// Text is the table for a terminal.
func (t Table) Text() string {
	head, rows := t.cells((*Summary).short)
	text := table.Wrap(t.caption(), 0) + "\n"
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
	for _, warning := range t.warned() {
		text += table.Wrap(warning, 2) + "\n"
	}
	return text
}

// markdown is the table for a document.
func (t Table) markdown() string {
	head, rows := t.cells((*Summary).String)
	var b strings.Builder
	b.WriteString(t.caption() + "\n\n")
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
	for _, text := range t.warned() {
		b.WriteString("\n" + text + "\n")
	}
	return b.String()
}

// csv is the table for a program: the keys, trials and finished, then mean, std and n of every number, and best.
func (t Table) csv() (string, error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	head := append(slices.Clone(t.Keys), "trials", "finished")
	for _, path := range t.Metrics {
		head = append(head, path+".mean", path+".std", path+".n")
	}
	records := [][]string{append(head, "best")}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	for _, r := range t.Rows {
		record := append(slices.Clone(r.Values), strconv.Itoa(r.Trials), strconv.Itoa(r.Finished))
		for _, path := range t.Metrics {
			switch s := r.Numbers[path]; {
			case s == nil:
				record = append(record, "", "", "0")
			case s.Std == nil:
				record = append(record, number(s.Mean), "", "1")
			default:
				record = append(record, number(s.Mean), number(*s.Std), strconv.Itoa(s.N))
			}
		}
		records = append(records, append(record, strconv.FormatBool(r.Best)))
	}
	if err := w.WriteAll(records); err != nil {
		return "", fmt.Errorf("sweep: write CSV: %w", err)
	}
	return b.String(), nil
}
