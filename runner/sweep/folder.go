package sweep

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"ordo/models/fault"
	"ordo/runner/lock"
	"ordo/runner/track"
)

const (
	planFile     = "sweep.json"
	baseDir      = "base"
	attemptsEnd  = ".attempts.jsonl" // behind a trial's folder
	lockFile     = ".lock"
	csvFile      = "results.csv"
	markdownFile = "results.md"
)

// frozen is sweep.json: all that is needed to go on without the sweep's file.
type frozen struct {
	Name       string       `json:"name"`
	Hash       string       `json:"hash"`
	Metric     Metric       `json:"metric"`
	Columns    []string     `json:"columns,omitempty"`
	Jobs       int          `json:"jobs"`
	Retries    int          `json:"retries,omitempty"`
	FailFast   bool         `json:"fail_fast,omitempty"`
	Environ    []string     `json:"environ,omitempty"` // variables that set keys of the experiment
	Keys       []frozenKey  `json:"parameters"`
	Baseline   []frozenPair `json:"baseline,omitempty"`
	Bases      []string     `json:"bases"`
	BaseSHA256 []string     `json:"bases_sha256"`
	Trials     []Trial      `json:"trials"` // of a search by tpe none: they are chosen as it goes
	Early      *early       `json:"early_terminate,omitempty"`
	Search     *frozenFile  `json:"search,omitempty"` // of a search by tpe
}

// frozenFile is a sweep file with the overrides of all trials.
type frozenFile struct {
	File      string   `json:"file"`
	Overrides []string `json:"overrides,omitempty"`
}

// frozenKey is a parameter.
type frozenKey struct {
	Key    string `json:"key"`
	Varies bool   `json:"varies"`
}

// frozenPair is a value that the baseline has: Key is an index in the table's keys.
type frozenPair struct {
	Key   int    `json:"key"`
	Value string `json:"value"`
}

// take makes the folder and keeps others out. The trials inherit the lock.
func take(dir string) (*lock.Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Writing(dir, err)
	}
	// Who asks for the holder has the lock for a moment.
	l, err := lock.Take(filepath.Join(dir, lockFile), time.Second)
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, fault.New(fault.Other, "another sweep works in %s, or trials of one that was killed still stop (%v)", dir,
			held.Holder).Advise("%s", held.Wait()).With(fault.OtherFolder{})
	}
	return l, err
}

// check says whether the folder is this sweep's, and refuses one that is something else's. A folder that holds nothing
// can become this sweep's.
func (p *Plan) check(dir string) (ours bool, err error) {
	was, err := readPlan(dir)
	switch {
	case err == nil && was.Hash == p.Hash:
		return true, nil
	case err == nil:
		return false, p.otherSweep(dir, was)
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fault.Reading(fault.Other, dir, err)
	}
	for _, e := range entries {
		if e.Name() != baseDir && e.Name() != lockFile && !strings.HasPrefix(e.Name(), "."+planFile) {
			return false, fault.New(fault.Other, "%s holds %s and no sweep", dir, e.Name()).With(fault.OtherFolder{})
		}
	}
	return false, nil
}

// otherSweep refuses a folder that another sweep was started in.
func (p *Plan) otherSweep(dir string, was frozen) error {
	return fault.New(fault.Other, "%s holds another sweep (hash %s, not %s): %s", dir, was.Hash, p.Hash,
		p.changed(dir, was)).
		With(fault.OtherFolder{})
}

// lay puts into the sweep's folder, which this process has locked, what is missing there.
func (p *Plan) lay(dir string) error {
	ours, err := p.check(dir)
	switch {
	case err != nil:
		return err
	case ours:
		return p.copyBases(dir)
	}
	return p.freeze(dir)
}

// freeze writes the plan into a folder that has none yet: last, so that what lies there is whole.
func (p *Plan) freeze(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, baseDir), 0o755); err != nil {
		return fault.Writing(dir, err)
	}
	if err := p.copyBases(dir); err != nil {
		return err
	}
	f := frozen{Name: p.Name, Hash: p.Hash, Metric: p.Metric, Columns: p.columns, Jobs: p.Jobs, Retries: p.retries,
		FailFast: p.failFast, Environ: p.environ, Trials: p.Trials, Early: p.early}
	if p.tpe {
		f.Trials, f.Search = []Trial{}, &frozenFile{p.source, p.common}
	}
	for _, v := range p.parameters {
		f.Keys = append(f.Keys, frozenKey{v.Key, v.varies()})
	}
	for _, c := range p.baseline {
		f.Baseline = append(f.Baseline, frozenPair{c.key, c.value})
	}
	for _, b := range p.bases {
		f.Bases = append(f.Bases, filepath.Join(baseDir, b.file))
		f.BaseSHA256 = append(f.BaseSHA256, sumOf(b.flat))
	}
	return track.WriteSealed(filepath.Join(dir, planFile), f)
}

// sumOf is the SHA-256 of a base experiment, in hexadecimal digits.
func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Open reads the plan of the sweep in a folder, as it was when it was started.
func Open(dir string) (*Plan, error) {
	f, err := readPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Other, "there is no sweep in %s", dir).Advise("name a sweep's folder")
	} else if err != nil {
		return nil, err
	}
	p := &Plan{Name: f.Name, Hash: f.Hash, Metric: f.Metric, columns: f.Columns, Jobs: f.Jobs, retries: f.Retries,
		failFast: f.FailFast, environ: f.Environ, Trials: f.Trials, folder: dir, early: f.Early}
	for _, k := range f.Keys {
		p.parameters = append(p.parameters, parameter{Key: k.Key, frozen: k.Varies})
	}
	if f.Search != nil {
		file, err := parseFile(filepath.Join(dir, planFile), []byte(f.Search.File))
		if err != nil {
			return nil, err
		}
		p.parameters, p.common = file.Parameters, f.Search.Overrides
		p.chosenAs(file, f.Search.File)
	}
	for _, b := range f.Baseline {
		p.baseline = append(p.baseline, condition{b.Key, b.Value})
	}
	for i, file := range f.Bases {
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Reading(fault.Data, path, err)
		}
		if sumOf(text) != f.BaseSHA256[i] {
			return nil, fault.New(fault.Data, "%s was changed since the sweep was started", path).
				Advise("name the sweep's file, which writes it again")
		}
		p.bases = append(p.bases, base{path, filepath.Base(file), text, text})
	}
	for i, t := range p.Trials {
		p.Trials[i].base = max(0, slices.IndexFunc(p.bases, func(b base) bool { return b.file == t.Base }))
	}
	return p.at(dir)
}

// copyBases writes the folder's copies of the base experiments where they aren't what the trials are to be made of.
func (p *Plan) copyBases(dir string) error {
	for _, b := range p.bases {
		file := filepath.Join(dir, baseDir, b.file)
		if text, err := os.ReadFile(file); err == nil && bytes.Equal(text, b.flat) {
			continue
		}
		if err := renameio.WriteFile(file, b.flat, 0o644); err != nil {
			return fault.Writing(file, err)
		}
	}
	return nil
}

// base is the sweep's copy of a trial's experiment file.
func (p *Plan) base(dir string, t Trial) string {
	return filepath.Join(dir, baseDir, p.bases[t.base].file)
}

// changed says in what the plan differs from the one that the folder has.
func (p *Plan) changed(dir string, was frozen) string {
	if p.tpe || was.Search != nil {
		return "other parameters, settings of the search, or base experiment"
	}
	key := func(t Trial) string { return strings.TrimSpace(t.Base + " " + strings.Join(t.Overrides, " ")) }
	lacks := func(some, others []Trial) []string {
		var lacking []string
		for _, t := range some {
			if !slices.ContainsFunc(others, func(o Trial) bool { return key(o) == key(t) }) {
				lacking = append(lacking, "("+key(t)+")")
			}
		}
		return lacking
	}
	var says []string
	for _, c := range []struct {
		what   string
		trials []string
	}{{"added", lacks(p.Trials, was.Trials)}, {"gone", lacks(was.Trials, p.Trials)}} {
		if n := len(c.trials); n > 0 {
			if n > 3 {
				c.trials = append(c.trials[:3], "…")
			}
			says = append(says, fmt.Sprintf("%d trials %s, %s", n, c.what, strings.Join(c.trials, ", ")))
		}
	}
	for _, b := range p.bases {
		file := filepath.Join(baseDir, b.file)
		if !slices.Contains(was.Bases, file) {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(dir, file)); err == nil && string(text) != string(b.flat) {
			says = append(says, "the base experiment "+b.file+" was edited")
		}
	}
	if len(says) == 0 {
		return "the same values, in another order or with other ORDO_ variables"
	}
	return strings.Join(says, "; ")
}

func readPlan(dir string) (frozen, error) {
	var f frozen
	return f, track.ReadSealed(filepath.Join(dir, planFile), &f)
}

// result reads what a trial has found, and its numbers by their paths. ok is false if it isn't finished, or what says
// so is damaged or another trial's: the trial's run is called again then, and says what is wrong.
func (t Trial) result(dir string) (r track.Result, numbers map[string]float64, ok bool) {
	r, err := track.ReadResult(filepath.Join(dir, t.Folder))
	if err == nil {
		numbers, err = r.Numbers()
	}
	return r, numbers, err == nil && r.Hash == t.Hash
}
