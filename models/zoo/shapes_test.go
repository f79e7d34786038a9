package zoo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ordo/models/onnxgraph"
	"ordo/models/zoo"
)

// parameters lists what is trained or kept up to date: "NAME 64,3,7,7".
func parameters(m *onnxgraph.Model) []string {
	var list []string
	for _, p := range m.GetGraph().GetInitializer() {
		if p.GetDataType() != onnxgraph.Float32 {
			continue
		}
		var dims []string
		for _, d := range p.GetDims() {
			dims = append(dims, strconv.FormatInt(d, 10))
		}
		list = append(list, p.GetName()+" "+strings.Join(dims, ","))
	}
	return list
}

// TestShapesAreTheOriginals holds names, order, shapes and number of all parameters against lists that torchvision's
// and timm's state_dict() gave; each file's first line says which version's.
func TestShapesAreTheOriginals(t *testing.T) {
	for _, name := range zoo.Names() {
		if zoo.Source(name) == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "shapes", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(string(data)), "\n")
			m := build(t, zoo.Options{Backbone: name, Stem: "standard"}, 224)
			if err := onnxgraph.Check(m); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("; %d trainable values.", zoo.ParameterCount(m)); !strings.HasSuffix(want[0], got) {
				t.Errorf("%q, but of the original: %q", got, want[0])
			}
			got := parameters(m)
			for i, line := range want[1:] {
				if i >= len(got) || got[i] != line {
					t.Fatalf("parameter %d of %d is %q, want %q", i, len(got), got[min(i, len(got)-1)], line)
				}
			}
			if len(got) != len(want)-1 {
				t.Errorf("parameters that the original lacks: %q", got[len(want)-1:])
			}
		})
	}
}

// TestSmallStem: only the first weights, and a transformer's positions, differ from the standard stem's.
func TestSmallStem(t *testing.T) {
	for name, want := range map[string][]string{
		"resnet50":           {"conv1.weight 64,3,3,3"},
		"mobilenet_v3_small": nil,
		"efficientnet_b0":    nil,
		"convnext_tiny":      {"features.0.0.weight 96,3,2,2"},
		"vit_tiny":           {"pos_embed 1,65,192", "patch_embed.proj.weight 192,3,4,4"},
	} {
		standard := parameters(build(t, zoo.Options{Backbone: name, Stem: "standard"}, 32))
		small := parameters(build(t, zoo.Options{Backbone: name, Stem: "small"}, 32))
		got := slices.DeleteFunc(small, func(p string) bool { return slices.Contains(standard, p) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q differ, want %q", name, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		name string
		want zoo.Info
		keys []string
	}{
		{"convnet", zoo.Info{Parameters: 69968, Features: 256}, []string{"width"}},
		{"wide_resnet50_2", zoo.Info{Parameters: 66834240, Features: 2048}, []string{"stem", "width"}},
		{"mobilenet_v3_small", zoo.Info{Parameters: 927008, Features: 576}, []string{"stem"}},
		{"vit_small", zoo.Info{Parameters: 21665664, Features: 384}, []string{"stem", "patch_size"}},
	} {
		got, err := zoo.Describe(zoo.Options{Backbone: c.name, Stem: "standard"}, 224)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
		if keys := zoo.Keys(c.name); !slices.Equal(keys, c.keys) {
			t.Errorf("%s takes %v, want %v", c.name, keys, c.keys)
		}
	}
	if _, err := zoo.Describe(zoo.Options{Backbone: "vit_tiny", Stem: "standard"}, 100); err == nil {
		t.Error("no error for an image that the patches don't tile")
	}
}

// TestOutputTypes: what Build declares is what the graph makes, also where strides don't divide the size.
func TestOutputTypes(t *testing.T) {
	for _, o := range []zoo.Options{
		{Backbone: "convnet"}, {Backbone: "resnet34", Width: 2}, {Backbone: "resnet50", Width: 2},
		{Backbone: "wide_resnet50_2", Width: 2},
		{Backbone: "mobilenet_v3_small"}, {Backbone: "efficientnet_b0"}, {Backbone: "convnext_tiny"},
		{Backbone: "vit_tiny", PatchSize: 1},
	} {
		for _, size := range []int{16, 47} {
			name := o.Backbone
			o.Stem, o.Projector = "small", []int{7}
			m := build(t, o, size)
			types, err := onnxgraph.Infer(m)
			if err != nil {
				t.Fatalf("%s for %d pixels: %v", name, size, err)
			}
			for _, v := range m.GetGraph().GetOutput() {
				if typ, err := v.TensorType(); err != nil || !typ.Shape.Equal(types.Of[v.GetName()].Shape) {
					t.Errorf("%s for %d pixels: %s is %v, declared as %v, %v", name, size, v.GetName(),
						types.Of[v.GetName()], typ, err)
				}
			}
		}
	}
}
