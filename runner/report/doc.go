// Package report writes down, for people, what was found: a run's evaluations and its final table, what the benches
// measured, what an image set holds, and what a network is made of. Every function makes a text of a result; the JSON
// forms are the results' own.
package report
