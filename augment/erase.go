package augment

import (
	"math"
	"slices"
)

// RandomErasing fills a random box of the view with the mean, 0 after normalisation (torchvision RandomErasing after
// Normalize, with its default value of 0).
type RandomErasing struct {
	Scale [2]float64 `yaml:"scale"` // area of the box as a share of the view's, uniform; in (0, 1], default [0.02, 0.33]
	Ratio [2]float64 `yaml:"ratio"` // height / width of the box, log-uniform; in (0, 16], default [0.3, 3.3]
	P     float64    `yaml:"p"`     // probability, default 0.5
}

func (*RandomErasing) byDefault() Transformation {
	return Transformation{RandomErasing: &RandomErasing{
		Scale: [2]float64{0.02, 0.33}, Ratio: [2]float64{0.3, 3.3}, P: 0.5,
	}}
}

func (e *RandomErasing) check(path string) []error {
	return slices.Concat(
		checkPair(path+".scale", e.Scale, 1), checkPair(path+".ratio", e.Ratio, 16), checkRange(path+".p", e.P, 0, 1))
}

func (e *RandomErasing) compile(size int) operation {
	erasing, view := *e, frame{width: float64(size), height: float64(size)}
	return operation{
		named: unit("erased_y", "erased_x", "erased_h", "erased_w"), draws: 4,
		draw: func(d []float64, r *rng, _ frame) {
			if !r.chance(erasing.P) {
				return
			}
			if x, y, w, h, ok := erasing.draw(r, size); ok {
				setBox(d, x, y, w, h, view)
			}
		},
		pixels: func(c *canvas, d []float64) {
			if d[2] > 0 {
				c.erase(box(d, view.width, view.height))
			}
		},
	}
}

// draw is torchvision's RandomErasing: up to ten boxes of random area and ratio, the first that is smaller than the
// view both ways is placed uniformly; else there is none.
func (e RandomErasing) draw(r *rng, size int) (x, y, w, h int, ok bool) {
	lo, hi := math.Log(e.Ratio[0]), math.Log(e.Ratio[1])
	for range 10 {
		area := float64(size*size) * r.uniform(e.Scale[0], e.Scale[1])
		ratio := math.Exp(r.uniform(lo, hi))
		h = int(math.RoundToEven(math.Sqrt(area * ratio)))
		w = int(math.RoundToEven(math.Sqrt(area / ratio)))
		if h < size && w < size {
			y = r.intn(size - h + 1)
			return r.intn(size - w + 1), y, w, h, true
		}
	}
	return 0, 0, 0, 0, false
}

func (e *RandomErasing) hides(family string) string {
	return hiding(e.P, family, "a random erased box; remove random_erasing", "erase")
}

// erase fills a box of the view, given in pixels, with the mean. Pixels that the box covers in part are blended.
func (c *canvas) erase(left, top, width, height float64) {
	r, g, b := c.channels()
	for y := max(0, int(top)); y < min(c.height, int(top+height)+1); y++ {
		cy := covered(float64(y), top, top+height)
		for x := max(0, int(left)); x < min(c.width, int(left+width)+1); x++ {
			share := float32(cy * covered(float64(x), left, left+width))
			at := y*c.width + x
			r[at] = between(r[at], c.mean[0], share)
			g[at] = between(g[at], c.mean[1], share)
			b[at] = between(b[at], c.mean[2], share)
		}
	}
}

// covered returns how much of pixel [at, at+1) lies in [from, to).
func covered(at, from, to float64) float64 { return max(0, min(at+1, to)-max(at, from)) }
