package config

import "errors"

// ErrInvalid is wrapped by every error about what the user wrote: file, environment or overrides.
var ErrInvalid = errors.New("invalid experiment")
