package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Kind says what is at fault. It is an error itself, so that errors.Is(err, fault.Data) asks for the kind.
type Kind string

// The kinds. An error without one is Other.
const (
	Other       Kind = ""
	Config      Kind = "bad settings"                // the experiment, a key of it, an option
	Data        Kind = "bad input data"              // images, tables, graphs, weights that were given
	Library     Kind = "unfit library"               // ONNX Runtime, oneDNN or CUDA is missing or can't be used
	Storage     Kind = "storage failed"              // no space, no permission, a folder that isn't there
	Numeric     Kind = "numbers that are not finite" // of a loss, a gradient or an output
	Collapse    Kind = "a collapsed training"        // outputs tell images apart no more, and the run is to stop then
	Interrupted Kind = "interrupted"                 // by the user, with all that is needed to go on
)

// Error gives the kind's name.
func (k Kind) Error() string { return string(k) }

// Error is a fault that a user can mend.
type Error struct {
	Kind Kind
	// Do says what to do; "": the text says it, or a hint does.
	Do string
	// Hint is what to do in the terms of whoever calls ordo; nil: nothing.
	Hint Hint

	what error // what happened and where
}

// New makes a fault. The text is a sentence without a full stop that says what is wrong and where; %w keeps a cause.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, what: fmt.Errorf(format, args...)}
}

// Wrap gives an error a kind and leaves its text as it is. An error that has a kind already keeps it, and nil stays
// nil.
func Wrap(k Kind, err error) error {
	if err == nil || KindOf(err) != Other {
		return err
	}
	return &Error{Kind: k, what: err}
}

// Advise says what to do, as a clause that may stand behind a colon.
func (e *Error) Advise(format string, args ...any) *Error {
	e.Do = fmt.Sprintf(format, args...)
	return e
}

// With adds a hint.
func (e *Error) With(h Hint) *Error {
	e.Hint = h
	return e
}

// Error is the sentence: what, where, what to do.
func (e *Error) Error() string {
	if e.Do == "" {
		return e.what.Error()
	}
	return e.what.Error() + ": " + e.Do
}

// Unwrap gives what New was told to keep.
func (e *Error) Unwrap() error { return e.what }

// Is says whether the target is the fault's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k != Other && k == e.Kind
}

// system is what the operating system's errors are where no package gave them a kind.
var system = []struct {
	err  error
	kind Kind
}{
	{context.Canceled, Interrupted},
	{syscall.ENOSPC, Storage},
	{syscall.EDQUOT, Storage},
	{syscall.EROFS, Storage},
	{fs.ErrPermission, Storage},
}

// KindOf gives an error's kind: that of the outermost fault that has one, or what the operating system's error is by
// itself, or Other.
func KindOf(err error) Kind {
	var found Kind
	walk(err, func(e error) bool {
		f, ok := e.(*Error) //nolint:errorlint // walk unwraps
		if ok {
			found = f.Kind
		} else if k, ok := e.(Kind); ok { //nolint:errorlint // walk unwraps
			found = k
		}
		return found != Other
	})
	if found != Other {
		return found
	}
	for _, s := range system {
		if errors.Is(err, s.err) {
			return s.kind
		}
	}
	return Other
}

// Hints gives the hints of all faults in an error, outermost first.
func Hints(err error) []Hint {
	var list []Hint
	walk(err, func(e error) bool {
		if f, ok := e.(*Error); ok && f.Hint != nil { //nolint:errorlint // walk unwraps
			list = append(list, f.Hint)
		}
		return false
	})
	return list
}

// walk goes through an error and all that it wraps, outermost first, until visit says that it has seen enough.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is what unwraps
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if walk(inner, visit) {
				return true
			}
		}
	}
	return false
}
