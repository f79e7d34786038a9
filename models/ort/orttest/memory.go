package orttest

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "memory.h"
*/
import "C"

import (
	"runtime"
	"slices"
	"testing"
)

const (
	warmUp   = 20  // calls until caches are full: oneDNN's of primitives, malloc's of each thread
	measured = 100 // calls over which memory may not rise
	allowed  = 200 // bytes a call: below is what the caches of malloc still take in
	attempts = 5   // a leak rises in each of them, a cache is full at some time
)

// NoLeak calls a function a hundred times and more, and fails the test if each call leaves memory behind: blocks of C's
// allocator or of Go's heap. What it measures is what was allocated and not freed, not the process's resident memory,
// which rises and falls with the machine's load. It skips the test where C's allocator doesn't count.
func NoLeak(t testing.TB, call func()) {
	t.Helper()
	if !counts() {
		t.Skip("the C library doesn't tell how much memory is in use")
	}
	// Each thread has a cache of its own in malloc, and what lies there counts as in use.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range warmUp {
		call()
	}
	var rises []float64
	for range attempts {
		rise := rise(call)
		if rise < allowed {
			return
		}
		rises = append(rises, rise)
	}
	t.Errorf("each call leaves memory behind: bytes a call, in %d attempts of %d calls: %.0f", attempts, measured, rises)
}

// rise is by how many bytes memory in use rises with each call: the median of the slopes between all pairs of
// measurements (Theil 1950, Sen 1968), to which single jumps mean nothing.
func rise(call func()) float64 {
	var used [measured]float64
	for i := range used {
		call()
		used[i] = float64(inUse())
	}
	var slopes []float64
	for i := range used {
		for j := range i {
			slopes = append(slopes, (used[i]-used[j])/float64(i-j))
		}
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2]
}

// inUse is the memory in use, in bytes, of C's allocator and of Go's.
func inUse() uint64 {
	runtime.GC()
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	return uint64(C.ordo_memory_in_use()) + heap.HeapAlloc
}

// counts says whether C's allocator counts: not all do, and another one may have been loaded in the place of C's.
func counts() bool {
	const size = 1 << 20
	before := C.ordo_memory_in_use()
	block := C.malloc(size)
	defer C.free(block)
	return before > 0 && C.ordo_memory_in_use() >= before+size
}
