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

const (
	enough     = 300 * time.Millisecond // for the repetitions of one loop
	repetition = 4 * time.Millisecond   // of multiply-adds
)

// MultiplyAdd measures the float32 operations a second that so many threads reach in fused multiply-adds, each of which is two.
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

func multiplyAdd(threads int, bits C.int) float64 {
	rounds := C.long(1 << 12)
	for range 3 { // the first ones also bring the processor to its frequency
		began := time.Now()
		C.ordo_limits_multiply_add(bits, rounds)
		rounds = max(1, C.long(float64(rounds)*float64(repetition)/float64(max(time.Since(began), time.Microsecond))))
	}
	operations := make([]float64, threads)
	return best(func() float64 {
		seconds := together(threads, func(t int) { operations[t] = float64(C.ordo_limits_multiply_add(bits, rounds)) })
		return operations[0] * float64(threads) / seconds
	})
}

// The sizes of the arrays of Memory, in bytes.
const (
	minArray = 64 << 20
	maxArray = 256 << 20
)

// Memory measures the bytes a second that so many threads read from and write to memory. It takes three arrays of at least 64 MiB each and
// twice the processor's largest cache, at most 256 MiB.
func Memory(threads int) float64 {
	n := min(max(minArray, 2*cpuid.CPU.Cache.L3), maxArray) / 4
	a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
	part := func(t int) (from, to int) { return n * t / threads, n * (t + 1) / threads }
	together(threads, func(t int) { // each thread takes the memory that it works with
		from, to := part(t)
		for i := from; i < to; i++ {
			a[i], b[i], c[i] = 1, 2, 3
		}
	})
	bytes := float64(4 * n)
	triad := best(func() float64 {
		return 3 * bytes / together(threads, func(t int) {
			from, to := part(t)
			C.ordo_limits_triad(pointer(a[from:to]), pointer(b[from:to]), pointer(c[from:to]), 2, C.long(to-from))
		})
	})
	// Go's copy of large arrays writes past the caches, which spares the reading of what is overwritten.
	copied := best(func() float64 {
		return 2 * bytes / together(threads, func(t int) {
			from, to := part(t)
			copy(a[from:to], b[from:to])
		})
	})
	return max(triad, copied)
}

func pointer(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }

// best repeats a measurement and returns its largest result.
func best(measure func() float64) float64 {
	most := 0.0
	for began := time.Now(); time.Since(began) < enough; {
		most = max(most, measure())
	}
	return most
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
			for ready.Add(1); ready.Load() < int64(threads); {
				runtime.Gosched()
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
