package augment

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
		s, err := DefaultTransformation(name)
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
		{"solarize", func(c *canvas) { c.solarize(0.5) }},
		{"posterize", func(c *canvas) { c.posterize(16) }},
		{"gamma", func(c *canvas) { c.gamma(1.7) }},
		{"sharpness", func(c *canvas) { c.sharpness(2) }},
		{"equalize", func(c *canvas) { c.equalize() }},
		{"autocontrast", func(c *canvas) { c.autocontrast() }},
		{"noise", func(c *canvas) { c.noise(1, 0.1) }},
		{"jpeg", func(c *canvas) { c.jpeg(50) }},
		{"downscale", func(c *canvas) { c.downscale(c.width / 2) }},
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
					c.settle()
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
				c.allocate(size[2], size[2])
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

// Every workload renders. The names and sizes are read by compare/torchvision.py.
func TestWorkloads(t *testing.T) {
	names := map[string]bool{}
	for _, w := range Workloads() {
		t.Logf("workload %s: %dx%d to %d", w.Name, w.Width, w.Height, w.Size)
		if names[w.Name] {
			t.Errorf("%s is listed twice", w.Name)
		}
		names[w.Name] = true
		view := mustPlan(t, w.Options, w.Size).render(texture(w.Width, w.Height), Key{}, 0)
		if low, high := slices.Min(view), slices.Max(view); !(low >= -1.00001 && high <= 1.00001 && high-low > 0.1) {
			t.Errorf("%s renders values in [%v, %v]", w.Name, low, high)
		}
	}
}

// The assembly and the generic code render the same bytes: this test runs itself without the assembly and compares what
// the workloads' views hash to.
func TestViewsAreTheSameWithoutAssembly(t *testing.T) {
	var hashes strings.Builder
	for _, w := range Workloads() {
		p, h := mustPlan(t, w.Options, w.Size), fnv.New64a()
		for sample := range uint64(2) {
			if err := binary.Write(h, binary.LittleEndian, p.render(texture(w.Width, w.Height), Key{Sample: sample},
				0)); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&hashes, "%s %x\n", w.Name, h.Sum64())
	}
	if file := os.Getenv("TEST_HASHES"); file != "" {
		if err := os.WriteFile(file, []byte(hashes.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	file := filepath.Join(t.TempDir(), "hashes")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestViewsAreTheSameWithoutAssembly$")
	child.Env = append(os.Environ(), "ORDO_SIMD=off", "TEST_HASHES="+file)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	generic, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(generic), "\n")
	for i, line := range strings.Split(hashes.String(), "\n") {
		if line != want[i] {
			t.Errorf("%s, without assembly %s", line, want[i])
		}
	}
}

// BenchmarkWorkload renders what compare/torchvision.py compares with other libraries.
func BenchmarkWorkload(b *testing.B) {
	for _, w := range Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			p, err := NewPlan(w.Options, w.Size)
			if err != nil {
				b.Fatal(err)
			}
			var s Scratch
			dst := make([]float32, 3*w.Size*w.Size)
			img := texture(w.Width, w.Height)
			i := uint64(0)
			for b.Loop() {
				p.Render(dst, &s, img, Key{Sample: i}, 0)
				i++
			}
			report(b)
		})
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
		for _, name := range TransformationNames() {
			o := DefaultOptions()
			o.Invariant = []Transformation{certain(b, name)}
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
