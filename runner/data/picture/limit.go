package picture

import (
	"context"
	"image"
	"image/color"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// Limit bounds the memory that goroutines take together while they decode. A picture is decoded when there is room for
// what it takes, which its header tells; one that takes more than all there is waits until it is alone.
type Limit struct {
	room *semaphore.Weighted
	most int64
}

// NewLimit makes a limit of so many bytes, at least 1.
func NewLimit(bytes int64) *Limit {
	bytes = max(bytes, 1)
	return &Limit{semaphore.NewWeighted(bytes), bytes}
}

// DefaultLimit makes the limit that image sets have: 512 MiB, and 128 MiB more for each processor, so that photographs
// of 20 million pixels keep all of them busy.
func DefaultLimit() *Limit {
	return NewLimit(512<<20 + 128<<20*int64(runtime.GOMAXPROCS(0)))
}

// large is what a picture takes after which memory is tidied up at once: what it leaves must not lie beside the next.
const large = 256 << 20

// hold calls f when there is room for so many bytes. A nil limit has room for all.
func (l *Limit) hold(bytes int64, f func()) {
	if l == nil {
		f()
		return
	}
	bytes = min(bytes, l.most)
	_ = l.room.Acquire(context.Background(), bytes) // fails where a context ends
	defer l.room.Release(bytes)
	f()
	if bytes >= large {
		runtime.GC()
	}
}

// cost is how many bytes decoding takes at most: what the decoder makes, the RGB that is made of it, and a copy where
// it is turned.
func cost(raw []byte, c image.Config, h Header) int64 {
	const rgb, coefficients = 3, 12
	each := int64(4 + rgb)
	switch c.ColorModel {
	case color.GrayModel:
		each = 1 + rgb
	case color.Gray16Model:
		each = 2 + rgb
	case color.RGBA64Model, color.NRGBA64Model:
		each = 8 + rgb
	}
	if h.Orientation > 1 {
		each += rgb
	}
	if h.Format == "JPEG" && jpegSegment(raw, markerSOF2, "") != nil { // progressive: all scans, before the first pixel
		each += coefficients
	}
	return each * int64(c.Width) * int64(c.Height)
}
