package main

import (
	"context"
	"encoding/json"
	"errors"
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

	quiet, verbose bool     // the flags of all commands
	drawn          []string // lines that are redrawn, and stand on the terminal; nil: none
}

// Main runs the command line args (without the program's name) and returns the exit status. Signals to stop cancel the
// commands' context, and a second SIGINT or SIGTERM ends the process at once.
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
	if err == nil && g.stdout.err != nil && !errors.Is(g.stdout.err, syscall.EPIPE) { // whoever read it has enough
		err = fault.Writing("standard output", g.stdout.err)
	}
	code := g.report(err)
	var by *signalled
	if code == exitInterrupted && errors.As(context.Cause(ctx), &by) && by.signal != os.Interrupt {
		return exitStopped
	}
	return code
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

// signalled is the cause of a context that a signal cancelled.
type signalled struct{ signal os.Signal }

func (s *signalled) Error() string { return fmt.Sprintf("%v (%v)", fault.Interrupted, s.signal) }

// Unwrap gives the kind.
func (s *signalled) Unwrap() error { return fault.Interrupted }

// withSignals returns a context that a signal to stop cancels: SIGINT, which a person sends, or SIGTERM, SIGHUP of a
// terminal that is closed, and SIGUSR1, by which Slurm warns that time is up. After the first SIGINT or SIGTERM these
// do what they do by default, so a command that is slow to stop can be killed. From a pipe that is closed a write's
// error comes, but no signal: a run goes on when nobody reads its progress any more.
func withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	orders, warnings, pipes := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(orders, os.Interrupt, syscall.SIGTERM)
	signal.Notify(warnings, syscall.SIGUSR1)
	if !signal.Ignored(syscall.SIGHUP) { // else it was started to outlive its terminal, by nohup
		signal.Notify(warnings, syscall.SIGHUP)
	}
	signal.Notify(pipes, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-orders:
				signal.Stop(orders)
				cancel(&signalled{s})
			case s := <-warnings:
				cancel(&signalled{s})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		for _, c := range []chan os.Signal{orders, warnings, pipes} {
			signal.Stop(c)
		}
		close(done)
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
