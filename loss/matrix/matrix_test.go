package matrix

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// normal returns n values of the normal distribution.
func normal[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// roundoff returns the unit roundoff of T.
func roundoff[T Float]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return 0x1p-24
	}
	return 0x1p-53
}

// checkProduct holds dst = old + a·b to the bound of the package documentation.
func checkProduct[T Float](t *testing.T, dst, old, a, b Matrix[T]) {
	t.Helper()
	at := func(m Matrix[T], i, j int) float64 { return float64(m.Data[i*m.RowStride+j*m.ColStride]) }
	for i := range dst.Rows {
		for j := range dst.Cols {
			want, size := at(old, i, j), math.Abs(at(old, i, j))
			for k := range a.Cols {
				x := at(a, i, k) * at(b, k, j)
				want += x
				size += math.Abs(x)
			}
			bound := float64(min(a.Cols, depthBlock)+a.Cols/depthBlock+2) * roundoff[T]() * size
			if got := at(dst, i, j); !(math.Abs(got-want) <= bound) {
				t.Fatalf("element (%d, %d) is %g, want %g: off by %g, allowed is %g", i, j, got, want, got-want, bound)
			}
		}
	}
}

func testProducts[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	sizes := [][3]int{
		{1, 1, 1}, {8, 32, 16}, {7, 31, 5}, {9, 33, 1}, {16, 64, 256}, {17, 40, 257}, {130, 70, 3}, {3, 5, 600}, {4, 4, 0},
		{9, 1100, 20}, {3, 600, 300}, // more columns than a block has, in one chain of sums and in two
	}
	for range 20 {
		sizes = append(sizes, [3]int{1 + r.IntN(40), 1 + r.IntN(80), 1 + r.IntN(300)})
	}
	for _, s := range sizes {
		rows, cols, depth := s[0], s[1], s[2]
		t.Run(fmt.Sprintf("%dx%dx%d", rows, cols, depth), func(t *testing.T) {
			a, b := normal[T](r, rows*depth), normal[T](r, depth*cols)
			lefts := []Matrix[T]{Of(a, rows, depth), Of(a, depth, rows).T()}
			rights := []Matrix[T]{Of(b, depth, cols), Of(b, cols, depth).T()}
			var packed Packed[T]
			for _, left := range lefts {
				for _, right := range rights {
					packed.Pack(right)
					dst := Of(normal[T](r, rows*cols), rows, cols)
					Mul(dst, left, &packed)
					checkProduct(t, dst, Of(make([]T, rows*cols), rows, cols), left, right)
					old := Of(normal[T](r, rows*cols), rows, cols)
					copy(dst.Data, old.Data)
					AddMul(dst, left, &packed)
					checkProduct(t, dst, old, left, right)
				}
			}
		})
	}
}

func TestProducts(t *testing.T) {
	t.Run("float32", testProducts[float32])
	t.Run("float64", testProducts[float64])
}

// TestParts takes products of parts of matrices and of packed factors: the rest of the destination must stay, and every
// element must have the bits that it has in the whole product.
func TestParts(t *testing.T) {
	const rows, cols, depth = 50, 100, 300
	r := rand.New(rand.NewPCG(2, 2))
	a, b := Of(normal[float32](r, rows*depth), rows, depth), Of(normal[float32](r, depth*cols), depth, cols)
	var packed Packed[float32]
	packed.Pack(b)
	all := Of(make([]float32, rows*cols), rows, cols)
	Mul(all, a, &packed)
	for range 50 {
		row, col := r.IntN(rows), tileCols*r.IntN(cols/tileCols)
		m, n := 1+r.IntN(rows-row), 1+r.IntN(cols-col)
		from := r.IntN(depth)
		d := 1 + r.IntN(depth-from)
		part := packed.Part(0, col, depth, n)
		dst := Of(make([]float32, rows*cols), rows, cols)
		Mul(dst.Part(row, col, m, n), a.Part(row, 0, m, depth), &part)
		for i := range rows {
			for j := range cols {
				var want float32
				if i >= row && i < row+m && j >= col && j < col+n {
					want = all.Data[i*cols+j]
				}
				if dst.Data[i*cols+j] != want {
					t.Fatalf("element (%d, %d) of part [%d+%d, %d+%d] is %g, want %g", i, j, row, m, col, n, dst.Data[i*cols+j], want)
				}
			}
		}
		part = packed.Part(from, col, d, n)
		left, right := a.Part(row, from, m, d), b.Part(from, col, d, n)
		Mul(dst.Part(row, col, m, n), left, &part)
		checkProduct(t, dst.Part(row, col, m, n), Of(make([]float32, m*n), m, n), left, right)
	}
}
