package eval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
)

// clusters returns rows around one random direction a class.
func clusters(seed uint64, rows, dim, classes int, noise float64) Rows {
	centre := rand.New(rand.NewPCG(99, uint64(dim)))
	centres := make([]float64, classes*dim)
	for i := range centres {
		centres[i] = centre.NormFloat64()
	}
	r := rand.New(rand.NewPCG(seed, 0))
	x, labels := make([]float32, rows*dim), make([]int, rows)
	for i := range labels {
		labels[i] = r.IntN(classes)
		for p := range dim {
			x[i*dim+p] = float32(centres[labels[i]*dim+p] + noise*r.NormFloat64())
		}
	}
	return Rows{x, dim, labels}
}

// top1 is the share of test rows whose class KNN tells.
func top1(train, test Rows, classes int, o KNNOptions) (float64, error) {
	c, err := KNN(train, test, classes, o)
	return c.Top1, err
}

// plainKNN is the metric as its definition is written, every row compared with every other and all of them sorted.
func plainKNN(train, test Rows, classes int, o KNNOptions) float64 {
	right := 0
	inverse := func(row []float32) float64 {
		if norm := math.Sqrt(product(row, row)); norm >= normEps {
			return 1 / norm
		}
		return 0
	}
	dim := train.Dim
	for i, want := range test.Labels {
		x := test.Data[i*dim:][:dim]
		var all []neighbour
		for j := range train.Labels {
			y := train.Data[j*dim:][:dim]
			all = append(all, neighbour{product(x, y) * (inverse(x) * inverse(y)), j})
		}
		slices.SortStableFunc(all, func(a, b neighbour) int { return cmp.Compare(b.cosine, a.cosine) })
		votes := make([]float64, classes)
		for _, n := range all[:min(o.K, len(all))] {
			votes[train.Labels[n.row]] += math.Exp((n.cosine - all[0].cosine) / o.Temperature)
		}
		if slices.Index(votes, slices.Max(votes)) == want {
			right++
		}
	}
	return float64(right) / float64(len(test.Labels))
}

func TestKNNAgreesWithDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	chance, perfect := 0, 0
	for i := range 40 {
		trainRows, testRows := 1+r.IntN(300), 1+r.IntN(150)
		dim, classes := 1+r.IntN(20), 1+r.IntN(6)
		o := KNNOptions{K: 1 + r.IntN(30), Temperature: 0.05 + r.Float64()}
		t.Run(fmt.Sprintf("%d-of-%d", o.K, trainRows), func(t *testing.T) {
			train := clusters(uint64(i), trainRows, dim, classes, 0.7)
			test := clusters(uint64(i)+1000, testRows, dim, classes, 0.7)
			got, err := top1(train, test, classes, o)
			if err != nil {
				t.Fatal(err)
			}
			want := plainKNN(train, test, classes, o)
			if got != want {
				t.Errorf("got %g, want %g", got, want)
			}
			if got < 0.5 {
				chance++
			}
			if got > 0.9 {
				perfect++
			}
		})
	}
	if chance == 0 || perfect == 0 {
		t.Errorf("the cases are all alike: %d below 0.5, %d above 0.9", chance, perfect)
	}
}

func TestKNNByHand(t *testing.T) {
	cold := func(k int) KNNOptions { return KNNOptions{K: k, Temperature: 0.1} }
	for _, c := range []struct {
		name    string
		train   []float32 // rows of two
		labels  []int
		test    []float32
		want    int // the class that must win
		classes int
		o       KNNOptions
	}{
		{"nearest", []float32{1, 0, 0, 1}, []int{0, 1}, []float32{1, 2}, 1, 2, cold(1)},
		{"two far ones lose to a near one when it is cold", []float32{1, 0, 0, 1, 0, 1}, []int{0, 1, 1},
			[]float32{2, 1}, 0, 2, cold(3)},
		{"and win when it is hot", []float32{1, 0, 0, 1, 0, 1}, []int{0, 1, 1},
			[]float32{2, 1}, 1, 2, KNNOptions{K: 3, Temperature: 10}},
		{"no norm", []float32{1e30, 0, 0, 1e-10}, []int{0, 1}, []float32{1, 2}, 1, 2, cold(1)},
		{"no overflow", []float32{1, 0, -1, 0}, []int{1, 0}, []float32{1, 0}, 1, 2, KNNOptions{K: 2, Temperature: 1e-300}},
		{"of equal rows the first", []float32{1, 0, 1, 0, 1, 0}, []int{2, 0, 1}, []float32{1, 0}, 2, 3, cold(1)},
		{"of equal votes the lowest class", []float32{1, 0, 1, 0}, []int{2, 1}, []float32{1, 0}, 1, 3, cold(2)},
		{"a zero row is far from all", []float32{0, 0, 1, 1}, []int{0, 1}, []float32{1, 0}, 1, 2, cold(1)},
		{"all rows when k is more", []float32{1, 0, 1, 0.1, 0, 1}, []int{1, 1, 0}, []float32{1, 0}, 1, 2, cold(50)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for label := range c.classes {
				got, err := top1(Rows{c.train, 2, c.labels}, Rows{c.test, 2, []int{label}}, c.classes, c.o)
				if err != nil {
					t.Fatal(err)
				}
				if (got == 1) != (label == c.want) {
					t.Errorf("label %d: top-1 %g, want class %d to win", label, got, c.want)
				}
			}
		})
	}
}

// TestKNNBeyondFloat32 takes rows whose cosines differ by less than float32 can tell, and rows at the ends of its
// range.
func TestKNNBeyondFloat32(t *testing.T) {
	const dim, classes = 6, 3
	for _, size := range []float32{1, 1e-11, 1e37, 3e38} {
		r := rand.New(rand.NewPCG(7, 7))
		rows := func(n int) Rows {
			x, labels := make([]float32, n*dim), make([]int, n)
			for i := range x {
				x[i] = size * float32(1-3e-4*r.Float64())
			}
			for i := range labels {
				labels[i] = r.IntN(classes)
			}
			return Rows{x, dim, labels}
		}
		train := rows(400)
		test := rows(100)
		clear(train.Data[:dim])
		clear(test.Data[:dim])
		o := KNNOptions{K: 3, Temperature: 1e-9}
		got, err := top1(train, test, classes, o)
		if want := plainKNN(train, test, classes, o); err != nil || got != want {
			t.Errorf("rows of size %g: got %g, %v, want %g", size, got, err, want)
		}
	}
}

func TestKNNDoesNotDependOnProcessors(t *testing.T) {
	train := clusters(1, 300, 8, 5, 1.2)
	test := clusters(2, 500, 8, 5, 1.2)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var first float64
	for i, p := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(p)
		got, err := top1(train, test, 5, DefaultOptions().KNN)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		} else if got != first {
			t.Errorf("%d processors: %g, one: %g", p, got, first)
		}
	}
	if first < 0.3 || first > 0.99 {
		t.Errorf("top-1 %g says nothing", first)
	}
}

func TestKNNErrors(t *testing.T) {
	type call struct {
		train, test Rows
		classes     int
		o           KNNOptions
	}
	for _, c := range []struct {
		name, want string
		spoil      func(c *call)
	}{
		{"k", "k: must be in [1, 10000], got 0", func(c *call) { c.o.K = 0 }},
		{"temperature", "temperature: must be in (0, 100], got 0", func(c *call) { c.o.Temperature = 0 }},
		{"dim", "rows of 0 and 0 values", func(c *call) { c.train.Dim, c.test.Dim = 0, 0 }},
		{"two lengths", "rows of 2 and 1 values", func(c *call) { c.test.Dim = 1 }},
		{"classes", "0 classes", func(c *call) { c.classes = 0 }},
		{"no training rows", "no training rows", func(c *call) { c.train = Rows{Dim: 2} }},
		{"no test rows", "no test rows", func(c *call) { c.test = Rows{Dim: 2} }},
		{"training shape", "2 training labels and rows of 2 values need 4 values, got 3", func(c *call) {
			c.train.Data = c.train.Data[1:]
		}},
		{"test shape", "1 test labels", func(c *call) { c.test.Data = c.test.Data[1:] }},
		{"label", "test row 0 has label 2, which is not in [0, 2)", func(c *call) { c.test.Labels[0] = 2 }},
		{"no label", "training row 1 has label -1", func(c *call) { c.train.Labels[1] = -1 }},
		{"nan", "training row 1 holds a value that is not finite", func(c *call) { c.train.Data[2] = float32(math.NaN()) }},
		{"infinity", "test row 0 holds a value that is not finite", func(c *call) { c.test.Data[1] = float32(math.Inf(-1)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := call{Rows{[]float32{1, 0, 0, 1}, 2, []int{0, 1}}, Rows{[]float32{1, 2}, 2, []int{1}}, 2, DefaultOptions().KNN}
			c.spoil(&k)
			_, err := top1(k.train, k.test, k.classes, k.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if want := c.name == "nan" || c.name == "infinity"; errors.Is(err, fault.Numeric) != want {
				t.Errorf("kind %q: %v", fault.KindOf(err), err)
			}
		})
	}
}

// FuzzKNN compares with the definition on rows of few different values, so that ties abound.
func FuzzKNN(f *testing.F) {
	f.Add(uint64(1), uint8(40), uint8(33), uint8(2), uint8(3), uint16(5), 0.1)
	f.Add(uint64(2), uint8(1), uint8(1), uint8(1), uint8(1), uint16(500), 1e-9)
	f.Fuzz(func(t *testing.T, seed uint64, trainRows, testRows, dim, classes uint8, k uint16, temperature float64) {
		n, m, d, c := 1+int(trainRows%70), 1+int(testRows%40), 1+int(dim%5), 1+int(classes%5)
		r := rand.New(rand.NewPCG(seed, 5))
		rows := func(n int) Rows {
			x, labels := make([]float32, n*d), make([]int, n)
			for i := range x {
				x[i] = float32(r.IntN(3) - 1)
			}
			for i := range labels {
				labels[i] = r.IntN(c)
			}
			return Rows{x, d, labels}
		}
		train := rows(n)
		test := rows(m)
		o := KNNOptions{K: int(k), Temperature: temperature}
		got, err := top1(train, test, c, o)
		if (err != nil) != (o.Validate() != nil) {
			t.Fatalf("options %+v: %v", o, err)
		}
		if err != nil {
			return
		}
		if want := plainKNN(train, test, c, o); got != want {
			t.Fatalf("got %g, want %g", got, want)
		}
	})
}

func BenchmarkKNN(b *testing.B) {
	for _, size := range []struct{ train, test, dim int }{{4000, 1000, 256}, {4000, 1000, 512}} {
		b.Run(fmt.Sprintf("%dx%dx%d", size.train, size.test, size.dim), func(b *testing.B) {
			train := clusters(1, size.train, size.dim, 10, 1)
			test := clusters(2, size.test, size.dim, 10, 1)
			for b.Loop() {
				if _, err := top1(train, test, 10, DefaultOptions().KNN); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(size.test)/seconds, "rows/s")
			b.ReportMetric(2*float64(size.train)*float64(size.test)*float64(size.dim)/seconds/1e9, "GFLOP/s")
		})
	}
}
