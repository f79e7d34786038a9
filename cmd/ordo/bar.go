package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
)

// A bar's own width, between its brackets.
const (
	shortestBar = 4
	longestBar  = 30
)

// redrawInterval is how often a bar is drawn at most: more often is flicker.
const redrawInterval = 100 * time.Millisecond

// bar is a line about work that goes on, drawn on a terminal again and again.
type bar struct {
	name        string
	done, total int
	facts       []string // what matters most first
}

// line draws the bar in so many columns. Facts that find no room are left out, and of the name stays what does.
func (b bar) line(columns int) string {
	share := 0.0
	if b.total > 0 {
		share = min(1, float64(b.done)/float64(b.total))
	}
	head := fmt.Sprintf("%3d%%", int(100*share))
	room := columns - len(head) - len(" []") - shortestBar
	if room < 0 {
		return cut(head, columns)
	}
	tail := ""
	for _, f := range b.facts {
		if n := 1 + utf8.RuneCountInString(f); n <= room {
			tail += " " + f
			room -= n
		}
	}
	if name := cut(b.name, room-1); utf8.RuneCountInString(name) > 3 || name == b.name && name != "" {
		head = name + " " + head
		room -= utf8.RuneCountInString(name) + 1
	}
	return head + " " + brackets(share, min(longestBar, shortestBar+room)) + tail
}

// brackets is a bar of that width between its brackets.
func brackets(share float64, width int) string {
	const steps = 1000
	p := progressbar.NewOptions(steps, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetWidth(width),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}))
	// What it writes goes nowhere, so it can't fail; what stands around the brackets is the caller's.
	_ = p.Set(int(steps * share))
	_ = p.RenderBlank()
	text := p.String()
	return text[strings.IndexByte(text, '[') : strings.LastIndexByte(text, ']')+1]
}

// cut shortens a text to a number of letters, the last of which then says that there was more.
func cut(text string, n int) string {
	switch letters := []rune(text); {
	case n < 1:
		return ""
	case len(letters) > n:
		return string(letters[:n-1]) + "…"
	}
	return text
}

// left says how long work goes on, when done of total took so long; "" where that can't be known yet.
func left(took time.Duration, done, total int) string {
	if done < 1 || total < done {
		return ""
	}
	return howLong(time.Duration(float64(took)/float64(done)*float64(total-done))) + " left"
}

// howLong writes a time roughly.
func howLong(t time.Duration) string {
	switch {
	case t >= 100*time.Hour:
		return fmt.Sprintf("%d days", int(t.Hours()+12)/24)
	case t >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(t.Hours()), int(t.Minutes())%60)
	case t >= time.Minute:
		return fmt.Sprintf("%dm%02ds", int(t.Minutes()), int(t.Seconds())%60)
	}
	return fmt.Sprintf("%ds", int(t.Seconds()+0.5))
}

// draw puts a text in the place of what was drawn before, on the terminal that stderr is.
func (g *global) draw(text string) { g.drawLines([]string{text}) }

// drawLines is draw for several lines, in one write so that nothing flickers.
func (g *global) drawLines(lines []string) {
	fmt.Fprint(g.stderr, cmp.Or(g.wiping(), clearLine)+strings.Join(lines, "\n"))
	g.drawn = lines
}

// wipe takes away what was drawn.
func (g *global) wipe() {
	if g.drawn != nil {
		fmt.Fprint(g.stderr, g.wiping())
		g.drawn = nil
	}
}

// clearLine and clearBelow are a terminal's words for the line of its cursor, and for all from there on.
const (
	clearLine  = "\r\x1b[K"
	clearBelow = "\r\x1b[%dA\x1b[J"
)

// wiping takes away what was drawn, in a terminal that may have become narrower since: it breaks lines then.
func (g *global) wiping() string {
	if g.drawn == nil {
		return ""
	}
	rows := 0
	for _, line := range g.drawn {
		rows += max(1, (utf8.RuneCountInString(line)+g.columns()-1)/g.columns())
	}
	if rows == 1 {
		return clearLine
	}
	return fmt.Sprintf(clearBelow, rows-1)
}

// redraws says whether bars are drawn: for a person, on a terminal that can.
func (g *global) redraws() bool { return g.stderrIsTTY && !g.quiet }

// drawBar draws a bar in the terminal's width. The last column stays free: some terminals begin a line there.
func (g *global) drawBar(b bar) { g.draw(b.line(g.columns() - 1)) }
