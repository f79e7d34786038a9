// Package survey looks over an image set before anything is trained on it: what it holds ([Take]), and whether all of
// it can be read ([Verify]).
//
// Take reads the headers of the files only, and the content of those that may be duplicates: items whose sizes in bytes
// and in pixels are equal. Items are duplicates of each other when their files are equal byte for byte and, where the
// set has boxes, their boxes too; the same photograph saved twice is none. Items of both splits that are duplicates
// make test results too good.
package survey
