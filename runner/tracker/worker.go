package tracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ordo/models/fault"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// sink is somebody who is told of a run.
type sink interface {
	// name says who it is to people.
	name() string
	// send tells of rows, some of which it may have been told before. After an error it is called again with the same
	// rows.
	send(ctx context.Context, rows []row) error
	// end says how the run ended, once all is told.
	end(ctx context.Context, status string) error
	// close releases what the sink holds.
	close() error
}

// pace is how often a worker looks and tries.
type pace struct {
	poll     time.Duration // between two looks for new lines
	first    time.Duration // pause after the first failure; it doubles with each
	most     time.Duration // the longest pause
	patience time.Duration // for all that is left when the run has ended; 0: any time
	tries    int           // after which it gives up; 0: never
}

var defaultPace = pace{poll: time.Second, first: time.Second, most: time.Minute, patience: 10 * time.Second}

// worker tells a sink of a run.
type worker struct {
	sink   sink
	tail   *track.Tail
	clock  clock
	last   time.Time // when the run's last line was written; zero: it is at work
	quiet  bool      // whoever waits gets the error, so only what is tried again is a warning
	pace   pace
	warn   func(text string)
	warned bool
	failed error // why not all is told

	ctx    context.Context // ends when patience does
	cancel context.CancelFunc
	ending chan struct{} // closed when the run has ended
	status string        // how; set before
	done   sync.WaitGroup
}

func newWorker(s sink, dir string, p pace, warn func(string)) *worker {
	w := &worker{sink: s, tail: track.NewTail(dir), pace: p, warn: warn, ending: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// start begins to tell, in a goroutine of its own.
func (w *worker) start() {
	w.done.Go(func() {
		if w.follow() {
			w.try(func() error { return w.sink.end(w.ctx, w.status) })
		}
		if err := w.sink.close(); err != nil {
			w.fail(err, "")
		}
	})
}

// stop lets the worker tell what is left, and waits for it as long as there is patience.
func (w *worker) stop(status string) {
	w.status = status
	close(w.ending)
	defer w.cancel()
	if w.pace.patience > 0 {
		timer := time.AfterFunc(w.pace.patience, w.cancel)
		defer timer.Stop()
	}
	w.done.Wait()
}

// follow tells of lines as they come, until the run has ended and all are told. It returns false where that failed.
func (w *worker) follow() bool {
	for {
		ended := w.ended() // before the look: all that the run wrote is there then
		h, err := w.tail.Next()
		if err != nil {
			w.fail(err, "")
			return false
		}
		w.clock = append(w.clock, h.Timing...)
		now := time.Now()
		if !w.last.IsZero() {
			now = w.last
			w.clock.fill(now)
		}
		rows := w.clock.rows(h, now)
		if len(rows) > 0 {
			if !w.try(func() error { return w.sink.send(w.ctx, rows) }) {
				return false
			}
			continue
		}
		if ended {
			return true
		}
		w.wait(w.pace.poll)
	}
}

func (w *worker) ended() bool {
	select {
	case <-w.ending:
		return true
	default:
		return false
	}
}

// try does something until it succeeds. It returns false where that is of no use, or patience has ended.
func (w *worker) try(do func() error) bool {
	var late error
	pause := w.pace.first
	for tries := 1; ; tries++ {
		err := do()
		switch {
		case err == nil:
			return true
		case w.ctx.Err() != nil:
			w.fail(cmp.Or(late, errLate), "")
			return false
		case final(err):
			w.fail(err, "it isn't tried again")
			return false
		case tries == w.pace.tries:
			w.fail(err, "")
			return false
		}
		late = err
		w.complain(err, "it is tried again")
		asked := pause
		var busy *mlflow.Busy
		if errors.As(err, &busy) {
			asked = max(asked, min(busy.After, longest*w.pace.most))
		}
		before := w.ended()
		if !w.wait(asked) {
			w.failed = err
			return false
		}
		if pause = min(2*pause, w.pace.most); !before && w.ended() {
			pause = w.pace.first // there is little time left
		}
	}
}

// longest is how many of the longest pauses a server may ask for.
const longest = 10

var errLate = errors.New("it took too long for what was left when the run had ended")

// final says whether an error will come again.
func final(err error) bool {
	var refusal *mlflow.Refusal
	return errors.As(err, &refusal) || errors.Is(err, fault.Data) || errors.Is(err, fault.Config)
}

// wait waits, until the run ends at most if that is still to come. It returns false when patience has ended.
func (w *worker) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	ending := w.ending
	if w.ended() {
		ending = nil
	}
	select {
	case <-timer.C:
	case <-ending:
	case <-w.ctx.Done():
	}
	return w.ctx.Err() == nil
}

// fail ends the telling.
func (w *worker) fail(err error, then string) {
	w.failed = err
	if !w.quiet {
		w.complain(err, then)
	}
}

// complain warns of the sink, once.
func (w *worker) complain(err error, then string) {
	if w.warned {
		return
	}
	w.warned = true
	text := fmt.Sprintf("%s%s is not told of the run: %v", track.Warning, w.sink.name(), err)
	if then != "" {
		text += "; " + then
	}
	w.warn(text + "; metrics.jsonl has everything")
}
