package sweep

import (
	"cmp"
	"path/filepath"
	"time"

	"ordo/runner/config"
	"ordo/runner/lock"
	"ordo/runner/track"
)

// Follower looks at a sweep that is at work, again and again, by its folder alone: whoever runs it, wherever.
type Follower struct {
	plan  *Plan
	dir   string
	jobs  int
	ended map[int]State     // finished trials, by their place in the plan
	runs  map[int]*followed // those that run
	told  map[int]int       // attempts of failed ones that were reported
}

// followed is a run that is at work.
type followed struct {
	tail    *track.Tail
	epochs  int // in all; 0: unknown
	step    track.Step
	number  *float64
	seconds float64 // of so many steps
	steps   int
}

// Look is how far a sweep is.
type Look struct {
	Name    string
	Total   int
	Counts  map[string]int // of trials, by their status
	Running []LookTrial
	Waiting int     // trials that have not begun, or go on when they are called again
	Failed  []State // that failed since the last look
	Held    bool    // a process runs the sweep; trials may be run without one
	// Left is how long all trials still take, those at once that are now; 0: that can't be known yet.
	Left time.Duration
}

// LookTrial is a trial that runs.
type LookTrial struct {
	Folder string
	Epoch  float64 // that it has reached
	Epochs int     // in all; 0: unknown
	Number *float64
	Left   time.Duration // 0: unknown
}

// Ended is how many trials are finished, or have ended in another way.
func (l Look) Ended() int { return l.Total - len(l.Running) - l.Waiting }

// Follow begins to follow the sweep in dir; "" is the plan's. Trials that failed before are not told of.
func (p *Plan) Follow(dir string, jobs int) (*Follower, error) {
	f := &Follower{plan: p, dir: cmp.Or(dir, p.Dir()), jobs: max(1, cmp.Or(jobs, p.Jobs)), ended: map[int]State{},
		runs: map[int]*followed{}, told: map[int]int{}}
	_, err := f.Look()
	return f, err
}

// Look reads how far the sweep is now.
func (f *Follower) Look() (Look, error) {
	l := Look{Name: f.plan.Name, Total: f.plan.total(), Counts: map[string]int{}}
	_, l.Held = lock.Held(filepath.Join(f.dir, lockFile))
	finished, finishedSeconds := 0, 0.
	var left, whole time.Duration // of those that run
	known := 0
	states, more, err := f.states()
	if err != nil {
		return l, err
	}
	if l.Waiting = more; more > 0 {
		l.Counts[Pending] = more
	}
	for i, s := range states {
		t := s.Trial
		l.Counts[s.Status]++
		switch s.Status {
		case Finished:
			f.ended[i] = s
			finished, finishedSeconds = finished+1, finishedSeconds+s.all["seconds"]
			delete(f.runs, i)
		case Running:
			run := f.run(i, t)
			trial := run.look(t)
			if trial.Left > 0 {
				left, whole, known = left+trial.Left, whole+run.whole(), known+1
			}
			l.Running = append(l.Running, trial)
		case Failed:
			if f.told[i] != s.Attempts {
				f.told[i] = s.Attempts
				l.Failed = append(l.Failed, s)
			}
			delete(f.runs, i)
		case Pending, Interrupted, Paused:
			l.Waiting++
		}
	}
	each := time.Duration(0)
	switch {
	case finished > 0 && finishedSeconds > 0:
		each = time.Duration(finishedSeconds / float64(finished) * float64(time.Second))
	case known > 0:
		each = whole / time.Duration(known)
	}
	if n := len(l.Running); n > 0 && each > 0 {
		left += time.Duration(n-known) * each // of those that have just begun
		l.Left = (left + time.Duration(l.Waiting)*each) / time.Duration(min(n+l.Waiting, max(n, f.jobs)))
	}
	return l, nil
}

// states are those of the trials that are known, and how many may begin beside them.
func (f *Follower) states() (all []State, more int, err error) {
	if f.plan.searching() { // whose trials and decisions are in the folder
		now, err := f.plan.at(f.dir)
		if err != nil {
			return nil, 0, err
		}
		return now.states(f.dir)
	}
	for i, t := range f.plan.Trials {
		s, ok := f.ended[i]
		if !ok {
			if s, err = t.state(f.dir); err != nil {
				return nil, 0, err
			}
		}
		all = append(all, s)
	}
	return all, 0, nil
}

// run follows a trial that runs.
func (f *Follower) run(i int, t Trial) *followed {
	run := f.runs[i]
	if run == nil {
		dir := filepath.Join(f.dir, t.Folder)
		run = &followed{tail: track.NewTail(dir)}
		if e, err := config.Load(track.ExperimentFile(dir), nil, nil); err == nil { // else it is not there yet
			run.epochs = e.Train.Epochs
			f.runs[i] = run
		}
	}
	for {
		h, err := run.tail.Next()
		if err != nil || len(h.Steps)+len(h.Evals)+len(h.Timing)+len(h.Guards) == 0 {
			return run // what can't be read now is read later
		}
		if n := len(h.Steps); n > 0 {
			run.step = h.Steps[n-1]
		}
		if _, values := f.plan.Metric.Over(h); len(values) > 0 {
			run.number = &values[len(values)-1]
		}
		for _, part := range h.Timing {
			run.seconds, run.steps = run.seconds+part.Seconds, run.steps+part.Steps
		}
	}
}

// epoch is how long one takes; 0: unknown.
func (r *followed) epoch() time.Duration {
	if r.steps == 0 || r.step.Epoch <= 0 {
		return 0
	}
	return time.Duration(r.seconds / float64(r.steps) * float64(r.step.Step) / r.step.Epoch * float64(time.Second))
}

// whole is how long the trial takes in all.
func (r *followed) whole() time.Duration { return time.Duration(r.epochs) * r.epoch() }

func (r *followed) look(t Trial) LookTrial {
	return LookTrial{Folder: t.Folder, Epoch: r.step.Epoch, Epochs: r.epochs, Number: r.number,
		Left: time.Duration(max(0, float64(r.epochs)-r.step.Epoch) * float64(r.epoch()))}
}
