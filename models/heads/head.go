package heads

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/graph"
)

// The names that heads know of: a head stands on the features unless it says otherwise; one called projector gives the
// embedding, one called predictor the prediction. A conditioned head takes graph.Draws, a further input of the training
// graph.
const (
	Projector  = "projector"
	Predictor  = "predictor"
	prediction = "prediction"
)

// The kinds of heads, see the package's documentation.
const (
	Perceptron  = "perceptron"
	Pair        = "pair"
	Conditioned = "conditioned"
)

// Limits, so that a slip of the finger is a sentence and not a machine out of memory.
const (
	maxSize   = 65536
	maxLayers = 16
	maxName   = 64
	maxViews  = 4096
)

// defaultEncoding is EquiMod's.
const defaultEncoding = 128

// Head is a perceptron on an output [batch, n] of a model.
type Head struct {
	// Name begins the names of the parameters: letters, digits and _, 64 at most. Required.
	Name string `yaml:"name" json:"name"`
	// Kind is what the head looks at: one view (perceptron, the default), two views (pair), or a view and what was
	// drawn for it (conditioned).
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"`
	// Input is the output that the head stands on: features (the default), embedding, or another head's output.
	Input string `yaml:"input" json:"input"`
	// Output is the name of what the head gives. The default is its own name, but for a head named projector:
	// embedding, and for one named predictor: prediction.
	Output string `yaml:"output" json:"output"`
	// Layers are the sizes of the layers, each in [1, 65536], 16 at most; the last is the output's. One layer is a
	// linear head. Required.
	Layers []int `yaml:"layers" json:"layers"`
	// BatchNorm puts a batch norm between each hidden layer and its ReLU. Default true.
	BatchNorm bool `yaml:"batch_norm" json:"batch_norm"`
	// Bias gives the layers a bias, but for those with a batch norm behind them, where it would have no effect. Default
	// true.
	Bias bool `yaml:"bias" json:"bias"`
	// Encoding is the size of a conditioned head's encoding of the parameters, in [1, 65536]; 0, the default: 128.
	Encoding int `yaml:"encoding,omitempty" json:"encoding,omitempty"`
	// Batch says how a training batch is made of views, for the kinds pair and conditioned. An experiment leaves it
	// out: its view plan says it.
	Batch `yaml:",inline"`
}

// Batch says how a training batch is made of views: V of each image, in rows v·N + n. The evaluation of a model and the
// exported encoder know nothing of it.
type Batch struct {
	// Views is V, in [2, 4096].
	Views int `yaml:"views,omitempty" json:"views,omitempty"`
	// BaseViews is the number of base views, which come first; in [1, views). Of kind conditioned.
	BaseViews int `yaml:"base_views,omitempty" json:"base_views,omitempty"`
	// PlainView is the place of the plain view, in [base_views, views). Of kind conditioned.
	PlainView int `yaml:"plain_view,omitempty" json:"plain_view,omitempty"`
	// Draws is the number of columns of the input `parameters`, [V·N, parameters]: what was drawn for each view. In
	// [1, 65536]. Of kind conditioned.
	Draws int `yaml:"parameters,omitempty" json:"parameters,omitempty"`
}

// String names what isn't 0: "5 views, 2 base views, plain view 2, 12 parameters".
func (b Batch) String() string {
	s := fmt.Sprintf("%d views", b.Views)
	if b.BaseViews > 0 {
		s += fmt.Sprintf(", %d base views, plain view %d, %d parameters", b.BaseViews, b.PlainView, b.Draws)
	}
	return s
}

// Default is a head without name and layers.
func Default() Head { return Head{Input: graph.Features, BatchNorm: true, Bias: true} }

// Resolved is the head with its default output, kind and encoding filled in.
func (h Head) Resolved() Head {
	if h.Output == "" {
		switch h.Output = h.Name; h.Name {
		case Projector:
			h.Output = graph.Embedding
		case Predictor:
			h.Output = prediction
		}
	}
	if h.Kind == Perceptron {
		h.Kind = "" // as in the manifests from before there were kinds
	}
	if h.Kind == Conditioned {
		h.Encoding = cmp.Or(h.Encoding, defaultEncoding)
	}
	return h
}

// For is the head for batches of the given views: what its kind needs to know of them.
func (h Head) For(b Batch) Head {
	switch h.Kind {
	case Pair:
		h.Batch = Batch{Views: b.Views}
	case Conditioned:
		h.Batch = b
	}
	return h
}

// acrossViews says whether the head looks at several views of an image, so that it needs a training batch.
func (h Head) acrossViews() bool { return h.Kind == Pair || h.Kind == Conditioned }

// Validate returns every fault, joined.
func (h Head) Validate() error {
	var faults []error
	for _, f := range []struct{ key, value string }{{"name", h.Name}, {"input", h.Input},
		{"output", h.Resolved().Output}} {
		if !isName(f.value) {
			faults = append(faults, fmt.Errorf("%s: must be 1 to %d letters, digits or _, got %q", f.key, maxName,
				f.value))
		}
	}
	if len(h.Layers) == 0 || len(h.Layers) > maxLayers {
		faults = append(faults, fmt.Errorf("layers: must be 1 to %d sizes, such as [256, 64], got %d", maxLayers,
			len(h.Layers)))
	}
	for i, n := range h.Layers {
		if n < 1 || n > maxSize {
			faults = append(faults, fmt.Errorf("layers[%d]: must be in [1, %d], got %d", i, maxSize, n))
		}
	}
	return errors.Join(append(faults, h.validateKind()...)...)
}

func (h Head) validateKind() (faults []error) {
	within := func(key string, v, low, high int) {
		if v < low || v > high {
			faults = append(faults, fmt.Errorf("%s: must be in [%d, %d] for a head of kind %s, got %d", key, low, high,
				h.Kind, v))
		}
	}
	none := func(key string, v int) {
		if v != 0 {
			faults = append(faults, fmt.Errorf("%s: must be left out for a head of kind %s, got %d", key,
				cmp.Or(h.Kind, Perceptron), v))
		}
	}
	switch h.Kind {
	case Conditioned:
		within("encoding", h.Resolved().Encoding, 1, maxSize)
		within("views", h.Views, 2, maxViews)
		within("base_views", h.BaseViews, 1, max(1, h.Views-1))
		within("plain_view", h.PlainView, h.BaseViews, max(h.BaseViews, h.Views-1))
		within("parameters", h.Draws, 1, maxSize)
		return faults
	case Pair:
		within("views", h.Views, 2, maxViews)
	case "", Perceptron:
		none("views", h.Views)
	default:
		return []error{fmt.Errorf("kind: must be %s, %s or %s, got %q", Perceptron, Pair, Conditioned, h.Kind)}
	}
	none("encoding", h.Encoding)
	none("base_views", h.BaseViews)
	none("plain_view", h.PlainView)
	none("parameters", h.Draws)
	return faults
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

// ValidateList returns every fault of the heads of a model, joined, each starting with "heads[i].": their own, and
// those that they have together. outputs are what the model has without them. A head may stand on any of these, or on a
// head before it that gives a row for every view.
func ValidateList(list []Head, outputs []string) error {
	var faults []error
	known, taken, names := slices.Clone(outputs), slices.Clone(outputs), map[string]bool{}
	across := Head{}
	for i, h := range list {
		h = h.Resolved()
		faultf := func(format string, a ...any) {
			faults = append(faults, fmt.Errorf("heads[%d].%w", i, fmt.Errorf(format, a...)))
		}
		if err := h.Validate(); err != nil {
			for line := range strings.Lines(err.Error()) {
				faultf("%s", strings.TrimSpace(line))
			}
			continue
		}
		if names[h.Name] {
			faultf("name: a head before it is called %q too", h.Name)
		}
		if slices.Contains(taken, h.Output) {
			faultf("output: there is an output %q already", h.Output)
		}
		if !slices.Contains(known, h.Input) || h.Input == h.Output {
			faultf("input: must be one of %s, got %q", strings.Join(known, ", "), h.Input)
		}
		names[h.Name], taken = true, append(taken, h.Output)
		if !h.acrossViews() {
			known = append(known, h.Output)
			continue
		}
		if across.Views != 0 && h.Views != across.Views || h.Kind == Conditioned && across.Kind == Conditioned &&
			h.Batch != across.Batch {
			faultf("views: the head %s is for %v, this one for %v: batches are the same for all", across.Name,
				across.Batch, h.Batch)
		}
		if across.Kind != Conditioned {
			across = h
		}
	}
	return errors.Join(faults...)
}

// UnmarshalYAML fills in the defaults and refuses unknown keys.
func (h *Head) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a head must be a map, such as {name: projector, layers: [256, 64]}", node.Line)
	}
	known := keys()
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := node.Content[i]; !slices.Contains(known, key.Value) {
			return fmt.Errorf("line %d: a head has no key %q, it has: %s", key.Line, key.Value,
				strings.Join(known, " "))
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
func keys() []string {
	var list []string
	for _, t := range []reflect.Type{reflect.TypeFor[Head](), reflect.TypeFor[Batch]()} {
		for i := range t.NumField() {
			if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" {
				list = append(list, key)
			}
		}
	}
	return list
}

// String is the head as a line of YAML that Parse reads: {name: order, layers: [128, 32]}. What has its default is left
// out.
func (h Head) String() string {
	h = h.Resolved()
	d := Default()
	parts := []string{"name: " + h.Name}
	add := func(given bool, format string, a ...any) {
		if given {
			parts = append(parts, fmt.Sprintf(format, a...))
		}
	}
	add(h.Kind != "", "kind: %s", h.Kind)
	add(h.Input != d.Input, "input: %s", h.Input)
	add(h.Output != (Head{Name: h.Name}).Resolved().Output, "output: %s", h.Output)
	parts = append(parts, "layers: "+strings.ReplaceAll(fmt.Sprint(h.Layers), " ", ", "))
	add(h.BatchNorm != d.BatchNorm, "batch_norm: %v", h.BatchNorm)
	add(h.Bias != d.Bias, "bias: %v", h.Bias)
	add(h.Encoding != 0 && h.Encoding != defaultEncoding, "encoding: %d", h.Encoding)
	add(h.Views != 0, "views: %d", h.Views)
	add(h.BaseViews != 0, "base_views: %d", h.BaseViews)
	add(h.PlainView != 0, "plain_view: %d", h.PlainView)
	add(h.Draws != 0, "parameters: %d", h.Draws)
	return "{" + strings.Join(parts, ", ") + "}"
}

// Parse reads one head from a line of YAML: "{name: order, layers: [128, 32]}", with or without the braces.
func Parse(text string) (Head, error) {
	if t := strings.TrimSpace(text); !strings.HasPrefix(t, "{") {
		text = "{" + t + "}"
	}
	h := Head{}
	if err := yaml.Unmarshal([]byte(text), &h); err != nil {
		return h, fmt.Errorf("%q is not a head such as {name: order, layers: [128, 32]}: %w", text, err)
	}
	return h, h.Validate()
}
