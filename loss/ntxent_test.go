package loss

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
)

// directNTXent is value and gradient for consecutive views, from the whole matrix of similarities in float64.
func directNTXent(z []float64, images, views, dim int, temperature float64) (float64, []float64) {
	m := images * views
	unit, inverse := make([]float64, len(z)), make([]float64, m)
	for a := range m {
		inverse[a] = normalize(unit[a*dim:][:dim], z[a*dim:][:dim], normalizeEps)
	}
	slope := make([]float64, m*m) // of the loss, by the cosine as row a sees it
	var value float64
	for a := range m {
		cos, sum := make([]float64, m), 0.0
		for b := range m {
			if cos[b] = dot(unit[a*dim:][:dim], unit[b*dim:][:dim]); a != b {
				sum += math.Exp((cos[b] - 1) / temperature)
			}
		}
		for b := range m {
			if a == b {
				continue
			}
			slope[a*m+b] = math.Exp((cos[b]-1)/temperature) / sum / (float64(m) * temperature)
			if a%images == b%images {
				value += (math.Log(sum) - (cos[b]-1)/temperature) / float64(m*(views-1))
				slope[a*m+b] -= 1 / (float64(m) * temperature * float64(views-1))
			}
		}
	}
	grad := make([]float64, len(z))
	for a := range m {
		g := make([]float64, dim)
		for b := range m {
			for p, x := range unit[b*dim:][:dim] {
				g[p] += (slope[a*m+b] + slope[b*m+a]) * x
			}
		}
		addNormalizeGrad(grad[a*dim:][:dim], g, unit[a*dim:][:dim], inverse[a], 1)
	}
	return value, grad
}

// viewsOf returns 0 to n-1.
func viewsOf(n int) []int {
	base := make([]int, n)
	for i := range base {
		base[i] = i
	}
	return base
}

// TestNTXentAccuracy holds float64 and float32 to the direct computation, with rows of several blocks, the last one not
// whole, random or close to one direction, where the gradient is what is left of much larger terms.
func TestNTXentAccuracy(t *testing.T) {
	for _, size := range []struct{ images, views, dim int }{{130, 2, 64}, {90, 3, 33}, {65, 2, 300}} {
		for _, spread := range []float64{1, 0.1, 1e-3, 0} { // of the rows about one direction; 1: random
			for _, temperature := range []float64{0.01, 0.05, 0.5} {
				t.Run(fmt.Sprintf("%v/spread %g/temperature %g", size, spread, temperature), func(t *testing.T) {
					rows := size.images * size.views
					z, common := normal(1, rows*size.dim), normal(2, size.dim)
					for i := range z {
						if z[i] *= spread; spread < 1 {
							z[i] += common[i%size.dim]
						}
						z[i] = float64(float32(z[i]))
					}
					want, wantGrad := directNTXent(z, size.images, size.views, size.dim, temperature)
					grad := make([]float64, len(z))
					value := runNTXent(new(ntxent[float64]), batchOf(grad, z, size.images, size.dim, viewsOf(size.views), 1),
						temperature)
					compareNTXent(t, "float64", value, want, grad, wantGrad, 1e-9)
					grad32 := make([]float32, len(z))
					value = runNTXent(new(ntxent[float32]), batchOf(grad32, convert[float32](z), size.images, size.dim,
						viewsOf(size.views), 1), temperature)
					compareNTXent(t, "float32", value, want, convert[float64](grad32), wantGrad, 1e-5)
				})
			}
		}
	}
}

func compareNTXent(t *testing.T, what string, value, want float64, grad, wantGrad []float64, tolerance float64) {
	t.Helper()
	if !(math.Abs(value-want) <= tolerance*(1+want)) {
		t.Errorf("%s: value %.12g, want %.12g", what, value, want)
	}
	var largest float64
	for _, g := range wantGrad {
		largest = max(largest, math.Abs(g))
	}
	for i, g := range grad {
		if e := math.Abs(g - wantGrad[i]); !(e <= tolerance*largest+1e-13) {
			t.Fatalf("%s: gradient[%d] = %g, want %g: off by %.2g of the largest", what, i, g, wantGrad[i], e/largest)
		}
	}
}

func TestNTXentDoesNotDependOnProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, images := range []int{100, 300, 400} { // 2, 5 and 7 blocks
		const views, dim = 2, 20
		z := convert[float32](normal(1, images*views*dim))
		var value float64
		var grad []float32
		for _, processors := range []int{1, 2, 3, 8} {
			runtime.GOMAXPROCS(processors)
			g := make([]float32, len(z))
			v := runNTXent(new(ntxent[float32]), batchOf(g, z, images, dim, viewsOf(views), 1), 0.1)
			if grad == nil {
				value, grad = v, g
			}
			if v != value || !slices.Equal(g, grad) {
				t.Errorf("%d images: %d processors give another result than one", images, processors)
			}
		}
	}
}

// TestNTXentMemory takes a batch of 4,096 images: the similarities of all rows would be 256 MiB.
func TestNTXentMemory(t *testing.T) {
	const images, views, dim = 4096, 2, 32
	z := convert[float32](normal(1, images*views*dim))
	grad := make([]float32, len(z))
	k := new(ntxent[float32])
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runNTXent(k, batchOf(grad, z, images, dim, viewsOf(views), 1), 0.1)
	runtime.ReadMemStats(&after)
	// The rows, the same packed twice, and the gradient; six numbers a row; a block for every processor.
	limit := 4*4*len(z) + 6*8*images*views + runtime.GOMAXPROCS(0)*ntxentSide*(ntxentSide*4+8) + 64<<10
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(limit) {
		t.Errorf("%d bytes were allocated, want at most %d", got, limit)
	}
}

// TestNTXentOfItsOwn: two terms with a head each.
func TestNTXentOfItsOwn(t *testing.T) {
	o := only(t, KindNTXent)
	o.Terms = append(o.Terms, o.Terms[0].resolved())
	o.Terms[0].Invariance.Output = OutputOwn
	o.Terms[1].Invariance.Output, o.Terms[1].Invariance.Views = OutputOwn, ViewsAll
	needs, err := mustNew(t, o).Needs(fullViews(2, 4, 2))
	want := []Need{{"invariance_base", 0, NeedOwn}, {"invariance_all", 0, NeedOwn}}
	if err != nil || !slices.Equal(needs, want) {
		t.Errorf("needs %v, %v; want %v", needs, err, want)
	}
}
