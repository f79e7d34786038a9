package loss

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// orderCase is a case of testdata/order_reference.json, which testdata/order_reference.py wrote: values and gradients
// by torch 2.8 autograd in float64.
type orderCase struct {
	Kind         string  `json:"kind"`
	Distance     string  `json:"distance"`
	Anchors      string  `json:"anchors"`
	Temperature  float64 `json:"temperature"`
	Margin       float64 `json:"margin"`
	ScaledMargin bool    `json:"scaled_margin"`
	Base         int     `json:"base"`
	Period       float64 `json:"period"`
	Z            tensor  `json:"z"` // [N, K, D], the base views first
	S            tensor  `json:"s"` // [N, K]
	Value        float64 `json:"value"`
	Grad         tensor  `json:"grad"`
}

// distanceKinds are the kinds of order terms that look at distances, in any output.
func distanceKinds() []string {
	return slices.DeleteFunc(kindNames(roleOrder), func(name string) bool { return name == KindRelativeScale })
}

func TestOrderReference(t *testing.T) {
	text, err := os.ReadFile("testdata/order_reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []orderCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if want := len(distanceKinds()) * 3 * 2; len(cases) != want {
		t.Errorf("%d cases, want %d", len(cases), want)
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.Kind, " ", c.Distance, " ", c.Anchors), func(t *testing.T) {
			n, k, d := c.Z.Shape[0], c.Z.Shape[1], c.Z.Shape[2]
			v := Views{Images: n, Family: make([]int, k), Scale: swap(c.S.Data, n, k, 1), Names: []string{"a"},
				Period: []float64{c.Period}}
			for view := range c.Base {
				v.Family[view] = BaseView
			}
			o := OrderOptions{Kind: c.Kind, Distance: c.Distance, Anchors: c.Anchors, Temperature: c.Temperature,
				Margin: c.Margin, ScaledMargin: c.ScaledMargin}
			z, want := swap(c.Z.Data, n, k, d), swap(c.Grad.Data, n, k, d)
			grad, grad32 := make([]float64, len(z)), make([]float32, len(z))
			value, _ := runFamilies(o, grad, z, v, d, 1)
			compare(t, "float64", value, c.Value, grad, want, 1e-9)
			value, _ = runFamilies(o, grad32, convert[float32](z), v, d, 1)
			compare(t, "float32", value, c.Value, convert[float64](grad32), want, 1e-5)
		})
	}
}

// runFamilies returns the loss of all families on one output, adds weight times its gradient to grad, and returns what
// was found for the families.
func runFamilies[T float](o OrderOptions, grad, z []T, v Views, dim int, weight float64) (float64, []familyResult) {
	k := orderOf[T](o)
	return rerunFamilies(k, grad, z, v, dim, weight), k.families
}

// orderOf returns what computes the loss of the options.
func orderOf[T float](o OrderOptions) *order[T] {
	o = o.resolved()
	loss := TermOptions{Order: &o}.build().term.(*orderTerm).kernel.loss
	if loss == nil {
		return newOrder[T](o, nil)
	}
	return newOrder[T](o, func(OrderOptions) orderLoss { return loss })
}

// rerunFamilies does so with buffers that may have been used.
func rerunFamilies[T float](k *order[T], grad, z []T, v Views, dim int, weight float64) float64 {
	weights, reads := make([]float64, len(v.Names)), make([]bool, len(v.Names))
	for f := range v.Names {
		weights[f], reads[f] = 1, true
	}
	k.begin(v, weights)
	k.run(batchOf(grad, z, v.Images, dim, nil, weight), v, reads)
	return k.value()
}

// runRankNet is runFamilies for ranknet with the cosine distance.
func runRankNet[T float](grad, z []T, v Views, dim int, allAnchors bool, temperature, weight float64) float64 {
	o := OrderOptions{Kind: KindRankNet, Temperature: temperature, Anchors: AnchorsOrigin}
	if allAnchors {
		o.Anchors = AnchorsAll
	}
	value, _ := runFamilies(o, grad, z, v, dim, weight)
	return value
}
