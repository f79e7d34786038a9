package sweep

import (
	"context"
	"math"
	"slices"
	"sync"

	"ordo/models/fault"
	"ordo/runner/search"
)

// searcher is a sweep that decides as it goes which trial runs next, and how far.
type searcher struct {
	*sweep
	ctx  context.Context
	j    *journal
	wake *sync.Cond // of the sweep's mu: something has ended
	todo []int      // trials that were at work, or failed, when the last process ended
	busy int
	left bool // a trial was told to stop by somebody else, so this call doesn't come to the end
}

// job is a piece of a trial.
type job struct {
	t     Trial
	until int // the epoch to pause at; 0: the end
}

// search runs the trials of a plan that decides.
func (s *sweep) search(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	j, err := openJournal(s.o.Dir)
	if err != nil {
		return err
	}
	r := &searcher{sweep: s, ctx: ctx, j: j, wake: sync.NewCond(&s.mu)}
	s.journal = j
	if err := r.lookBack(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.wake.Broadcast()
	})()
	var workers sync.WaitGroup
	for range s.o.Jobs {
		workers.Go(func() {
			for next, ok := r.take(); ok; next, ok = r.take() {
				status := s.trial(ctx, next.t, next.until)
				if status == Failed && s.plan.failFast {
					stop()
				}
				r.release(status)
			}
		})
	}
	workers.Wait()
	if s.err == nil && ctx.Err() == nil && s.failed == 0 && !r.left {
		s.err = r.end()
	}
	return s.verdict(ctx, 0)
}

// lookBack takes up what earlier processes left: trials that finished without a line, and those that are to go on.
func (r *searcher) lookBack() error {
	for i, t := range r.plan.Trials {
		if i >= len(r.j.trials) {
			break
		}
		state := r.j.trials[i].state
		if _, numbers, ok := t.result(r.o.Dir); ok && (state == Running || state == Failed) {
			if err := r.finish(t, numbers); err != nil {
				return err
			}
			state = Finished
		}
		switch state {
		case Finished, Stopped:
			r.ended++
		case Running, Failed:
			r.todo = append(r.todo, t.Number)
		}
	}
	r.reached = r.j.reached
	return nil
}

// take gives a worker its next job; it waits where one may come yet.
func (r *searcher) take() (job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.err != nil || r.ctx.Err() != nil {
			return job{}, false
		}
		next, ok, err := r.next()
		switch {
		case err != nil:
			r.err = err
			r.wake.Broadcast()
			return job{}, false
		case ok:
			r.busy++
			return next, true
		case r.busy == 0:
			r.wake.Broadcast()
			return job{}, false
		}
		r.wake.Wait()
	}
}

// release says that a job of take has ended.
func (r *searcher) release(status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	r.left = r.left || status == Interrupted
	r.wake.Broadcast()
}

// next decides: first what was at work goes on, then trials that wait at a rung, then one begins. The caller holds mu.
func (r *searcher) next() (next job, ok bool, err error) {
	if r.reached {
		return job{}, false, nil
	}
	if len(r.todo) > 0 {
		number := r.todo[0]
		r.todo = r.todo[1:]
		return job{r.plan.Trials[number-1], r.j.trials[number-1].until}, true, nil
	}
	if r.plan.early != nil {
		if next, ok, err := r.goOn(); ok || err != nil {
			return next, ok, err
		}
	}
	if r.j.begun == r.plan.total() || r.j.spent {
		return job{}, false, nil
	}
	return r.begin()
}

// begin begins a trial.
func (r *searcher) begin() (next job, ok bool, err error) {
	e := entry{What: begins, Trial: r.j.begun + 1}
	var t Trial
	if r.plan.tpe {
		if t, ok, err = r.plan.choose(r.j); err != nil {
			return job{}, false, err
		} else if !ok {
			return job{}, false, r.j.note(r.o.Dir, entry{What: spends})
		}
		e.Values = t.Values
	} else {
		t = r.plan.Trials[r.j.begun]
	}
	e.Until = r.plan.until(t, 0)
	if err := r.j.note(r.o.Dir, e); err != nil {
		return job{}, false, err
	}
	if r.plan.tpe {
		r.plan.Trials = append(r.plan.Trials, t)
	}
	return job{t, e.Until}, true, nil
}

// until is the epoch behind another one at which a trial pauses; 0: it goes on to its end.
func (p *Plan) until(t Trial, epoch int) int {
	if p.early == nil {
		return 0
	}
	if at := p.early.next(epoch, t.Training); at < t.Training {
		return at
	}
	return 0
}

// goOn gives the trial that goes on from where it paused, if there is one; by the median rule it stops others.
func (r *searcher) goOn() (next job, ok bool, err error) {
	number := 0
	if r.plan.early.Type == ruleASHA {
		number, ok = r.promoted()
	} else {
		number, ok, err = r.median()
	}
	if !ok || err != nil {
		return job{}, false, err
	}
	t := r.plan.Trials[number-1]
	at, _ := r.j.trials[number-1].last()
	until := r.plan.until(t, at.epoch)
	if err := r.j.note(r.o.Dir, entry{What: goesOn, Trial: number, Until: until}); err != nil {
		return job{}, false, err
	}
	return job{t, until}, true, nil
}

// promoted is the trial that ASHA promotes, from the highest rung where there is one.
func (r *searcher) promoted() (number int, ok bool) {
	h := search.Halving{Min: r.plan.early.Min, Eta: r.plan.early.Eta, Maximize: r.plan.Metric.Goal == maximize}
	rungs := map[int][]search.Paused{}
	var epochs []int
	for i, t := range r.j.trials {
		for k, at := range t.at {
			if rungs[at.epoch] == nil {
				epochs = append(epochs, at.epoch)
			}
			gone := k+1 < len(t.at) || t.state != Paused
			rungs[at.epoch] = append(rungs[at.epoch], search.Paused{Trial: i + 1, Value: at.value, Gone: gone})
		}
	}
	slices.Sort(epochs)
	for _, at := range slices.Backward(epochs) {
		if number, ok := h.Promote(rungs[at]); ok {
			return number, true
		}
	}
	return 0, false
}

// median looks at the trials that wait: it stops those that are worse than the median, and gives the first that isn't.
func (r *searcher) median() (number int, ok bool, err error) {
	m := search.Median{Trials: r.plan.early.Trials, Maximize: r.plan.Metric.Goal == maximize}
	for i, t := range r.j.trials {
		if t.state != Paused {
			continue
		}
		at, _ := t.last()
		var finished [][]float64
		for _, other := range r.j.trials {
			if other.state == Finished {
				finished = append(finished, other.upTo(at.epoch))
			}
		}
		if !m.Stops(t.upTo(at.epoch), finished) {
			return i + 1, true, nil
		}
		if err := r.stop(r.plan.Trials[i]); err != nil {
			return 0, false, err
		}
	}
	return 0, false, nil
}

// upTo are the values of the pauses up to an epoch.
func (t journey) upTo(epoch int) (values []float64) {
	for _, at := range t.at {
		if at.epoch <= epoch {
			values = append(values, at.value)
		}
	}
	return values
}

// stop stops a trial that waits, for good. The caller holds mu, or is alone.
func (r *searcher) stop(t Trial) error {
	at, _ := r.j.trials[t.Number-1].last()
	if err := r.j.note(r.o.Dir, entry{What: stops, Trial: t.Number, Epoch: at.epoch}); err != nil {
		return err
	}
	r.ended++
	r.tell(Event{Trial: t, Status: Stopped, Epoch: at.epoch, Value: at.value})
	return nil
}

// end stops what still waits: nothing comes any more that could promote it.
func (r *searcher) end() error {
	for i, t := range r.j.trials {
		if t.state == Paused {
			if err := r.stop(r.plan.Trials[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish notes a trial's result.
func (s *sweep) finish(t Trial, numbers map[string]float64) error {
	e := entry{What: finishes, Trial: t.Number}
	x, ok := numbers[s.plan.Metric.Name]
	if ok && !math.IsNaN(x) {
		e.Value = &x
	}
	if err := s.journal.note(s.o.Dir, e); err != nil {
		return err
	}
	if e.Value != nil && s.plan.Metric.reached(x) && !s.journal.reached {
		return s.journal.note(s.o.Dir, entry{What: reaches, Trial: t.Number, Value: e.Value})
	}
	return nil
}

// paused is the metric of a trial that paused after an epoch, if it came there.
func (s *sweep) paused(t Trial, until int) (at point, ok bool, err error) {
	if until == 0 {
		return at, false, nil
	}
	course, err := t.course(folderOf(s.o.Dir, t), s.plan.Metric.Name)
	if err != nil {
		return at, false, nil // it has no metrics that can be read: its next process says what is wrong
	}
	for _, p := range course {
		if p.epoch == until {
			return p, true, nil
		}
	}
	if last := lastEpoch(folderOf(s.o.Dir, t)); last >= until {
		return at, false, fault.New(fault.Config, "%s has no %s after epoch %d, by which trials are to be compared", t.Folder,
			s.plan.Metric.Name, until).Advise("compare them by a number that the experiment has during its training")
	}
	return at, false, nil
}
