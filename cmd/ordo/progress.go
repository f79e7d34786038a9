package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"ordo/runner"
)

// newProgress shows a run on stderr: a bar that is redrawn on a terminal, plain lines elsewhere.
func newProgress(g *global, name string) runner.Progress {
	if g.stderrIsTTY {
		return &barProgress{g: g, name: name}
	}
	return &lineProgress{g: g, name: name, now: time.Now}
}

type barProgress struct {
	g                 *global
	name              string
	bar               *progressbar.ProgressBar
	reading, encoding *reading
}

func (p *barProgress) Reading(done, total int) {
	if p.reading == nil {
		p.reading = newReading(p.g)
	}
	p.reading.image(done, total)
}

func (p *barProgress) Evaluating(done, total int) {
	if p.encoding == nil {
		p.encoding = newEncoding(p.g)
		_ = p.bar.Clear()
	}
	p.encoding.image(done, total)
}

func (p *barProgress) Start(done, total int) {
	p.bar = newBar(p.g, p.name, total)
	_ = p.bar.Set(done) // a bar that cannot be drawn must not stop the run
}

func newBar(g *global, name string, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(g.stderr),
		progressbar.OptionSetDescription(name),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionFullWidth(),
	)
}

func (p *barProgress) Step(s runner.Step) {
	p.bar.Describe(fmt.Sprintf("%s  epoch %.1f  loss %.4f  %.0f images/s", p.name, s.Epoch, s.Loss, s.ImagesPerSecond))
	_ = p.bar.Set(s.Number)
}

func (p *barProgress) Note(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.g.stderr, text)
}

func (p *barProgress) End() {
	_ = p.bar.Exit()
	fmt.Fprintln(p.g.stderr)
}

// reading shows how many images are decoded, or encoded, once that takes a while: a bar on a terminal, plain lines
// elsewhere.
type reading struct {
	g     *global
	done  string // decoded or encoded
	now   func() time.Time
	said  time.Time
	began time.Time
	last  int
	bar   *progressbar.ProgressBar
}

func newReading(g *global) *reading { return &reading{g: g, done: "decoded", now: time.Now} }

func newEncoding(g *global) *reading { return &reading{g: g, done: "encoded", now: time.Now} }

// patience is how long images are decoded before a bar is worth it.
const patience = time.Second

// image notes that done of total images are decoded.
func (r *reading) image(done, total int) {
	now := r.now()
	if done <= r.last || r.began.IsZero() { // the next split begins
		r.began, r.said = now, now
	}
	r.last = done
	switch {
	case r.g.stderrIsTTY && (r.bar != nil || now.Sub(r.began) > patience):
		if r.bar == nil {
			r.bar = newBar(r.g, "images "+r.done, total)
		}
		_ = r.bar.Set(done) // a bar that cannot be drawn must not stop anything
		if done == total {
			_ = r.bar.Exit()
			r.bar = nil
			fmt.Fprintln(r.g.stderr)
		}
	case !r.g.stderrIsTTY && now.Sub(r.said) >= lineInterval:
		r.said = now
		fmt.Fprintf(r.g.stderr, "%d of %d images %s\n", done, total, r.done)
	}
}

// lineInterval is how often lineProgress says something between epochs.
const lineInterval = 30 * time.Second

type lineProgress struct {
	g           *global
	name        string
	now         func() time.Time
	total       int
	first       int
	begun, said time.Time
	epoch       int

	reading, encoding *reading
}

func (p *lineProgress) Reading(done, total int) {
	if p.reading == nil {
		p.reading = newReading(p.g)
		p.reading.now = p.now
	}
	p.reading.image(done, total)
}

func (p *lineProgress) Evaluating(done, total int) {
	if p.encoding == nil {
		p.encoding = newEncoding(p.g)
		p.encoding.now = p.now
	}
	p.encoding.image(done, total)
}

func (p *lineProgress) Start(done, total int) {
	p.total, p.first, p.begun, p.said = total, done, p.now(), p.now()
}

func (p *lineProgress) Step(s runner.Step) {
	now := p.now()
	if int(s.Epoch) == p.epoch && now.Sub(p.said) < lineInterval {
		return
	}
	p.epoch, p.said = int(s.Epoch), now
	left := time.Duration(float64(now.Sub(p.begun)) * float64(p.total-s.Number) / float64(s.Number-p.first))
	p.Note(fmt.Sprintf("%s: step %d of %d, epoch %.1f, loss %.4f, %.0f images/s, %v left",
		p.name, s.Number, p.total, s.Epoch, s.Loss, s.ImagesPerSecond, left.Round(time.Second)))
}

func (p *lineProgress) Note(text string) { fmt.Fprintln(p.g.stderr, text) }

func (p *lineProgress) End() {}
