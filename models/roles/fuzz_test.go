package roles_test

import (
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/roles"
)

// FuzzRoles: whatever the graph, no panic, and what is taken apart and hoisted is a valid graph still.
func FuzzRoles(f *testing.F) {
	for _, layers := range []func(n net, x string) string{
		func(n net, x string) string {
			one, zero := n.filled("a.weight", 1, 4), n.filled("a.bias", 0, 4)
			x = n.node("BatchNormalization", x, one, zero, zero, one)
			return n.node("Mul", x, n.node("Reshape", one, n.Initializer(onnxgraph.NewInts("s", 4, 1, 1))))
		},
		func(n net, x string) string {
			b := n.filled("a.bias", 0, 4)
			other := n.node("Identity", b)
			x = n.node("Conv", x, n.constant(onnxgraph.NewFloats("w", []int64{4, 4, 1, 1}, make([]float32, 16))), b)
			return n.node("Conv", x, n.varied("b.weight", 4, 4, 1, 1), other)
		},
	} {
		data, err := model(layers).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnxgraph.Decode(data)
		if err != nil || onnxgraph.Check(m) != nil {
			return
		}
		for _, u := range roles.Untie(m, roles.Of(m), func(name string) bool { return len(name)%3 == 0 }) {
			if len(u.Names) < 2 {
				t.Errorf("%s was taken apart into %q", u.Name, u.Names)
			}
		}
		roles.Hoist(m, func(name string) bool { return len(name)%2 == 0 })
		if err := onnxgraph.Check(m); err != nil {
			t.Errorf("the graph is broken: %v", err)
		}
	})
}
