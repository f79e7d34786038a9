// Package graphtext writes graphs as text, for tests that hold one against what it should be.
package graphtext
