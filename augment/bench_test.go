package augment

import (
	"fmt"
	"math"
	"testing"
)

// texture is an image with detail at all scales, of any size.
func texture(width, height int) Image {
	img := Image{width, height, make([]uint8, 3*width*height)}
	for i := range img.Pix {
		x, y, c := float64(i/3%width)/float64(width), float64(i/3/width)/float64(height), float64(i%3)
		v := math.Sin(7*x+c)*math.Cos(5*y-c) + 0.5*math.Sin(31*x*y+2*c) + 0.3*math.Sin(90*x-70*y)
		img.Pix[i] = uint8(255 * min(1, max(0, 0.5+0.28*v)))
	}
	return img
}

// simclr is the augmentation of SimCLR (Chen et al. 2020, strength 1/2), with the families as ordered views.
func simclr(families ...string) Options {
	o := DefaultOptions()
	for _, name := range []string{"random_resized_crop", "horizontal_flip", "color_jitter", "grayscale", "gaussian_blur"} {
		s, err := DefaultStep(name)
		if err != nil {
			panic(err)
		}
		if s.Grayscale != nil {
			s.Grayscale.P = 0.2
		}
		o.Invariant = append(o.Invariant, s)
	}
	for _, name := range families {
		f, err := DefaultFamily(name)
		if err != nil {
			panic(err)
		}
		o.Ordered = append(o.Ordered, f)
	}
	return o
}

func BenchmarkKernel(b *testing.B) {
	kernels := []struct {
		name string
		run  func(c *canvas)
	}{
		{"brightness", func(c *canvas) { c.brightness(1.1) }},
		{"contrast", func(c *canvas) { c.contrast(0.9) }},
		{"saturation", func(c *canvas) { c.saturation(0.9) }},
		{"hue", func(c *canvas) { c.hue(0.1) }},
		{"grayscale", func(c *canvas) { c.grayscale() }},
		{"blur3", func(c *canvas) { c.gaussianBlur(1, 1) }},
		{"blur23", func(c *canvas) { c.gaussianBlur(11, 1) }},
	}
	for _, size := range []int{32, 224} {
		img := texture(size, size)
		for _, k := range kernels {
			b.Run(fmt.Sprintf("%s/%d", k.name, size), func(b *testing.B) {
				c, fresh := plainCanvas(img), plainCanvas(img)
				k.run(c)
				for b.Loop() {
					copy(c.data, fresh.data)
					k.run(c)
				}
				report(b)
			})
		}
	}
}

func BenchmarkGeometry(b *testing.B) {
	maps := []struct {
		name string
		set  func(g *geometry, size int)
	}{
		{"resized_crop", func(g *geometry, size int) {
			w, h := g.width, g.height
			g.crop(math.Floor(w/5), math.Floor(h/5), math.Floor(w/2), math.Floor(h/2), size)
		}},
		{"whole_image", func(g *geometry, size int) { g.centreCrop(size) }},
		{"rotate", func(g *geometry, size int) { g.centreCrop(size); g.rotate(30) }},
		{"zoom", func(g *geometry, size int) { g.centreCrop(size); g.zoom(1.4) }},
	}
	for _, size := range [][3]int{{32, 32, 32}, {96, 64, 32}, {224, 224, 224}, {500, 375, 224}} {
		img := texture(size[0], size[1])
		for _, m := range maps {
			b.Run(fmt.Sprintf("%s/%dx%d_to_%d", m.name, size[0], size[1], size[2]), func(b *testing.B) {
				c, s := new(canvas), new(sampler)
				c.resize(size[2], size[2])
				for b.Loop() {
					var g geometry
					g.start(img)
					m.set(&g, size[2])
					s.sample(c, img, &g)
				}
				report(b)
			})
		}
	}
}

// BenchmarkView renders whole views: two of SimCLR's, and those with a rotation of level 1 to 3.
func BenchmarkView(b *testing.B) {
	for _, size := range [][3]int{{32, 32, 32}, {96, 80, 32}, {256, 256, 224}, {500, 375, 224}} {
		img := texture(size[0], size[1])
		p, err := NewPlan(simclr("rotate"), size[2])
		if err != nil {
			b.Fatal(err)
		}
		for _, kind := range []struct {
			name  string
			first int
			n     int
		}{{"simclr", 0, 2}, {"simclr_rotated", 2, 3}} {
			b.Run(fmt.Sprintf("%s/%dx%d_to_%d", kind.name, size[0], size[1], size[2]), func(b *testing.B) {
				var s Scratch
				dst := make([]float32, 3*size[2]*size[2])
				i := 0
				for b.Loop() {
					p.Render(dst, &s, img, Key{Sample: uint64(i)}, kind.first+i%kind.n)
					i++
				}
				report(b)
			})
		}
	}
}

// BenchmarkTransformation renders views that have one step or family, beside the plain resize of "none".
func BenchmarkTransformation(b *testing.B) {
	for _, size := range [][3]int{{32, 32, 32}, {256, 256, 224}} {
		img := texture(size[0], size[1])
		run := func(name string, o Options, view int) {
			b.Run(fmt.Sprintf("%s/%dx%d_to_%d", name, size[0], size[1], size[2]), func(b *testing.B) {
				p := mustPlan(b, o, size[2])
				var s Scratch
				dst := make([]float32, 3*size[2]*size[2])
				i := 0
				for b.Loop() {
					p.Render(dst, &s, img, Key{Sample: uint64(i)}, view)
					i++
				}
				report(b)
			})
		}
		run("none", DefaultOptions(), 0)
		for _, name := range StepNames() {
			o := DefaultOptions()
			o.Invariant = []Step{certain(b, name)}
			run(name, o, 0)
		}
		for _, name := range FamilyNames() {
			o := ordered(b, name, 0)
			o.Framing = FramingNone
			run("family_"+name, o, 2)
		}
		for _, name := range PresetNames() {
			o := DefaultOptions()
			o.Preset = name
			run("preset_"+name, o, 0)
		}
	}
}

func report(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
	b.ReportAllocs()
}
