package sweep

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ordo/models/fault"
	"ordo/models/whole"
	"ordo/runner/track"
)

// Attempt is how one process of a trial ended. They stand in a file beside the trial's folder, a line each.
type Attempt struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	Host  string    `json:"host"`
	Failure
}

// Failure is how a trial ended that did not finish.
type Failure struct {
	Exit  int      `json:"exit"`  // exit status; -1 if a signal ended it or it did not start
	Lines []string `json:"lines"` // the last ones of its log
}

// Exit statuses of a run that was stopped and goes on when it is called again: by a scheduler's signal, and by SIGINT.
const (
	exitStopped     = 75
	exitInterrupted = 130
)

// Stopped says that the trial can go on where it was: it was told to stop.
func (f Failure) Stopped() bool { return f.Exit == exitStopped || f.Exit == exitInterrupted }

// hopeless says that another attempt would end alike: the command line or the experiment is wrong.
func (f Failure) hopeless() bool { return f.Exit == 2 || f.Exit == 3 }

func (t Trial) attemptsFile(dir string) string { return filepath.Join(dir, t.Folder+attemptsEnd) }

// attempts reads how the trial's processes ended. A line that a crash cut is passed over.
func (t Trial) attempts(dir string) ([]Attempt, error) {
	file, err := os.Open(t.attemptsFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fault.Reading(fault.Other, t.attemptsFile(dir), err)
	}
	defer file.Close()
	var all []Attempt
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a Attempt
		if json.Unmarshal(lines.Bytes(), &a) == nil {
			all = append(all, a)
		}
	}
	return all, fault.Reading(fault.Other, t.attemptsFile(dir), lines.Err())
}

// tried notes how a process of the trial ended.
func (t Trial) tried(dir string, a Attempt) error {
	return whole.AppendLine(t.attemptsFile(dir), a)
}

// state says how far a trial is, by its folder alone.
func (t Trial) state(dir string) (State, error) {
	s := State{Trial: t, Status: Pending}
	if r, numbers, ok := t.result(dir); ok {
		s.Status, s.all, s.warnings = Finished, numbers, warnings(r.Warnings)
		return s, nil
	}
	if track.InUse(filepath.Join(dir, t.Folder)) {
		s.Status = Running
		return s, nil
	}
	all, err := t.attempts(dir)
	if err != nil || len(all) == 0 {
		return s, err
	}
	last := all[len(all)-1].Failure
	if s.Attempts = len(all); last.Stopped() {
		s.Status = Interrupted
		return s, nil
	}
	s.Status, s.Failure = Failed, &last
	return s, nil
}
