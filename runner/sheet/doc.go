// Package sheet draws sheets of pictures with texts, and writes them as PNG.
//
// A sheet has a title, a line of small text, and groups. A group has a heading and rows; a row has a text at its left
// and cells; a cell is a picture with a text below it. All cells of a sheet are squares of one size; a picture is
// enlarged by a whole factor, each pixel a square, or reduced smoothly, and lies in the middle of its cell. Texts that
// are too long for their place end in an ellipsis.
//
// The same sheet is the same bytes. A file appears whole or not at all.
package sheet
