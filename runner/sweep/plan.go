package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/runner/config"
)

// Plan is a sweep with all its trials resolved.
type Plan struct {
	Name       string
	Hash       string // of the trials: their overrides and resolved experiments
	Metric     Metric
	Jobs       int
	Trials     []Trial
	Duplicates int            // combinations left out because an earlier one is the same experiment
	Expect     *config.Expect // what the file expects of the table; nil: nothing

	file       string   // the sweep file
	common     []string // overrides of all trials
	parameters []parameter
	columns    []string
	bases      []base
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
	Hash      string   `json:"hash"` // of the resolved experiment
	Outcome   string   `json:"-"`    // config.Experiment.Outcome of it
	threads   int      // model.threads of the experiment
	families  []string // that it measures
	base      int      // in the plan's bases
	values    []string // of the plan's parameters

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
		file: file}
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
	if err := p.checkGroups(file); err != nil {
		return nil, err
	}
	sum := sha256.New()
	for _, t := range p.Trials {
		fmt.Fprintf(sum, "%q %s\n", append(slices.Clone(t.Overrides), strings.Fields(t.Base)...), t.Hash)
	}
	p.Hash = hex.EncodeToString(sum.Sum(nil))[:hashDigits]
	return p, nil
}

// resolve makes the trials.
func (p *Plan) resolve(file string, environ []string) error {
	count := 1
	for _, v := range p.parameters {
		if count *= len(v.Values); count > maxTrials {
			return fault.New(fault.Config, "%s: parameters: more than %d combinations", file, maxTrials).
				Advise("sweep fewer values at once")
		}
	}
	var faults []error
	for _, o := range p.common {
		key, _, _ := strings.Cut(o, "=")
		if slices.ContainsFunc(p.parameters, func(v parameter) bool { return v.Key == key }) {
			faults = append(faults, fault.New(fault.Config, "override %s: %s is a parameter of the sweep", o, key).
				Advise("change it in %s", file))
		}
	}
	said := map[string]bool{}
	same := map[string]bool{}
	for combination := range count {
		t := p.trial(combination)
		e, err := config.Parse(p.bases[t.base].path, p.bases[t.base].text, t.Overrides, environ)
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
		resolved, err := e.YAML()
		if err != nil {
			return err
		}
		if same[string(resolved)] {
			p.Duplicates++
			continue
		}
		same[string(resolved)] = true
		t.Number, t.Hash, t.threads = len(p.Trials)+1, e.Hash(), e.Model.Threads
		t.experiment = e
		t.Outcome = e.Outcome()
		if t.families, err = e.FamilyNames(); err != nil {
			return err
		}
		p.Trials = append(p.Trials, t)
	}
	for i := range p.Trials {
		p.Trials[i].Folder = p.folder(p.Trials[i])
	}
	return errors.Join(faults...)
}

// trial makes the overrides of a combination: a number in which every parameter is a digit, the last one the lowest.
func (p *Plan) trial(combination int) Trial {
	t := Trial{Overrides: slices.Clone(p.common), values: make([]string, len(p.parameters))}
	for i, v := range slices.Backward(p.parameters) {
		at := combination % len(v.Values)
		t.values[i] = v.Values[at]
		combination /= len(v.Values)
		if v.Key == baseKey {
			t.base, t.Base = at, p.bases[at].file
		}
	}
	for i, v := range p.parameters {
		if v.Key == baseKey {
			continue
		}
		t.Overrides = append(t.Overrides, v.Key+"="+t.values[i])
	}
	return t
}

// locate turns config's "override KEY=VALUE: " into the place where the sweep file has that value.
func (p *Plan) locate(file, line string) string {
	for _, v := range p.parameters {
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

// folder names a trial's folder by its number and the values of the parameters that vary, or its hash if they are long.
func (p *Plan) folder(t Trial) string {
	digits := max(3, len(fmt.Sprint(len(p.Trials))))
	name := fmt.Sprintf("%0*d", digits, t.Number)
	var values strings.Builder
	for i, v := range p.parameters {
		if len(v.Values) > 1 {
			key := strings.Map(portable, v.Key[strings.LastIndexByte(v.Key, '.')+1:])
			values.WriteString("-" + key + "-" + strings.Trim(strings.Map(portable, t.values[i]), "_"))
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

// dir is the folder that the sweep has by default: runs/NAME-HASH.
func (p *Plan) dir() string { return filepath.Join("runs", p.Name+"-"+p.Hash) }
