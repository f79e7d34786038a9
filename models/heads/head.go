package heads

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The names that heads know of: a head stands on the features unless it says otherwise, and one called projector gives the
// embedding.
const (
	Features  = "features"
	Embedding = "embedding"
	Projector = "projector"
)

// Limits, so that a slip of the finger is a sentence and not a machine out of memory.
const (
	maxSize   = 65536
	maxLayers = 16
	maxName   = 64
)

// Head is a perceptron on an output [batch, n] of a model.
type Head struct {
	// Name begins the names of the parameters: letters, digits and _, 64 at most. Required.
	Name string `yaml:"name" json:"name"`
	// Input is the output that the head stands on: features (the default), embedding, or another head's output.
	Input string `yaml:"input" json:"input"`
	// Output is the name of what the head gives. The default is its own name, but for a head named projector: embedding.
	Output string `yaml:"output" json:"output"`
	// Layers are the sizes of the layers, each in [1, 65536], 16 at most; the last is the output's. One layer is a linear
	// head. Required.
	Layers []int `yaml:"layers" json:"layers"`
	// BatchNorm puts a batch norm between each hidden layer and its ReLU. Default true.
	BatchNorm bool `yaml:"batch_norm" json:"batch_norm"`
	// Bias gives the layers a bias, but for those with a batch norm behind them, where it would have no effect. Default
	// true.
	Bias bool `yaml:"bias" json:"bias"`
}

// Default is a head without name and layers.
func Default() Head { return Head{Input: Features, BatchNorm: true, Bias: true} }

// Resolved is the head with its default output filled in.
func (h Head) Resolved() Head {
	if h.Output == "" {
		h.Output = h.Name
		if h.Name == Projector {
			h.Output = Embedding
		}
	}
	return h
}

// Validate returns every fault, joined.
func (h Head) Validate() error {
	var faults []error
	for _, f := range []struct{ key, value string }{{"name", h.Name}, {"input", h.Input}, {"output", h.Resolved().Output}} {
		if !isName(f.value) {
			faults = append(faults, fmt.Errorf("%s: must be 1 to %d letters, digits or _, got %q", f.key, maxName, f.value))
		}
	}
	if len(h.Layers) == 0 || len(h.Layers) > maxLayers {
		faults = append(faults, fmt.Errorf("layers: must be 1 to %d sizes, such as [256, 64], got %d", maxLayers, len(h.Layers)))
	}
	for i, n := range h.Layers {
		if n < 1 || n > maxSize {
			faults = append(faults, fmt.Errorf("layers[%d]: must be in [1, %d], got %d", i, maxSize, n))
		}
	}
	return errors.Join(faults...)
}

// isName: a name becomes part of file formats in which dots and slashes mean something.
func isName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, r := range s {
		if !(r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return true
}

// UnmarshalYAML fills in the defaults and refuses unknown keys.
func (h *Head) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a head must be a map, such as {name: projector, layers: [256, 64]}", node.Line)
	}
	known := keys()
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := node.Content[i]; !strings.Contains(" "+known+" ", " "+key.Value+" ") {
			return fmt.Errorf("line %d: a head has no key %q, it has: %s", key.Line, key.Value, known)
		}
	}
	type plain Head // without this method
	p := plain(Default())
	if err := node.Decode(&p); err != nil {
		return err
	}
	*h = Head(p)
	return nil
}

// keys lists the YAML keys of a head.
func keys() string {
	t := reflect.TypeFor[Head]()
	list := make([]string, t.NumField())
	for i := range list {
		list[i] = t.Field(i).Tag.Get("yaml")
	}
	return strings.Join(list, " ")
}

// Parse reads one head from a line of YAML: "{name: order, layers: [128, 32]}", with or without the braces.
func Parse(text string) (Head, error) {
	if t := strings.TrimSpace(text); !strings.HasPrefix(t, "{") {
		text = "{" + t + "}"
	}
	h := Head{}
	if err := yaml.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("heads: %q is not a head such as {name: order, layers: [128, 32]}: %w", text, err)
	}
	return h, h.Validate()
}
