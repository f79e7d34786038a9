package zoo_test

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/golden"
	"ordo/models/graph"
	"ordo/models/onnxgraph"
	"ordo/models/onnxgraph/graphtext"
	"ordo/models/zoo"
)

func build(t testing.TB, o zoo.Options, size int) *onnxgraph.Model {
	t.Helper()
	m, err := zoo.Build(o, size, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestParameterCounts holds the counts against torchvision's: resnet18 has 11,689,512, of which 513,000 are its
// classifier's; the small stem's convolution has 3·64·9 weights instead of 3·64·49.
func TestParameterCounts(t *testing.T) {
	for _, c := range []struct {
		o    zoo.Options
		size int
		want int64
		f, d int64
	}{
		{zoo.Options{Backbone: "resnet18", Stem: "standard"}, 224, 11689512 - 513000, 512, 512},
		{zoo.Options{Backbone: "resnet18", Stem: "small"}, 32, 11689512 - 513000 - 64*3*(49-9), 512, 512},
		{zoo.Options{Backbone: "resnet18", Stem: "small", Width: 8, Projector: []int{10}}, 32, 175752 + 650, 64, 10},
		{zoo.Options{Backbone: "convnet", Stem: "small"}, 32, 432 + 4608 + 9216 + 18432 + 36864 + 2*(16+32+32+64+64),
			256, 256},
		{zoo.Options{Backbone: "convnet", Stem: "small", Width: 4, Projector: []int{8, 6}}, 16,
			108 + 288 + 576 + 1152 + 2304 + 2*52 + 64*8 + 16 + 8*6 + 6, 64, 6},
	} {
		t.Run(fmt.Sprintf("%s %s %d", c.o.Backbone, c.o.Stem, c.o.Width), func(t *testing.T) {
			m := build(t, c.o, c.size)
			if err := onnxgraph.Check(m); err != nil {
				t.Fatal(err)
			}
			if got := zoo.ParameterCount(m); got != c.want {
				t.Errorf("%d parameters, want %d", got, c.want)
			}
			types, err := onnxgraph.Infer(m)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]int64{graph.Features: c.f, graph.Embedding: c.d} {
				if got := types.Of[name]; !got.Shape.Equal(onnxgraph.Batch(want)) {
					t.Errorf("%s has the type %v, want [batch,%d]", name, got, want)
				}
			}
		})
	}
}

// TestGolden fixes names, order, shapes and the very bytes of the initial weights.
func TestGolden(t *testing.T) {
	for name, o := range map[string]zoo.Options{
		"convnet":           zoo.DefaultOptions(),
		"resnet18_small":    {Backbone: "resnet18", Stem: "small", Width: 8, Projector: []int{16, 8}},
		"resnet18_standard": {Backbone: "resnet18", Stem: "standard", Width: 8},
	} {
		t.Run(name, func(t *testing.T) {
			m := build(t, o, 32)
			var got strings.Builder
			if err := graphtext.Print(&got, m); err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			for _, p := range m.GetGraph().GetInitializer() {
				h.Write(p.GetRawData())
			}
			fmt.Fprintf(&got, "weights %x\n", h.Sum(nil))
			golden.Compare(t, filepath.Join("testdata", name+".txt"), got.String())
		})
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	o := zoo.Options{Backbone: "resnet18", Stem: "small", Width: 4}
	encode := func(seed uint64) string {
		m, err := zoo.Build(o, 32, seed)
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first := encode(1)
	if encode(1) != first {
		t.Error("the same seed gave two models")
	}
	if encode(2) == first {
		t.Error("two seeds gave one model")
	}
}

// TestWeightDistribution: mean and standard deviation of many draws are within 5 standard errors of what the
// distribution says.
func TestWeightDistribution(t *testing.T) {
	// kaiming_normal_
	fanOut := func(channels, kernel float64) float64 { return math.Sqrt(2 / (channels * kernel * kernel)) }
	// ±1/√inputs
	even := func(inputs float64) float64 { return 1 / math.Sqrt(3*inputs) }
	for _, c := range []struct {
		o    zoo.Options
		want map[string]float64
	}{
		{zoo.Options{Backbone: "resnet18", Projector: []int{512, 128}}, map[string]float64{
			"layer4.1.conv2.weight": fanOut(512, 3), "layer1.0.conv1.weight": fanOut(64, 3),
			"projector.0.weight": even(512), "projector.3.weight": even(512), "projector.3.bias": even(512),
		}},
		{zoo.Options{Backbone: "mobilenet_v3_small"}, map[string]float64{
			"features.11.block.0.0.weight": fanOut(576, 1), "features.11.block.1.0.weight": fanOut(576, 5),
			"features.11.block.2.fc1.weight": fanOut(144, 1), "features.11.block.2.fc1.bias": 0,
		}},
		{zoo.Options{Backbone: "convnext_tiny"}, map[string]float64{
			"features.0.0.weight": 0.02, "features.0.0.bias": 0, "features.5.3.block.0.weight": 0.02,
			"features.7.2.block.3.weight": 0.02,
		}},
		{zoo.Options{Backbone: "vit_tiny", PatchSize: 8}, map[string]float64{
			"patch_embed.proj.weight": even(3 * 8 * 8), "patch_embed.proj.bias": even(3 * 8 * 8), "pos_embed": 0.02,
			"cls_token":                 1e-6,
			"blocks.11.attn.qkv.weight": 0.02, "blocks.11.attn.qkv.bias": 0, "blocks.0.mlp.fc2.weight": 0.02,
		}},
	} {
		c.o.Stem = "small"
		for _, p := range build(t, c.o, 32).GetGraph().GetInitializer() {
			std, ok := c.want[p.GetName()]
			if !ok {
				continue
			}
			delete(c.want, p.GetName())
			values, err := p.Floats()
			if err != nil {
				t.Fatal(err)
			}
			var sum, square float64
			for _, v := range values {
				sum += float64(v)
				square += float64(v) * float64(v)
			}
			n := float64(len(values))
			if got := math.Sqrt(square/n - sum/n*sum/n); math.Abs(got-std) > 5*std/math.Sqrt(2*n) {
				t.Errorf("%s: standard deviation %v, want %v", p.GetName(), got, std)
			}
			if mean := sum / n; math.Abs(mean) > 5*std/math.Sqrt(n) {
				t.Errorf("%s: mean %v", p.GetName(), mean)
			}
		}
		if len(c.want) > 0 {
			t.Errorf("not in %s: %v", c.o.Backbone, c.want)
		}
	}
}

// TestEverySize: the graph fits together for every image size, and convnet's features are 2x2 whatever it is.
func TestEverySize(t *testing.T) {
	for size := 16; size <= 65; size++ {
		for _, o := range []zoo.Options{{Backbone: "convnet", Stem: "small", Width: 1},
			{Backbone: "resnet18", Stem: "standard", Width: 1}} {
			m := build(t, o, size)
			want := onnxgraph.Batch(map[string]int64{"convnet": 16, "resnet18": 8}[o.Backbone])
			if typ, err := m.GetGraph().GetOutput()[0].TensorType(); err != nil || !typ.Shape.Equal(want) {
				t.Errorf("%s for %d pixels: features %v, %v", o.Backbone, size, typ, err)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	if err := zoo.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
	if !slices.Contains(zoo.Names(), zoo.DefaultOptions().Backbone) {
		t.Error("the default backbone is not in the list")
	}
	err := zoo.Options{Backbone: "resnet19", Stem: "big", Width: -1, Projector: []int{64, 0}}.Validate()
	want := `backbone: must be one of convnet, resnet18, resnet34, resnet50, resnet101, wide_resnet50_2, ` +
		`mobilenet_v3_small, efficientnet_b0, convnext_tiny, vit_tiny, vit_small, got "resnet19"
stem: must be one of small, standard, got "big"
width: must be in [1, 1024], or 0 for the backbone's own, got -1
projector[1]: must be in [1, 65536], got 0`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want\n%s", err, want)
	}
	for _, c := range []struct {
		o    zoo.Options
		want string
	}{
		{zoo.Options{Backbone: "resnet18", Width: 1025},
			"width: must be in [1, 1024], or 0 for the backbone's own, got 1025"},
		{zoo.Options{Backbone: "resnet50", Width: 257},
			"width: must be in [1, 256], or 0 for the backbone's own, got 257"},
		{zoo.Options{Backbone: "vit_tiny", Width: 64}, "width: vit_tiny has one width: leave the key out, got 64"},
		{zoo.Options{Backbone: "resnet50", PatchSize: 4},
			"patch_size: resnet50 has no patches: leave the key out, got 4"},
		{zoo.Options{Backbone: "vit_tiny", PatchSize: 65},
			"patch_size: must be in [1, 64], or 0 for the stem's own, got 65"},
		{zoo.Options{Backbone: "convnext_tiny", PatchSize: -1},
			"patch_size: must be in [1, 8], or 0 for the stem's own, got -1"},
	} {
		c.o.Stem = "small"
		if err := c.o.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, c := range []struct {
		o    zoo.Options
		size int
		want string
	}{
		{zoo.Options{Backbone: "convnet"}, 15, "must be in [16, 1024] for the backbone convnet, got 15"},
		{zoo.Options{Backbone: "resnet50"}, 1025, "must be in [16, 1024] for the backbone resnet50, got 1025"},
		{zoo.Options{Backbone: "vit_tiny"}, 30,
			"must be a multiple of 4, the side of the patches of vit_tiny, got 30: choose another patch_size"},
		{zoo.Options{Backbone: "vit_tiny", PatchSize: 1}, 65,
			"65 is 4225 patches of 1 pixels, vit_tiny takes at most 4096: choose a larger patch_size"},
		{zoo.Options{Backbone: "vit_tiny", Stem: "standard"}, 224, ""},
		{zoo.Options{Backbone: "convnext_tiny", Stem: "standard"}, 31,
			"must be at least 32 for convnext_tiny with patches of 4 pixels, got 31: choose a smaller patch_size"},
		{zoo.Options{Backbone: "convnext_tiny"}, 17, ""},
	} {
		c.o.Stem = cmp.Or(c.o.Stem, "small")
		if err := c.o.CheckImageSize(c.size); c.want == "" && err != nil || c.want != "" &&
			(err == nil || err.Error() != c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := zoo.Build(zoo.Options{}, 32, 1); err == nil {
		t.Error("no error for empty options")
	}
	if _, err := zoo.Build(zoo.DefaultOptions(), 8, 1); err == nil || !strings.Contains(err.Error(), "[16, 1024]") {
		t.Errorf("for an image of 8 pixels: %v", err)
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, name := range []string{"resnet18", "resnet50", "convnext_tiny", "vit_tiny"} {
		b.Run(name, func(b *testing.B) {
			o := zoo.Options{Backbone: name, Stem: "small", Projector: []int{512, 128}}
			var n int64
			for b.Loop() {
				n = zoo.ParameterCount(build(b, o, 32))
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mparameters/s")
		})
	}
}

func ExampleBuild() {
	m, err := zoo.Build(zoo.Options{Backbone: "resnet18", Stem: "small", Width: 16, Projector: []int{128, 64}}, 32, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(zoo.ParameterCount(m), "parameters")
	for _, v := range m.GetGraph().GetOutput() {
		t, err := v.TensorType()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(v.GetName(), t)
	}
	// Output:
	// 725072 parameters
	// features float[batch,128]
	// embedding float[batch,64]
}

func TestSized(t *testing.T) {
	for _, c := range []struct {
		given       zoo.Options
		width, side int
	}{
		{zoo.Options{Backbone: "resnet18", Stem: "small"}, 64, 0},
		{zoo.Options{Backbone: "resnet18", Stem: "small", Width: 8}, 8, 0},
		{zoo.Options{Backbone: "vit_tiny", Stem: "small"}, 0, 4},
		{zoo.Options{Backbone: "vit_tiny", Stem: "standard"}, 0, 16},
		{zoo.Options{Backbone: "convnext_tiny", Stem: "small", PatchSize: 8}, 0, 8},
		{zoo.Options{Backbone: "mobilenet_v3_small", Stem: "small"}, 0, 0},
	} {
		if got := c.given.Sized(); got.Width != c.width || got.PatchSize != c.side {
			t.Errorf("%+v: width %d, patches of %d pixels", c.given, got.Width, got.PatchSize)
		}
	}
}
