package standalone_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/ort/orttest"
	"ordo/models/preprocess"
	"ordo/runner"
	"ordo/runner/config"
	"ordo/runner/data/pack"
	"ordo/runner/data/picture"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/embed"
	"ordo/runner/standalone"
	"ordo/runner/target"
	"ordo/runner/track"
)

// texture has edges, slopes and noise, so that a place or a weight that is wrong is seen.
func texture(width, height int, grey bool) augment.Image {
	m := augment.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	state := uint32(width*7919 + height)
	for y := range height {
		for x := range width {
			state = state*1664525 + 1013904223
			noise := int(state>>24) / 4
			p := m.Pix[3*(y*width+x):][:3]
			p[0], p[1], p[2] = uint8(x*190/width+noise), uint8(y*190/height+noise), uint8(255*((x/3+y/5)%2))
			if grey {
				p[1], p[2] = p[0], p[0]
			}
		}
	}
	return m
}

// one is a set of one image.
type one struct{ picture augment.Image }

func (one) Len() int                           { return 1 }
func (one) ID(int) string                      { return "one" }
func (one) Label(int) int                      { return -1 }
func (one) Classes() []string                  { return nil }
func (o one) Image(int) (augment.Image, error) { return o.picture, nil }
func (one) Encoded(int) ([]byte, error)        { return nil, nil }
func (one) Key() string                        { return "one" }

const side = 16

// sizes are smaller than a view, as large, of the short side of the reduction, a pixel above it, and much larger; with
// short and long sides that divide each other and that don't.
var sizes = [][2]int{
	{5, 3}, {9, 40}, {16, 16}, {16, 24}, {37, 16}, {17, 16}, {31, 33}, {32, 32}, {32, 50}, {45, 32}, {33, 33}, {33, 35},
	{64, 64}, {100, 75}, {75, 101}, {257, 193}, {200, 36}, {60, 411}, {640, 480},
}

// view is what ordo makes of a picture.
func view(t *testing.T, plan *augment.Plan, m augment.Image, short int) []float32 {
	t.Helper()
	packed, err := pack.Job{Set: one{m}, Format: pack.FormatRaw, ShortSide: short}.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m, err = packed.Image(0); err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 3*side*side)
	plan.RenderEval(dst, new(augment.Scratch), m, -1, 0)
	return dst
}

// pixels writes pictures of one size as a graph takes them.
func pixels(o preprocess.Options, pictures ...augment.Image) (shape []int64, values []float32) {
	w, h := pictures[0].Width, pictures[0].Height
	shape = []int64{int64(len(pictures)), int64(h), int64(w), 3}
	if o.ChannelsFirst {
		shape = []int64{int64(len(pictures)), 3, int64(h), int64(w)}
	}
	for _, m := range pictures {
		for i := range m.Pix {
			if o.ChannelsFirst {
				i = 3*(i%(w*h)) + i/(w*h)
			}
			values = append(values, float32(float64(m.Pix[i])*o.Range/255))
		}
	}
	return shape, values
}

// graph is orttest's, with bytes as floats.
func graph(t *testing.T, file string, bytes bool, outputs ...string) func(shape []int64, values []float32) [][]float32 {
	t.Helper()
	if !bytes {
		return orttest.Graph[float32](t, file, outputs...)
	}
	run := orttest.Graph[uint8](t, file, outputs...)
	return func(shape []int64, values []float32) [][]float32 {
		whole := make([]uint8, len(values))
		for i, v := range values {
			whole[i] = uint8(v)
		}
		return run(shape, whole)
	}
}

// apart is the largest difference.
func apart(t *testing.T, got, want []float32) (most float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range got {
		most = max(most, math.Abs(float64(got[i]-want[i])))
		if got[i] != got[i] {
			return math.NaN()
		}
	}
	return most
}

// TestGraphMakesOrdosViews: pictures of all sizes through the nodes alone are the views of augment, of what pack makes
// of them.
func TestGraphMakesOrdosViews(t *testing.T) {
	options := augment.DefaultOptions()
	options.Mean, options.Std = [3]float64{0.2, 0.5, 0.7}, [3]float64{0.3, 0.25, 0.5}
	for name, c := range map[string]struct {
		framing string
		o       preprocess.Options
	}{
		"bytes":                    {"circle", preprocess.Options{Bytes: true, Range: 255, ShortSide: 2 * side}},
		"bytes, channels first":    {"none", preprocess.Options{Bytes: true, Range: 255, ShortSide: 24, ChannelsFirst: true}},
		"bytes, never reduced":     {"none", preprocess.Options{Bytes: true, Range: 255}},
		"floats":                   {"none", preprocess.Options{Range: 255, ShortSide: 2 * side}},
		"floats to 1, first":       {"circle", preprocess.Options{Range: 1, ShortSide: 2 * side, ChannelsFirst: true}},
		"floats to 1, not reduced": {"none", preprocess.Options{Range: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			options.Framing = c.framing
			plan, err := augment.NewPlan(options, side)
			if err != nil {
				t.Fatal(err)
			}
			c.o.Resize, c.o.Size, c.o.Mean, c.o.Std, c.o.Mask = true, side, options.Mean, options.Std, plan.Mask()
			run := graph(t, views(t, c.o), c.o.Bytes, "features")
			for i, size := range sizes {
				a, b := texture(size[0], size[1], false), texture(size[0], size[1], i%2 == 0)
				shape, values := pixels(c.o, a, b)
				got := run(shape, values)[0]
				want := slices.Concat(view(t, plan, a, c.o.ShortSide), view(t, plan, b, c.o.ShortSide))
				if most := apart(t, got, want); !(most <= 5e-6) { // a byte is 1/255/std, 0.008 at least
					t.Errorf("%d x %d: a value is %g off", size[0], size[1], most)
				}
			}
		})
	}
}

// views is a graph whose features are the network's images.
func views(t *testing.T, o preprocess.Options) string {
	t.Helper()
	b := onnxgraph.NewBuilder("views", 17)
	b.Input(models.Features+".images", onnxgraph.FloatType(onnxgraph.Batch(3, side, side)))
	b.Op("Flatten", models.Features, []string{models.Features + ".images"})
	b.Output(models.Features, onnxgraph.FloatType(onnxgraph.Batch(3*side*side)))
	if name, err := preprocess.Prepend(b.Model(), o); err != nil || name != preprocess.Input {
		t.Fatal(name, err)
	}
	if err := onnxgraph.Check(b.Model()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "views.onnx")
	if err := b.Model().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFractionsStay: floats that are no bytes are not rounded where nothing is reduced.
func TestFractionsStay(t *testing.T) {
	o := preprocess.Options{Range: 255, ShortSide: 2 * side, Resize: true, Size: side, Std: [3]float64{1, 1, 1}}
	values := make([]float32, 3*side*side)
	for i := range values {
		values[i] = float32(i) / 7
	}
	o.ChannelsFirst = true
	got := orttest.Graph[float32](t, views(t, o), "features")([]int64{1, 3, side, side}, values)[0]
	for i, v := range got {
		if math.Abs(float64(v-values[i]/255)) > 1e-6 && values[i] < 255 {
			t.Fatalf("value %d is %g, want %g", i, v, values[i]/255)
		}
	}
}

type silent struct{}

func (silent) Reading(int, int)    {}
func (silent) Evaluating(int, int) {}
func (silent) Detail(string)       {}
func (silent) Start(int, int)      {}
func (silent) Step(runner.Step)    {}
func (silent) Note(string)         {}
func (silent) End()                {}

// trained makes a small finished run.
func trained(t *testing.T) string {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(fmt.Sprintf(`
name: small
data: {image_size: %d, images: 48, test_images: 30}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment: {mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3], ordered: [{family: rotate, levels: 2}]}
train: {epochs: 1, batch_size: 12}
eval: {knn: {k: 5}}
`, side)), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := runner.Run(t.Context(), runner.Options{
		Experiment: e, Dir: dir, Libraries: models.Libraries{ONNXRuntime: orttest.Path(t)}, Progress: silent{},
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rows encodes image files as ordo embed does, by name.
func rows(t *testing.T, run string, files map[string][]byte) map[string][2][]float32 {
	t.Helper()
	root := sourcetest.Write(t, files)
	from, err := target.Find(run)
	if err != nil {
		t.Fatal(err)
	}
	e, err := target.Load(from, "", []string{
		"data.source=folder", "data.root=" + root, "data.images=0", "data.test_images=0", "data.cache.dir=" + t.TempDir(),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "rows.npz")
	if _, err := embed.Export(t.Context(), embed.Options{
		Library: orttest.Path(t), Target: from, Experiment: e, Split: embed.SplitAll, Out: out,
	}); err != nil {
		t.Fatal(err)
	}
	table, err := embed.Read(out, standalone.Outputs())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string][2][]float32{}
	for i, id := range table.IDs {
		var row [2][]float32
		for k, o := range table.Outputs {
			row[k] = o.Values[i*o.Columns : (i+1)*o.Columns]
		}
		byName[filepath.Base(id)] = row
	}
	return byName
}

// TestWrite: files through the graphs have the numbers of ordo embed, whatever the graph takes.
func TestWrite(t *testing.T) {
	run := trained(t)
	files, pictures := map[string][]byte{}, map[string]augment.Image{}
	for i, size := range [][2]int{{12, 16}, {16, 16}, {32, 40}, {90, 64}, {64, 90}, {301, 222}} {
		m := texture(size[0], size[1], i == 3)
		rgba := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
		for k := range m.Width * m.Height {
			p := m.Pix[3*k:][:3]
			rgba.Set(k%m.Width, k/m.Width, color.NRGBA{p[0], p[1], p[2], 255})
		}
		name := fmt.Sprintf("%dx%d.png", size[0], size[1])
		raw := sourcetest.Encode(t, rgba)
		files[[]string{"train/a/", "train/b/", "test/a/"}[i%3]+name] = raw
		var err error
		if pictures[name], err = picture.Decode(raw, picture.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	want := rows(t, run, files)
	for name, change := range map[string]func(o *standalone.Options){
		"default": func(*standalone.Options) {},
		"tensors": func(o *standalone.Options) { o.Type, o.Layout, o.Range = "float32", "nchw", 1 },
		"floats":  func(o *standalone.Options) { o.Type = "float32" },
		"squares": func(o *standalone.Options) { o.Resize = false },
	} {
		t.Run(name, func(t *testing.T) {
			o := standalone.DefaultOptions()
			o.Run, o.Out = run, filepath.Join(t.TempDir(), "x.onnx")
			change(&o)
			s, err := standalone.Write(o)
			if err != nil {
				t.Fatal(err)
			}
			if s.Input != "pixels" || s.Outputs["embedding"] != "[batch, 8]" || s.Inside.Framing != "circle" {
				t.Errorf("summary %+v", s)
			}
			like := preprocess.Options{ChannelsFirst: o.Layout == "nchw", Range: o.Range}
			run := graph(t, o.Out, o.Type == "uint8", standalone.Outputs()...)
			for name, m := range pictures {
				if !o.Resize && (m.Width != side || m.Height != side) {
					continue
				}
				shape, values := pixels(like, m)
				got := run(shape, values)
				for i, output := range standalone.Outputs() {
					if most := apart(t, got[i], want[name][i]); !(most <= 1e-5) {
						t.Errorf("%s of %s is %g off", output, name, most)
					}
				}
			}
		})
	}
	t.Run("described", func(t *testing.T) { described(t, run) })
	t.Run("refuses", func(t *testing.T) { refuses(t, run) })
}

// described: a file says what it takes, so that ordo itself can use it, and holds what it needs only.
func described(t *testing.T, run string) {
	o := standalone.DefaultOptions()
	o.Run, o.Out, o.Outputs = run, filepath.Join(t.TempDir(), "x.onnx"), []string{models.Features}
	s, err := standalone.Write(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Shape != "[batch, height, width, 3]" || len(s.Outputs) != 1 {
		t.Errorf("summary %+v", s)
	}
	m, err := onnxgraph.ReadFile(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range m.GetGraph().GetInitializer() {
		if strings.HasPrefix(i.GetName(), "projector") {
			t.Errorf("%s is in a graph of features", i.GetName())
		}
	}
	if len(m.GetOpsetImport()) != 1 {
		t.Errorf("operator sets %v", m.GetOpsetImport())
	}
	said := map[string]string{}
	for _, e := range m.GetMetadataProps() {
		said[e.GetKey()] = e.GetValue()
	}
	sum, err := track.EncoderSum(run)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		models.MetaLayout: "nhwc", models.MetaRange: "255", models.MetaMean: "0,0,0", models.MetaStd: "1,1,1",
		models.MetaImageSize: "16", models.MetaFraming: "none", models.MetaEncoder: sum,
		models.MetaInside: `{"short_side":32,"resize":true,"image_size":16,"mean":[0.4,0.5,0.6],"std":[0.2,0.25,0.3],` +
			`"framing":"circle"}`,
	} {
		if said[key] != want {
			t.Errorf("%s is %q, want %q", key, said[key], want)
		}
	}
	if !strings.HasPrefix(said[models.MetaRun], "small ") || said[models.MetaClasses] == "" {
		t.Errorf("metadata %v", said)
	}
	e, err := models.OpenEncoder(orttest.Path(t), o.Out, models.EncoderOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if in := e.Input(); in.Size != side || in.Layout != "nhwc" || in.Type != "uint8" || in.Framing != "none" {
		t.Errorf("ordo reads the input as %+v", in)
	}
}

func refuses(t *testing.T, run string) {
	for name, c := range map[string]struct {
		change func(o *standalone.Options)
		kind   fault.Kind
		says   string
	}{
		"type":      {func(o *standalone.Options) { o.Type = "int8" }, fault.Config, "int8"},
		"layout":    {func(o *standalone.Options) { o.Layout = "chw" }, fault.Config, "chw"},
		"range":     {func(o *standalone.Options) { o.Type, o.Range = "float32", 2 }, fault.Config, "2"},
		"bytes":     {func(o *standalone.Options) { o.Range = 1 }, fault.Config, "uint8"},
		"output":    {func(o *standalone.Options) { o.Outputs = []string{"logits"} }, fault.Config, "logits"},
		"run":       {func(o *standalone.Options) { o.Run = t.TempDir() }, fault.Data, "no finished run"},
		"no folder": {func(o *standalone.Options) { o.Out = filepath.Join(t.TempDir(), "no", "x") }, fault.Storage, "no"},
		"damage": {func(o *standalone.Options) {
			o.Run = filepath.Join(t.TempDir(), "run")
			if err := errors.Join(os.CopyFS(o.Run, os.DirFS(run)),
				os.WriteFile(track.EncoderFile(o.Run), []byte("x"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}, fault.Data, "checksum"},
	} {
		o := standalone.DefaultOptions()
		o.Run, o.Out = run, filepath.Join(t.TempDir(), "x.onnx")
		c.change(&o)
		_, err := standalone.Write(o)
		if fault.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want kind %s and %q", name, err, c.kind, c.says)
		}
		if _, err := os.Stat(o.Out); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: left a file", name)
		}
	}
}
