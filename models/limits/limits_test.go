package limits_test

import (
	"fmt"
	"runtime"
	"testing"

	"ordo/models/limits"
)

// The ranges are those of all computers, however busy: a unit that is wrong by a million falls out of them.
func TestLimits(t *testing.T) {
	for threads := 1; threads <= 3; threads++ {
		if got := limits.MultiplyAdd(threads); got < 1e8 || got > 1e15 {
			t.Errorf("%d threads: %v operations a second", threads, got)
		}
	}
	if got := limits.HalfMultiplyAdd(2); got != 0 && got < limits.MultiplyAdd(1) || got > 1e16 {
		t.Errorf("%v operations a second in bfloat16", got)
	}
	if got := limits.Memory(2); got < 1e6 || got > 1e13 {
		t.Errorf("%v bytes a second", got)
	}
}

func Example() {
	operations, bytes := limits.MultiplyAdd(1), limits.Memory(1)
	fmt.Println("operations and bytes in a second:", operations > 0, bytes > 0)
	// Output: operations and bytes in a second: true true
}

func BenchmarkLimits(b *testing.B) {
	for _, threads := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(limits.MultiplyAdd(threads)/1e9, "GFLOP/s")
				b.ReportMetric(limits.Memory(threads)/1e9, "GB/s")
			}
		})
	}
}
