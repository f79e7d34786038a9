package augment

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"ordo/augment/kernel"
)

// reference is testdata/torchvision.json: what torchvision made of two photographs. The values lie in
// torchvision.bin, little-endian float32, of every Stride-th pixel R, G, B; the photographs there are RGB bytes.
type reference struct {
	Stride int
	Inputs []struct {
		Name                  string
		Width, Height, Offset int
	}
	Cases []referenceCase
	data  []byte
}

type referenceCase struct {
	Op, Input             string
	Width, Height, Offset int
	Params                struct {
		Angle                    float64
		Translate, Shear         [2]float64
		Scale, Factor, Sigma     float64
		Top, Left, Height, Width float64
		KernelSize               int `json:"kernel_size"`
		Mean, Std                [3]float32
	}
}

func readReference(t *testing.T) *reference {
	t.Helper()
	text, err := os.ReadFile("testdata/torchvision.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.data, err = os.ReadFile("testdata/torchvision.bin"); err != nil {
		t.Fatal(err)
	}
	return &r
}

func (r *reference) image(t *testing.T, name string) Image {
	t.Helper()
	for _, in := range r.Inputs {
		if in.Name == name {
			return Image{in.Width, in.Height, r.data[in.Offset:][:3*in.Width*in.Height]}
		}
	}
	t.Fatalf("no input %q", name)
	return Image{}
}

// plainCanvas is the image as it is, in [0, 1].
func plainCanvas(img Image) *canvas {
	c := new(canvas)
	c.resize(img.Width, img.Height)
	var g geometry
	g.start(img)
	new(sampler).sample(c, img, &g)
	return c
}

// bilinearOnly samples without the reduction that sample puts before it where the map minifies.
func bilinearOnly(c *canvas, img Image, g *geometry) {
	const margin = 200
	var s sampler
	r := &s.grid
	r.Resize(img.Width+2*margin, img.Height+2*margin)
	s.columns.Build(kernel.Bilinear, r.Width, -margin, 1, false, 0, 0)
	s.rows.Build(kernel.Bilinear, r.Height, -margin, 1, false, 0, 0)
	s.resize(r, img, g.border)
	m := *g
	m.x0 += (g.xx+g.xy)/2 - 0.5 + margin
	m.y0 += (g.yx+g.yy)/2 - 0.5 + margin
	c.warp(r, &m)
}

// render computes a case with our kernels. The weight is 1, but for the cases with fill=0: torchvision blends
// those with the fill by the weight that fell inside the image, although the taps outside already counted as zero,
// so its border pixels are attenuated twice; weight is that second attenuation.
func (k *referenceCase) render(t *testing.T, img Image) (c *canvas, weight []float32) {
	t.Helper()
	var s sampler
	var g geometry
	g.start(img)
	g.border = borderZero
	p := k.Params
	c = new(canvas)
	c.resize(k.Width, k.Height)
	switch k.Op {
	case "rotate", "affine":
		if k.Op == "rotate" {
			g.rotate(p.Angle)
		} else {
			g.warp(p.Angle, p.Translate[0], p.Translate[1], p.Scale, p.Shear[0], p.Shear[1])
		}
		white := Image{img.Width, img.Height, make([]uint8, len(img.Pix))}
		for i := range white.Pix {
			white.Pix[i] = 255
		}
		inside := new(canvas)
		inside.resize(k.Width, k.Height)
		bilinearOnly(inside, white, &g)
		if k.Op == "rotate" {
			s.sample(c, img, &g) // a rotation does not minify, so this must sample bilinearly too
		} else {
			bilinearOnly(c, img, &g)
		}
		return c, inside.planes[0]
	case "resized_crop":
		g.xx, g.yy = p.Width/float64(k.Width), p.Height/float64(k.Height)
		g.x0, g.y0 = p.Left, p.Top
		g.left, g.right = int(p.Left), int(p.Left+p.Width)
		g.top, g.bottom = int(p.Top), int(p.Top+p.Height)
		s.sample(c, img, &g)
		if k.Width == k.Height { // the same as Render composes it
			var square geometry
			square.start(img)
			square.crop(p.Left, p.Top, p.Width, p.Height, k.Width)
			square.width, square.height, square.border = g.width, g.height, g.border
			if square != g {
				t.Errorf("geometry.crop made %+v, want %+v", square, g)
			}
		}
		return c, nil
	case "resize":
		g.xx, g.yy = g.width/float64(k.Width), g.height/float64(k.Height)
		s.sample(c, img, &g)
		return c, nil
	case "horizontal_flip":
		g.mirror()
		s.sample(c, img, &g)
		return c, nil
	}
	c = plainCanvas(img)
	switch k.Op {
	case "brightness":
		c.brightness(p.Factor)
	case "contrast":
		c.contrast(p.Factor)
	case "saturation":
		c.saturation(p.Factor)
	case "hue":
		c.hue(p.Factor)
	case "grayscale":
		c.grayscale()
	case "gaussian_blur":
		c.gaussianBlur(p.KernelSize/2, p.Sigma)
	case "normalize":
		gain := [3]float32{1 / p.Std[0], 1 / p.Std[1], 1 / p.Std[2]}
		kernel.Normalize(c.data[:3*len(c.planes[0])], c.planes[0], c.planes[1], c.planes[2], nil, p.Mean, gain, nil)
	default:
		t.Fatalf("no kernel for %s", k.Op)
	}
	c.settle()
	return c, nil
}

func TestKernelsAgreeWithTorchvision(t *testing.T) {
	r := readReference(t)
	for i := range r.Cases {
		k := &r.Cases[i]
		t.Run(fmt.Sprintf("%s/%02d_%s", k.Input, i, k.Op), func(t *testing.T) {
			// torchvision computes sampling coordinates in float32, which at 96 pixels moves a sample by up to
			// 1e-5 pixels.
			tolerance := 1e-5
			got, weight := k.render(t, r.image(t, k.Input))
			worst, where := 0.0, 0
			offset := k.Offset
			for p := 0; p < k.Width*k.Height; p += r.Stride {
				for ch := range 3 {
					want := math.Float32frombits(binary.LittleEndian.Uint32(r.data[offset:]))
					offset += 4
					have := got.planes[ch][p]
					if weight != nil {
						have *= weight[p]
					}
					if diff := math.Abs(float64(have - want)); !(diff <= worst) {
						worst, where = diff, p
					}
				}
			}
			if !(worst <= tolerance) {
				t.Errorf("differs by %.2g at (%d, %d), tolerance %.2g", worst, where%k.Width, where/k.Width, tolerance)
			}
			t.Logf("%+v: largest difference %.2g", k.Params, worst)
		})
	}
}
