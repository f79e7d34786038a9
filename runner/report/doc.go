// Package report writes down, for people, what was found: a run's evaluations and its final table, and what the benches
// measured. Every function makes a text of a result; the JSON forms are the results' own.
package report
