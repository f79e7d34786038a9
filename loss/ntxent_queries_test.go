package loss

import (
	"math"
	"testing"
)

// plainQueries is the loss of the queries as its formula is written.
func plainQueries(z []float64, v Views, base, queries []int, dim int, temperature float64) float64 {
	cosine := func(a, b int) float64 {
		x, y := z[a*dim:][:dim], z[b*dim:][:dim]
		return dot(x, y) / math.Sqrt(dot(x, x)*dot(y, y))
	}
	var total float64
	for _, q := range queries {
		for n := range v.Images {
			var sum float64
			for _, k := range base {
				for other := range v.Images {
					sum += math.Exp(cosine(q*v.Images+n, k*v.Images+other) / temperature)
				}
			}
			for _, k := range base {
				total += (math.Log(sum) - cosine(q*v.Images+n, k*v.Images+n)/temperature) / float64(len(base))
			}
		}
	}
	return total / float64(len(queries)*v.Images)
}

func TestQueries(t *testing.T) {
	for _, images := range []int{1, 3, ntxentSide + 5} {
		v := mixedViews(3, images, 2, 2, 1, 1)
		o := InvarianceOptions{Kind: KindNTXent, Views: ViewsQueries}
		base, queries := o.appendCompared(nil, v), o.appendQueries(nil, v)
		const dim, temperature, weight = 4, 0.3, 2.0
		z := normal(7, len(v.Scale)*dim)
		grad := make([]float64, len(z))
		run := func(k *ntxent[float64], grad []float64) float64 {
			b := batchOf(grad, z, v.Images, dim, base, weight)
			keys := batchOf(make([]float64, len(z)), z, v.Images, dim, base, weight)
			runNTXent(k, keys, temperature)
			return k.query(new(ntxentQueries[float64]), b, queries, temperature)
		}
		got := run(new(ntxent[float64]), grad)
		want := plainQueries(z, v, base, queries, dim, temperature)
		slopes := make([]float64, len(z))
		for _, q := range queries { // the keys take no gradient
			for i := q * v.Images * dim; i < min(q*v.Images+9, (q+1)*v.Images)*dim; i++ {
				x := z[i]
				const h = 1e-5
				z[i] = x + h
				up := plainQueries(z, v, base, queries, dim, temperature)
				z[i] = x - h
				down := plainQueries(z, v, base, queries, dim, temperature)
				z[i] = x
				slopes[i] = weight * (up - down) / (2 * h)
			}
			for i := min(q*v.Images+9, (q+1)*v.Images) * dim; i < (q+1)*v.Images*dim; i++ {
				grad[i], slopes[i] = 0, 0 // by differences a part is enough
			}
		}
		compare(t, "queries", got, want, grad, slopes, 1e-6)
	}
}

// TestQueriesInALoss: the value is the mean over all rows, and the keys' gradient is that of the base views alone.
func TestQueriesInALoss(t *testing.T) {
	v := fullViews(2, 4, 2)
	o := only(t, KindNTXent)
	compute := func(views string) (float64, Output) {
		o.Terms[0].Invariance.Views = views
		l := mustNew(t, o)
		outs := fullOutputs(t, l, v, 3, 1)
		got, err := l.Compute(v, outs)
		if err != nil {
			t.Fatal(err)
		}
		return got.Total, outs[0]
	}
	alone, first := compute(ViewsBase)
	total, out := compute(ViewsQueries)
	options := InvarianceOptions{Views: ViewsQueries}
	base, queries := options.appendCompared(nil, v), options.appendQueries(nil, v)
	temperature := o.Terms[0].Invariance.resolved().Temperature
	asked := plainQueries(convert[float64](out.Data), v, base, queries, out.Dim, temperature)
	b, q := float64(len(base)), float64(len(queries))
	w := o.Terms[0].Invariance.resolved().QueryWeight * q
	if want := (b*alone + w*asked) / (b + w); q == 0 || math.Abs(total-want) > 1e-5 {
		t.Errorf("%g, want %g", total, want)
	}
	for _, view := range base {
		rows := view * v.Images * out.Dim
		for i := rows; i < rows+v.Images*out.Dim; i++ {
			if want := float64(first.Grad[i]) * b / (b + w); math.Abs(float64(out.Grad[i])-want) > 1e-6 {
				t.Fatalf("gradient[%d] of a key is %g, want %g", i, out.Grad[i], want)
			}
		}
	}
}

// TestStandardise: value and gradient of standardised rows are those of the formulas, the statistics' part included.
func TestStandardise(t *testing.T) {
	const dim = 3
	for _, views := range []string{ViewsBase, ViewsAll, ViewsQueries} {
		v := mixedViews(5, 6, 2, 2, 1)
		o := InvarianceOptions{Kind: KindNTXent, Views: views, Temperature: 0.3, QueryWeight: 2, Standardise: true}
		base, queries := o.appendCompared(nil, v), o.appendQueries(nil, v)
		z := normal(11, len(v.Scale)*dim)
		for i := range z {
			z[i] = z[i]*float64(1+i%dim) + 2
		}
		rows := func(z []float64) []float64 { // as a probe's scaler has them
			y := make([]float64, len(z))
			untouched := appendBase(nil, v)
			for p := range dim {
				var sum, squares, n float64
				for _, view := range untouched {
					for i := range v.Images {
						x := z[(view*v.Images+i)*dim+p]
						sum, squares, n = sum+x, squares+x*x, n+1
					}
				}
				mean := sum / n
				for at := p; at < len(z); at += dim {
					y[at] = (z[at] - mean) / math.Sqrt(squares/n-mean*mean+barlowEps)
				}
			}
			return y
		}
		keys := rows(z)
		value := func(z []float64) float64 {
			y := rows(z)
			var compared []float64
			for _, view := range base {
				compared = append(compared, y[view*v.Images*dim:][:v.Images*dim]...)
			}
			b, q := float64(len(base)), o.QueryWeight*float64(len(queries))
			total := b * plainNTXent(compared, v.Images, len(base), dim, o.Temperature)
			if len(queries) > 0 { // their keys take no gradient
				for _, view := range base {
					copy(y[view*v.Images*dim:][:v.Images*dim], keys[view*v.Images*dim:])
				}
				total += q * plainQueries(y, v, base, queries, dim, o.Temperature)
			}
			return total / (b + q)
		}
		const weight = 2.0
		grad := make([]float64, len(z))
		got := new(ntxentKernels[float64]).run(batchOf(grad, z, v.Images, dim, base, weight), v, queries, o)
		want := gradientByDifferences(z, func(z []float64) float64 { return weight * value(z) })
		compare(t, views, got, value(z), grad, want, 1e-6)
	}
}
