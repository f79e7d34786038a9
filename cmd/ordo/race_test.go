//go:build race

package main

// raced says that the race detector looks on, which makes each process of ordo some seconds slower.
const raced = true
