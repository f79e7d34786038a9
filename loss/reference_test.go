package loss

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// testdata/reference.json holds values and gradients of these losses from an independent implementation: torch 2.8
// autograd in float64.
type referenceCase struct {
	Name   string            `json:"name"`
	Params map[string]any    `json:"params"`
	Inputs map[string]tensor `json:"inputs"`
	Value  float64           `json:"value"`
	Grad   map[string]tensor `json:"grad"`
}

type tensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

func TestReference(t *testing.T) {
	seen := map[string]int{}
	for _, file := range []string{"testdata/reference.json", "testdata/baselines.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []referenceCase
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			seen[c.Name]++
			t.Run(c.Name, func(t *testing.T) {
				value, grad, want := runReference(t, c, func(x []float64) []float64 { return x })
				compare(t, "float64", value, c.Value, grad, want, 1e-9)
				value32, grad32, _ := runReference(t, c, func(x []float64) []float32 { return convert[float32](x) })
				compare(t, "float32", value32, c.Value, convert[float64](grad32), want, 1e-5)
			})
		}
	}
	for name, count := range map[string]int{"ntxent": 2, "multiview_ntxent": 1, "vicreg": 1, "barlow_twins": 1,
		"simsiam": 1, "byol": 1,
		"moco": 1, "order_ranknet": 1, "order_triplet": 4, "order_listmle": 1, "essl": 1, "augself": 1, "care": 2,
		"equimod": 1, "ntxent_standardised": 2} {
		if seen[name] != count {
			t.Errorf("%d cases of %s instead of %d", seen[name], name, count)
		}
	}
}

// runReference returns value and gradient, and the gradient that the case asks for.
func runReference[T float](t *testing.T, c referenceCase, in func([]float64) []T) (float64, []T, []float64) {
	t.Helper()
	temperature, _ := c.Params["temperature"].(float64)
	switch c.Name {
	case "vicreg", "barlow_twins":
		z, want := stack(c.Inputs["z1"], c.Inputs["z2"]), stack(c.Grad["z1"], c.Grad["z2"])
		grad := make([]T, len(z.Data))
		if c.Name == "vicreg" {
			w := vicregWeights{c.Params["sim"].(float64), c.Params["std"].(float64), c.Params["cov"].(float64)}
			return runVICReg(new(vicreg[T]), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], []int{0, 1}, 1), w), grad,
				want.Data
		}
		lambda := c.Params["lambda"].(float64)
		return runBarlow(new(barlow[T]), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], []int{0, 1}, 1), lambda), grad,
			want.Data
	case "simsiam", "byol":
		p, want := stack(c.Inputs["zp1"], c.Inputs["zp2"]), stack(c.Grad["zp1"], c.Grad["zp2"])
		z := stack(c.Inputs["t1"], c.Inputs["t2"])
		s := newSimSiam(InvarianceOptions{}).(*siameseTerm)
		if c.Name == "byol" {
			s = newBYOL(InvarianceOptions{}).(*siameseTerm)
		}
		grad := make([]T, len(z.Data))
		cosine := runSiamese(&s.kernel, batchOf(grad, in(p.Data), z.Shape[1], z.Shape[2], []int{0, 1}, -s.scale), in(z.Data))
		return s.offset - s.scale*cosine, grad, want.Data
	case "ntxent", "multiview_ntxent":
		z, want := c.Inputs["z"], c.Grad["z"]
		if c.Name == "ntxent" {
			z = stack(c.Inputs["z1"], c.Inputs["z2"])
			want = stack(c.Grad["z1"], c.Grad["z2"])
		}
		base := []int{0, 1, 2}[:z.Shape[0]]
		grad := make([]T, len(z.Data))
		value := runNTXent(new(ntxent[T]), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], base, 1), temperature)
		return value, grad, want.Data
	case "ntxent_standardised":
		z := c.Inputs["z"]
		v := Views{Images: z.Shape[1], Family: make([]int, z.Shape[0])}
		for i := range int(c.Params["base"].(float64)) {
			v.Family[i] = BaseView
		}
		o := InvarianceOptions{Standardise: true, Views: ViewsQueries, Temperature: temperature}
		o.QueryWeight = c.Params["query_weight"].(float64)
		grad := make([]T, len(z.Data))
		b := batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], o.appendCompared(nil, v), 1)
		return new(ntxentKernels[T]).run(b, v, o.appendQueries(nil, v), o), grad, c.Grad["z"].Data
	case "moco":
		z, want := stack(c.Inputs["z1"], c.Inputs["z2"]), stack(c.Grad["z1"], c.Grad["z2"])
		keys := stack(c.Inputs["k1"], c.Inputs["k2"])
		grad := make([]T, len(z.Data))
		value := runMoCo(new(moco[T]), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], []int{0, 1}, 1), in(keys.Data),
			c.Inputs["queue"].Data, temperature)
		return value, grad, want.Data
	case "essl":
		z := c.Inputs["z"]
		v := Views{Images: 1, Names: []string{"quarter_turn"}, Classes: z.Shape[1:]}
		for _, label := range c.Params["labels"].([]any) {
			v.Family, v.Scale = append(v.Family, 0), append(v.Scale, label.(float64)/float64(z.Shape[1]-1))
		}
		grad := make([]T, len(z.Data))
		return runESSL(new(softmax), batchOf(grad, in(z.Data), v.Images, v.Classes[0], nil, 1), v, 0), grad, c.Grad["z"].Data
	case "augself":
		z, d, same := c.Inputs["z"], c.Inputs["d"], c.Inputs["same"]
		var target []float64 // the flip lies between the differences
		for n := range z.Shape[0] {
			row := d.Data[n*9:][:9]
			target = append(append(append(target, row[:8]...), same.Data[n]), row[8])
		}
		grad := make([]T, len(z.Data))
		var value float64
		for _, g := range []struct {
			name         string
			first, count int
		}{{"crop", 0, 4}, {"color", 4, 4}, {"flip", 8, 1}, {"blur", 9, 1}} {
			weight := c.Params[g.name].(float64)
			part, _ := runAugSelf(batchOf(grad, in(z.Data), 0, 10, nil, weight), target,
				augSelfColumns{g.first, g.count, g.name == "flip"})
			value += weight * part
		}
		return value, grad, c.Grad["z"].Data
	case "care":
		z, want := stack(c.Inputs["z1"], c.Inputs["z2"]), stack(c.Grad["z1"], c.Grad["z2"])
		grad := make([]T, len(z.Data))
		return runCARE(new(care), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], []int{0, 1}, 1),
			int(c.Params["shared"].(float64))), grad, want.Data
	case "equimod":
		z, want := stack(c.Inputs["z"], c.Inputs["zhat"]), stack(c.Grad["z"], c.Grad["zhat"])
		grad := make([]T, len(z.Data))
		return runNTXent(new(ntxent[T]), batchOf(grad, in(z.Data), z.Shape[1], z.Shape[2], bothViews, 1), temperature), grad,
			want.Data
	case "order_ranknet", "order_triplet", "order_listmle":
		// z is [N, K, D] there and view-major here; none of the views is at the origin, so all are of one family.
		z, s := c.Inputs["z"], c.Inputs["s"]
		n, k, d := z.Shape[0], z.Shape[1], z.Shape[2]
		v := Views{Images: n, Family: make([]int, k), Scale: swap(s.Data, n, k, 1), Names: []string{"reference"}}
		o := OrderOptions{Kind: strings.TrimPrefix(c.Name, "order_"), Anchors: AnchorsAll, Temperature: temperature}
		o.Distance, _ = c.Params["distance"].(string)
		o.Margin, _ = c.Params["margin"].(float64)
		o.ScaledMargin, _ = c.Params["scaled_margin"].(bool)
		grad := make([]T, len(z.Data))
		value, _ := runFamilies(o, grad, in(swap(z.Data, n, k, d)), v, d, 1)
		return value, grad, swap(c.Grad["z"].Data, n, k, d)
	}
	t.Fatalf("no such loss: %s", c.Name)
	return 0, nil, nil
}

func stack(a, b tensor) tensor {
	return tensor{append([]int{2}, a.Shape...), append(append([]float64{}, a.Data...), b.Data...)}
}

// swap turns [n, k, d] into [k, n, d].
func swap(x []float64, n, k, d int) []float64 {
	y := make([]float64, len(x))
	for i := range n {
		for j := range k {
			copy(y[(j*n+i)*d:][:d], x[(i*k+j)*d:])
		}
	}
	return y
}

func convert[T, S float](x []S) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

// compare checks a value, and a gradient relative to its largest entry.
func compare(t *testing.T, what string, value, wantValue float64, grad, wantGrad []float64, tolerance float64) {
	t.Helper()
	if e := math.Abs(value-wantValue) / math.Max(math.Abs(wantValue), 1e-3); !(e <= tolerance) {
		t.Errorf("%s: value %.12g, want %.12g (off by %.2g)", what, value, wantValue, e)
	}
	var largest float64
	for _, g := range wantGrad {
		largest = math.Max(largest, math.Abs(g))
	}
	for i, g := range grad {
		if e := math.Abs(g-wantGrad[i]) / math.Max(largest, 1e-9); !(e <= tolerance) {
			t.Fatalf("%s: gradient[%d] = %.12g, want %.12g (off by %.2g of the largest)", what, i, g, wantGrad[i], e)
		}
	}
}

// batchOf returns rows and the place of their gradient.
func batchOf[T float](grad, z []T, images, dim int, base []int, weight float64) batch[T] {
	return batch[T]{data: z, grad: grad, images: images, dim: dim, base: base, weight: weight}
}
