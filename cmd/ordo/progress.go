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
	g    *global
	name string
	bar  *progressbar.ProgressBar
}

func (p *barProgress) Start(done, total int) {
	p.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.g.stderr),
		progressbar.OptionSetDescription(p.name),
		progressbar.OptionSetWidth(24),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionFullWidth(),
	)
	_ = p.bar.Set(done) // a bar that cannot be drawn must not stop the run
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
