package autodiff_test

import (
	"slices"
	"strings"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/checkpoint"
	"ordo/models/zoo"
)

// TestFrozen: frozen parameters have no gradient, and what stands before the first trained one needs no backward pass.
func TestFrozen(t *testing.T) {
	m := zooModel(t, resnet())
	options := autodiff.DefaultOptions()
	for _, p := range m.GetGraph().GetInitializer() {
		if name := p.GetName(); !strings.HasPrefix(name, "projector.") {
			options.Frozen = append(options.Frozen, name)
		}
	}
	a, err := autodiff.Build(m, options)
	if err != nil {
		t.Fatal(err)
	}
	var trained []string
	for _, p := range parameters(t, a) {
		if p.Trainable {
			trained = append(trained, p.Name)
		}
	}
	if want := []string{"projector.0.weight", "projector.1.weight", "projector.1.bias", "projector.3.weight",
		"projector.3.bias"}; !slices.Equal(trained, want) {
		t.Errorf("trained are %v, want %v", trained, want)
	}
	for _, n := range a.Training.GetGraph().GetNode() {
		if n.GetOpType() == "ConvGrad" {
			t.Errorf("node %s computes a gradient that nothing needs", n.GetName())
		}
	}
	c, err := checkpoint.Decode(a.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Trainable) != len(trained) || len(c.Trainable)+len(c.Frozen) != len(parameters(t, a)) {
		t.Errorf("the checkpoint has %d trained and %d frozen tensors of %d", len(c.Trainable), len(c.Frozen),
			len(parameters(t, a)))
	}

	options.Frozen = []string{"layer9.weight"}
	if _, err := autodiff.Build(zooModel(t, zoo.DefaultOptions()), options); err == nil ||
		!strings.Contains(err.Error(), `"layer9.weight", which should be frozen`) {
		t.Errorf("an unknown name: %v", err)
	}
}
