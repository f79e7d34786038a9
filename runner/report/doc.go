// Package report writes down what a run found, for people.
package report
