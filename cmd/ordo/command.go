package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
	"ordo/runner/machine"
	"ordo/runner/track"
)

// command is what a subcommand does. Its type holds what the flags say.
type command interface {
	// AddFlags declares the flags, with their defaults.
	AddFlags(flags *pflag.FlagSet)
	// check refuses arguments and flags that make no sense, before anything is done.
	check(args []string) error
	// run does the work.
	run(ctx context.Context, g *global, args []string) error
}

// newCommand gives cmd, which has names and texts, the flags and the work of c.
func newCommand(g *global, cmd *cobra.Command, c command) *cobra.Command {
	c.AddFlags(cmd.Flags())
	cmd.Args = func(cmd *cobra.Command, args []string) error { return of(cmd, c.check(args)) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return of(cmd, c.run(cmd.Context(), g, args)) }
	return cmd
}

// newGroup makes cmd, which has names and texts, a command that only holds others.
func newGroup(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.Args, cmd.RunE = cobra.ArbitraryArgs, runGroup // runGroup tells a mistyped command from none
	cmd.AddCommand(subcommands...)
	return cmd
}

// noArgs refuses any argument.
func noArgs(args []string) error { return atMost(args, 0) }

// oneArg refuses more or less than one argument; what names it.
func oneArg(args []string, what string) error {
	if err := atLeastOne(args, what); err != nil {
		return err
	}
	return atMost(args, 1)
}

// atLeastOne refuses an empty list of arguments; what names the first.
func atLeastOne(args []string, what string) error {
	if len(args) == 0 {
		return usagef("%s is missing", what)
	}
	return nil
}

func atMost(args []string, n int) error {
	if len(args) > n {
		return usagef("unexpected argument %q", args[n])
	}
	return nil
}

// required refuses a flag that was left out.
func required(flag, value string) error {
	if value == "" {
		return usagef("--%s is missing", flag)
	}
	return nil
}

// suffix refuses a flag's file name whose extension promises another format than the one that is written. An empty
// name is left to required.
func suffix(flag, name, ext string) error {
	if name != "" && !strings.EqualFold(filepath.Ext(name), ext) {
		return usagef("--%s writes %s files, got %q: end the name in %s", flag, strings.TrimPrefix(ext, "."), name, ext)
	}
	return nil
}

// within refuses a flag's number outside of a range.
func within(flag string, n, least, most int) error {
	if n < least || n > most {
		return usagef("--%s must be in [%d, %d], got %d", flag, least, most, n)
	}
	return nil
}

// oneOf refuses a flag's value that isn't among those it may have.
func oneOf(flag, value string, values ...string) error {
	if !slices.Contains(values, value) {
		return usagef("--%s must be one of %s, got %q", flag, strings.Join(values, ", "), value)
	}
	return nil
}

// exclusive refuses two flags that are given together.
func exclusive(first string, given bool, second string, also bool) error {
	if given && also {
		return usagef("--%s and --%s exclude each other", first, second)
	}
	return nil
}

// load reads the experiment that the arguments FILE [KEY=VALUE ...] and the environment describe.
func (g *global) load(args []string) (config.Experiment, error) {
	return config.Load(args[0], args[1:], g.environ())
}

// note says something to a person, as a line of its own, unless only results are wanted.
func (g *global) note(text string) {
	if g.quiet {
		return
	}
	g.wipe()
	if rest, ok := strings.CutPrefix(text, track.Warning); ok {
		text = g.painted(yellow, strings.TrimSpace(track.Warning)) + " " + rest
	}
	fmt.Fprintln(g.stderr, text)
}

// detail says what only a person who asks for it wants to know.
func (g *global) detail(text string) {
	if g.verbose {
		g.note(text)
	}
}

// aside is where the lines of those who write them themselves go.
func (g *global) aside() io.Writer {
	if g.quiet {
		return io.Discard
	}
	return g.stderr
}

// Colours, as terminals have them. Nothing is said by them alone.
const (
	red    = "31"
	yellow = "33"
)

// painted gives a text a colour, where there are colours.
func (g *global) painted(colour, text string) string {
	if !g.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// beyondCores warns of more threads than cores.
func (g *global) beyondCores(threads int) {
	if text := machine.BeyondCores(threads); text != "" {
		g.note(text)
	}
}
