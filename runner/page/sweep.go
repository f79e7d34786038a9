package page

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ordo/models/fault"
	form "ordo/models/table"
	"ordo/runner/importance"
	"ordo/runner/statistics"
	"ordo/runner/sweep"
	"ordo/runner/track"
)

// SweepOptions say what the page of a sweep is about.
type SweepOptions struct {
	Plan *sweep.Plan
	Dir  string // the sweep's folder
	Out  string // the file that will hold the page: links lead from there to the runs
}

// sweepPage is what the page of a sweep is made of.
type sweepPage struct {
	o      SweepOptions
	table  sweep.Table
	axes   []importance.Key
	trials []sweepTrial
	class  []string // of each trial, as ranked gives it
	to     string   // the link from the page to the sweep's folder
	damage []error
}

// sweepTrial is a trial and what its folder says.
type sweepTrial struct {
	sweep.State
	row            []string // the values of its keys
	number         float64  // the metric's; NaN: it has none
	epochs, values []float64
	epoch, minutes float64 // that it has reached, and took; 0: unknown
	references     []reference
	page           string // the link to its own page; "": there is none
}

// reference is a number that the metric stands beside.
type reference struct {
	name  string
	value float64
}

// Sweep makes the page of a sweep, of however many trials are finished. Errors: a folder that holds no such sweep, and
// fault.Interrupted.
func Sweep(ctx context.Context, o SweepOptions) (Made, error) {
	found, err := o.Plan.Table(o.Dir)
	if err != nil {
		return Made{}, err
	}
	s := &sweepPage{o: o, table: found, axes: o.Plan.Axes()}
	if s.to, err = linkTo(o.Out, o.Dir); err != nil {
		return Made{}, err
	}
	var numbers []float64
	for i, state := range found.Trials {
		if ctx.Err() != nil {
			return Made{}, fault.New(fault.Interrupted, "interrupted: no page was written")
		}
		s.trials = append(s.trials, s.trial(state, o.Plan.Row(i)))
		numbers = append(numbers, s.trials[i].number)
	}
	s.class = ranked(numbers, s.table.Metric.Minimises())
	p := &content{Title: found.Name, Lead: s.lead(), Notes: s.notes()}
	p.section("summary", "Summary", "", s.summary()...)
	p.section("groups", "Combinations", "The best first: mean over the seeds, with Student's 95 % interval; differences "+
		"are paired by seed. One seed has neither.", s.groups()...)
	p.section("importance", "Which keys decide", "", s.importance()...)
	p.section("parallel", "Trials over their keys", "A line a trial, through its values to what it gave. Point at a "+
		"line, or choose it with the arrow keys.", s.parallel()...)
	p.section("curves", s.table.Metric.Name+" over the epochs", "", s.curves()...)
	p.section("trials", "Trials", "", s.all()...)
	p.section("failures", "Failures", "The last lines of what their processes said.", s.failures()...)
	made := Made{Damage: s.damage}
	made.HTML, err = p.html()
	return made, err
}

// linkTo is a link from a page to a folder.
func linkTo(page, dir string) (string, error) {
	from, err := filepath.Abs(filepath.Dir(page))
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	to, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	way, err := filepath.Rel(from, to)
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	link := "./"
	for _, part := range strings.Split(filepath.ToSlash(way), "/") {
		if part != "." {
			link += url.PathEscape(part) + "/"
		}
	}
	return link, nil
}

// trial reads the folder of a trial.
func (s *sweepPage) trial(state sweep.State, row []string) sweepTrial {
	t := sweepTrial{State: state, row: row, number: math.NaN()}
	dir := filepath.Join(s.o.Dir, state.Folder)
	if x, ok := state.Numbers[s.table.Metric.Name]; ok {
		t.number = x
	}
	history, err := track.ReadHistory(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.damage = append(s.damage, err)
	}
	t.epochs, t.values = s.table.Metric.Over(history)
	if n := len(history.Steps); n > 0 {
		t.epoch = history.Steps[n-1].Epoch
	}
	for _, part := range history.Timing {
		t.minutes += part.Seconds / 60
	}
	if state.Status == sweep.Finished {
		if r, err := track.ReadResult(dir); err == nil { // State has read it
			t.epoch, t.minutes = float64(r.Epochs), r.Seconds/60
			t.references = s.references(r.Evaluation)
		}
	}
	if _, err := os.Stat(track.PageFile(dir)); err == nil {
		t.page = s.to + url.PathEscape(state.Folder) + "/" + FileName
	}
	return t
}

// references are what the metric stands beside in an evaluation.
func (s *sweepPage) references(e track.Evaluation) (all []reference) {
	name := s.table.Metric.Evaluated()
	for _, r := range []struct {
		name   string
		values map[string]float64
	}{{"untrained", e.Untrained}, {"pixels", e.Pixels}, {"chance", e.Chance}} {
		if x, ok := r.values[name]; ok {
			all = append(all, reference{r.name, x})
		}
	}
	return all
}

// meanReferences are their means over the trials that have them.
func (s *sweepPage) meanReferences() (all []reference) {
	for _, name := range []string{"untrained", "pixels", "chance"} {
		var values []float64
		for _, t := range s.trials {
			for _, r := range t.references {
				if r.name == name {
					values = append(values, r.value)
				}
			}
		}
		if len(values) > 0 {
			all = append(all, reference{name, mean(values)})
		}
	}
	return all
}

func (s *sweepPage) lead() string {
	counts := map[string]int{}
	var order []string
	for _, t := range s.trials {
		if counts[t.Status]++; counts[t.Status] == 1 {
			order = append(order, t.Status)
		}
	}
	slices.Sort(order)
	var parts []string
	for _, status := range order {
		parts = append(parts, fmt.Sprintf("%d %s", counts[status], status))
	}
	return fmt.Sprintf("Sweep %s: %s of %d trials. The best is by %s, to %s.", s.table.Hash, strings.Join(parts, ", "),
		len(s.trials), s.table.Metric.Name, s.table.Metric.Goal)
}

// notes are what is to be said before all numbers.
func (s *sweepPage) notes() (all []string) {
	if s.table.Status != sweep.Finished {
		all = append(all, "the sweep is not finished: this is what there is so far")
	}
	for _, w := range s.table.Warnings {
		all = append(all, fmt.Sprintf("warning: %s (%d trials)", w.Text, w.Trials))
	}
	for _, err := range s.damage {
		all = append(all, err.Error())
	}
	return all
}

// best is the best row, and where it stands; -1: no trial has the metric.
func (s *sweepPage) best() (sweep.Row, int) {
	at := slices.IndexFunc(s.table.Rows, func(r sweep.Row) bool { return r.Best })
	if at < 0 {
		return sweep.Row{}, -1
	}
	return s.table.Rows[at], at
}

// summary says what was asked and what came out.
func (s *sweepPage) summary() []block {
	facts := &table{}
	if best, at := s.best(); at >= 0 {
		values := strings.Join(best.Values, ", ")
		if len(best.Values) > 0 {
			facts.add("best combination", s.named(best.Values))
		}
		n := best.Numbers[s.table.Metric.Name]
		text := form.Number("%.4f", n.Mean)
		if n.Low != nil {
			text += fmt.Sprintf(", 95 %% interval %s over %d seeds", interval(n.Low, n.High, "%.4f"), n.N)
		} else {
			text += ", one seed: no interval"
		}
		facts.add(s.table.Metric.Name, text)
		for _, t := range s.trials {
			if slices.Equal(t.row, best.Values) && t.Status == sweep.Finished && t.page != "" && values != "" {
				facts.Rows[0].Link = t.page
				break
			}
		}
	}
	for _, r := range s.meanReferences() {
		facts.add(r.name+", mean over the trials", form.Number("%.4f", r.value))
	}
	if s.table.Note != "" {
		facts.add("how sure", s.table.Note)
	}
	minutes := 0.
	for _, t := range s.trials {
		minutes += t.minutes
	}
	if minutes > 0 {
		facts.add("training", duration(minutes)+" in all, of one trial after the other")
	}
	facts.add("folder", s.o.Dir)
	asked := &table{Head: []string{"key", "kind", "values"}}
	for i, key := range s.axes {
		kind, values := s.asked(i)
		asked.add(key.Name, kind, values)
	}
	all := []block{{Table: facts}}
	if len(asked.Rows) > 0 {
		all = append(all, block{Title: "What was asked", Table: asked})
	}
	return all
}

// named writes values with their keys.
func (s *sweepPage) named(values []string) string {
	var parts []string
	for i, v := range values {
		parts = append(parts, s.table.Keys[i]+" = "+v)
	}
	return strings.Join(parts, ", ")
}

// mostValues is how many values of a key are listed.
const mostValues = 30

// asked says what the values of a key are.
func (s *sweepPage) asked(i int) (kind, values string) {
	key := s.axes[i]
	if key.Kind == importance.Numbers {
		if kind = "drawn"; key.Log {
			kind = "drawn, by the logarithm"
		}
		return kind, tick(key.Low) + " to " + tick(key.High)
	}
	var all []string
	for _, t := range s.trials {
		if t.row[i] != unset && !slices.Contains(all, t.row[i]) {
			all = append(all, t.row[i])
		}
	}
	if key.Kind == importance.Steps {
		slices.SortFunc(all, func(a, b string) int {
			x, _ := strconv.ParseFloat(a, 64) // Axes has seen that they are numbers
			y, _ := strconv.ParseFloat(b, 64)
			return cmp.Compare(x, y)
		})
	}
	if n := len(all); n > mostValues {
		all = append(all[:mostValues], fmt.Sprintf("… (%d in all)", n))
	}
	return "list", strings.Join(all, ", ")
}

// interval writes the ends of one; "–" where there is none.
func interval(low, high *float64, format string) string {
	if low == nil || high == nil {
		return "–"
	}
	return "[" + form.Number(format, *low) + ", " + form.Number(format, *high) + "]"
}

func duration(minutes float64) string {
	if minutes >= 120 {
		return fmt.Sprintf("%.1f hours", minutes/60)
	}
	return fmt.Sprintf("%.1f minutes", minutes)
}

// groups is a row a combination.
func (s *sweepPage) groups() []block {
	if len(s.table.Keys) == 0 {
		return nil
	}
	name := s.table.Metric.Name
	t := &table{Sort: true, Head: slices.Concat(s.table.Keys, []string{"seeds", name, "deviation", "interval",
		"less the best", "interval", "verdict"})}
	t.Tall = len(s.table.Rows) > tall
	against := s.table.Baseline != nil
	if against {
		t.Head = append(t.Head, "less the baseline", "interval", "p (Holm)")
	}
	t.Head = append(t.Head, s.table.Metrics[1:]...)
	for _, r := range s.bestFirst() {
		cells := append(slices.Clone(r.Values), fmt.Sprint(r.Finished))
		if r.Finished < r.Trials {
			cells[len(cells)-1] = fmt.Sprintf("%d of %d", r.Finished, r.Trials)
		}
		cells = append(cells, summarised(r.Numbers[name])...)
		verdict := ""
		switch {
		case r.Best:
			verdict = "best"
		case r.Noise:
			verdict = "within noise"
		}
		cells = append(append(cells, differs(r.FromBest)...), verdict)
		if against {
			p := "–"
			if r.P != nil {
				p = fmt.Sprintf("%.2g", *r.P)
			}
			cells = append(append(cells, differs(r.Against[name])...), p)
		}
		for _, path := range s.table.Metrics[1:] {
			cells = append(cells, summarised(r.Numbers[path])[0])
		}
		t.add(cells...)
	}
	return []block{{Table: t}}
}

// bestFirst are the rows by the metric, those without it last.
func (s *sweepPage) bestFirst() []sweep.Row {
	rows := slices.Clone(s.table.Rows)
	number := func(r sweep.Row) float64 {
		n := r.Numbers[s.table.Metric.Name]
		switch {
		case n == nil:
			return math.Inf(1)
		case s.table.Metric.Minimises():
			return n.Mean
		}
		return -n.Mean
	}
	slices.SortStableFunc(rows, func(a, b sweep.Row) int { return cmp.Compare(number(a), number(b)) })
	return rows
}

// summarised is mean, deviation and interval.
func summarised(n *statistics.Summary) []string {
	if n == nil {
		return []string{"–", "–", "–"}
	}
	deviation := "–"
	if n.Std != nil {
		deviation = form.Number("%.4f", *n.Std)
	}
	return []string{form.Number("%.4f", n.Mean), deviation, interval(n.Low, n.High, "%.4f")}
}

// differs is a difference and its interval.
func differs(d *statistics.Difference) []string {
	if d == nil {
		return []string{"–", "–"}
	}
	return []string{form.Number("%+.4f", d.Value), interval(d.Low, d.High, "%+.4f")}
}

// importance says which keys decide.
func (s *sweepPage) importance() []block {
	if len(s.axes) == 0 {
		return nil
	}
	r := s.o.Plan.Importance(s.table)
	if r.Note != "" {
		return []block{{Text: strings.ToUpper(r.Note[:1]) + r.Note[1:] + "."}}
	}
	t := &table{Head: []string{"key", "share", "", "told from chance", "p", "among the best"}}
	for _, w := range r.Keys {
		if w.P == nil {
			t.add(w.Key, "–", "", fmt.Sprintf("can't be told: %d combinations have it", w.Trials), "–", "–")
			continue
		}
		told := "yes"
		if !w.Told() {
			told = "no"
		}
		t.add(w.Key, fmt.Sprintf("%.0f %%", 100*w.Share), "", told, fmt.Sprintf("%.2g", *w.P), w.Best)
		t.Rows[len(t.Rows)-1].Bar = math.Round(1000*w.Share) / 10
		t.Rows[len(t.Rows)-1].Faint = !w.Told()
	}
	return []block{{Table: t, Text: fmt.Sprintf("How much the values of the %d best of %d combinations differ from those "+
		"of all (PED-ANOVA, Watanabe et al. 2023), as a share of all keys; p is how often as many that are drawn at random "+
		"differ as much. Keys that matter only together are not seen.", r.Top, r.Trials)}}
}

// tall is from how many rows on a table scrolls in its own box.
const tall = 40

// all is a row a trial.
func (s *sweepPage) all() []block {
	t := &table{Sort: true, Tall: len(s.trials) > tall}
	t.Head = slices.Concat([]string{"trial", "status", "seed"}, s.table.Keys, s.table.Metrics,
		[]string{"epochs", "minutes", "folder"})
	for _, trial := range s.trials {
		cells := append([]string{fmt.Sprint(trial.Number), trial.Status, fmt.Sprint(trial.Seed)}, trial.row...)
		for _, path := range s.table.Metrics {
			if x, ok := trial.Numbers[path]; ok {
				cells = append(cells, form.Number("%.4f", x))
			} else {
				cells = append(cells, "–")
			}
		}
		t.add(append(cells, positive(trial.epoch, "%.3g"), positive(trial.minutes, "%.1f"), trial.Folder)...)
		last := &t.Rows[len(t.Rows)-1]
		last.Trial, last.Link = trial.Number, trial.page
	}
	return []block{{Table: t, Text: "The first column leads to the page of the trial's own run, once that has ended."}}
}

// positive writes a number above 0.
func positive(x float64, format string) string {
	if x <= 0 {
		return "–"
	}
	return fmt.Sprintf(format, x)
}

// mostFailures is how many failures are shown with what they said.
const mostFailures = 50

// failures are what the trials said that failed.
func (s *sweepPage) failures() (all []block) {
	more := 0
	for _, t := range s.trials {
		f := t.Failure
		if f == nil {
			continue
		}
		if len(all) == mostFailures {
			more++
			continue
		}
		all = append(all, block{Title: t.Folder, Text: fmt.Sprintf("Exit status %d after %d attempts. All that it said is "+
			"in %s.log.", f.Exit, t.Attempts, t.Folder), Code: cmp.Or(strings.Join(f.Lines, "\n"), "(it said nothing)")})
	}
	if more > 0 {
		all = append(all, block{Text: fmt.Sprintf("%d more have failed; the table of trials has them.", more)})
	}
	return all
}
