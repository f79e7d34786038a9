package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"ordo/runner/sweep"
)

// lookInterval is how often a sweep's folder is looked at.
const lookInterval = time.Second

// mostRows is how many trials that run have a row of their own.
const mostRows = 12

// rows are a line about all trials, and one about each that runs.
func liveRows(l sweep.Look, metric string, columns int) []string {
	facts := []string{fmt.Sprintf("%d/%d", l.Ended(), l.Total)}
	if l.Left > 0 {
		facts = append(facts, howLong(l.Left)+" left")
	}
	if n := l.Counts[sweep.Failed]; n > 0 {
		facts = append(facts, fmt.Sprintf("%d failed", n))
	}
	if l.Waiting > 0 {
		facts = append(facts, fmt.Sprintf("%d waiting", l.Waiting))
	}
	lines := []string{bar{l.Name, l.Ended(), l.Total, facts}.line(columns)}
	for i, t := range l.Running {
		if i == mostRows {
			lines = append(lines, cut(fmt.Sprintf("… and %d more", len(l.Running)-i), columns))
			break
		}
		const parts = 1000 // of an epoch
		row := bar{name: t.Folder, done: int(t.Epoch * parts), total: t.Epochs * parts}
		if t.Epochs > 0 {
			row.facts = append(row.facts, fmt.Sprintf("epoch %.1f/%d", t.Epoch, t.Epochs))
		}
		if t.Number != nil {
			row.facts = append(row.facts, fmt.Sprintf("%s %.4f", metric[strings.LastIndexByte(metric, '.')+1:], *t.Number))
		}
		if t.Left > 0 {
			row.facts = append(row.facts, howLong(t.Left)+" left")
		}
		lines = append(lines, row.line(columns))
	}
	return lines
}

// live shows a sweep that is at work: on a terminal a table that is redrawn below the lines about what happened.
type live struct {
	g        *global
	follower *sweep.Follower
	metric   string
	failures bool // what fails is told of by looking; else events do

	mutex sync.Mutex // between what happens and what is looked at
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// begin looks at the sweep every now and then, until end.
func (l *live) begin(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	l.ended.Go(func() {
		tick := time.NewTicker(lookInterval)
		defer tick.Stop()
		for {
			l.mutex.Lock()
			_, _ = l.look()
			l.mutex.Unlock()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// end takes the table away.
func (l *live) end() {
	l.stop()
	l.ended.Wait()
	l.g.wipe()
}

// look draws what the folder says now. What can't be read is read the next time. The caller holds mutex.
func (l *live) look() (sweep.Look, error) {
	now, err := l.follower.Look()
	if err != nil {
		return now, err
	}
	if l.failures {
		for _, s := range now.Failed {
			l.g.note(s.Folder + ": " + sweep.Failed + howFailed(*s.Failure, s.Folder+".log"))
		}
	}
	if l.g.redraws() {
		l.g.drawLines(liveRows(now, l.metric, l.g.columns()-1))
	}
	return now, nil
}

// say says a line, and draws the table below it again.
func (l *live) say(text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.g.note(text)
	_, _ = l.look()
}

// watchSweep shows a sweep until all its trials have ended, or whoever runs it has, or the context does. Where nothing
// can be redrawn there is a line when another trial begins or ends.
func watchSweep(ctx context.Context, g *global, plan *sweep.Plan, dir string) error {
	follower, err := plan.Follow(dir, 0)
	if err != nil {
		return err
	}
	l := &live{g: g, follower: follower, metric: plan.Metric.Name, failures: true}
	defer g.wipe()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	said, held := "", false
	for {
		now, err := l.look()
		if err != nil {
			return err
		}
		left := held && !now.Held && len(now.Running) == 0 // whoever ran it has gone
		held = now.Held
		if text := tally(now); text != said && !g.redraws() {
			g.note(text)
			said = text
		}
		if left || now.Ended() == now.Total {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tally is a line about all trials.
func tally(l sweep.Look) string {
	text := fmt.Sprintf("[%d/%d] %s: %d running, %d waiting, %d failed", l.Ended(), l.Total, l.Name, len(l.Running),
		l.Waiting, l.Counts[sweep.Failed])
	for _, t := range l.Running {
		if len(l.Running) <= mostRows {
			text += fmt.Sprintf("\n    %s", t.Folder)
		}
	}
	return text
}
