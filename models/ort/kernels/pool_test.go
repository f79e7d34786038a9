package kernels_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
	"ordo/models/ort/orttest"
)

type pool struct {
	batch, channels, height, width int
	kernel, strides                [2]int
	pads                           [4]int
	dilations                      [2]int
	ceil, countPadding             bool
}

func (p pool) out() (sizes [2]int) {
	for axis, n := range []int{p.height, p.width} {
		room := n + p.pads[axis] + p.pads[axis+2] - (p.kernel[axis]-1)*p.dilations[axis] - 1
		sizes[axis] = room/p.strides[axis] + 1
		if p.ceil && room%p.strides[axis] != 0 && sizes[axis]*p.strides[axis] < n+p.pads[axis] {
			sizes[axis]++
		}
	}
	return sizes
}

func (p pool) attributes(more ...*onnxgraph.Attribute) []*onnxgraph.Attribute {
	ints := func(name string, v ...int) *onnxgraph.Attribute {
		out := make([]int64, len(v))
		for i, x := range v {
			out[i] = int64(x)
		}
		return onnxgraph.IntsAttr(name, out...)
	}
	return append(
		[]*onnxgraph.Attribute{
			ints("kernel_shape", p.kernel[:]...),
			ints("strides", p.strides[:]...),
			ints("pads", p.pads[:]...),
			ints("dilations", p.dilations[:]...),
			boolAttr("ceil_mode", p.ceil),
		},
		more...)
}

// exact pools by definition; max and average with their gradients.
func (p pool) exact(x, dy []float32) (maximum, average []float32, dmax, daverage []float64) {
	out := p.out()
	dmax, daverage = make([]float64, len(x)), make([]float64, len(x))
	for plane := range p.batch * p.channels {
		for i := range out[0] {
			for j := range out[1] {
				best, where, count := math.Inf(-1), -1, 0
				var sum float64
				var members []int
				for a := range p.kernel[0] {
					for b := range p.kernel[1] {
						row, column := i*p.strides[0]-p.pads[0]+a*p.dilations[0], j*p.strides[1]-p.pads[1]+b*p.dilations[1]
						if row < p.height+p.pads[2] && column < p.width+p.pads[3] {
							count++
						}
						if row < 0 || row >= p.height || column < 0 || column >= p.width {
							continue
						}
						at := (plane*p.height+row)*p.width + column
						members = append(members, at)
						sum += float64(x[at])
						if float64(x[at]) > best {
							best, where = float64(x[at]), at
						}
					}
				}
				if !p.countPadding {
					count = len(members)
				}
				d := float64(dy[len(maximum)])
				maximum, average = append(maximum, float32(best)), append(average, float32(sum/float64(count)))
				dmax[where] += d
				for _, at := range members {
					daverage[at] += d / float64(count)
				}
			}
		}
	}
	return maximum, average, dmax, daverage
}

func checkPools(t *testing.T, rt *ort.Runtime, p pool) {
	rng := rand.New(rand.NewPCG(9, 9))
	out := p.out()
	x, dy := normal(rng, p.batch*p.channels*p.height*p.width), normal(rng, p.batch*p.channels*out[0]*out[1])
	maximum, average, dmax, daverage := p.exact(x, dy)
	for _, threads := range []int{1, 2, 5} {
		g := newGraph(t, rt)
		xs := g.nhwc(g.input("x", x, p.batch, p.channels, p.height, p.width))
		ds := g.nhwc(g.input("dy", dy, p.batch, p.channels, out[0], out[1]))
		size := onnxgraph.IntsAttr("image_shape", int64(p.height), int64(p.width))
		count := boolAttr("count_include_pad", p.countPadding)
		g.op("MaxPool", []string{xs}, []string{"m", "index"}, p.attributes()...)
		g.op("MaxPool", []string{xs}, []string{"m_alone"}, p.attributes()...)
		g.op("MaxPoolGrad", []string{ds, "index"}, []string{"dm"}, p.attributes(size)...)
		g.op("AveragePool", []string{xs}, []string{"a"}, p.attributes(count)...)
		g.op("AveragePoolGrad", []string{ds}, []string{"da"}, p.attributes(count, size)...)
		got := g.run(g.session(threads, g.nchw("m"), g.nchw("m_alone"), g.nchw("dm"), g.nchw("a"), g.nchw("da")))
		if !slices.Equal(got[0], maximum) || !slices.Equal(got[1], maximum) {
			t.Errorf("%d threads: maximum differs", threads)
		}
		near(t, fmt.Sprintf("%d threads: gradient of the maximum", threads), got[2], dmax, 1e-7)
		near(t, fmt.Sprintf("%d threads: average", threads), got[3], average, 3e-7)
		near(t, fmt.Sprintf("%d threads: gradient of the average", threads), got[4], daverage, 3e-7)
	}
}

func TestPools(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	square := func(batch, channels, size, kernel, stride, pad int) pool {
		return pool{
			batch,
			channels,
			size,
			size,
			[2]int{kernel, kernel},
			[2]int{stride, stride},
			[4]int{pad, pad, pad, pad},
			[2]int{1, 1},
			false,
			false,
		}
	}
	ceiled, counted := square(2, 5, 8, 3, 2, 1), square(2, 5, 8, 3, 2, 1)
	ceiled.ceil, counted.countPadding = true, true
	both := ceiled
	both.countPadding = true
	for _, p := range []pool{
		square(4, 16, 16, 3, 2, 1), square(3, 7, 8, 2, 2, 0), square(1, 3, 5, 3, 1, 1), square(2, 24, 7, 7, 1, 0),
		square(5, 64, 4, 4, 1, 0),
		ceiled, counted, both,
		{2, 3, 9, 6, [2]int{3, 2}, [2]int{2, 3}, [4]int{0, 1, 2, 0}, [2]int{2, 1}, true, true},
	} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) { checkPools(t, rt, p) })
	}
}

// TestPoolsLikeStock holds the sizes and averages against ONNX Runtime's own.
func TestPoolsLikeStock(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	for _, ceil := range []bool{false, true} {
		for _, count := range []bool{false, true} {
			p := pool{2, 5, 9, 12, [2]int{3, 3}, [2]int{2, 2}, [4]int{1, 0, 1, 1}, [2]int{1, 1}, ceil, count}
			x := normal(rand.New(rand.NewPCG(2, 2)), 2*5*9*12)
			g := newGraph(t, rt)
			xs := g.nhwc(g.input("x", x, 2, 5, 9, 12))
			g.op("MaxPool", []string{xs}, []string{"m"}, p.attributes()...)
			g.op("AveragePool", []string{xs}, []string{"a"}, p.attributes(boolAttr("count_include_pad", count))...)
			g.node("", "MaxPool", []string{"x"}, []string{"m0"}, p.attributes()...)
			plain := p.attributes(boolAttr("count_include_pad", count))
			g.node("", "AveragePool", []string{"x"}, []string{"a0"}, slices.DeleteFunc(plain, func(a *onnxgraph.Attribute) bool {
				return a.GetName() == "dilations"
			})...)
			got := g.run(g.session(2, g.nchw("m"), g.nchw("a"), "m0", "a0"))
			if !slices.Equal(got[0], got[2]) {
				t.Errorf("ceil %v: maximum differs from stock", ceil)
			}
			near(t, fmt.Sprintf("ceil %v, count padding %v: average", ceil, count), got[1], got[3], 1e-6)
		}
	}
}

func TestMaxPoolKeepsNaN(t *testing.T) {
	rt := orttest.OpenWithKernels(t)
	g := newGraph(t, rt)
	x := []float32{
		1,
		2,
		float32(math.NaN()),
		3,
		float32(math.Inf(-1)),
		float32(math.Inf(-1)),
		float32(math.Inf(-1)),
		float32(math.Inf(-1)),
	}
	g.op(
		"MaxPool",
		[]string{g.nhwc(g.input("x", x, 1, 2, 2, 2))},
		[]string{"m", "index"},
		onnxgraph.IntsAttr("kernel_shape", 2, 2),
	)
	g.op("MaxPoolGrad", []string{g.nhwc(g.input("dy", []float32{5, 7}, 1, 2, 1, 1)), "index"}, []string{"d"},
		onnxgraph.IntsAttr("kernel_shape", 2, 2), onnxgraph.IntsAttr("image_shape", 2, 2))
	got := g.run(g.session(1, g.nchw("m"), g.nchw("d")))
	if m := got[0]; m[0] == m[0] || !math.IsInf(float64(m[1]), -1) {
		t.Errorf("maximum %v", m)
	}
	if want := []float32{0, 0, 5, 0, 7, 0, 0, 0}; !slices.Equal(got[1], want) {
		t.Errorf("gradient %v, want %v", got[1], want)
	}
}
