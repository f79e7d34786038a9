package sweep

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
	"ordo/runner/search"
)

// searching says whether what is run depends on what was found: trials are chosen, or stopped.
func (p *Plan) searching() bool { return p.tpe || p.early != nil }

// startable refuses schedulers for a sweep that needs a process which decides.
func (p *Plan) startable() error {
	if !p.searching() {
		return nil
	}
	what := "early_terminate"
	if p.tpe {
		what = "method: tpe"
	}
	return fault.New(fault.Config, "%s: a sweep with %s is run by one process that decides which trial comes next; "+
		"a scheduler's jobs for single trials can't", p.Name, what).
		Advise("start `ordo sweep` itself as one job, with --jobs, or let method be random or grid without early_terminate")
}

// searched refuses what a search by tpe can't do.
func (p *parser) searched(n *yaml.Node, f *sweepFile) {
	if len(f.Base) > 1 {
		p.mistake(n.Line, "base: must be one file for tpe, got %d: let what differs be a parameter", len(f.Base))
	}
	for _, v := range f.Parameters {
		if v.Key == seedKey && v.drawn != nil {
			p.mistake(v.Lines[0], "seed: can't be drawn; list seeds, and a combination is judged by the mean over them")
		}
		if slices.ContainsFunc(v.when, func(r requirement) bool { return r.key == seedKey }) {
			p.mistake(v.Lines[0], "%s.when: can't be about the seed: a combination is run with every one", v.Key)
		}
	}
	for i, all := range f.Exclude {
		if slices.ContainsFunc(all, func(r requirement) bool { return r.key == seedKey }) {
			p.mistake(n.Line, "exclude[%d]: can't be about the seed: a combination is run with every one", i)
		}
	}
}

// total is how many trials the sweep has, or may have.
func (p *Plan) total() int {
	if p.tpe {
		return p.draws * len(p.seeds())
	}
	return len(p.Trials)
}

// seeds are those of every combination; one that is "" is the base's.
func (p *Plan) seeds() []string {
	for _, v := range p.parameters {
		if v.Key == seedKey {
			return v.Values
		}
	}
	return []string{""}
}

// addSearch adds to the plan's hash what a search decides by.
func (p *Plan) addSearch(hash io.Writer) {
	if p.early != nil {
		fmt.Fprintf(hash, "early %+v by %s to %s\n", *p.early, p.Metric.Name, p.Metric.Goal)
	}
	if !p.tpe {
		return
	}
	fmt.Fprintf(hash, "tpe by %s to %s, seed %d, without %v\n", p.Metric.Name, p.Metric.Goal, p.searchSeed, p.exclude)
	for _, v := range p.parameters {
		fmt.Fprintf(hash, "%s %q %v %v %+v\n", v.Key, v.Values, v.probabilities, v.when, cmp.Or(v.drawn, &distribution{}))
	}
}

// estimator is the search of the parameters beside the seed, whose indices are those of columns.
func (p *Plan) estimator() (s search.TPE, columns []int) {
	var space search.Space
	at := map[string]int{} // in the space
	for i, v := range p.parameters {
		if v.Key == seedKey {
			continue
		}
		q := v.searched()
		for _, r := range v.when {
			c := search.Condition{Parameter: at[r.key]}
			for _, value := range r.values {
				c.Values = append(c.Values, p.parameters[columns[at[r.key]]].number(value))
			}
			q.When = append(q.When, c)
		}
		at[v.Key] = len(space)
		space, columns = append(space, q), append(columns, i)
	}
	s = search.DefaultTPE(space, p.searchSeed)
	s.Maximize = p.Metric.Goal == maximize
	return s, columns
}

// searched is the parameter as package search has it.
func (v parameter) searched() search.Parameter {
	d := v.drawn
	if d == nil {
		q := search.Parameter{Kind: search.Choice, Probabilities: v.probabilities}
		if q.Probabilities == nil {
			q.Probabilities = slices.Repeat([]float64{1 / float64(len(v.Values))}, len(v.Values))
		}
		return q
	}
	q := search.Parameter{Kind: search.Uniform, Low: d.min, High: d.max, Step: d.q}
	switch d.kind {
	case intUniform:
		q.Kind = search.Integer
	case logUniform, qLog:
		q.Kind = search.Log
	case normal, qNormal:
		q = search.Parameter{Kind: search.Normal, Mean: d.mu, Deviation: d.std, Step: d.q}
	}
	return q
}

// number is a value as package search has it: of those that are listed its index, NaN for one that isn't there.
func (v parameter) number(value string) float64 {
	if v.drawn == nil {
		if at := slices.Index(v.Values, value); at >= 0 {
			return float64(at)
		}
		return math.NaN()
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// rows are the trials of a point, one for every seed; none where it is excluded.
func (p *Plan) rows(point []float64, columns []int) [][]string {
	var rows [][]string
	for _, seed := range p.seeds() {
		row := make([]string, len(p.parameters))
		for k, i := range columns {
			switch v := p.parameters[i]; {
			case math.IsNaN(point[k]):
			case v.drawn != nil:
				row[i] = v.drawn.text(point[k])
			default:
				row[i] = v.Values[int(point[k])]
			}
		}
		if at := slices.IndexFunc(p.parameters, func(v parameter) bool { return v.Key == seedKey }); at >= 0 {
			row[at] = seed
		}
		rows = append(rows, row)
	}
	kept, err := p.kept("", rows)
	if err != nil { // all are excluded, for no exclusion is about the seed
		return nil
	}
	return kept
}

// firstProposals are the rows of as many combinations as a search may choose, each as it would be the first.
func (p *Plan) firstProposals(file string) ([][]string, error) {
	s, columns := p.estimator()
	if p.total() > maxTrials {
		return nil, fault.New(fault.Config, "%s: run_cap: more than %d trials with the seeds", file, maxTrials).
			Advise("search fewer combinations at once")
	}
	var rows [][]string
	for n := range p.draws {
		rows = append(rows, p.rows(s.Propose(n, 0, nil), columns)...)
	}
	if len(rows) == 0 {
		return nil, fault.New(fault.Config, "%s: exclude: leaves nothing to run", file)
	}
	return rows, nil
}

// Chosen is how many of Trials are known before one has run, and how many may be run at most: not all are known in a
// search by tpe, whose first ones are drawn; of one that was read from its folder, those that it has begun are.
func (p *Plan) Chosen() (known, total int) {
	if !p.tpe || p.folder != "" {
		return len(p.Trials), p.total()
	}
	s, _ := p.estimator()
	return min(s.Startup*len(p.seeds()), len(p.Trials)), p.total()
}

// tries is how often a search looks for a combination that can be run and was not tried, before it ends.
const tries = 200

// choose gives the next trial of a search by tpe; ok is false where nothing is left. An error is that of an experiment
// that can't be.
func (p *Plan) choose(j *journal) (t Trial, ok bool, err error) {
	seeds := len(p.seeds())
	number := j.begun + 1
	if (number-1)%seeds > 0 { // another seed of the last one
		row := slices.Clone(j.values[j.begun-1])
		at := slices.IndexFunc(p.parameters, func(v parameter) bool { return v.Key == seedKey })
		row[at] = p.seeds()[(number-1)%seeds]
		t, _, err = p.chosen(number, row)
		return t, err == nil, err
	}
	s, columns := p.estimator()
	seen := p.observe(j, columns)
	tried, rows, can := map[string]bool{}, map[string]bool{}, false
	for _, was := range p.Trials {
		tried[was.Hash] = true
		rows[strings.Join(was.Values, "\n")] = true
	}
	for attempt := range tries {
		all := p.rows(s.Propose(j.begun/seeds, attempt, seen), columns)
		if len(all) == 0 {
			continue
		}
		text := strings.Join(all[0], "\n")
		if rows[text] { // it was run, or looked at before
			continue
		}
		rows[text] = true
		t, _, wrong := p.chosen(number, all[0])
		switch {
		case wrong != nil: // the experiment of these values can't be; others can
			err = wrong
		case !tried[t.Hash]:
			return t, true, nil
		default: // the same experiment, written otherwise
			can = true
		}
	}
	if can || len(p.Trials) > 0 {
		err = nil
	}
	return Trial{}, false, err
}

// chosen makes the trial of a row.
func (p *Plan) chosen(number int, row []string) (t Trial, resolved string, err error) {
	t = p.trial(row)
	t.Number = number
	if resolved, err = p.settle(&t, p.environ); err != nil {
		return t, "", fmt.Errorf("trial %d, %s: %w", number, strings.Join(t.Overrides, " "), err)
	}
	t.Folder = p.trialFolder(t)
	return t, resolved, nil
}

// observe says what is known of the combinations that were chosen. One of several seeds is as far as the seed that came
// least far, and its value is the mean there; one of which a seed failed has failed.
func (p *Plan) observe(j *journal, columns []int) (all []search.Observation) {
	seeds := len(p.seeds())
	for first := 0; first < j.begun; first += seeds {
		o := search.Observation{Level: math.MaxInt}
		for _, i := range columns {
			o.Point = append(o.Point, p.parameters[i].number(j.values[first][i]))
		}
		for k := range seeds {
			t := journey{}
			if first+k < j.begun {
				t = j.trials[first+k]
			}
			o.Failed = o.Failed || t.state == Failed || t.state == Finished && t.value == nil
			if at, ok := t.last(); t.state != Finished {
				o.Level = min(o.Level, at.epoch)
				o.Pending = o.Pending || !ok && t.state != Failed
			}
		}
		sum := 0.
		for k := 0; k < seeds && !o.Failed && !o.Pending; k++ {
			sum += j.trials[first+k].by(o.Level)
		}
		o.Pending = o.Pending && !o.Failed
		o.Value = sum / float64(seeds)
		all = append(all, o)
	}
	return all
}

// by is the value of the last pause up to an epoch; of a trial that never paused before, its end's.
func (t journey) by(epoch int) float64 {
	if t.state == Finished && (epoch == math.MaxInt || len(t.at) == 0) {
		return *t.value
	}
	x := math.NaN()
	for _, at := range t.at {
		if at.epoch <= epoch {
			x = at.value
		}
	}
	return x
}

// at is the plan as it stands in the sweep's folder: of a search by tpe with the trials that were chosen.
func (p *Plan) at(dir string) (*Plan, error) {
	if !p.tpe {
		return p, nil
	}
	q := *p
	q.Trials = nil
	j, _, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	for i, row := range j.values {
		if len(row) != len(p.parameters) {
			return nil, fault.New(fault.Data, "%s: trial %d in %s has %d values for %d parameters", dir, i+1, journalFile,
				len(row), len(p.parameters)).Advise("start the sweep in another folder by --out")
		}
		t, _, err := q.chosen(i+1, row)
		if err != nil {
			return nil, err
		}
		q.Trials = append(q.Trials, t)
	}
	return &q, nil
}
