package loss

import (
	"fmt"
	"math"
	"strings"
)

// orderTerm is an order loss over every ordered family.
type orderTerm struct {
	options OrderOptions
	kernel  *order[float32]
	names   []familyNames
	weights []float64 // by family
	needed  []Need
	reads   []bool
}

// familyNames are the names of what belongs to a family.
type familyNames struct{ family, head, value, accuracy, triplets, violated, active, cosine string }

func newOrderTerm(o OrderOptions, loss func(OrderOptions) orderLoss) term {
	return &orderTerm{options: o, kernel: newOrder[float32](o, loss)}
}

// need returns the output that the term looks at for a family.
func (t *orderTerm) need(v Views, f int) Need {
	family := v.Names[f]
	if t.options.Kind == KindRelativeScale {
		return Need{Output: t.namesOf(f, family).head, Dim: v.scaleColumns(f), Kind: NeedLinear}
	}
	output := t.options.Output
	if own := t.options.Families[family].Output; own != "" {
		output = own
	}
	if output == OutputOwn {
		return Need{Output: t.namesOf(f, family).head, Kind: NeedOwn}
	}
	return outputNeed(output)
}

func (t *orderTerm) needs(to []Need, v Views) (_ []Need, err error) {
	first := len(to)
	for f := range v.Names {
		if v.nominal(f) {
			continue
		}
		if t.options.Anchors == AnchorsOrigin && v.base() == 0 {
			return to, fmt.Errorf("%s with anchors: origin needs at least one base view: set augment.base_views to 1 or more",
				t.options.Kind)
		}
		if to, err = addNeed(to, t.need(v, f)); err != nil {
			return to, err
		}
	}
	t.needed = append(t.needed[:0], to[first:]...)
	return to, nil
}

func (t *orderTerm) check(Views, []Output) error { return nil }

func (t *orderTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.begin(v)
	for i, out := range outs {
		t.reads = t.reads[:0]
		for f := range v.Names {
			t.reads = append(t.reads, t.readsOf(v, f, i))
		}
		t.kernel.run(newBatch(out, v, nil, weight), v, t.reads)
	}
	return t.kernel.value(), t.diagnose(v, d)
}

// begin weighs the families.
func (t *orderTerm) begin(v Views) {
	t.weights = t.weights[:0]
	for _, family := range v.Names {
		w := 1.0
		if o, ok := t.options.Families[family]; ok {
			w = o.Weight * ramp(o.Schedule, o.Warmup, v.Progress)
		}
		t.weights = append(t.weights, w)
	}
	t.kernel.begin(v, t.weights)
}

// readsOf says whether a family's loss looks at output i of those that the term needs.
func (t *orderTerm) readsOf(v Views, f, i int) bool {
	return !v.nominal(f) && t.need(v, f).Output == t.needed[i].Output
}

// watch is compute with weight 0, and appends how the gradient of each family lies to another one, against, by output.
// It leaves zeros in the outputs' gradients.
func (t *orderTerm) watch(v Views, outs []Output, against [][]float32, d []Diagnostic) (float64, []Diagnostic) {
	t.begin(v)
	for f, family := range v.Names {
		for i, out := range outs {
			if !t.readsOf(v, f, i) {
				continue
			}
			t.reads = t.reads[:0]
			for g := range v.Names {
				t.reads = append(t.reads, g == f)
			}
			t.kernel.run(newBatch(out, v, nil, 1), v, t.reads)
			product, own, other := productSums(out.Grad, against[i])
			if norm := math.Sqrt(own) * math.Sqrt(other); norm > 0 {
				d = append(d, Diagnostic{t.namesOf(f, family).cosine, product / norm})
			}
			clear(out.Grad)
		}
	}
	return t.kernel.value(), t.diagnose(v, d)
}

func (t *orderTerm) diagnose(v Views, d []Diagnostic) []Diagnostic {
	hinges := t.options.Kind == KindTriplet
	var all familyResult
	for f, r := range t.kernel.families {
		if r.skipped {
			continue
		}
		name := t.namesOf(f, v.Names[f])
		triplets := float64(r.triplets)
		d = append(d, Diagnostic{name.value, r.value}, Diagnostic{name.triplets, triplets})
		if r.triplets > 0 {
			d = append(d, Diagnostic{name.accuracy, r.right / triplets},
				Diagnostic{name.violated, float64(r.violated) / triplets})
			if hinges {
				d = append(d, Diagnostic{name.active, float64(r.active) / triplets})
			}
		}
		all.triplets += r.triplets
		all.right += r.right
		all.violated += r.violated
		all.active += r.active
	}
	if all.triplets > 0 {
		triplets := float64(all.triplets)
		d = append(d, Diagnostic{"accuracy", all.right / triplets}, Diagnostic{"violated", float64(all.violated) / triplets})
		if hinges {
			d = append(d, Diagnostic{"active", float64(all.active) / triplets})
		}
	}
	return d
}

// headName is the name of a family's own output. Names of outputs are words.
func headName(prefix, family string) string { return prefix + strings.ReplaceAll(family, "+", "_") }

// namesOf returns the names of family f, put together once.
func (t *orderTerm) namesOf(f int, family string) familyNames {
	for len(t.names) <= f {
		t.names = append(t.names, familyNames{})
	}
	if t.names[f].family != family || t.names[f].head == "" {
		prefix := "order_"
		if t.options.Kind == KindRelativeScale {
			prefix = "scale_"
		}
		t.names[f] = familyNames{family, headName(prefix, family), "value/" + family, "accuracy/" + family,
			"triplets/" + family, "violated/" + family, "active/" + family,
			"gradient_cosine/" + family}
	}
	return t.names[f]
}
