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

// reference is testdata/torchvision.json: what torchvision made of two photographs. The values lie in torchvision.bin,
// little-endian float32 or bytes, of every Stride-th pixel R, G, B; the photographs there are RGB bytes.
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
	Op, DType, Input      string
	Width, Height, Offset int
	Params                struct {
		Angle                    float64
		Translate, Shear         [2]float64
		Scale, Factor, Sigma     float64
		Top, Left, Height, Width float64
		KernelSize               int `json:"kernel_size"`
		Mean, Std                [3]float32
		EndPoints                quad
		NoFill                   bool // torchvision did not blend the border with fill=0
		Interpolation            string
		Size                     any // one number or a list
		Crop, Bits, Quality      int
		Threshold                float64
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

// allocate starts a canvas on new memory.
func (c *canvas) allocate(width, height int) { c.start(make([]float32, 3*width*height), width, height) }

// plainCanvas is the image as it is, in [0, 1].
func plainCanvas(img Image) *canvas {
	c := new(canvas)
	c.allocate(img.Width, img.Height)
	var g geometry
	g.start(img)
	new(sampler).sample(c, img, &g)
	return c
}

// bilinearOnly samples without the reduction that comes first where the map minifies.
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
	c.allocate(k.Width, k.Height)
	g.cubic = p.Interpolation == InterpolationBicubic
	switch k.Op {
	case "rotate", "affine", "perspective":
		read := bilinearOnly
		switch k.Op {
		case "rotate":
			g.rotate(p.Angle)
			read = s.sample // a rotation does not minify, so this must sample bilinearly too
		case "affine":
			g.warp(p.Angle, p.Translate[0], p.Translate[1], p.Scale, p.Shear[0], p.Shear[1])
		default:
			g.perspective(g.width-1, g.height-1, p.EndPoints)
			read = s.unreduced
		}
		white := Image{img.Width, img.Height, make([]uint8, len(img.Pix))}
		for i := range white.Pix {
			white.Pix[i] = 255
		}
		inside := new(canvas)
		inside.allocate(k.Width, k.Height)
		read(inside, white, &g)
		read(c, img, &g)
		if p.NoFill {
			return c, nil
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
			square.width, square.height, square.border, square.cubic = g.width, g.height, g.border, g.cubic
			if square != g {
				t.Errorf("geometry.crop made %+v, want %+v", square, g)
			}
		}
		return c, nil
	case "resize":
		g.xx, g.yy = g.width/float64(k.Width), g.height/float64(k.Height)
		s.sample(c, img, &g)
		return c, nil
	case "center_crop":
		g.resize(int(p.Size.([]any)[0].(float64)))
		g.cutCentre(p.Crop)
		s.sample(c, img, &g)
		return c, nil
	case "horizontal_flip", "vertical_flip":
		if k.Op == "horizontal_flip" {
			g.mirror()
		} else {
			g.upend()
		}
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
	case "solarize":
		c.solarize(p.Threshold)
	case "sharpness":
		c.sharpness(p.Factor)
	case "gamma":
		c.gamma(p.Factor)
	case "autocontrast":
		c.autocontrast()
	case "equalize":
		c.equalize()
	case "posterize":
		c.posterize(math.Exp2(float64(8 - p.Bits)))
	case "jpeg":
		c.jpeg(p.Quality)
	case "downscale":
		c.downscale(int(p.Size.(float64)))
	case "erase":
		c.mean = [3]float32{0.5, 0.25, 0.75}
		c.erase(p.Left, p.Top, p.Width, p.Height)
	case "normalize":
		gain := [3]float32{1 / p.Std[0], 1 / p.Std[1], 1 / p.Std[2]}
		kernel.Normalize(c.data, c.planes[0], c.planes[1], c.planes[2], nil, p.Mean, gain, nil)
	default:
		t.Fatalf("no kernel for %s", k.Op)
	}
	c.settle()
	return c, nil
}

// unreduced is remap as it is where a map does not minify.
func (s *sampler) unreduced(c *canvas, img Image, g *geometry) {
	s.remapAt(c, img, g, 1, 1)
}

// rounding is added to a value of our float32 arithmetic, in bytes, before it is rounded down: a whole number must not
// fall below itself.
const rounding = 4e-5

// byteRules say how torchvision makes bytes of what an operation computes, and how far our bytes may be from its.
var byteRules = map[string]struct {
	scale, add float64 // of a value in [0, 1], before it is rounded down
	tolerance  float64
	share      float64 // of the values that may differ by so much
}{
	"brightness":    {255, rounding, 0, 0},
	"grayscale":     {255, rounding, 0, 0},
	"hue":           {255.999, rounding, 1, 0.001}, // float32 rounds differently where a value is nearly whole
	"solarize":      {255, rounding, 0, 0},
	"posterize":     {255, rounding, 0, 0},
	"equalize":      {255, rounding, 0, 0},
	"gamma":         {255.999, 0, 0, 0},
	"autocontrast":  {255, rounding, 1, 0.03}, // torchvision's float32 takes some whole numbers for less
	"contrast":      {255, rounding, 1, 1},    // torchvision rounds the grey first, which counts |1-factor| times
	"saturation":    {255, rounding, 2, 1},    // the same
	"sharpness":     {255, rounding, 2, 1},    // the same with the smoothed view
	"resize":        {255, 0.5, 1, 0.2},
	"resized_crop":  {255, 0.5, 1, 0.25},
	"gaussian_blur": {255, 0.5, 1, 0.001},
	"rotate":        {255, 0.5, 1, 0.001},
	"affine":        {255, 0.5, 1, 0.001},
	"perspective":   {255, 0.5, 1, 0.001},
	"jpeg":          {255, 0.5, 0, 0},
}

func TestKernelsAgreeWithTorchvision(t *testing.T) {
	r := readReference(t)
	worstOf := map[string]float64{}
	for i := range r.Cases {
		k := &r.Cases[i]
		t.Run(fmt.Sprintf("%s/%02d_%s_%s", k.Input, i, k.Op, k.DType), func(t *testing.T) {
			// torchvision computes sampling coordinates in float32, which at 96 pixels moves a sample by up to
			// 1e-5 pixels.
			tolerance := 1e-5
			if k.Op == "perspective" {
				tolerance = 2e-5 // coefficients, too
			}
			if k.DType == "uint8" {
				tolerance = byteRules[k.Op].tolerance
			}
			worst, where, differing, values := 0.0, 0, 0, 0
			k.compare(t, r, func(p int, have, want float64) {
				diff := math.Abs(have - want)
				if !(diff <= worst) {
					worst, where = diff, p
				}
				if diff > 0 {
					differing++
				}
				values++
			})
			if share := float64(differing) / float64(values); k.DType == "uint8" && share > byteRules[k.Op].share {
				t.Errorf("%.2g of the bytes differ, %v may", share, byteRules[k.Op].share)
			}
			if !(worst <= tolerance) {
				t.Errorf("differs by %.2g at (%d, %d), tolerance %.2g", worst, where%k.Width, where/k.Width, tolerance)
			}
			t.Logf("%+v: largest difference %.2g, %d of %d differ", k.Params, worst, differing, values)
			name := k.DType + " " + k.Op
			worstOf[name] = max(worstOf[name], worst)
		})
	}
	t.Logf("largest differences: %v", worstOf)
}

// compare calls f with pixel, our value and torchvision's for all values that the reference has: in [0, 1] for a case
// of float32, else bytes.
func (k *referenceCase) compare(t *testing.T, r *reference, f func(p int, have, want float64)) {
	t.Helper()
	got, weight := k.render(t, r.image(t, k.Input))
	bytes := k.DType == "uint8"
	rule, ok := byteRules[k.Op]
	if bytes && !ok {
		t.Fatalf("no rule for bytes of %s", k.Op)
	}
	offset := k.Offset
	for p := 0; p < k.Width*k.Height; p += r.Stride {
		for ch := range 3 {
			have := got.planes[ch][p]
			if weight != nil {
				have *= weight[p]
			}
			if bytes {
				f(p, math.Floor(rule.scale*float64(clamp01(have))+rule.add), float64(r.data[offset]))
				offset++
				continue
			}
			want := math.Float32frombits(binary.LittleEndian.Uint32(r.data[offset:]))
			offset += 4
			if k.Params.Interpolation == InterpolationBicubic {
				want = clamp01(want) // torchvision leaves what the cubic overshoots
			}
			f(p, float64(have), float64(want))
		}
	}
}

// clamp01 limits a value to [0, 1].
func clamp01(v float32) float32 { return max(0, min(1, v)) }
