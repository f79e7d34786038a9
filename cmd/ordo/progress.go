package main

import (
	"fmt"
	"slices"
	"time"

	"ordo/runner"
)

// newProgress shows a run on stderr: a bar that is redrawn on a terminal, plain lines elsewhere.
func newProgress(g *global, name string) runner.Progress {
	p := runProgress{g: g, name: name, now: time.Now, reading: newReading(g), encoding: newEncoding(g)}
	if g.redraws() {
		return &barProgress{runProgress: p}
	}
	return &lineProgress{runProgress: p}
}

// runProgress is what both ways to show a run have.
type runProgress struct {
	g                 *global
	name              string
	now               func() time.Time
	total, first      int // steps; those of an earlier process
	begun, said       time.Time
	reading, encoding *reading
}

func (p *runProgress) Reading(done, total int)    { p.reading.image(done, total) }
func (p *runProgress) Evaluating(done, total int) { p.encoding.image(done, total) }
func (p *runProgress) Note(text string)           { p.g.note(text) }
func (p *runProgress) Detail(text string)         { p.g.detail(text) }
func (p *runProgress) End()                       { p.g.wipe() }

func (p *runProgress) Start(done, total int) {
	p.total, p.first, p.begun, p.said = total, done, p.now(), p.now()
}

// left says how long the steps go on.
func (p *runProgress) left(s runner.Step) string {
	return left(p.now().Sub(p.begun), s.Number-p.first, p.total-p.first)
}

type barProgress struct{ runProgress }

func (p *barProgress) Step(s runner.Step) {
	if now := p.now(); now.Sub(p.said) < redrawInterval && s.Number < p.total {
		return
	}
	p.said = p.now()
	// Facts keep their widths, so that nothing jumps.
	epochs := fmt.Sprintf("%.0f", float64(p.total)/float64(s.Number)*s.Epoch)
	p.g.drawBar(bar{p.name, s.Number, p.total, []string{
		fmt.Sprintf("epoch %*.1f/%s", len(epochs)+2, s.Epoch, epochs), fmt.Sprintf("loss %-5.3g", s.Loss),
		fmt.Sprintf("%10s", p.left(s)), fmt.Sprintf("%4.0f img/s", s.ImagesPerSecond),
	}})
}

// Where no bar can be drawn, a line comes so often: at the end of the first epoch, so that a log soon shows whether the
// loss makes sense, then of an epoch now and then, and within one that takes long.
const (
	epochInterval = 5 * time.Second
	lineInterval  = 30 * time.Second
)

type lineProgress struct {
	runProgress
	epoch int
}

func (p *lineProgress) Step(s runner.Step) {
	now := p.now()
	since, next := now.Sub(p.said), int(s.Epoch) != p.epoch
	if !(next && (p.epoch == 0 || since >= epochInterval || s.Number == p.total)) && since < lineInterval {
		return
	}
	p.epoch, p.said = int(s.Epoch), now
	p.Note(fmt.Sprintf("%s: step %d of %d, epoch %.1f, loss %.4f, %.0f images/s, %s",
		p.name, s.Number, p.total, s.Epoch, s.Loss, s.ImagesPerSecond, p.left(s)))
}

// reading shows how many images are decoded, or encoded, once that takes a while: a bar on a terminal, plain lines
// elsewhere.
type reading struct {
	g     *global
	done  string // decoded, encoded or compared
	now   func() time.Time
	said  time.Time
	began time.Time
	last  int
	shown bool
}

func newReading(g *global) *reading { return &reading{g: g, done: "decoded", now: time.Now} }

func newEncoding(g *global) *reading { return &reading{g: g, done: "encoded", now: time.Now} }

func newComparing(g *global) *reading { return &reading{g: g, done: "compared", now: time.Now} }

// patience is how long images are decoded before a bar is worth it.
const patience = time.Second

// image notes that done of total images are decoded.
func (r *reading) image(done, total int) {
	now := r.now()
	if done <= r.last || r.began.IsZero() { // the next split begins
		r.began, r.said, r.shown = now, now, false
	}
	r.last = done
	took := now.Sub(r.began)
	switch {
	case r.g.redraws() && done == total:
		r.g.wipe()
	case r.g.redraws() && (r.shown || took > patience):
		if r.shown && now.Sub(r.said) < redrawInterval {
			return
		}
		r.said, r.shown = now, true
		facts := []string{fmt.Sprintf("%d/%d", done, total), left(took, done, total)}
		if took > 0 {
			facts = append(facts, fmt.Sprintf("%.0f img/s", float64(done)/took.Seconds()))
		}
		r.g.drawBar(bar{"images " + r.done, done, total, slices.DeleteFunc(facts, func(f string) bool { return f == "" })})
	case !r.g.redraws() && now.Sub(r.said) >= lineInterval:
		r.said = now
		r.g.note(fmt.Sprintf("%d of %d images %s", done, total, r.done))
	}
}

// trials shows how the trials of a sweep or a selection go: a line for each that starts or ends, and on a terminal a
// bar below them.
type trials struct {
	g      *global
	now    func() time.Time
	began  time.Time
	before int // trials that earlier calls finished
	begun  bool
}

func newTrials(g *global) *trials { return &trials{g: g, now: time.Now} }

// say says what became of a trial, and how far all are.
func (t *trials) say(ended, total int, text string) {
	if !t.begun {
		t.began, t.before, t.begun = t.now(), ended, true
	}
	t.g.note(fmt.Sprintf("[%d/%d] %s", ended, total, text))
	if t.g.redraws() && ended < total {
		facts := []string{fmt.Sprintf("%d/%d", ended, total)}
		if l := t.left(ended, total); l != "" {
			facts = append(facts, l)
		}
		t.g.drawBar(bar{"trials", ended, total, facts})
	}
}

// left says how long the trials go on, once one has ended.
func (t *trials) left(ended, total int) string {
	return left(t.now().Sub(t.began), ended-t.before, total-t.before)
}
