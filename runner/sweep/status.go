package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/lock"
	"ordo/runner/track"
)

// Status is how far a sweep is, read from its folder.
type Status struct {
	Sweep  string         `json:"sweep"`
	Name   string         `json:"name"`
	Hash   string         `json:"hash"`
	Total  int            `json:"total"`
	Counts map[string]int `json:"counts"` // of trials, by their status
	// Holder is the process that runs the sweep; nil: none does, though trials may be run by themselves.
	Holder *lock.Holder `json:"holder"`
	// Minutes are those of training that are left, at the plan's trials at once, as the finished ones took; null: none is
	// finished, or nobody knows which are stopped early.
	Minutes *float64      `json:"minutes_left"`
	Trials  []StatusTrial `json:"trials"` // that are not finished, of those that were chosen
}

// StatusTrial is how far a trial is.
type StatusTrial struct {
	Number   int      `json:"number"`
	Folder   string   `json:"folder"`
	Status   string   `json:"status"`
	Epoch    float64  `json:"epoch"` // that it has reached
	Attempts int      `json:"attempts"`
	Stop     *Stop    `json:"stop,omitempty"` // where it was compared last with others
	Exit     int      `json:"exit,omitempty"` // of a failed one's last process
	Lines    []string `json:"lines,omitempty"`
}

// Status reads the sweep's folder; "" is the plan's.
func (p *Plan) Status(dir string) (Status, error) {
	dir = cmp.Or(dir, p.Dir())
	s := Status{Sweep: dir, Name: p.Name, Hash: p.Hash, Total: p.total(), Counts: map[string]int{},
		Trials: []StatusTrial{}}
	now, err := p.at(dir)
	if err != nil {
		return s, err
	}
	states, more, err := now.states(dir)
	if err != nil {
		return s, err
	}
	if h, held := lock.Held(filepath.Join(dir, lockFile)); held {
		s.Holder = &h
	}
	seconds, finished := 0., 0
	left := more
	for _, state := range states {
		t := state.Trial
		s.Counts[state.Status]++
		if state.Status == Finished {
			seconds += state.all["seconds"]
			finished++
			continue
		}
		line := StatusTrial{Number: t.Number, Folder: t.Folder, Status: state.Status, Attempts: state.Attempts}
		if last, err := track.LastStep(filepath.Join(dir, t.Folder)); err == nil {
			line.Epoch = last.Epoch
		}
		if f := state.Failure; f != nil {
			line.Exit, line.Lines = f.Exit, f.Lines
		}
		if state.Status != Stopped {
			left++
		}
		if state.Stop != nil {
			line.Stop = state.Stop
		}
		s.Trials = append(s.Trials, line)
	}
	if more > 0 {
		s.Counts[Pending] += more
	}
	if finished > 0 && p.early == nil {
		minutes := seconds / float64(finished) * float64(left) / float64(max(1, p.Jobs)) / 60
		s.Minutes = &minutes
	}
	return s, nil
}

// Text is the status for a terminal.
func (s Status) Text() string {
	var b strings.Builder
	var counts []string
	for _, status := range []string{Finished, Running, Paused, Stopped, Interrupted, Failed, Pending} {
		if n := s.Counts[status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status))
		}
	}
	fmt.Fprintf(&b, "%s (%s): %s of %d\n", s.Name, s.Hash, strings.Join(counts, ", "), s.Total)
	switch {
	case s.Holder != nil:
		fmt.Fprintf(&b, "run by %s\n", s.Holder)
	case s.Counts[Finished]+s.Counts[Stopped] < s.Total:
		fmt.Fprintf(&b, "no sweep runs in %s\n", s.Sweep)
	}
	if s.Minutes != nil && *s.Minutes > 0 {
		fmt.Fprintf(&b, "about %.1f minutes of training left\n", *s.Minutes)
	}
	if len(s.Trials) > 0 {
		rows := [][]string{{"trial", "epoch", "attempts", "status"}}
		for _, t := range s.Trials {
			status := t.Status
			switch {
			case t.Status == Failed:
				status += fmt.Sprintf(", exit %d", t.Exit)
			case t.Status == Stopped || t.Status == Paused:
				status += fmt.Sprintf(" after epoch %d, %.4f", t.Stop.Epoch, t.Stop.Value)
			}
			rows = append(rows, []string{t.Folder, fmt.Sprintf("%.1f", t.Epoch), fmt.Sprint(t.Attempts), status})
		}
		b.WriteString(table.Columns(rows, 0))
	}
	for _, t := range s.Trials {
		if len(t.Lines) > 0 {
			fmt.Fprintf(&b, "%s:\n    %s\n", t.Folder, strings.Join(t.Lines, "\n    "))
		}
	}
	return b.String()
}

// Best gives the folder of the best trial of the best row, and its row. Without one it is a fault.
func (p *Plan) Best(dir string) (folder string, row Row, t Table, err error) {
	dir = cmp.Or(dir, p.Dir())
	if t, err = p.Table(dir); err != nil {
		return "", row, t, err
	}
	at := slices.IndexFunc(t.Rows, func(r Row) bool { return r.Best })
	if at < 0 {
		return "", row, t, fault.New(fault.Other, "no trial in %s has %s yet", dir, t.Metric.Name).
			Advise("run the sweep first")
	}
	row = t.Rows[at]
	best := 0.
	for _, s := range t.Trials {
		x, ok := s.all[t.Metric.Name]
		if ok && slices.Equal(s.row, row.Values) && (folder == "" || (x > best) == (t.Metric.Goal == maximize) && x != best) {
			folder, best = filepath.Join(dir, s.Folder), x
		}
	}
	return folder, row, t, nil
}

// Stop tells the processes that run the sweep in dir and its trials to stop with a checkpoint, those of this machine.
// It gives how many were told, and who else is at work.
func (p *Plan) Stop(dir string) (told int, elsewhere []lock.Holder, err error) {
	dir = cmp.Or(dir, p.Dir())
	host, err := os.Hostname()
	if err != nil {
		return 0, nil, fmt.Errorf("sweep: this machine's name: %w", err)
	}
	now, err := p.at(dir)
	if err != nil {
		return 0, nil, err
	}
	paths := []string{filepath.Join(dir, lockFile)}
	for _, t := range now.Trials {
		paths = append(paths, filepath.Join(dir, t.Folder, lockFile))
	}
	seen := map[int]bool{}
	for _, path := range paths {
		h, held := lock.Held(path)
		switch {
		case !held || seen[h.PID]:
		case h.Host != host || h.PID == 0:
			elsewhere = append(elsewhere, h)
		default:
			seen[h.PID] = true
			if stop := unix.Kill(h.PID, unix.SIGTERM); stop == nil {
				told++
			} else if !errors.Is(stop, unix.ESRCH) {
				err = errors.Join(err, fmt.Errorf("sweep: tell process %d to stop: %w", h.PID, stop))
			}
		}
		if path == paths[0] && told > 0 {
			break // it tells its trials
		}
	}
	return told, elsewhere, err
}
