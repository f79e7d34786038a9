package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/guard"
	"ordo/runner/statistics"
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
	Note     string    `json:"note,omitempty"` // why no row is the best, if none is, or what is to be known of it
	// Baseline are the values of Keys with which rows are compared that have the others alike; "" for those others. Nil:
	// there is none.
	Baseline []string `json:"baseline,omitempty"`
}

// incomplete is the status of a table some of whose trials are still to be run.
const incomplete = "incomplete"

// Warning is a sentence of the trials' results.
type Warning struct {
	Text   string `json:"text"`
	Trials int    `json:"trials"` // that have it
}

// Row is a combination of values, over all its seeds.
type Row struct {
	Values   []string                       `json:"values"` // of Table.Keys
	Trials   int                            `json:"trials"`
	Finished int                            `json:"finished"`
	Numbers  map[string]*statistics.Summary `json:"numbers"` // by path; absent if no finished trial has it
	Best     bool                           `json:"best"`    // by Table.Metric; all that are equal
	// Noise says that the interval of the best row's difference from this one holds 0, paired by seed.
	Noise bool `json:"within_noise"`
	// FromBest is the metric's difference from that of the best row, paired by seed: this row's less the best one's. Nil
	// in the best row, and where they have no seed in common.
	FromBest *statistics.Difference `json:"from_best,omitempty"`
	// Against are the differences from the baseline's row, paired by seed, by path; P is that of Table.Metric, by Holm
	// over the rows. Both are absent where there is no baseline, and in its own rows.
	Against map[string]*statistics.Difference `json:"against,omitempty"`
	P       *float64                          `json:"p_holm,omitempty"`

	all   map[string]*statistics.Summary // of every number, those that the table doesn't show too
	seeds map[string]map[uint64]float64  // by path and seed
	stops int                            // of its trials, that were stopped early
	epoch int                            // that the furthest of them came to
}

// State is how far a trial is.
type State struct {
	Trial
	Status   string             `json:"status"`             // one of the states of a trial
	Attempts int                `json:"attempts,omitempty"` // of one that isn't finished
	Numbers  map[string]float64 `json:"numbers,omitempty"`
	Failure  *Failure           `json:"failure,omitempty"`
	Stop     *Stop              `json:"stop,omitempty"` // where it was compared last, if it isn't finished

	row      []string // the values of its row
	warnings []string
	all      map[string]float64 // every number
}

// Table reads the folder of the plan's sweep; "" is the plan's. It is an error if the folder holds none or
// another one.
func (p *Plan) Table(dir string) (Table, error) {
	if dir == "" {
		dir = p.Dir()
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
	t := Table{
		Sweep: dir + string(os.PathSeparator), Name: p.Name, Hash: p.Hash, Status: Finished, Metric: p.Metric,
		Keys: p.keys(),
	}
	now, err := p.at(dir)
	if err != nil {
		return Table{}, err
	}
	states, more, err := now.states(dir)
	if err != nil {
		return Table{}, err
	}
	for _, s := range states {
		if s.Numbers = maps.Clone(s.all); s.Status != Finished && s.Status != Stopped {
			t.Status = incomplete
		}
		t.Trials = append(t.Trials, s)
	}
	if more > 0 {
		t.Status = incomplete
	}
	t.choose(p.columns)
	t.fill(p)
	t.warn()
	return t, nil
}

// warnings lists what a trial's result warns of, each once. Of a collapse, whose numbers are another trial's nowhere,
// it says only that there was one.
func warnings(texts []string) []string {
	var all []string
	for _, text := range texts {
		if strings.HasPrefix(text, guard.Collapses) {
			text = guard.Collapses
		}
		if !slices.Contains(all, text) {
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
	for k, s := range t.Trials {
		values := p.row(s.Trial)
		t.Trials[k].row = values
		i := slices.IndexFunc(t.Rows, func(r Row) bool { return slices.Equal(r.Values, values) })
		if i < 0 {
			i = len(t.Rows)
			t.Rows = append(t.Rows, Row{Values: values, Numbers: map[string]*statistics.Summary{},
				all: map[string]*statistics.Summary{}, seeds: map[string]map[uint64]float64{}})
		}
		r := &t.Rows[i]
		r.Trials++
		if s.Status == Finished {
			r.Finished++
		}
		if s.Status == Stopped {
			r.stops, r.epoch = r.stops+1, max(r.epoch, s.Stop.Epoch)
		}
		for path, x := range s.all {
			if r.seeds[path] == nil {
				r.seeds[path] = map[uint64]float64{}
			}
			r.seeds[path][s.Seed] = x
		}
	}
	best := -1
	for i, r := range t.Rows {
		for path, bySeed := range r.seeds {
			r.all[path] = statistics.Summarise(ordered(bySeed))
			if slices.Contains(t.Metrics, path) {
				r.Numbers[path] = r.all[path]
			}
		}
		if s := r.Numbers[t.Metric.Name]; s != nil && (best < 0 || t.better(s, t.Rows[best].Numbers[t.Metric.Name])) {
			best = i
		}
	}
	if best >= 0 {
		t.mark(t.Rows[best])
	}
	t.compare(p.baseline)
}

// ordered gives numbers in the order of their seeds.
func ordered(bySeed map[uint64]float64) (xs []float64) {
	for _, seed := range slices.Sorted(maps.Keys(bySeed)) {
		xs = append(xs, bySeed[seed])
	}
	return xs
}

// mark says which rows are the best, and which are so near that seeds alone could make the difference.
func (t *Table) mark(best Row) {
	name := t.Metric.Name
	near := 0
	for i, r := range t.Rows {
		s := r.Numbers[name]
		if s == nil {
			continue
		}
		if s.Mean == best.Numbers[name].Mean {
			t.Rows[i].Best = true
			continue
		}
		d := paired(r, best, name)
		if t.Rows[i].FromBest = d; d != nil && d.N > 1 && !d.Sure() {
			t.Rows[i].Noise = true
			near++
		}
	}
	if near > 0 && t.Note == "" {
		t.Note = fmt.Sprintf("of %d other rows the best one's difference, paired by seed, is within the noise (95 %%)", near)
	} else if len(t.Rows) > 1 && best.Numbers[name].N == 1 && t.Note == "" {
		t.Note = "with one seed no row is surely better than another"
	}
}

// paired is the difference of two rows over the seeds that both have; nil without any.
func paired(a, b Row, path string) *statistics.Difference {
	var xs, ys []float64
	for _, seed := range slices.Sorted(maps.Keys(a.seeds[path])) {
		if y, ok := b.seeds[path][seed]; ok {
			xs, ys = append(xs, a.seeds[path][seed]), append(ys, y)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	return statistics.Paired(xs, ys)
}

// compare compares every row with the one that has the baseline's values and else its own.
func (t *Table) compare(baseline []condition) {
	if len(baseline) == 0 {
		return
	}
	t.Baseline = make([]string, len(t.Keys))
	for _, c := range baseline {
		t.Baseline[c.key] = c.value
	}
	var ps []float64
	var tested []int
	for i, r := range t.Rows {
		want := slices.Clone(r.Values)
		for _, c := range baseline {
			want[c.key] = c.value
		}
		at := slices.IndexFunc(t.Rows, func(o Row) bool { return slices.Equal(o.Values, want) })
		if at < 0 || at == i {
			continue
		}
		t.Rows[i].Against = map[string]*statistics.Difference{}
		for _, path := range t.Metrics {
			if d := paired(r, t.Rows[at], path); d != nil {
				t.Rows[i].Against[path] = d
			}
		}
		if d := t.Rows[i].Against[t.Metric.Name]; d != nil && d.P != nil {
			ps, tested = append(ps, *d.P), append(tested, i)
		}
	}
	for k, p := range statistics.Holm(ps) {
		t.Rows[tested[k]].P = &p
	}
}

func (t *Table) better(a, b *statistics.Summary) bool {
	if t.Metric.Goal == minimize {
		return a.Mean < b.Mean
	}
	return a.Mean > b.Mean
}

// mean is "0.9310 ± 0.0042", the deviation left out where there is none.
func mean(s *statistics.Summary) string {
	switch {
	case s == nil:
		return "–"
	case s.Std == nil:
		return table.Number("%.4f", s.Mean)
	}
	return table.Number("%.4f", s.Mean) + fmt.Sprintf(" ± %.4f", *s.Std)
}

// difference is "+0.0123 (+0.0051 to +0.0195)".
func difference(d *statistics.Difference) string {
	switch {
	case d == nil:
		return "–"
	case d.Low == nil:
		return table.Number("%+.4f", d.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", table.Number("%+.4f", d.Value), table.Number("%+.4f", *d.Low),
		table.Number("%+.4f", *d.High))
}

// mark is the last cell of a row.
func (r Row) mark() string {
	switch {
	case r.Best:
		return "best"
	case r.Noise:
		return "within noise"
	}
	if epoch, ok := r.stopped(); ok {
		return fmt.Sprintf("stopped at %d", epoch)
	}
	return ""
}

// brief is mean with a digit less beside a deviation, for a terminal.
func brief(s *statistics.Summary) string {
	if s == nil || s.Std == nil {
		return mean(s)
	}
	return table.Number("%.3f", s.Mean) + fmt.Sprintf(" ± %.3f", *s.Std)
}

// cells returns the heading and the rows as text, with numbers in a form.
func (t Table) cells(form func(*statistics.Summary) string) (head []string, rows [][]string) {
	head = slices.Concat(t.Keys, []string{"n"}, t.Metrics, []string{""})
	for _, r := range t.Rows {
		cells := append(slices.Clone(r.Values), strconv.Itoa(r.Finished))
		if r.Finished < r.Trials {
			cells[len(cells)-1] = fmt.Sprintf("%d of %d", r.Finished, r.Trials)
		}
		for _, path := range t.Metrics {
			cells = append(cells, form(r.Numbers[path]))
		}
		rows = append(rows, append(cells, r.mark()))
	}
	return head, rows
}

// caption says what the numbers are, in lines.
func (t Table) caption() []string {
	lines := []string{
		fmt.Sprintf("%s (%s): mean ± sample standard deviation over n seeds", t.Name, t.Hash),
		fmt.Sprintf("best is %s, to %s", t.Metric.Name, t.Metric.Goal),
	}
	if t.Note != "" {
		lines = append(lines, t.Note)
	}
	return lines
}
