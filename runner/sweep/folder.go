package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"ordo/models/fault"
	"ordo/runner/lock"
	"ordo/runner/track"
)

const (
	planFile     = "sweep.json"
	baseDir      = "base"
	failuresFile = "failures.json"
	lockFile     = ".lock"
	csvFile      = "results.csv"
	markdownFile = "results.md"
)

// frozen is sweep.json.
type frozen struct {
	Name   string   `json:"name"`
	Hash   string   `json:"hash"`
	Bases  []string `json:"bases"`
	Trials []Trial  `json:"trials"`
}

// take makes the folder and keeps others out. The trials inherit the lock.
func take(dir string) (*lock.Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Writing(dir, err)
	}
	l, err := lock.Take(filepath.Join(dir, lockFile), 0)
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

// freeze writes the plan into a folder that has none yet: last, so that what lies there is whole.
func (p *Plan) freeze(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, baseDir), 0o755); err != nil {
		return fault.Writing(dir, err)
	}
	if err := p.copyBases(dir); err != nil {
		return err
	}
	var files []string
	for _, b := range p.bases {
		files = append(files, filepath.Join(baseDir, b.file))
	}
	return track.WriteSealed(filepath.Join(dir, planFile), frozen{p.Name, p.Hash, files, p.Trials})
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

// Failure is how a trial ended that did not finish.
type Failure struct {
	Exit  int      `json:"exit"`  // exit status; -1 if a signal ended it or it did not start
	Lines []string `json:"lines"` // the last ones of its log
}

// failed is failures.json.
type failed struct {
	Trials map[string]Failure `json:"trials"` // by their folders
}

// readFailures reads what is known of failed trials, by their folders.
func readFailures(dir string) (map[string]Failure, error) {
	f := failed{map[string]Failure{}}
	if err := track.ReadSealed(filepath.Join(dir, failuresFile), &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return f.Trials, nil
}

// result reads what a trial has found. ok is false if it isn't finished, or what says so is damaged or another trial's:
// the trial's run is called again then, and says what is wrong.
func (t Trial) result(dir string) (result map[string]any, ok bool) {
	r, err := track.ReadResult(filepath.Join(dir, t.Folder))
	if err != nil || r.Hash != t.Hash {
		return nil, false
	}
	text, err := json.Marshal(r)
	return result, err == nil && json.Unmarshal(text, &result) == nil
}
