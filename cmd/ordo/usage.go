package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/config"
)

// usageError is a command line that ordo does not understand. Its text ends by saying where to look.
type usageError struct {
	message string
	command string // path of the command whose help explains it
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%s: see `%s --help`", e.message, e.command)
}

// usagef makes a usage error of the command that is running.
func usagef(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// of adds to a usage error the command whose help explains it.
func of(cmd *cobra.Command, err error) error {
	var usage *usageError
	if errors.As(err, &usage) && usage.command == "" {
		usage.command = cmd.CommandPath()
	}
	return err
}

// flagError turns the flag parser's error into a usageError that names the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return of(cmd, usagef("%v", err))
	}
	name := unknown.GetSpecifiedName()
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	return of(cmd, usagef("unknown flag --%s%s", name, didYouMean("--", name, known)))
}

// runGroup is the action of a command that only holds others: alone it prints its help, and any argument is a mistyped
// subcommand.
func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(parent *cobra.Command, name string) error {
	var known []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			known = append(known, c.Name())
		}
	}
	return of(parent, usagef("unknown command %q%s", name, didYouMean("", name, known)))
}

// newHelpCommand replaces cobra's, which takes an unknown name for a success.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show the help of a command",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(target, rest[0])
			}
			target.InitDefaultHelpFlag()
			target.InitDefaultVersionFlag()
			return target.Help()
		},
	}
}

// didYouMean names the known name that a mistyped or abbreviated one most likely means, or nothing if none is near.
func didYouMean(prefix, name string, known []string) string {
	name = strings.ToLower(name)
	begins := func(k string) bool { return strings.HasPrefix(k, name) }
	best := config.Nearest(name, known)
	if i := slices.IndexFunc(known, begins); i >= 0 && (best == "" || !begins(best)) {
		best = known[i]
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", prefix, best)
}
