// Package script talks with a program that measures other libraries beside ordo: a request is a line of JSON on its
// standard input, the answer a line on its standard output, and it ends where its input does.
//
// Where there is no such program, or it lacks what it needs, there is nothing to compare with: [ErrNoComparison].
package script
