package install

import "fmt"

// fault is an ErrUnfit whose message is a sentence of its own, with the cause, if there is one, still to be found by
// errors.Is (an exit code may depend on it: a full disk, a cancelled context).
type fault struct {
	message string
	cause   error
}

func (f *fault) Error() string { return f.message }

func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{ErrUnfit}
	}
	return []error{ErrUnfit, f.cause}
}

func unfit(cause error, format string, args ...any) error {
	return &fault{message: fmt.Sprintf(format, args...), cause: cause}
}
