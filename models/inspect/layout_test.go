package inspect

import (
	"math/rand/v2"
	"testing"
)

// TestLayout: whatever the graph, boxes don't overlap, everything is inside of the picture, and a block is below all
// that it takes values of.
func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for trial := range 50 {
		blocks := make([]block, 1+r.IntN(40))
		for i := range blocks {
			for range r.IntN(4) {
				if i > 0 {
					blocks[i].from = append(blocks[i].from, r.IntN(i))
				}
			}
		}
		l := arrange(blocks, func(block) (float64, float64) { return 20 + 100*r.Float64(), 20 + 50*r.Float64() })
		for i := range blocks {
			a := l.places[i]
			if a.x-a.width/2 < 0 || a.x+a.width/2 > l.width || a.y-a.height/2 < 0 || a.y+a.height/2 > l.height {
				t.Fatalf("trial %d: a box is outside of the picture: %+v in %v x %v", trial, a, l.width, l.height)
			}
			for _, f := range blocks[i].from {
				if b := l.places[f]; b.y+b.height/2 > a.y-a.height/2 {
					t.Fatalf("trial %d: block %d is not below block %d", trial, i, f)
				}
			}
			for j := range i {
				b := l.places[j]
				if overlap(a.x, a.width, b.x, b.width) && overlap(a.y, a.height, b.y, b.height) {
					t.Fatalf("trial %d: blocks %d and %d overlap", trial, i, j)
				}
			}
		}
	}
}

func overlap(a, size, b, other float64) bool {
	d := a - b
	if d < 0 {
		d = -d
	}
	return d < (size+other)/2-1e-6
}
