package limits_test

import (
	"fmt"
	"runtime"
	"testing"

	"ordo/models/limits"
)

// The ranges are those of all computers: a unit that is wrong by a thousand falls out of them.
func TestLimits(t *testing.T) {
	for threads := 1; threads <= 3; threads++ {
		if got := limits.MultiplyAdd(threads); got < 1e9 || got > 1e15 {
			t.Errorf("%d threads: %v operations a second", threads, got)
		}
	}
	if got := limits.Memory(2); got < 1e8 || got > 1e13 {
		t.Errorf("%v bytes a second", got)
	}
}

func Example() {
	operations, bytes := limits.MultiplyAdd(1), limits.Memory(1)
	fmt.Println("more operations than bytes in a second:", operations > bytes)
	// Output: more operations than bytes in a second: true
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
