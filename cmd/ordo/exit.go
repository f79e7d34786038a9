package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"ordo/models"
	"ordo/models/artifacts"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/kernels"
	"ordo/models/ort/library"
	"ordo/models/verify"
	"ordo/models/weights"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/pack"
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
	exitInterrupted = 130 // by SIGINT or SIGTERM
)

// exitCodes says which status an error gives, first match first. The kinds of the packages come before those of the
// operating system: an unreadable image is bad data, whatever made it unreadable.
var exitCodes = []struct {
	kind error
	code int
}{
	{errInterrupted, exitInterrupted},
	{context.Canceled, exitInterrupted},
	{fault.Interrupted, exitInterrupted},
	{fault.Config, exitConfig},
	{config.ErrInvalid, exitConfig},
	{artifacts.ErrOptions, exitConfig},
	{artifacts.ErrNoForward, exitConfig},
	{models.ErrPrecision, exitConfig},
	{data.ErrData, exitData},
	{onnxgraph.ErrModel, exitData},
	{weights.ErrWeights, exitData},
	{artifacts.ErrInvalid, exitData},
	{verify.ErrReference, exitData},
	{fault.Data, exitData},
	{fault.Numeric, exitNumeric},
	{fault.Library, exitLibrary},
	{library.ErrNotFound, exitLibrary},
	{library.ErrNoOneDNN, exitLibrary},
	{library.ErrUnfit, exitLibrary},
	{kernels.ErrLibrary, exitLibrary},
	{ort.ErrLibrary, exitLibrary},
	{ort.ErrNonFinite, exitNumeric},
	{fault.Storage, exitStorage},
	{pack.ErrCache, exitStorage},
	{syscall.ENOSPC, exitStorage},
	{syscall.EDQUOT, exitStorage},
	{syscall.EROFS, exitStorage},
	{fs.ErrPermission, exitStorage},
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	for _, e := range exitCodes {
		if errors.Is(err, e.kind) {
			return e.code
		}
	}
	return exitFailure
}

// reportError prints err, if there is one, as "ordo: what, where, what to do", and returns the exit status. An error of
// several faults takes a line for each after the first.
func reportError(w io.Writer, err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	text := strings.TrimRight(err.Error(), "\n") + advice(err, code)
	// Nobody is left to tell if this cannot be written; the status still says it.
	_, _ = fmt.Fprintf(w, "ordo: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	return code
}

// advice says what to do about an error of the operating system, whose own text only says what happened.
func advice(err error, code int) string {
	switch {
	case code != exitStorage:
		return ""
	case errors.Is(err, fs.ErrPermission):
		return ": change the permissions there or choose another folder"
	case errors.Is(err, syscall.EROFS):
		return ": choose another folder"
	case errors.Is(err, pack.ErrCache) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT):
		return ": set data.cache.dir to another folder, or data.cache.kind to memory"
	default:
		return ": free some space there or choose another folder"
	}
}
