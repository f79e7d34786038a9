// Package golden compares what tests make with files that the project keeps, and writes those anew with
// `go test PACKAGE -update`.
package golden
