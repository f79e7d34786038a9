package picture

import (
	"image"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestLimit counts the bytes that are held at the same time: never more than there may be, and whoever needs more than
// that is alone.
func TestLimit(t *testing.T) {
	const most = 100
	l := NewLimit(most)
	var held, peak, holders atomic.Int64
	var wg sync.WaitGroup
	for worker := range int64(8) {
		wg.Go(func() {
			for i := range int64(200) {
				bytes := 1 + (worker*31+i*17)%60
				if i%10 == 0 {
					bytes = 5 * most
				}
				l.hold(bytes, func() {
					now, others := held.Add(min(bytes, most)), holders.Add(1)-1
					if now > most || bytes > most && others > 0 {
						t.Errorf("%d bytes are held, by %d others as well", now, others)
					}
					peak.Store(max(peak.Load(), now))
					runtime.Gosched()
					held.Add(-min(bytes, most))
					holders.Add(-1)
				})
			}
		})
	}
	wg.Wait()
	if held.Load() != 0 || peak.Load() != most {
		t.Errorf("%d bytes are still held; there were up to %d of %d", held.Load(), peak.Load(), most)
	}
	if !l.room.TryAcquire(most) {
		t.Error("something was not given back")
	}
}

// TestCost: what the header tells of the memory that a picture takes.
func TestCost(t *testing.T) {
	const pixels = 37 * 26
	for name, each := range map[string]int64{
		"rgb.png": 4 + 3, "rgba.png": 4 + 3, "rgb16.png": 8 + 3, "rgba16.png": 8 + 3, "grey16.png": 2 + 3,
		"palette.png": 4 + 3, "baseline420.jpg": 4 + 3, "progressive420.jpg": 4 + 3 + 12, "grey.jpg": 1 + 3,
		"orientation6.jpg": 4 + 3 + 3, "lossless_alpha.webp": 4 + 3, "grey16.tiff": 2 + 3, "still.gif": 4 + 3,
	} {
		raw := read(t, name)
		_, c, h, err := inspect(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := cost(raw, c, h); got != each*pixels {
			t.Errorf("%s: %d bytes a pixel, want %d", name, got/pixels, each)
		}
	}
}

// TestDecodeHolds: a picture takes its bytes of the limit while it is decoded, a damaged one as well, and gives them
// back.
func TestDecodeHolds(t *testing.T) {
	const most = 1 << 20
	l := NewLimit(most)
	var held []int64
	const png = 1
	original := formats[png].decode
	t.Cleanup(func() { formats[png].decode = original })
	formats[png].decode = func(raw []byte, c image.Config) (still, error) {
		free := int64(0) // all that can be had now
		for l.room.TryAcquire(1) {
			free++
		}
		l.room.Release(free)
		held = append(held, most-free)
		return original(raw, c)
	}
	for _, raw := range [][]byte{read(t, "rgb.png"), read(t, "rgb16.png"), read(t, "rgb.png")[:400]} {
		_, _ = Decode(raw, Options{Limit: l})
	}
	const pixels = 37 * 26
	if want := []int64{7 * pixels, 11 * pixels, 7 * pixels}; !slices.Equal(held, want) {
		t.Errorf("%d bytes were held while decoding, want %d", held, want)
	}
	if !l.room.TryAcquire(most) {
		t.Error("something was not given back")
	}
}
