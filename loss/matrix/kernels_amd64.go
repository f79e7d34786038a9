package matrix

import (
	"os"

	"golang.org/x/sys/cpu"
)

//go:generate go -C _generate run . -out ../kernels_amd64.s -stubs ../stubs_amd64.go -pkg matrix

// The kernels to use. The assembly has the semantics of generic.go, for whole tiles and any length of vectors.
type level int

const (
	generic level = iota
	avx2          // with FMA
	avx512        // F and DQ, too
)

var simd = detect()

func detect() level {
	switch {
	case os.Getenv("ORDO_SIMD") == "off" || !cpu.X86.HasAVX2 || !cpu.X86.HasFMA:
		return generic
	case !cpu.X86.HasAVX512F || !cpu.X86.HasAVX512DQ:
		return avx2
	}
	return avx512
}

func tile[T Float](c []T, stride int, a []T, down, right int, panel []T, depth int, add bool) {
	// The assembly checks no bounds: these are its last write and its last reads.
	_, _, _ = c[(tileRows-1)*stride+tileCols-1], a[(tileRows-1)*down+(depth-1)*right], panel[depth*tileCols-1]
	switch c0 := any(&c[0]).(type) {
	case *float32:
		a0, panel0 := any(&a[0]).(*float32), any(&panel[0]).(*float32)
		switch simd {
		case avx512:
			tile32x16(c0, stride, a0, down, right, panel0, depth, add)
			return
		case avx2:
			tile32x8(c0, stride, a0, down, right, panel0, depth, add)
			return
		}
	case *float64:
		a0, panel0 := any(&a[0]).(*float64), any(&panel[0]).(*float64)
		switch simd {
		case avx512:
			tile64x8(c0, stride, a0, down, right, panel0, depth, add)
			return
		case avx2:
			tile64x4(c0, stride, a0, down, right, panel0, depth, add)
			return
		}
	}
	tileGeneric(c, stride, a, down, right, panel, depth, add)
}

func dot[T Float](a, b []T) float64 {
	if len(a) == 0 || simd == generic {
		return dotGeneric(a, b)
	}
	switch a0 := any(&a[0]).(type) {
	case *float32:
		return dot32(a0, any(&b[0]).(*float32), len(a))
	case *float64:
		return dot64(a0, any(&b[0]).(*float64), len(a))
	}
	return dotGeneric(a, b)
}

func sum[T Float](x []T) float64 {
	if len(x) == 0 || simd == generic {
		return sumGeneric(x)
	}
	switch x0 := any(&x[0]).(type) {
	case *float32:
		return sum32(x0, len(x))
	case *float64:
		return sum64(x0, len(x))
	}
	return sumGeneric(x)
}

func addScaled[T Float](dst []T, scale T, x []T) {
	if len(x) == 0 || simd == generic {
		addScaledGeneric(dst, scale, x)
		return
	}
	switch to := any(&dst[0]).(type) {
	case *float32:
		addScaled32(to, float32(scale), any(&x[0]).(*float32), len(x))
	case *float64:
		addScaled64(to, float64(scale), any(&x[0]).(*float64), len(x))
	}
}

func exp[T Float](dst []float64, x []T, scale, shift float64) {
	if len(x) == 0 || simd == generic {
		expGeneric(dst, x, scale, shift)
		return
	}
	switch x0 := any(&x[0]).(type) {
	case *float32:
		exp32(&dst[0], x0, scale, shift, len(x))
	case *float64:
		exp64(&dst[0], x0, scale, shift, len(x))
	}
}

func mulSum[T Float](dst []T, x, y []float64, z float64) {
	if len(x) == 0 || simd == generic {
		mulSumGeneric(dst, x, y, z)
		return
	}
	switch to := any(&dst[0]).(type) {
	case *float32:
		mulSum32(to, &x[0], &y[0], z, len(x))
	case *float64:
		mulSum64(to, &x[0], &y[0], z, len(x))
	}
}
