package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/lock"
	"ordo/runner/report"
	"ordo/runner/track"
)

// Options say how to run a plan.
type Options struct {
	Dir     string   // the sweep's folder; "": the plan's
	Jobs    int      // trials at once; 0: the plan's
	Command []string // what `ordo run` is: the program and its first arguments
	Environ []string // of the trials, as NewPlan got it
	// Progress is told of every trial that starts or ends. It is called by one goroutine at a time. May be nil.
	Progress func(Event)
}

// Event is something that happened to a trial.
type Event struct {
	Trial  Trial
	Status string // running, finished, failed, interrupted, again, paused or stopped
	Ended  int    // trials that are finished, stopped or failed by now, those of earlier calls included
	Total  int
	// Numbers are the result of a finished trial, by their paths: knn_top1, order_accuracy.rotate.embedding, …
	Numbers map[string]float64
	Failed  Failure // of a failed trial
	Epoch   int     // of a paused or stopped trial: how far it came
	Value   float64 // and the metric there
	Log     string  // the log's path
}

// States of a trial.
const (
	Finished    = "finished"
	Failed      = "failed"
	Running     = "running"
	Interrupted = "interrupted" // it was told to stop, and goes on when it is called again
	Pending     = "pending"     // in tables only: it never ran, or what ran was killed before it could say so
	Again       = "again"       // in events only: it ended too early, and is tried once more
	Paused      = "paused"      // it came to an epoch at which trials are compared, and may go on
	Stopped     = "stopped"     // it was compared there, and doesn't go on
)

// Run runs the trials that are not finished, and writes the table. It returns the table also with an error: that trials
// failed, or the context's cause if it was cancelled. Cancelling it interrupts the running trials, which leave a
// checkpoint, and waits for them.
func (p *Plan) Run(ctx context.Context, o Options) (Table, error) {
	if o.Dir == "" {
		o.Dir = p.Dir()
	}
	if o.Jobs == 0 {
		o.Jobs = p.Jobs
	}
	if o.Jobs < 1 || o.Jobs > MaxJobs {
		return Table{}, fmt.Errorf("sweep: jobs must be in [1, %d], got %d", MaxJobs, o.Jobs)
	}
	if _, err := p.check(o.Dir); err != nil { // before anything is put there
		return Table{}, err
	}
	held, err := take(o.Dir)
	if err != nil {
		return Table{}, err
	}
	defer held.Release() //nolint:errcheck // the end of the process gives it back, too
	if err := p.lay(o.Dir); err != nil {
		return Table{}, err
	}
	now, err := p.at(o.Dir)
	if err != nil {
		return Table{}, err
	}
	s := &sweep{plan: now, o: o, lock: held}
	run := s.run
	if p.searching() {
		run = s.search
	}
	runErr := run(ctx)
	table, err := p.Table(o.Dir)
	if err == nil {
		err = table.write(o.Dir)
	}
	return table, errors.Join(runErr, err)
}

// sweep is the state of one call of Run.
type sweep struct {
	plan *Plan
	o    Options
	lock *lock.Lock

	mu      sync.Mutex
	ended   int
	failed  int
	reached bool  // by a trial: the metric's target
	err     error // what stops the sweep: the folder can't be written

	journal *journal // of a plan that decides; nil: of another one
}

func (s *sweep) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var todo []Trial
	elsewhere := 0
	for _, t := range s.plan.Trials {
		state, err := t.state(s.o.Dir)
		switch {
		case err != nil:
			return err
		case state.Status == Finished:
			s.ended++
			s.reach(state.all)
		case state.Status == Running: // by `ordo sweep trial`
			elsewhere++
		default:
			todo = append(todo, t)
		}
	}
	queue := make(chan Trial)
	var workers sync.WaitGroup
	for range min(s.o.Jobs, len(todo)) {
		workers.Go(func() {
			for t := range queue {
				if s.trial(ctx, t, 0) == Failed && s.plan.failFast {
					stop()
				}
			}
		})
	}
	for _, t := range todo {
		select {
		case queue <- t:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	workers.Wait()
	return s.verdict(ctx, elsewhere)
}

// verdict is how a call of Run ended, where so many trials are run by others.
func (s *sweep) verdict(ctx context.Context, elsewhere int) error {
	switch {
	case s.err != nil:
		return s.err
	case s.failed > 0:
		return fault.New(fault.Other, "%d of %d trials failed; their logs are beside their folders in %s", s.failed,
			s.plan.total(), s.o.Dir).Advise("mend what they say, and give the same command, which tries them again")
	case ctx.Err() != nil:
		return fmt.Errorf("%w; the same command goes on", context.Cause(ctx))
	case elsewhere > 0:
		return fault.New(fault.Other, "%d of %d trials of %s are run by other processes", elsewhere, len(s.plan.Trials),
			s.o.Dir).Advise("give the same command again when they have ended")
	}
	return nil
}

// RunTrial runs one trial of the sweep in o.Dir, by its number, and no other: for schedulers that have a job for each.
// It gives the exit status of its last process. The trial's own folder keeps others out.
func (p *Plan) RunTrial(ctx context.Context, o Options, number int) (exit int, err error) {
	if o.Dir == "" {
		o.Dir = p.Dir()
	}
	if err := p.startable(); err != nil {
		return 0, err
	}
	if number < 1 || number > len(p.Trials) {
		return 0, fault.New(fault.Config, "the sweep in %s has trials 1 to %d, and none has the number %d", o.Dir,
			len(p.Trials), number)
	}
	o.Jobs = 1
	s := &sweep{plan: p, o: o}
	t := p.Trials[number-1]
	if _, _, ok := t.result(o.Dir); ok {
		s.tell(Event{Trial: t, Status: Finished})
		return 0, nil
	}
	s.trial(ctx, t, 0)
	if s.err != nil {
		return 0, s.err
	}
	if _, _, ok := t.result(o.Dir); ok {
		return 0, nil
	}
	all, err := t.attempts(o.Dir)
	if err != nil || len(all) == 0 {
		return 0, errors.Join(err, context.Cause(ctx))
	}
	return all[len(all)-1].Exit, nil
}

// maxStops is how often in one call a trial that somebody else stopped goes on.
const maxStops = 20

// trial runs one trial to its end, or to the end of an epoch that isn't 0, as often as is asked for. It says how that
// ended; "": it wasn't begun.
func (s *sweep) trial(ctx context.Context, t Trial, until int) (status string) {
	for retries, stops := 0, 0; ; {
		s.mu.Lock()
		stop := s.err != nil || s.reached || ctx.Err() != nil
		if !stop {
			s.tell(Event{Trial: t, Status: Running})
		}
		s.mu.Unlock()
		if stop {
			return status
		}
		a, err := s.process(ctx, t, until)
		_, numbers, finished := t.result(s.o.Dir)
		var at point
		paused := false
		if err == nil && !finished && a.Stopped() {
			at, paused, err = s.paused(t, until)
		}
		if err == nil && !finished && !paused {
			err = t.tried(s.o.Dir, a)
		}
		again := false
		switch {
		case err != nil || finished || paused || ctx.Err() != nil:
		case a.Stopped():
			stops++
			again = stops <= maxStops && s.lock != nil // a scheduler decides itself
		case retries < s.plan.retries && !a.hopeless():
			retries++
			again = true
		}
		e := Event{Trial: t, Failed: a.Failure, Numbers: numbers, Epoch: at.epoch, Value: at.value}
		switch {
		case finished:
			e.Status = Finished
		case paused:
			e.Status = Paused
		case again:
			e.Status = Again
		case ctx.Err() != nil || a.Stopped():
			e.Status = Interrupted
		default:
			e.Status = Failed
		}
		s.mu.Lock()
		s.heed(e, err)
		s.mu.Unlock()
		if status = e.Status; !again {
			return status
		}
	}
}

// heed notes how a process of a trial ended, and tells of it. The caller holds mu.
func (s *sweep) heed(e Event, err error) {
	if err == nil && s.journal != nil {
		switch e.Status {
		case Finished:
			err = s.finish(e.Trial, e.Numbers)
		case Paused:
			err = s.journal.note(s.o.Dir, entry{What: pauses, Trial: e.Trial.Number, Epoch: e.Epoch, Value: &e.Value})
		case Failed:
			if s.journal.trials[e.Trial.Number-1].state != Failed { // again
				err = s.journal.note(s.o.Dir, entry{What: fails, Trial: e.Trial.Number})
			}
		}
	}
	if err != nil {
		s.err = err
		return
	}
	switch e.Status {
	case Finished:
		s.ended++
		s.reach(e.Numbers)
	case Failed:
		s.ended++
		s.failed++
	}
	s.tell(e)
}

// reach notes whether a trial's numbers reach the metric's target. The caller holds mu, or is alone.
func (s *sweep) reach(numbers map[string]float64) {
	if x, ok := numbers[s.plan.Metric.Name]; ok && s.plan.Metric.reached(x) {
		s.reached = true
	}
}

func (s *sweep) log(t Trial) string { return filepath.Join(s.o.Dir, t.Folder+".log") }

// tell reports an event. The caller holds mu.
func (s *sweep) tell(e Event) {
	if s.o.Progress != nil {
		e.Ended, e.Total, e.Log = s.ended, s.plan.total(), s.log(e.Trial)
		s.o.Progress(e)
	}
}

// process runs a trial's process, up to an epoch that isn't 0, and says how it ended. Its words go to the end of its
// log. Only trouble with the log is an error; a process that can't be started has the exit status -1 and the reason in
// its log.
func (s *sweep) process(ctx context.Context, t Trial, until int) (a Attempt, err error) {
	log, err := os.OpenFile(s.log(t), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return a, fault.Writing(s.log(t), err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	info, err := log.Stat()
	if err != nil {
		return a, fault.Writing(s.log(t), err)
	}

	args := slices.Concat(s.o.Command[1:], []string{s.plan.base(s.o.Dir, t)}, t.Overrides)
	if s.o.Jobs > 1 && t.Threads == 0 {
		args = append(args, fmt.Sprintf("model.threads=%d", share(s.o.Jobs)))
	}
	args = append(args, "--out", folderOf(s.o.Dir, t), "--json")
	if until > 0 {
		args = append(args, "--until-epoch", fmt.Sprint(until))
	}
	if _, err := fmt.Fprintf(log, "$ ordo run %s\n", strings.Join(args[len(s.o.Command)-1:], " ")); err != nil {
		return a, fault.Writing(s.log(t), err)
	}

	cmd := exec.CommandContext(ctx, s.o.Command[0], args...)
	cmd.Env = slices.Concat(config.WithoutKeys(s.o.Environ), s.plan.environ)
	cmd.Stdout, cmd.Stderr = log, log
	if s.lock != nil {
		cmd.ExtraFiles = []*os.File{s.lock.File()}
	}
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }

	// The signal that a dying sweep sends is bound to the thread that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a.Began = now()
	a.Host, _ = os.Hostname() // it only tells where to look
	err = cmd.Run()
	a.Ended = now()
	if cmd.ProcessState == nil && ctx.Err() == nil {
		_, err = fmt.Fprintf(log, "can't be started: %v\n", err)
		a.Exit = -1
	} else {
		a.Exit, err = cmd.ProcessState.ExitCode(), nil
	}
	a.Lines = tail(s.log(t), info.Size())
	return a, err
}

// folderOf is a trial's run folder.
func folderOf(dir string, t Trial) string { return filepath.Join(dir, t.Folder) }

// lastEpoch is how far the run in a folder has come.
func lastEpoch(dir string) int {
	last, err := track.LastStep(dir)
	if err != nil {
		return 0
	}
	return int(last.Epoch)
}

// share is how many threads each of several trials has.
func share(jobs int) int { return max(1, runtime.GOMAXPROCS(0)/jobs) }

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// tailLines is how much of a failed trial's log is shown.
const tailLines = 5

// tail returns the last lines of what was written to a log from start on.
func tail(file string, start int64) []string {
	text, err := os.ReadFile(file)
	if err != nil || int64(len(text)) < start {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(text[start:]), "\n"), "\n")[1:] // after the command
	return lines[max(0, len(lines)-tailLines):]
}

// write puts the table's files and the picture into the folder.
func (t Table) write(dir string) error {
	csv, err := t.csv()
	if err != nil {
		return err
	}
	files, err := t.pictures(dir)
	if err != nil {
		return err
	}
	files[csvFile], files[markdownFile] = []byte(csv), []byte(t.markdown())
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := renameio.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return fault.Writing(filepath.Join(dir, name), err)
		}
	}
	return nil
}

// pictures show distance over scale, a line a row of the table; there are none where no trial has a family.
func (t Table) pictures(dir string) (map[string][]byte, error) {
	var groups []report.Group
	for _, r := range t.Rows {
		g := report.Group{Name: strings.Join(r.Values, ", ")}
		for _, s := range t.Trials {
			if s.Status != Finished || !slices.Equal(s.row, r.Values) {
				continue
			}
			result, err := track.ReadResult(filepath.Join(dir, s.Folder))
			if err != nil {
				return nil, err
			}
			g.Results = append(g.Results, result)
		}
		groups = append(groups, g)
	}
	return report.SweepPictures(t.Name, groups)
}
