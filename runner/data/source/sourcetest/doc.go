// Package sourcetest holds what the tests of readers share: trees of small files, and what every reader promises.
package sourcetest
