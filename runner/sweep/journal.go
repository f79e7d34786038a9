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

	"ordo/models/fault"
	"ordo/models/whole"
)

// journalFile has what a search has decided and on which grounds, a line each, in the order in which it was. What is
// decided depends on nothing else, so a search whose process was killed goes on with the same decisions. It has no
// times: two searches that went alike have the same.
const journalFile = "search.jsonl"

// What entries say.
const (
	begins   = "begin"  // a trial
	pauses   = "pause"  // it came to a rung, where it waits
	goesOn   = "go on"  // it is promoted from there
	stops    = "stop"   // it doesn't go on
	finishes = "finish" // it came to its end
	fails    = "fail"
	reaches  = "target" // a trial has the metric's target: nothing begins any more
	spends   = "spent"  // nothing is left that wasn't tried
)

// entry is a line of the journal.
type entry struct {
	What   string   `json:"what"`
	Trial  int      `json:"trial,omitempty"`
	Values []string `json:"values,omitempty"` // of a trial that was chosen, as Trial.Values
	Until  int      `json:"until,omitempty"`  // begin, go on: the epoch to pause at; 0: the end
	Epoch  int      `json:"epoch,omitempty"`  // pause, stop: how far it came
	Value  *float64 `json:"value,omitempty"`  // pause, finish, target: the metric's; absent where the result has none
}

// follows are the states of a trial in which an entry can come. One that failed is run again by the next call.
var follows = map[string][]string{
	begins: {""}, goesOn: {Paused}, stops: {Paused},
	pauses: {Running, Failed}, finishes: {Running, Failed}, fails: {Running},
}

// journey is how a trial went.
type journey struct {
	state string // Running (also of one that was killed), Paused, Stopped, Finished or Failed; "": it has not begun
	until int    // the epoch to pause at; 0: the end
	at    []point
	value *float64 // of a finished one
}

// journal is what the entries come to.
type journal struct {
	trials  []journey  // by their numbers, from 1
	values  [][]string // of trials that were chosen
	begun   int        // trials
	reached bool
	spent   bool
}

// trial gives a trial's journey, which may be none yet.
func (j *journal) trial(number int) *journey {
	for len(j.trials) < number {
		j.trials = append(j.trials, journey{})
	}
	return &j.trials[number-1]
}

// add adds an entry. An error says that it can't come at this place.
func (j *journal) add(e entry) error {
	switch e.What {
	case reaches:
		j.reached = true
		return nil
	case spends:
		j.spent = true
		return nil
	}
	if e.Trial < 1 || e.Trial > j.begun+1 || e.Trial > maxTrials {
		return errors.New("it is of a trial that can't be there")
	}
	t := j.trial(e.Trial)
	if e.Trial > j.begun && e.What != begins || !slices.Contains(follows[e.What], t.state) {
		return errors.New("it doesn't follow from what stands before")
	}
	switch e.What {
	case begins:
		j.begun++
		j.values = append(j.values, e.Values)
		t.state, t.until = Running, e.Until
	case goesOn:
		t.state, t.until = Running, e.Until
	case pauses:
		if e.Value == nil {
			return errors.New("it has no value")
		}
		t.state, t.at = Paused, append(t.at, point{e.Epoch, *e.Value})
	case stops:
		t.state = Stopped
	case finishes:
		t.state, t.value = Finished, e.Value
	case fails:
		t.state = Failed
	default:
		return errors.New("it says nothing that is known")
	}
	return nil
}

// readJournal reads the journal of the sweep in dir, and how long its whole lines are: what a crash cut is behind them.
func readJournal(dir string) (*journal, int64, error) {
	j := &journal{}
	path := filepath.Join(dir, journalFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, 0, nil
	} else if err != nil {
		return nil, 0, fault.Reading(fault.Other, path, err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	n := 0
	for line := range bytes.Lines(text) {
		n++
		var e entry
		err := json.Unmarshal(line, &e)
		if err == nil {
			err = j.add(e)
		}
		if err != nil {
			return nil, 0, fault.New(fault.Data, "%s:%d: the line is damaged: %w", path, n, err).
				Advise("start the sweep in another folder by --out; the trials in this one stay what they are")
		}
	}
	return j, int64(len(text)), nil
}

// openJournal is readJournal for the process that goes on with it.
func openJournal(dir string) (*journal, error) {
	j, whole, err := readJournal(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, journalFile)
	if info, err := os.Stat(path); err == nil && info.Size() > whole {
		return j, fault.Writing(path, os.Truncate(path, whole))
	}
	return j, nil
}

// note writes an entry, for good, and adds it.
func (j *journal) note(dir string, e entry) error {
	if err := j.add(e); err != nil {
		return fmt.Errorf("sweep: an entry of the journal: %w", err)
	}
	return whole.AppendLine(filepath.Join(dir, journalFile), e)
}

// last is where the trial paused last; ok is false if it did nowhere.
func (t journey) last() (p point, ok bool) {
	if len(t.at) == 0 {
		return point{}, false
	}
	return t.at[len(t.at)-1], true
}
