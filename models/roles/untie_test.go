package roles_test

import (
	"slices"
	"strings"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// untie takes a graph apart and tells what was found and what the graph stores then.
func untie(t *testing.T, m *onnxgraph.Model, keep bool) (untied, stored string) {
	t.Helper()
	var found []string
	for _, u := range roles.Untie(m, roles.Of(m), func(string) bool { return keep }) {
		found = append(found, u.Name+": "+strings.Join(u.Names, " "))
	}
	if err := onnxgraph.Check(m); err != nil {
		t.Errorf("the graph is broken: %v", err)
	}
	var names []string
	for _, r := range roles.Of(m) {
		if name := r.Tensor.GetName(); name != "stem.weight" {
			names = append(names, name+"="+string(r.Kind))
		}
	}
	slices.Sort(names)
	return strings.Join(found, ", "), strings.Join(names, " ")
}

func TestUntie(t *testing.T) {
	for _, c := range []struct {
		name           string
		layers         func(n net, x string) string
		untied, stored string
		kept           string // with everything kept tied
	}{
		{"norms", func(n net, x string) string {
			w, b := n.filled("a.weight", 1, 8), n.filled("a.bias", 0, 8)
			x = n.Op("LayerNormalization", "first", []string{x, w, b})
			return n.Op("LayerNormalization", "second", []string{n.node("Add", x, x), w, b})
		}, "a.weight: a.weight second.scale, a.bias: a.bias second.bias",
			"a.bias=shift a.weight=scale second.bias=shift second.scale=scale", "a.bias=shift a.weight=scale"},
		{"a norm behind a norm", func(n net, x string) string {
			w := n.filled("a.weight", 1, 8)
			x = n.Op("LayerNormalization", "first", []string{x, w})
			return n.Op("LayerNormalization", "second", []string{n.node("Relu", x), w})
		}, "a.weight: a.weight second.scale", "a.weight=scale second.scale=scale", "a.weight=scale"},
		{"a layer and its norm, used twice", func(n net, x string) string {
			w, s := n.varied("a.weight", 1, 8, 8), n.filled("a.scale", 1, 8)
			for range 2 {
				x = n.node("LayerNormalization", n.node("MatMul", x, w), s)
			}
			return x
		}, "", "a.scale=scale a.weight=weight", "a.scale=scale a.weight=weight"},
		{"norms that are equal but not fresh", func(n net, x string) string {
			w := n.varied("a.weight", 8)
			x = n.node("LayerNormalization", x, w)
			return n.node("LayerNormalization", n.node("Add", x, x), w)
		}, "", "a.weight=scale", "a.weight=scale"},
		{"shared weights", func(n net, x string) string {
			w := n.filled("a.weight", 1, 8, 8)
			return n.node("MatMul", n.node("MatMul", x, w), w)
		}, "", "a.weight=weight", "a.weight=weight"},
		{"one layer that is used twice", func(n net, x string) string {
			w, b := n.varied("a.weight", 4, 4, 1, 1), n.filled("a.bias", 0, 4)
			return n.node("Conv", n.node("Conv", x, w, b), w, b)
		}, "", "a.bias=bias a.weight=weight", "a.bias=bias a.weight=weight"},
		{"biases of two layers", func(n net, x string) string {
			b := n.filled("a.bias", 0, 4)
			x = n.Op("Conv", "p", []string{x, n.varied("a.weight", 4, 4, 1, 1), b})
			return n.Op("Conv", "q", []string{x, n.varied("b.weight", 4, 4, 1, 1), b})
		}, "a.bias: a.bias q.bias", "a.bias=bias a.weight=weight b.weight=weight q.bias=bias",
			"a.bias=bias a.weight=weight b.weight=weight"},
		{"names that Identity nodes have kept", func(n net, x string) string {
			b := n.filled("a.bias", 0, 4)
			other := n.Op("Identity", "b.bias", []string{b})
			x = n.node("Conv", x, n.varied("a.weight", 4, 4, 1, 1), b)
			return n.node("Conv", x, n.varied("b.weight", 4, 4, 1, 1), other)
		}, "a.bias: a.bias b.bias", "a.bias=bias a.weight=weight b.bias=bias b.weight=weight",
			"a.bias=bias a.weight=weight b.weight=weight"},
		{"another form", func(n net, x string) string {
			flat := n.filled("a.weight", 1, 4)
			shape := n.Initializer(onnxgraph.NewInts("shape", 4, 1, 1))
			x = n.Op("Mul", "p", []string{x, n.node("Reshape", flat, shape)})
			return n.Op("Mul", "q", []string{n.node("Add", x, x), n.node("Reshape", flat, shape)})
		}, "a.weight: a.weight q.scale", "a.weight=scale q.scale=scale", "a.weight=scale"},
		{"a batch norm that shares with itself", func(n net, x string) string {
			one, zero := n.filled("a.weight", 1, 4), n.filled("a.bias", 0, 4)
			return n.Op("BatchNormalization", "p", []string{x, one, zero, zero, one})
		}, "a.weight: a.weight p.running_var, a.bias: a.bias p.running_mean",
			"a.bias=shift a.weight=scale p.running_mean=running mean p.running_var=running variance",
			"a.bias=shift a.weight=scale p.running_mean=running mean p.running_var=running variance"},
		{"a constant that is equal", func(n net, x string) string {
			one := n.filled("a.weight", 1, 1)
			x = n.node("Clip", x, one)
			return n.node("Mul", x, one)
		}, "", "a.weight/constant=setting a.weight=scale", "a.weight/constant=setting a.weight=scale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			untied, stored := untie(t, model(c.layers), false)
			if untied != c.untied || stored != c.stored {
				t.Errorf("untied %q, want %q\nstored %q\nwant   %q", untied, c.untied, stored, c.stored)
			}
			if _, stored := untie(t, model(c.layers), true); stored != c.kept {
				t.Errorf("kept tied, stored %q, want %q", stored, c.kept)
			}
		})
	}
}
