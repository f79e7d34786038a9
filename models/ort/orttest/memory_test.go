package orttest

import (
	"math"
	"testing"
)

// page is a block that something keeps.
type page struct {
	next *page
	_    [4000]byte
}

// TestRise leaks on purpose, and keeps one large block from some call on, which is no leak. Like NoLeak, it gives the
// caches of the runtime and of malloc several attempts.
func TestRise(t *testing.T) {
	var kept *page
	var large []byte
	for _, c := range []struct {
		name string
		call func()
		want float64
	}{
		{"nothing", func() {}, 0},
		{"a page a call", func() { kept = &page{next: kept} }, 4096},
		{"a block kept for good", func() { large = append(large, make([]byte, 1<<20-len(large))...) }, 0},
	} {
		var rises []float64
		for range attempts {
			rises = append(rises, rise(c.call))
			if math.Abs(rises[len(rises)-1]-c.want) <= allowed/2 {
				break
			}
		}
		if math.Abs(rises[len(rises)-1]-c.want) > allowed/2 {
			t.Errorf("%s: bytes a call, in %d attempts: %.0f, want %.0f", c.name, attempts, rises, c.want)
		}
	}
	if kept == nil || len(large) == 0 {
		t.Error("nothing was kept")
	}
}

func TestNoLeak(t *testing.T) {
	for name, leak := range map[string]bool{"no leak": false, "a leak": true} {
		fake := &recorder{TB: t}
		var kept *page
		NoLeak(fake, func() {
			if leak {
				kept = &page{next: kept}
			}
		})
		if fake.failed != leak || leak != (kept != nil) {
			t.Errorf("%s: failed %v", name, fake.failed)
		}
	}
}

// recorder notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
