package limits

/*
#cgo CFLAGS: -O3 -Wall
#include "loops.h"
*/
import "C"

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// Repetitions are shorter than the time for which a system gives a processor to a thread, so that some of them are
// undisturbed where other programs run.
const (
	enough     = 300 * time.Millisecond // for the repetitions of one loop
	repetition = time.Millisecond       // of multiply-adds
	chunk      = 4 << 20 / 4            // numbers of an array that a thread takes in a repetition
)

// MultiplyAdd measures the float32 operations a second that so many threads reach in fused multiply-adds, each of which
// is two. It counts the time for which they have a processor, as they share nothing else with other programs.
func MultiplyAdd(threads int) float64 {
	var widths [3]C.int
	n := int(C.ordo_limits_widths(&widths[0]))
	best := 0.0
	// Wider vectors can come at a lower frequency, so the widest isn't always the fastest.
	for _, bits := range widths[max(0, n-2):n] {
		best = max(best, multiplyAdd(threads, bits))
	}
	return best
}

// HalfMultiplyAdd measures the same for numbers of bfloat16 in matrix units, 0 where the processor has none.
func HalfMultiplyAdd(threads int) float64 {
	if C.ordo_limits_tiles() == 0 {
		return 0
	}
	return multiplyAdd(threads, C.ORDO_LIMITS_TILES)
}

func multiplyAdd(threads int, bits C.int) float64 {
	rounds := C.long(1 << 12)
	for range 3 { // the first ones also bring the processor to its frequency
		began := time.Now()
		C.ordo_limits_multiply_add(bits, rounds)
		rounds = max(1, C.long(float64(rounds)*float64(repetition)/float64(max(time.Since(began), time.Microsecond))))
	}
	rates := make([]float64, threads)
	var sums []float64
	repeat(func() {
		together(threads, func(t int) {
			began := float64(C.ordo_limits_seconds())
			operations := float64(C.ordo_limits_multiply_add(bits, rounds))
			rates[t] = operations / max(float64(C.ordo_limits_seconds())-began, 1e-9)
		})
		sum := 0.0
		for _, rate := range rates {
			sum += rate
		}
		sums = append(sums, sum)
	})
	slices.Sort(sums)
	// not the best: clocks have a grain, and threads that share a core may find themselves alone on it
	return sums[len(sums)*9/10]
}

// The sizes of the arrays of Memory, in bytes.
const (
	minArray = 64 << 20
	maxArray = 256 << 20
)

// Memory measures the bytes a second that so many threads read from and write to memory. It takes three arrays of at
// least 64 MiB each and twice the processor's largest cache, at most 256 MiB or, with very many threads, as much as
// they need.
func Memory(threads int) float64 {
	chunks := min(max(minArray, 2*cpuid.CPU.Cache.L3), maxArray) / 4 / chunk
	chunks = max(chunks/threads, 1) * threads
	n := chunks * chunk
	a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range a { // all of their memory is there before it is measured
		a[i], b[i], c[i] = 1, 2, 3
	}
	// Each repetition goes on where the one before it ended, so that caches hold none of it when it comes round again.
	turn := 0
	best := 0.0
	measure := func(arrays int, do func(from, to int)) {
		repeat(func() {
			first := turn
			turn = (turn + threads) % chunks
			seconds := together(threads, func(t int) { do((first+t)*chunk, (first+t+1)*chunk) })
			best = max(best, float64(arrays*threads*chunk*4)/seconds)
		})
	}
	measure(3, func(from, to int) {
		C.ordo_limits_triad(pointer(a[from:to]), pointer(b[from:to]), pointer(c[from:to]), 2, C.long(to-from))
	})
	// Go's copy of large arrays writes past the caches, which spares the reading of what is overwritten.
	measure(2, func(from, to int) { copy(a[from:to], b[from:to]) })
	return best
}

func pointer(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }

// repeat repeats a measurement.
func repeat(measure func()) {
	for began := time.Now(); time.Since(began) < enough; {
		measure()
	}
}

// together lets threads begin at the same time, and returns the seconds until the last is done.
func together(threads int, do func(thread int)) float64 {
	var ready atomic.Int64
	var done sync.WaitGroup
	begun, ended := make([]time.Time, threads), make([]time.Time, threads)
	for t := range threads {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Add(1)
			for spins := 1; ready.Load() < int64(threads); spins++ {
				if spins%4096 == 0 {
					runtime.Gosched()
				}
			}
			begun[t] = time.Now()
			do(t)
			ended[t] = time.Now()
		})
	}
	done.Wait()
	first, last := slices.MinFunc(begun, time.Time.Compare), slices.MaxFunc(ended, time.Time.Compare)
	return max(last.Sub(first), time.Nanosecond).Seconds()
}
