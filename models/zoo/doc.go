// Package zoo holds the built-in backbones, as forward graphs with initial weights made in Go.
package zoo
