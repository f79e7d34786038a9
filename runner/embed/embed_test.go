package embed_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/ort/orttest"
	"ordo/runner"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/embed"
	"ordo/runner/eval"
	"ordo/runner/target"
	"ordo/runner/track"
)

type silent struct{}

func (silent) Reading(int, int)    {}
func (silent) Evaluating(int, int) {}
func (silent) Detail(string)       {}
func (silent) Start(int, int)      {}
func (silent) Step(runner.Step)    {}
func (silent) Note(string)         {}
func (silent) End()                {}

// trained makes a small finished run.
func trained(t *testing.T) (dir string, e config.Experiment) {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(`
data: {image_size: 16, images: 48, test_images: 30}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment: {invariant: [horizontal_flip], ordered: [{family: rotate, levels: 2}]}
train: {epochs: 1, batch_size: 12}
eval: {knn: {k: 5}}
`), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "run")
	o := runner.Options{
		Experiment: e,
		Dir:        dir,
		Libraries:  models.Libraries{ONNXRuntime: orttest.Path(t)},
		Progress:   silent{},
	}
	if _, err := runner.Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	return dir, e
}

// found is the run as a target.
func found(t *testing.T, run string) target.Target {
	t.Helper()
	to, err := target.Find(run)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// entry is an array of an .npz file: its header as npyio reads it, and its bytes.
func entry(t *testing.T, file, name string) (npyio.Header, []byte) {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(name + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := npyio.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	start := 10 + int(binary.LittleEndian.Uint16(content[8:]))
	if start%64 != 0 {
		t.Errorf("%s: the values begin at %d, not at a multiple of 64", name, start)
	}
	r.Header.Descr.Type = strings.Trim(r.Header.Descr.Type, "'") // npyio keeps the quotes
	return r.Header, content[start:]
}

func floats(t *testing.T, file, name string) ([]int, []float32) {
	t.Helper()
	h, raw := entry(t, file, name)
	if h.Descr.Type != "<f4" || h.Descr.Fortran {
		t.Fatalf("%s: type %s", name, h.Descr.Type)
	}
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return h.Descr.Shape, out
}

// texts reads NumPy's UTF-32.
func texts(t *testing.T, file, name string) []string {
	t.Helper()
	h, raw := entry(t, file, name)
	width := len(raw)
	for _, d := range h.Descr.Shape {
		width /= d
	}
	var out []string
	for ; len(raw) > 0; raw = raw[width:] {
		var s []rune
		for i := 0; i < width; i += 4 {
			if r := rune(binary.LittleEndian.Uint32(raw[i:])); r != 0 {
				s = append(s, r)
			}
		}
		out = append(out, string(s))
	}
	return out
}

// unreadable exports images of which one is damaged: who asked for its being left out hears of it.
func unreadable(t *testing.T, run string, e config.Experiment) {
	t.Helper()
	o := data.DefaultOptions()
	o.Source, o.OnError, o.Cache.Dir = data.SourceFolder, data.OnErrorSkip, t.TempDir()
	good := sourcetest.PNG(t, 16, 16, color.White)
	o.Root = sourcetest.Write(
		t,
		map[string][]byte{"train/a/1.png": good, "train/a/2.png": good[:20], "train/b/4.png": good, "test/a/3.png": good},
	)
	var notes []string
	e.Data = o
	s, err := embed.Export(t.Context(), embed.Options{
		Library:    orttest.Path(t),
		Target:     found(t, run),
		Experiment: e,
		Split:      embed.SplitAll,
		Out: filepath.Join(
			t.TempDir(),
			"some.npz",
		),
		Watch: data.Watch{Note: func(text string) { notes = append(notes, text) }},
	})
	notes = slices.DeleteFunc(notes, func(text string) bool { return strings.HasPrefix(text, "packing") }) // if it is slow
	if err != nil || s.Images != 3 || len(notes) != 1 || !strings.Contains(notes[0], "1 of 3 images can't be read") {
		t.Errorf("%d images, notes %q, %v", s.Images, notes, err)
	}
}

// changed exports a run whose images are no longer what they were: that is said.
func changed(t *testing.T, run string, e config.Experiment) {
	t.Helper()
	run = copyRun(t, run, "")
	target := found(t, run)
	for _, c := range []struct {
		was  string
		want int
	}{{target.Data, 0}, {"another", 1}} {
		target.Data = c.was
		var notes []string
		_, err := embed.Export(t.Context(), embed.Options{
			Library: orttest.Path(t), Target: target, Experiment: e, Split: embed.SplitTest,
			Out:   filepath.Join(t.TempDir(), "x.npz"),
			Watch: data.Watch{Note: func(text string) { notes = append(notes, text) }},
		})
		if err != nil || len(notes) != c.want || c.want > 0 && !strings.Contains(notes[0], "other images than the run's") {
			t.Errorf("fingerprint %s: notes %q, %v", c.was, notes, err)
		}
	}
}

func TestExport(t *testing.T) {
	run, e := trained(t)
	file := filepath.Join(t.TempDir(), "all.npz")
	calls := 0
	s, err := embed.Export(
		context.Background(),
		embed.Options{Library: orttest.Path(t), Target: found(t, run), Experiment: e, Split: embed.SplitAll, Out: file,
			Progress: func(done, total int) {
				calls++
				if total != 78 || done > total {
					t.Errorf("progress %d of %d", done, total)
				}
			}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if s.Images != 78 || s.Of != 78 || s.Rows != 78 ||
		!slices.Equal(s.Outputs, []embed.OutputShape{{Name: "features", Columns: 64}, {Name: "embedding", Columns: 8}}) ||
		s.Classes != 12 || calls == 0 {
		t.Errorf("summary %+v, %d calls of progress", s, calls)
	}
	unreadable(t, run, e)
	changed(t, run, e)
	splits, err := data.Open(context.Background(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	shape, features := floats(t, file, "features")
	if !slices.Equal(shape, []int{78, 64}) || len(features) != 78*64 {
		t.Errorf("features %v, %d values", shape, len(features))
	}
	shape, embedding := floats(t, file, "embedding")
	if !slices.Equal(shape, []int{78, 8}) || len(embedding) != 78*8 {
		t.Errorf("embedding %v, %d values", shape, len(embedding))
	}
	ids := texts(t, file, "ids")
	h, raw := entry(t, file, "labels")
	if h.Descr.Type != "<i8" || len(ids) != 78 || len(raw) != 8*78 {
		t.Fatalf("labels %s, %d ids, %d bytes of labels", h.Descr.Type, len(ids), len(raw))
	}
	for i, id := range ids {
		set, n := splits.Train, i
		if i >= 48 {
			set, n = splits.Test, i-48
		}
		if label := int(binary.LittleEndian.Uint64(raw[8*i:])); id != set.ID(n) || label != set.Label(n) {
			t.Errorf("row %d is %s of class %d, want %s of class %d", i, id, label, set.ID(n), set.Label(n))
		}
	}
	for i, of := range texts(t, file, "split") {
		if want := map[bool]string{true: embed.SplitTest, false: embed.SplitTrain}[i >= 48]; of != want {
			t.Errorf("row %d is of the split %s, want %s", i, of, want)
		}
	}
	back, err := embed.Read(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.Output("features").Values, features) || !slices.Equal(back.IDs, ids) ||
		len(back.Rows(true)) != 30 {
		t.Errorf("what is read differs from what was written: %d rows", back.Len())
	}
	if classes := texts(t, file, "classes"); !slices.Equal(classes, splits.Train.Classes()) {
		t.Errorf("classes %v", classes)
	}
	var meta map[string]any
	if err := json.Unmarshal([]byte(texts(t, file, "meta")[0]), &meta); err != nil || meta["hash"] != e.Hash() {
		t.Errorf("meta %v, %v", meta, err)
	}

	// The run's kNN is that of these features.
	labels := make([]int, 78)
	for i := range labels {
		labels[i] = int(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	told, err := eval.KNN(eval.Rows{Data: features[:48*64], Dim: 64, Labels: labels[:48]},
		eval.Rows{Data: features[48*64:], Dim: 64, Labels: labels[48:]}, 12, e.Eval.KNN)
	if err != nil {
		t.Fatal(err)
	}
	if result, err := track.ReadResult(run); err != nil ||
		math.Abs(*result.KNNTop1-told.Top1) > 0.034 { // one of 30 images, by rounding
		t.Errorf("kNN of the exported features is %v, of the run %v, %v", told.Top1, *result.KNNTop1, err)
	}

	// The test split alone gives the same rows: an image's features do not depend on its neighbours.
	part := filepath.Join(t.TempDir(), "test.npz")
	if _, err := embed.Export(
		context.Background(),
		embed.Options{Library: orttest.Path(t), Target: found(t, run), Experiment: e, Split: embed.SplitTest, Out: part},
	); err != nil {
		t.Fatal(err)
	}
	_, some := floats(t, part, "features")
	for i, v := range some {
		if want := features[48*64+i]; math.Abs(float64(v-want)) > 1e-5 {
			t.Fatalf("value %d is %v in the test split, %v in all", i, v, want)
		}
	}
}

// TestOtherImages: of another folder than the run's all images are encoded, however many of its own the run saw.
func TestOtherImages(t *testing.T) {
	run, _ := trained(t)
	files := map[string][]byte{}
	for i := range 70 {
		files[fmt.Sprintf("a/%02d.png", i)] = sourcetest.PNG(t, 16, 16, color.Gray{uint8(i)})
	}
	root := sourcetest.Write(t, files)
	for name, c := range map[string]struct {
		overrides  []string
		images, of int
	}{
		"all":     {[]string{"data.source=folder", "data.root=" + root}, 70, 70},
		"bounded": {[]string{"data.source=folder", "data.root=" + root, "data.images=5"}, 0, 70},
	} {
		e, err := target.Load(found(t, run), "", append(c.overrides, "data.cache.dir="+t.TempDir()), nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := embed.Export(t.Context(), embed.Options{
			Library: orttest.Path(t), Target: found(t, run), Experiment: e, Split: embed.SplitAll,
			Out: filepath.Join(t.TempDir(), "x.npz"),
		})
		if err != nil || s.Of != c.of || c.images > 0 && s.Images != c.images || s.Images > c.of {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if e, err := target.Load(found(t, run), "", []string{"data.image_size=16"}, nil); err != nil || e.Data.Images != 48 {
		t.Errorf("of its own set: %d images, %v", e.Data.Images, err)
	}
}

func TestExportRefuses(t *testing.T) {
	run, e := trained(t)
	out := filepath.Join(t.TempDir(), "x.npz")
	good := embed.Options{Library: orttest.Path(t), Target: found(t, run), Experiment: e, Split: embed.SplitTest, Out: out}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		change func(o *embed.Options)
		want   error
	}{
		"no split": {context.Background(), func(o *embed.Options) { o.Split = "valid" }, nil},
		"no data": {context.Background(),
			func(o *embed.Options) { o.Experiment.Data.Source, o.Experiment.Data.Root = "folder", t.TempDir() }, fault.Data},
		"no encoder": {context.Background(), func(o *embed.Options) { o.Target.Encoder = "none.onnx" }, fault.Data},
		"no output":  {context.Background(), func(o *embed.Options) { o.Outputs = []string{"logits"} }, fault.Config},
		"no family": {context.Background(),
			func(o *embed.Options) { o.Views = embed.Views{Family: "spin", Scales: []float64{0}} }, fault.Config},
		"no scale": {context.Background(),
			func(o *embed.Options) { o.Views = embed.Views{Family: "rotate", Scales: []float64{1.5}} }, fault.Config},
		"empty shard": {context.Background(), func(o *embed.Options) { o.Shard = embed.Shard{Part: 1, Of: 3} }, fault.Config},
		"no folder": {context.Background(), func(o *embed.Options) { o.Out = filepath.Join(t.TempDir(), "none", "x.npz") },
			os.ErrNotExist},
		"interruption": {cancelled, func(*embed.Options) {}, context.Canceled},
	} {
		o := good
		c.change(&o)
		if _, err := embed.Export(c.ctx, o); err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
}

// copyRun copies a run folder's files without one.
func copyRun(t *testing.T, run, without string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"result.json", "run.json", "experiment.yaml", "encoder.onnx"} {
		if name == without {
			continue
		}
		content, err := os.ReadFile(filepath.Join(run, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
