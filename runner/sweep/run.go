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

	"github.com/google/renameio/v2"

	"ordo/models/fault"
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
	Status string // running, finished, failed, interrupted
	Ended  int    // trials that are finished or failed by now, those of earlier calls included
	Total  int
	// Numbers are the result of a finished trial, by their paths: knn_top1, order_accuracy.rotate.embedding, …
	Numbers map[string]float64
	Failed  Failure // of a failed trial
	Log     string  // the log's path
}

// States of a trial.
const (
	Finished    = "finished"
	Failed      = "failed"
	Running     = "running"     // in events only
	Interrupted = "interrupted" // in events only
	Pending     = "pending"     // in tables only: neither finished nor failed
)

// Run runs the trials that are not finished, and writes the table. It returns the table also with an error: that trials
// failed, or the context's cause if it was cancelled. Cancelling it interrupts the running trials, which leave a
// checkpoint, and waits for them.
func (p *Plan) Run(ctx context.Context, o Options) (Table, error) {
	if o.Dir == "" {
		o.Dir = p.dir()
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
	defer held.Release()        //nolint:errcheck // the end of the process gives it back, too
	ours, err := p.check(o.Dir) // again, now that no other process can change it
	if err == nil && !ours {
		err = p.freeze(o.Dir)
	} else if err == nil {
		err = p.copyBases(o.Dir)
	}
	if err != nil {
		return Table{}, err
	}
	failures, err := readFailures(o.Dir)
	if err != nil {
		return Table{}, err
	}
	s := &sweep{plan: p, o: o, lock: held, failures: failures}
	runErr := s.run(ctx)
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

	mu       sync.Mutex
	failures map[string]Failure // by folder
	ended    int
	failed   int
	err      error // what stops the sweep: the folder can't be written
}

func (s *sweep) run(ctx context.Context) error {
	var todo []Trial
	for _, t := range s.plan.Trials {
		if _, ok := t.result(s.o.Dir); ok {
			s.ended++
			delete(s.failures, t.Folder)
		} else {
			todo = append(todo, t)
		}
	}
	queue := make(chan Trial)
	var workers sync.WaitGroup
	for range min(s.o.Jobs, len(todo)) {
		workers.Go(func() {
			for t := range queue {
				s.trial(ctx, t)
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
	switch {
	case s.err != nil:
		return s.err
	case ctx.Err() != nil:
		return fmt.Errorf("%w; the same command goes on", context.Cause(ctx))
	case s.failed > 0:
		return fault.New(fault.Other, "%d of %d trials failed; their logs are beside their folders in %s", s.failed,
			len(s.plan.Trials), s.o.Dir).Advise("mend what they say, and give the same command, which tries them again")
	}
	return nil
}

// trial runs one trial to its end and notes how it ended.
func (s *sweep) trial(ctx context.Context, t Trial) {
	s.mu.Lock()
	stop := s.err != nil || ctx.Err() != nil
	if !stop {
		s.tell(Event{Trial: t, Status: Running})
	}
	s.mu.Unlock()
	if stop {
		return
	}
	exit, start, err := s.process(ctx, t)

	s.mu.Lock()
	defer s.mu.Unlock()
	result, finished := t.result(s.o.Dir)
	switch {
	case err != nil:
		s.err = err
	case finished:
		s.ended++
		s.note(t, nil)
		s.tell(Event{Trial: t, Status: Finished, Numbers: track.Numbers(result)})
	case ctx.Err() != nil:
		s.tell(Event{Trial: t, Status: Interrupted})
	default:
		s.ended++
		s.failed++
		f := Failure{exit, tail(s.log(t), start)}
		s.note(t, &f)
		s.tell(Event{Trial: t, Status: Failed, Failed: f})
	}
}

func (s *sweep) log(t Trial) string { return filepath.Join(s.o.Dir, t.Folder+".log") }

// tell reports an event. The caller holds mu.
func (s *sweep) tell(e Event) {
	if s.o.Progress != nil {
		e.Ended, e.Total, e.Log = s.ended, len(s.plan.Trials), s.log(e.Trial)
		s.o.Progress(e)
	}
}

// note keeps how a trial failed, or with nil that it did not. The caller holds mu.
func (s *sweep) note(t Trial, f *Failure) {
	if _, was := s.failures[t.Folder]; !was && f == nil {
		return
	}
	if f == nil {
		delete(s.failures, t.Folder)
	} else {
		s.failures[t.Folder] = *f
	}
	if err := track.WriteSealed(filepath.Join(s.o.Dir, failuresFile), failed{s.failures}); err != nil && s.err == nil {
		s.err = err
	}
}

// process runs a trial's process, whose words go to the end of its log, from start on. Only trouble with the log is an
// error; a process that can't be started has the exit status -1 and the reason in its log.
func (s *sweep) process(ctx context.Context, t Trial) (exit int, start int64, err error) {
	log, err := os.OpenFile(s.log(t), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, 0, fault.Writing(s.log(t), err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	info, err := log.Stat()
	if err != nil {
		return 0, 0, fault.Writing(s.log(t), err)
	}
	start = info.Size()

	args := slices.Concat(s.o.Command[1:], []string{s.plan.base(s.o.Dir, t)}, t.Overrides)
	if s.o.Jobs > 1 && t.threads == 0 {
		args = append(args, fmt.Sprintf("model.threads=%d", share(s.o.Jobs)))
	}
	args = append(args, "--out", filepath.Join(s.o.Dir, t.Folder), "--json")
	if _, err := fmt.Fprintf(log, "$ ordo run %s\n", strings.Join(args[len(s.o.Command)-1:], " ")); err != nil {
		return 0, start, fault.Writing(s.log(t), err)
	}

	cmd := exec.CommandContext(ctx, s.o.Command[0], args...)
	cmd.Env = s.o.Environ
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{s.lock.File()}
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }

	// The signal that a dying sweep sends is bound to the thread that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if cmd.ProcessState == nil && ctx.Err() == nil {
		_, err = fmt.Fprintf(log, "can't be started: %v\n", err)
		return -1, start, err
	}
	return cmd.ProcessState.ExitCode(), start, nil
}

// share is how many threads each of several trials has.
func share(jobs int) int { return max(1, runtime.GOMAXPROCS(0)/jobs) }

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
