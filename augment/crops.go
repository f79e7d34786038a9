package augment

import (
	"fmt"
	"math"
	"slices"
)

// Interpolation values: the filter of a resize, Pillow's in both cases. A map that turns or bends is bilinear.
const (
	InterpolationBilinear = "bilinear"
	InterpolationBicubic  = "bicubic"
)

func checkInterpolation(path, name string) []error {
	switch name {
	case "", InterpolationBilinear, InterpolationBicubic:
		return nil
	}
	return []error{fmt.Errorf("%s.interpolation: must be one of bilinear, bicubic, got %q", path, name)}
}

// RandomResizedCrop cuts a random box out of the image and resizes it, antialiased, to the view (torchvision
// RandomResizedCrop). The filter sees nothing outside the box.
type RandomResizedCrop struct {
	// Scale is the area of the box as a share of the image's, uniform; in (0, 1], default [0.08, 1].
	Scale [2]float64 `yaml:"scale"`
	// Ratio is the width of the box over its height, log-uniform; in (0, 16], default [3/4, 4/3].
	Ratio         [2]float64 `yaml:"ratio"`
	Interpolation string     `yaml:"interpolation,omitempty"` // filter of the resize: bilinear, the default, or bicubic
}

func (*RandomResizedCrop) byDefault() Transformation {
	return Transformation{RandomResizedCrop: &RandomResizedCrop{
		Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3},
	}}
}

func (c *RandomResizedCrop) check(path string) []error {
	return slices.Concat(
		checkPair(path+".scale", c.Scale, 1), checkPair(path+".ratio", c.Ratio, 16),
		checkInterpolation(path, c.Interpolation))
}

func (c *RandomResizedCrop) compile(size int) operation {
	crop := *c
	cubic := c.Interpolation == InterpolationBicubic
	return operation{
		frames: true, named: unit("crop_y", "crop_x", "crop_h", "crop_w"), draws: 4,
		draw: func(d []float64, r *rng, f frame) {
			drawn := crop
			if f.local {
				drawn.Scale = f.localScale
			}
			x, y, w, h := drawn.draw(r, int(f.width), int(f.height))
			setBox(d, x, y, w, h, f)
		},
		neutral: func(d []float64, f frame) {
			side := min(f.width, f.height)
			d[0], d[1], d[2], d[3] = 0.5, 0.5, side/f.height, side/f.width
		},
		geometry: func(g *geometry, d []float64) {
			x, y, w, h := box(d, g.width, g.height)
			g.crop(x, y, w, h, size)
			g.cubic = cubic
		},
	}
}

// draw is torchvision's RandomResizedCrop.get_params: up to ten boxes of random area and ratio, the first that fits
// is placed uniformly; else the largest centred box whose ratio is within the bounds.
func (c RandomResizedCrop) draw(r *rng, width, height int) (x, y, w, h int) {
	lo, hi := math.Log(c.Ratio[0]), math.Log(c.Ratio[1])
	for range 10 {
		area := float64(width*height) * r.uniform(c.Scale[0], c.Scale[1])
		ratio := math.Exp(r.uniform(lo, hi))
		w = int(math.RoundToEven(math.Sqrt(area * ratio)))
		h = int(math.RoundToEven(math.Sqrt(area / ratio)))
		if w > 0 && w <= width && h > 0 && h <= height {
			y = r.intn(height - h + 1)
			return r.intn(width - w + 1), y, w, h
		}
	}
	w, h = width, height
	if ratio := float64(width) / float64(height); ratio < c.Ratio[0] {
		h = max(1, int(math.RoundToEven(float64(w)/c.Ratio[0])))
	} else if ratio > c.Ratio[1] {
		w = max(1, int(math.RoundToEven(float64(h)*c.Ratio[1])))
	}
	return (width - w) / 2, (height - h) / 2, w, h
}

func (c *RandomResizedCrop) hides(family string) string {
	switch family {
	case "zoom", "crop":
		if c.Scale[0] < c.Scale[1] {
			return "a random size; set random_resized_crop.scale to one value"
		}
	case "translate", "translate_x", "translate_y":
		if c.Scale[0] < 1 {
			return "a random place; remove random_resized_crop"
		}
	}
	return ""
}

// Resize scales the image so that its short side has Size pixels (torchvision Resize with one number); center_crop
// follows it. Resampling is done once, with all other geometry.
type Resize struct {
	// Size is the short side in pixels, in [8, 2048]; 0, the default: the view's size.
	Size          int    `yaml:"size"`
	Interpolation string `yaml:"interpolation,omitempty"` // filter of the resize: bilinear, the default, or bicubic
}

func (*Resize) byDefault() Transformation {
	return Transformation{Resize: &Resize{}}
}

func (z *Resize) check(path string) []error {
	return append(checkSize(path+".size", z.Size), checkInterpolation(path, z.Interpolation)...)
}

func (z *Resize) compile(size int) operation {
	if z.Size != 0 {
		size = z.Size
	}
	cubic := z.Interpolation == InterpolationBicubic
	return operation{frames: true, geometry: func(g *geometry, _ []float64) {
		g.resize(size)
		g.cubic = cubic
	}}
}

func (*Resize) hides(string) string { return "" }

// CenterCrop cuts the square of Size pixels in the middle out (torchvision CenterCrop). What it needs beyond the image
// is mirrored, in torchvision 0.
type CenterCrop struct {
	Size int `yaml:"size"` // side of the square in pixels, in [8, 2048]; 0, the default: the view's size
}

func (*CenterCrop) byDefault() Transformation {
	return Transformation{CenterCrop: &CenterCrop{}}
}

func (c *CenterCrop) check(path string) []error { return checkSize(path+".size", c.Size) }

func (c *CenterCrop) compile(size int) operation {
	if c.Size != 0 {
		size = c.Size
	}
	return operation{frames: true, geometry: func(g *geometry, _ []float64) { g.cutCentre(size) }}
}

func (*CenterCrop) hides(string) string { return "" }
