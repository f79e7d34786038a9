package augment

import (
	"fmt"
	"math"
	"slices"

	"ordo/augment/kernel"
)

// GaussianBlur blurs the view (torchvision GaussianBlur inside RandomApply(p)). The kernel is a sampled Gaussian;
// Pillow's ImageFilter.GaussianBlur, which several published recipes use, is made of box filters and differs.
type GaussianBlur struct {
	// KernelSize is side in pixels of the view, odd; 0, the default: a tenth of its side, at least 3.
	KernelSize int        `yaml:"kernel_size"`
	Sigma      [2]float64 `yaml:"sigma"` // standard deviation in pixels of the view, uniform; default [0.1, 2]
	P          float64    `yaml:"p"`     // probability, default 0.5
}

func (*GaussianBlur) byDefault() Transformation {
	return Transformation{GaussianBlur: &GaussianBlur{Sigma: [2]float64{0.1, 2}, P: 0.5}}
}

func (b *GaussianBlur) check(path string) []error {
	faults := slices.Concat(checkPair(path+".sigma", b.Sigma, 64), checkRange(path+".p", b.P, 0, 1))
	if b.KernelSize != 0 && (b.KernelSize < 1 || b.KernelSize%2 == 0) {
		faults = append(faults, fmt.Errorf("%s.kernel_size: must be odd and positive, or 0 for a tenth of the image, got %d",
			path, b.KernelSize))
	}
	return faults
}

func (b *GaussianBlur) compile(size int) operation {
	blur, radius := *b, b.kernelSize(size)/2
	low := 0.0 // of a view without it
	if b.P >= 1 {
		low = b.Sigma[0]
	}
	return operation{
		named: []namedDraw{{"sigma", blur.Sigma[1] - low}}, draws: 1,
		draw: func(d []float64, r *rng, _ frame) {
			if r.chance(blur.P) {
				d[0] = r.uniform(blur.Sigma[0], blur.Sigma[1])
			}
		},
		pixels: func(c *canvas, d []float64) {
			if d[0] > 0 {
				c.gaussianBlur(radius, d[0])
			}
		},
	}
}

func (b *GaussianBlur) fit(path string, size int) error {
	if b.kernelSize(size)/2 < size {
		return nil
	}
	return fmt.Errorf("%s.kernel_size: half of %d does not fit the image size %d", path, b.KernelSize, size)
}

// kernelSize is the blur's kernel on views of size pixels: KernelSize, or for 0 the odd number next to a tenth.
func (b GaussianBlur) kernelSize(size int) int {
	if b.KernelSize != 0 {
		return b.KernelSize
	}
	return max(3, size/20*2+1)
}

func (b *GaussianBlur) hides(family string) string {
	return hiding(b.P, family, "a random blur; remove gaussian_blur", "blur", "sharpness", "downscale")
}

// gaussianBlur convolves with a Gaussian of standard deviation sigma pixels, sampled at the integers in
// [-radius, radius] and normalised to sum 1; at the border the view is mirrored without repeating the edge
// (torchvision gaussian_blur with kernel size 2*radius+1). A radius that does not fit the view is cut, and so is
// what lies beyond 6 sigma: weights under 2e-8, less than a float32 in [0, 1] resolves.
func (c *canvas) gaussianBlur(radius int, sigma float64) {
	radius = min(radius, int(math.Ceil(6*sigma)), c.width-1, c.height-1)
	if radius < 1 || !(sigma*sigma > 0) {
		return
	}
	c.kernel = grow(c.kernel, radius+1)
	sum := 0.0
	for pass := range 2 { // first the sum, then the weights
		for k := range c.kernel {
			w := math.Exp(-0.5 * float64(k*k) / (sigma * sigma))
			switch {
			case pass == 1:
				c.kernel[k] = float32(w / sum)
			case k == 0:
				sum = w
			default:
				sum += 2 * w
			}
		}
	}
	c.settle()
	for i := range c.planes {
		c.blurRows(c.spare, c.planes[i])
		c.blurColumns(c.planes[i], c.spare)
	}
}

// mirrored returns the pixel of n that stands at place k, at most n-1 outside: 1 for -1, n-2 for n.
func mirrored(k, n int) int {
	if k < 0 {
		return -k
	}
	if k >= n {
		return 2*(n-1) - k
	}
	return k
}

func (c *canvas) blurRows(dst, src []float32) {
	radius, width := len(c.kernel)-1, c.width
	c.line = grow(c.line, width+2*radius)
	c.above, c.below = grow(c.above, radius), grow(c.below, radius)
	for k := range radius {
		c.above[k], c.below[k] = radius-1-k, radius+1+k
	}
	for y := range c.height {
		row := src[y*width : (y+1)*width]
		copy(c.line[radius:], row)
		for k := 1; k <= radius; k++ {
			c.line[radius-k] = row[k]
			c.line[radius+width-1+k] = row[width-1-k]
		}
		kernel.Symmetric(dst[y*width:(y+1)*width], c.line, c.kernel, radius, c.above, c.below)
	}
}

func (c *canvas) blurColumns(dst, src []float32) {
	width, height := c.width, c.height
	for y := range height {
		for k := range c.above {
			c.above[k] = width * mirrored(y-1-k, height)
			c.below[k] = width * mirrored(y+1+k, height)
		}
		kernel.Symmetric(dst[y*width:(y+1)*width], src, c.kernel, y*width, c.above, c.below)
	}
}
