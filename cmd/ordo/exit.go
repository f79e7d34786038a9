package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ordo/models/fault"
	"ordo/runner"
)

// Exit statuses. They are part of the command's interface: the root's help lists them.
const (
	exitOK          = 0
	exitFailure     = 1   // anything without a status of its own
	exitUsage       = 2   // a mistyped command, flag or argument
	exitConfig      = 3   // a bad experiment file
	exitData        = 4   // bad input data
	exitLibrary     = 5   // ONNX Runtime is missing or unfit
	exitStorage     = 6   // no space, no permission
	exitNumeric     = 7   // a loss or gradient that is not finite
	exitCollapse    = 8   // train.stop_on_collapse ended the training
	exitStopped     = 75  // by SIGTERM, SIGHUP, SIGUSR1 or --until-epoch: who starts it again finds all that was done
	exitInterrupted = 130 // by SIGINT
)

// statuses are those of the kinds of faults.
var statuses = map[fault.Kind]int{
	fault.Config:      exitConfig,
	fault.Data:        exitData,
	fault.Library:     exitLibrary,
	fault.Storage:     exitStorage,
	fault.Numeric:     exitNumeric,
	fault.Collapse:    exitCollapse,
	fault.Interrupted: exitInterrupted,
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var own *statusError
	if errors.As(err, &own) {
		return own.code
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	if errors.Is(err, runner.ErrPaused) {
		return exitStopped
	}
	// An interruption stays one, whatever it interrupted.
	if errors.Is(err, fault.Interrupted) || errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if code, ok := statuses[fault.KindOf(err)]; ok {
		return code
	}
	return exitFailure
}

// report prints err, if there is one, as "ordo: what, where, what to do", and returns the exit status. An error of
// several faults takes a line for each.
func (g *global) report(err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	text := g.explain(err)
	// Nobody is left to tell if this cannot be written; the status still says it.
	g.wipe()
	_, _ = fmt.Fprintf(g.stderr, "%s %s\n", g.painted(red, "ordo:"), strings.ReplaceAll(text, "\n", "\n  "))
	return code
}
