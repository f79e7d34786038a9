package augment

import (
	"math"
)

// RandomPerspective moves the frame's corners inwards, bilinear (torchvision RandomPerspective).
type RandomPerspective struct {
	// DistortionScale is the most that a corner moves, as a share of half the side; in [0, 0.95], default 0.5.
	DistortionScale float64 `yaml:"distortion_scale"`
	// P is the probability, default 0.5.
	P float64 `yaml:"p"`
}

func (*RandomPerspective) byDefault() Transformation {
	return Transformation{RandomPerspective: &RandomPerspective{DistortionScale: 0.5, P: 0.5}}
}

func (t *RandomPerspective) check(path string) []error {
	return append(checkRange(path+".distortion_scale", t.DistortionScale, 0, 0.95), checkRange(path+".p", t.P, 0, 1)...)
}

func (t *RandomPerspective) compile(int) operation {
	p := *t
	return operation{
		named: unit("top_left_x", "top_left_y", "top_right_x", "top_right_y",
			"bottom_right_x", "bottom_right_y", "bottom_left_x", "bottom_left_y"), draws: 8,
		draw: func(d []float64, r *rng, f frame) {
			if !r.chance(p.P) {
				return
			}
			// A corner moves by whole pixels, towards the middle; to the right and down is positive.
			boundX, boundY := int(p.DistortionScale*math.Floor(f.width/2))+1, int(p.DistortionScale*math.Floor(f.height/2))+1
			for i := range 4 {
				x, y := float64((i+1)/2%2), float64(i/2)
				d[2*i] = (1 - 2*x) * float64(r.intn(boundX)) / f.width
				d[2*i+1] = (1 - 2*y) * float64(r.intn(boundY)) / f.height
			}
		},
		geometry: func(g *geometry, d []float64) {
			moved := false
			var to quad
			for i := range to {
				x, y := float64((i+1)/2%2), float64(i/2)
				to[i] = [2]float64{x*(g.width-1) + math.Round(d[2*i]*g.width), y*(g.height-1) + math.Round(d[2*i+1]*g.height)}
				moved = moved || d[2*i] != 0 || d[2*i+1] != 0
			}
			if moved {
				g.perspective(g.width-1, g.height-1, to)
			}
		},
	}
}

func (t *RandomPerspective) hides(family string) string {
	return hiding(t.P, family, "a random perspective; remove random_perspective", "perspective")
}
