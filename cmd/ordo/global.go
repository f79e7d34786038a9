package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"ordo/models/fault"
)

// global is all that a command may take from its process. Commands use nothing else of it, so a test gives its own.
type global struct {
	stdin       io.Reader
	stdout      *output           // results: what a script reads
	stderr      io.Writer         // progress and errors: what a person reads
	stderrIsTTY bool              // progress may be redrawn
	colour      bool              // stderr shows colours
	columns     func() int        // of the terminal that stderr is
	env         map[string]string // the environment

	quiet, verbose bool // the flags of all commands
	drawn          bool // a line that is redrawn stands on the terminal
}

// Main runs the command line args (without the program's name) and returns the exit status. SIGINT and SIGTERM cancel
// the commands' context, and a second one ends the process at once.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	g := &global{stdin: stdin, stdout: &output{w: stdout}, stderr: stderr, env: map[string]string{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			g.env[name] = value
		}
	}
	if f, ok := stderr.(*os.File); ok {
		g.terminal(term.IsTerminal(int(f.Fd())), func() (int, error) {
			columns, _, err := term.GetSize(int(f.Fd()))
			return columns, err
		})
	}

	ctx, stop := withSignals(ctx)
	defer stop()
	root := newRootCommand(g)
	root.SetArgs(append([]string{}, args...)) // for nil, cobra takes those of the process
	err := root.ExecuteContext(ctx)
	if err == nil && g.stdout.err != nil {
		err = fault.Writing("standard output", g.stdout.err)
	}
	return g.report(err)
}

// defaultColumns is the width of a terminal that doesn't tell.
const defaultColumns = 80

// terminal notes what stderr is, and what the environment wants of it. A dumb terminal can't redraw a line.
func (g *global) terminal(is bool, size func() (columns int, err error)) {
	g.stderrIsTTY = is && g.env["TERM"] != "dumb"
	g.colour = g.stderrIsTTY && g.env["NO_COLOR"] == "" && g.env["CLICOLOR"] != "0"
	g.columns = func() int {
		if n, err := size(); err == nil && n > 0 {
			return n
		}
		return defaultColumns
	}
}

// withSignals returns a context that SIGINT or SIGTERM cancels with a cause of kind fault.Interrupted. From then on the
// signals do what they do by default, so a command that is slow to stop can be killed.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(fmt.Errorf("%w (%v)", fault.Interrupted, s))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// output remembers the first failed write, so that commands need not look at each of theirs: Main fails once, at the
// end.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// printJSON writes v as one indented JSON value.
func (g *global) printJSON(v any) error {
	e := json.NewEncoder(g.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// environ is the environment as NAME=VALUE.
func (g *global) environ() []string {
	out := make([]string, 0, len(g.env))
	for name, value := range g.env {
		out = append(out, name+"="+value)
	}
	return out
}
