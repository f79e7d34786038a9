package sweep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/config"
)

// Plan is a sweep with all its trials resolved.
type Plan struct {
	Name   string
	Hash   string // of the trials: their overrides and resolved experiments
	Metric Metric
	Jobs   int
	// Trials are those of the sweep. Of a search by tpe they are as many as it may run, drawn as its first ones are: what
	// is chosen depends on what is found, and stands in the sweep's folder.
	Trials     []Trial
	Duplicates int            // combinations left out because an earlier one is the same experiment
	Expect     *config.Expect // what the file expects of the table; nil: nothing

	file       string   // the sweep file; "": the plan was read from a sweep's folder
	folder     string   // that the plan was read from
	common     []string // overrides of all trials
	parameters []parameter
	exclude    [][]requirement
	draws      int // of a random search; 0: a grid
	tpe        bool
	early      *early
	source     string // the sweep file's text, of a search by tpe
	searchSeed uint64
	runCap     int // of a grid; 0: none
	baseline   []condition
	retries    int
	failFast   bool
	columns    []string
	bases      []base
	environ    []string // variables that set keys of the experiment
}

// base is an experiment file.
type base struct {
	path string // as it was read
	file string // its base name
	text []byte
	flat []byte // text, with the files that it extends in it
}

// Trial is one combination.
type Trial struct {
	Number    int      `json:"number"`         // from 1
	Folder    string   `json:"folder"`         // in the sweep's folder
	Base      string   `json:"base,omitempty"` // base name of its experiment file, where the sweep has several
	Overrides []string `json:"overrides"`
	Hash      string   `json:"hash"`              // of the resolved experiment
	Seed      uint64   `json:"seed"`              // of the resolved experiment
	Values    []string `json:"values"`            // of the plan's parameters; "": left out by its condition
	Threads   int      `json:"threads,omitempty"` // model.threads of the experiment
	// Training is train.epochs of the experiment, where trials are stopped early.
	Training int      `json:"train_epochs,omitempty"`
	Outcome  string   `json:"-"` // config.Experiment.Outcome of it
	families []string // that it measures
	base     int      // in the plan's bases

	experiment config.Experiment
}

const (
	maxTrials  = 10_000
	hashDigits = 10
	seedKey    = "seed"
	baseKey    = "base" // the parameter that several experiment files are
)

// NewPlan reads a sweep file and its base, and resolves and checks every trial. The overrides, KEY=VALUE, are for all
// trials, and can't be of keys that the sweep varies; environ is the trials' environment. What is wrong with any of it
// is of kind fault.Config.
func NewPlan(file string, overrides, environ []string) (*Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Reading(fault.Config, file, err)
	}
	f, err := parseFile(file, text)
	if err != nil {
		return nil, err
	}
	p := &Plan{Name: f.Name, Metric: f.Metric, Jobs: f.Jobs, common: overrides, columns: f.Columns, Expect: f.Expect,
		file: file, retries: f.Retries, failFast: f.FailFast, environ: config.OnlyKeys(environ), early: f.Early}
	p.chosenAs(f, string(text))
	var stems []string
	for _, path := range f.Base {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: base: %w", file, fault.Reading(fault.Config, path, err))
		}
		flat, err := config.Flat(path, text)
		if err != nil {
			return nil, err
		}
		p.bases = append(p.bases, base{path, filepath.Base(path), text, flat})
		stems = append(stems, stem(path))
	}
	if len(p.bases) > 1 {
		p.parameters = append(p.parameters, parameter{Key: baseKey, Values: stems})
	}
	p.parameters = append(p.parameters, f.Parameters...)
	if err := p.resolve(file, environ); err != nil {
		return nil, err
	}
	if err := p.checkEarly(file); err != nil {
		return nil, err
	}
	if err := p.checkGroups(file); err != nil {
		return nil, err
	}
	for _, r := range f.Baseline {
		at := slices.Index(p.keys(), r.key)
		if at < 0 {
			return nil, fault.New(fault.Config, "%s: baseline: %s has one value only", file, r.key).Advise("leave it out there")
		}
		p.baseline = append(p.baseline, condition{at, r.values[0]})
	}
	sum := sha256.New()
	for _, t := range p.Trials {
		fmt.Fprintf(sum, "%q %s\n", append(slices.Clone(t.Overrides), strings.Fields(t.Base)...), t.Hash)
	}
	p.addSearch(sum)
	p.Hash = hex.EncodeToString(sum.Sum(nil))[:hashDigits]
	return p, nil
}

// chosenAs takes over how combinations are chosen.
func (p *Plan) chosenAs(f sweepFile, text string) {
	p.exclude, p.searchSeed, p.tpe = f.Exclude, f.SearchSeed, f.TPE
	if f.Random {
		p.draws = f.RunCap
	} else {
		p.runCap = f.RunCap
	}
	if f.TPE {
		p.source = text
	}
}

// resolve makes the trials.
func (p *Plan) resolve(file string, environ []string) error {
	var faults []error
	for _, o := range p.common {
		key, _, _ := strings.Cut(o, "=")
		if slices.ContainsFunc(p.parameters, func(v parameter) bool { return v.Key == key }) {
			faults = append(faults, fault.New(fault.Config, "override %s: %s is a parameter of the sweep", o, key).
				Advise("change it in %s", file))
		}
	}
	combinations, err := p.combinations(file)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	same := map[string]bool{}
	for _, values := range combinations {
		if p.runCap > 0 && len(p.Trials) == p.runCap {
			break
		}
		t := p.trial(values)
		resolved, err := p.settle(&t, environ)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				line = p.locate(file, strings.TrimSuffix(line, "\n"))
				if !said[line] {
					said[line] = true
					faults = append(faults, &mistake{text: line})
				}
			}
			continue
		}
		if same[resolved] {
			p.Duplicates++
			continue
		}
		same[resolved] = true
		t.Number = len(p.Trials) + 1
		p.Trials = append(p.Trials, t)
	}
	if p.tpe { // another one is chosen in their place
		p.Duplicates = 0
	}
	for i := range p.Trials {
		p.Trials[i].Folder = p.trialFolder(p.Trials[i])
	}
	return errors.Join(faults...)
}

// settle fills in what a trial's experiment says, and gives it resolved.
func (p *Plan) settle(t *Trial, environ []string) (resolved string, err error) {
	b := p.bases[t.base]
	e, err := config.Parse(b.path, b.text, t.Overrides, environ)
	if err != nil {
		return "", err
	}
	text, err := e.YAML()
	if err != nil {
		return "", err
	}
	t.Hash, t.Threads, t.Seed, t.experiment, t.Outcome = e.Hash(), e.Model.Threads, e.Seed, e, e.Outcome()
	if p.early != nil {
		t.Training = e.Train.Epochs
	}
	t.families, err = e.FamilyNames()
	return string(text), err
}

// combinations lists the values of all parameters, in their order; "" where one is left out by its condition. A grid's
// last parameter changes fastest. In a random search base files and seeds are those of a grid for every draw.
func (p *Plan) combinations(file string) ([][]string, error) {
	rows := [][]string{nil}
	if p.tpe {
		return p.firstProposals(file)
	}
	if p.draws > 0 {
		rows = make([][]string, p.draws)
	}
	for i, v := range p.parameters {
		if p.draws > 0 && v.Key != baseKey && v.Key != seedKey {
			for k := range rows {
				// A draw of its own for every parameter of every row: one more parameter changes no other.
				r := rand.New(rand.NewPCG(p.searchSeed, uint64(k)<<20|uint64(i)))
				rows[k] = append(rows[k], v.draw(r))
			}
			continue
		}
		if len(rows)*len(v.Values) > maxTrials {
			return nil, fault.New(fault.Config, "%s: parameters: more than %d combinations", file, maxTrials).
				Advise("sweep fewer values at once")
		}
		var next [][]string
		for _, row := range rows {
			for _, value := range v.Values {
				next = append(next, append(slices.Clone(row), value))
			}
		}
		rows = next
	}
	return p.kept(file, rows)
}

// kept are the rows that are not excluded, each without the values whose conditions aren't met.
func (p *Plan) kept(file string, rows [][]string) (kept [][]string, err error) {
	for _, row := range rows {
		value := func(key string) string {
			at := slices.IndexFunc(p.parameters, func(v parameter) bool { return v.Key == key })
			return row[at]
		}
		for i, v := range p.parameters {
			if !met(v.when, value) {
				row[i] = ""
			}
		}
		if !slices.ContainsFunc(p.exclude, func(all []requirement) bool { return met(all, value) }) {
			kept = append(kept, row)
		}
	}
	if len(kept) == 0 {
		return nil, fault.New(fault.Config, "%s: exclude: leaves nothing to run", file)
	}
	return kept, nil
}

// trial makes the overrides of a combination.
func (p *Plan) trial(values []string) Trial {
	t := Trial{Overrides: slices.Clone(p.common), Values: values}
	for i, v := range p.parameters {
		switch {
		case v.Key == baseKey:
			t.base = slices.Index(v.Values, values[i])
			t.Base = p.bases[t.base].file
		case values[i] != "":
			t.Overrides = append(t.Overrides, v.Key+"="+values[i])
		}
	}
	return t
}

// locate turns config's "override KEY=VALUE: " into the place where the sweep file has that value.
func (p *Plan) locate(file, line string) string {
	for _, v := range p.parameters {
		if rest, ok := strings.CutPrefix(line, "override "+v.Key+"="); ok && v.drawn != nil {
			return fmt.Sprintf("%s:%d: %s: drawn %s", file, v.Lines[0], v.Key, rest)
		}
		for i, value := range v.Values {
			if rest, ok := strings.CutPrefix(line, "override "+v.Key+"="+value+": "); ok {
				return fmt.Sprintf("%s:%d: %s", file, v.Lines[i], rest)
			}
		}
	}
	return line
}

// maxFolder is the length from which a trial's values would make its folder's name unreadable.
const maxFolder = 60

// trialFolder names a trial's folder by its number and the values of the parameters that vary, or its hash if they are
// long.
func (p *Plan) trialFolder(t Trial) string {
	digits := max(3, len(fmt.Sprint(p.total())))
	name := fmt.Sprintf("%0*d", digits, t.Number)
	var values strings.Builder
	for i, v := range p.parameters {
		if v.varies() && t.Values[i] != "" {
			key := strings.Map(portable, v.Key[strings.LastIndexByte(v.Key, '.')+1:])
			values.WriteString("-" + key + "-" + strings.Trim(strings.Map(portable, t.Values[i]), "_"))
		}
	}
	if values.Len() > maxFolder {
		return name + "-" + t.Hash
	}
	return name + values.String()
}

// portable keeps the characters that folder names can have everywhere.
func portable(r rune) rune {
	if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '_'
}

// Dir is the folder that the sweep has by default: runs/NAME-HASH, or the one that the plan was read from.
func (p *Plan) Dir() string { return cmp.Or(p.folder, filepath.Join("runs", p.Name+"-"+p.Hash)) }
