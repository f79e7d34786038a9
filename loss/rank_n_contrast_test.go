package loss

import (
	"math"
	"runtime"
	"slices"
	"testing"
)

// directRankNContrast is value and gradient as the formula says, in float64: v has one family, whose members are all
// views, the base views first.
func directRankNContrast(z []float64, v Views, dim int, o OrderOptions) (float64, []float64) {
	m := len(v.Scale)
	rows := new(distanceRows)
	rows.reset(o.Distance, m, dim)
	for i := range m {
		loadRow(rows, i, z[i*dim:][:dim])
	}
	anchors := m
	if o.Anchors == AnchorsOrigin {
		anchors = v.base() * v.Images
	}
	slope := make([]float64, m*m) // by distance
	apart, score := make([]float64, m), make([]float64, m)
	var list []int
	var sum float64
	summands := 0
	for i := range anchors {
		least, most := math.Inf(1), 0.0
		for j := range m {
			apart[j] = scaleDifference(v.Scale[i], v.Scale[j], v.period(0))
			score[j] = -rows.between(i, j) / o.Temperature
			if j != i {
				least, most = min(least, apart[j]), max(most, apart[j])
			}
		}
		if least >= most-scaleTie {
			continue
		}
		for j := range m {
			if j == i {
				continue
			}
			summands++
			list = list[:0]
			best := math.Inf(-1)
			for k, r := range apart {
				if k != i && r >= apart[j]-scaleTie {
					list = append(list, k)
					best = max(best, score[k])
				}
			}
			var all float64
			for _, k := range list {
				all += math.Exp(score[k] - best)
			}
			sum += math.Log(all) + best - score[j]
			slope[i*m+j] += 1 / o.Temperature
			for _, k := range list {
				slope[i*m+k] -= math.Exp(score[k]-best) / all / o.Temperature
			}
		}
	}
	for i := range m {
		for j := range m {
			if slope[i*m+j] != 0 {
				rows.addPull(i, j, rows.between(i, j), slope[i*m+j])
			}
		}
	}
	grad := make([]float64, len(z))
	for i := range m {
		storeRow(rows, i, grad[i*dim:][:dim], 1/float64(summands))
	}
	return sum / float64(summands), grad
}

// contrastCases are rows of several blocks, the last one not whole: random, near one another in clusters or as a whole,
// large, small, or one far from all others.
func contrastCases(f func(name string, o OrderOptions, v Views, z []float64, dim int)) {
	const images, dim = 33, 33
	for _, distance := range distances {
		for _, shape := range []string{"random", "origin", "tied", "cyclic", "signed", "clusters", "narrow", "large", "small",
			"outlier", "cold"} {
			o := OrderOptions{Kind: KindRankNContrast, Distance: distance, Anchors: AnchorsAll, Temperature: 0.5}
			v := orderedViews(1, images, 2, 2)
			z := normal(1, len(v.Scale)*dim)
			size := 1.0
			switch shape {
			case "origin":
				o.Anchors = AnchorsOrigin
			case "cyclic":
				v.Period = []float64{0.6}
			case "narrow":
				size = 1e-3
			case "large":
				size = 1e15
			case "small":
				size = 1e-5
			case "cold":
				o.Temperature = 0.002
			}
			for row, s := range v.Scale {
				at := z[row*dim:][:dim]
				switch {
				case shape == "tied":
					v.Scale[row] = math.Round(4*s) / 4
				case shape == "signed" && v.Family[row/images] == 0:
					v.Scale[row] = 2*s - 1
				}
				for p := range at {
					at[p] *= size
					switch {
					case shape == "clusters": // three, two of them of equal rows
						at[p] = float64((row%3*(p+3))%7) + 1e-4*at[p]*float64(row%3/2)
					case shape == "narrow":
						at[p]++
					case shape == "outlier" && row == 5:
						at[p] *= 1e6
					}
					at[p] = float64(float32(at[p]))
				}
			}
			switch distance {
			case DistanceEuclidean:
				o.Temperature *= size
			case DistanceSqEuclidean:
				o.Temperature *= size * size
			}
			f(distance+" "+shape, o, v, z, dim)
		}
	}
}

func TestRankNContrastAccuracy(t *testing.T) {
	contrastCases(func(name string, o OrderOptions, v Views, z []float64, dim int) {
		t.Run(name, func(t *testing.T) {
			want, wantGrad := directRankNContrast(z, v, dim, o)
			run := func(what string, value float64, grad []float64, tolerance float64) {
				t.Helper()
				if math.Abs(value-want) > tolerance*(1+want) {
					t.Errorf("%s: value %g, want %g", what, value, want)
				}
				var largest, off float64
				for i, g := range wantGrad {
					largest, off = max(largest, math.Abs(g)), max(off, math.Abs(grad[i]-g))
				}
				if !(off <= tolerance*largest) {
					t.Errorf("%s: gradient off by %g, its largest entry is %g", what, off, largest)
				}
			}
			grad, grad32 := make([]float64, len(z)), make([]float32, len(z))
			value, _ := runFamilies(o, grad, z, v, dim, 1)
			run("float64", value, grad, 1e-9)
			value, _ = runFamilies(o, grad32, convert[float32](z), v, dim, 1)
			run("float32", value, convert[float64](grad32), 1e-5)
		})
	})
}

func TestRankNContrastDoesNotDependOnProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	contrastCases(func(name string, o OrderOptions, v Views, z []float64, dim int) {
		var want []float32
		var wantValue float64
		for _, processors := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(processors)
			grad := make([]float32, len(z))
			value, _ := runFamilies(o, grad, convert[float32](z), v, dim, 1)
			if want == nil {
				want, wantValue = grad, value
			} else if value != wantValue || !slices.Equal(grad, want) {
				t.Errorf("%s: %d processors give other bits", name, processors)
			}
		}
	})
}

func TestLogProduct(t *testing.T) {
	p, want := logProduct{mantissa: 1}, 0.0
	for i := range 3000 {
		x := math.Ldexp(1+float64(i%7)/7, []int{-433, 20, 400, -3}[i%4])
		p.multiply(x)
		want += math.Log(x)
	}
	if got := p.log(); math.Abs(got-want) > 1e-12*math.Abs(want) {
		t.Errorf("%g, want %g", got, want)
	}
}
