package embed_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"ordo/models/fault"
	"ordo/models/ort/orttest"
	"ordo/runner/data"
	"ordo/runner/data/source/sourcetest"
	"ordo/runner/embed"
	"ordo/runner/target"
)

// many is an Export of 300 images of a set of its own by a small run: 240 for training and 60 for testing.
func many(t *testing.T) embed.Options {
	t.Helper()
	run, e := trained(t)
	e.Data.Images, e.Data.TestImages = 240, 60
	return embed.Options{Library: orttest.Path(t), Target: found(t, run), Experiment: e, Split: embed.SplitAll, Threads: 1}
}

func export(t *testing.T, o embed.Options, name string) (embed.Summary, []byte) {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), name)
	s, err := embed.Export(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(embed.PartFile(o.Out)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part file is still there: %v", err)
	}
	return s, content
}

// TestGoOn: an Export that was ended goes on and gives the bytes of one that wasn't, in every format.
func TestGoOn(t *testing.T) {
	o := many(t)
	for _, name := range []string{"x.npz", "x.npy", "x.parquet", "x.csv"} {
		_, want := export(t, o, name)
		o := o
		o.Out = filepath.Join(t.TempDir(), name)
		for after := 128; after < 300; after += 112 { // after the first page, and after the second
			ctx, cancel := context.WithCancel(t.Context())
			begun := 0
			o.Progress = func(done, _ int) {
				begun = max(begun, done)
				if done >= after {
					cancel()
				}
			}
			if _, err := embed.Export(ctx, o); !errors.Is(err, fault.Interrupted) || !strings.Contains(err.Error(), "kept in") {
				t.Fatalf("%s: ended after %d images: %v", name, begun, err)
			}
			cancel()
			if _, err := os.Stat(o.Out); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%s: half a file, %v", name, err)
			}
		}
		var notes []string
		first := 0
		o.Watch = data.Watch{Note: func(text string) { notes = append(notes, text) }}
		o.Progress = func(done, _ int) {
			if first == 0 {
				first = done
			}
		}
		if _, err := embed.Export(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(o.Out)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes after an interruption, %v", name, err)
		}
		if first != 300 || len(notes) != 1 || !strings.Contains(notes[0], "240 of 300 images already") {
			t.Errorf("%s: went on with image %d, notes %q", name, first, notes)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(o.Out), "*.part")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestShards: the rows of all shards, one after the other, are those of the whole.
func TestShards(t *testing.T) {
	o := many(t)
	_, content := export(t, o, "x.csv")
	var joined []byte
	images := 0
	for i := range 3 {
		o.Shard = embed.Shard{Part: i + 1, Of: 3}
		s, part := export(t, o, "x.csv")
		images += s.Images
		if i > 0 {
			_, part, _ = bytes.Cut(part, []byte("\n"))
		}
		joined = append(joined, part...)
	}
	if images != 300 || !bytes.Equal(joined, content) {
		t.Errorf("%d images, the shards are %d bytes and the whole is %d", images, len(joined), len(content))
	}
}

// TestViews: an image after the other, its scales after each other; the first is the image as it is.
func TestViews(t *testing.T) {
	o := many(t)
	o.Split = embed.SplitTest
	plain := readNPZ(t, o)
	o.Views = embed.Views{Family: "rotate", Scales: []float64{0, 0.25, 1}}
	s, _ := export(t, o, "x.npz")
	if s.Rows != 180 || s.Images != 60 {
		t.Fatalf("%+v", s)
	}
	turned := readNPZ(t, o)
	d := turned.Outputs[0].Columns
	row := func(table *embed.Table, i int) []float32 { return table.Outputs[0].Select(nil, []int{i}) }
	for i := range 60 {
		if turned.IDs[3*i+2] != plain.IDs[i] || !slices.Equal(row(turned, 3*i), row(plain, i)) ||
			slices.Equal(row(turned, 3*i), row(turned, 3*i+2)) {
			t.Fatalf("image %d: %q", i, turned.IDs[3*i:3*i+3])
		}
	}
	o.Views.Average = true
	mean := readNPZ(t, o)
	for i := range 60 {
		for c := range d {
			want := (float64(row(turned, 3*i)[c]) + float64(row(turned, 3*i+1)[c]) + float64(row(turned, 3*i+2)[c])) / 3
			if got := float64(row(mean, i)[c]); math.Abs(got-want) > 1e-6 {
				t.Fatalf("the mean of image %d is %g, want %g", i, got, want)
			}
		}
	}
	o.Views.Average = false
	o.Out = filepath.Join(t.TempDir(), "x.npz")
	if _, err := embed.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	h, raw := entry(t, o.Out, "scale")
	if h.Descr.Type != "<f8" || len(raw) != 8*180 || math.Float64frombits(binary.LittleEndian.Uint64(raw[8:])) != 0.25 {
		t.Errorf("scale %+v, %d bytes", h, len(raw))
	}
}

func readNPZ(t *testing.T, o embed.Options) *embed.Table {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "x.npz")
	if _, err := embed.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	table, err := embed.Read(o.Out, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestEncoderAlone: any encoder in ONNX, with a folder, gives the rows of the run that it is of, and the files' paths,
// sizes and neighbours.
func TestEncoderAlone(t *testing.T) {
	run, _ := trained(t)
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("test/a/%02d.png", i)] = sourcetest.PNG(t, 20+i, 16, color.Gray{uint8(12 * i)})
		files[fmt.Sprintf("train/a/%02d.png", i)] = sourcetest.PNG(t, 17, 19, color.RGBA{uint8(12 * i), 0, 99, 255})
	}
	root := sourcetest.Write(t, files)
	with := []string{"data.source=folder", "data.root=" + root, "data.cache.kind=memory", "eval.families=[rotate]"}
	var contents [][]byte
	for _, path := range []string{run, filepath.Join(run, "encoder.onnx")} {
		to, err := target.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		e, err := target.Load(to, "", with, nil)
		if err != nil {
			t.Fatal(err)
		}
		o := embed.Options{Library: orttest.Path(t), Target: to, Experiment: e, Split: embed.SplitAll, Threads: 1,
			Neighbours: 3}
		_, content := export(t, o, "x.csv")
		contents = append(contents, content)
		if path == run {
			_, content := export(t, o, "x.parquet")
			parquetRows(t, content)
		}
	}
	if !bytes.Equal(contents[0], contents[1]) {
		t.Error("the encoder alone has other rows than the run")
	}
	lines, err := csv.NewReader(bytes.NewReader(contents[0])).ReadAll()
	if err != nil || len(lines) != 41 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if got := strings.Join(lines[23][1:7], " "); got != "test/a/02.png 0 a test 22 16" {
		t.Errorf("row 22 is %s", got)
	}
}

func parquetRows(t *testing.T, content []byte) {
	t.Helper()
	type line struct {
		Path      string    `parquet:"path,optional"`
		Width     int32     `parquet:"width,optional"`
		Height    int32     `parquet:"height,optional"`
		Features  []float32 `parquet:"features,list"`
		Neighbors struct {
			IDs       []int64   `parquet:"ids,list"`
			Distances []float32 `parquet:"distances,list"`
		} `parquet:"neighbors"`
	}
	got, err := parquet.Read[line](bytes.NewReader(content), int64(len(content)))
	if err != nil || len(got) != 40 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if l := got[22]; l.Path != "test/a/02.png" || l.Width != 22 || l.Height != 16 || len(l.Neighbors.IDs) != 3 {
		t.Errorf("row 22 is %+v", l)
	}
	distance := func(a, b []float32) float64 {
		var ab, aa, bb float64
		for c := range a {
			x, y := float64(a[c]), float64(b[c])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		return 1 - ab/math.Sqrt(aa*bb)
	}
	for i, l := range got {
		nearest := math.Inf(1)
		for j, other := range got {
			if j != i {
				nearest = min(nearest, distance(l.Features, other.Features))
			}
		}
		if first := float64(l.Neighbors.Distances[0]); math.Abs(first-nearest) > 1e-6 || int(l.Neighbors.IDs[0]) == i {
			t.Errorf("row %d: the nearest is %d at %g, want %g", i, l.Neighbors.IDs[0], first, nearest)
		}
	}
}

// TestOneImage: a folder of one image has an embedding, whichever split it falls into.
func TestOneImage(t *testing.T) {
	o := many(t)
	o.Outputs = []string{"embedding"}
	for _, name := range []string{"a/1.png", "a/2.png", "b/x.png", "c/3.png", "c/4.png", "c/5.png", "c/6.png"} {
		for _, kind := range []string{"memory", "packed"} {
			root := sourcetest.Write(t, map[string][]byte{name: sourcetest.PNG(t, 16, 16, color.White)})
			e, err := target.Load(o.Target, "", []string{"data.source=folder", "data.root=" + root, "data.cache.kind=" + kind,
				"data.cache.dir=" + t.TempDir()}, nil)
			if err != nil {
				t.Fatal(err)
			}
			o.Experiment = e
			if s, content := export(t, o, "x.csv"); s.Images != 1 || !strings.HasPrefix(strings.Split(string(content), "\n")[1],
				name+","+name+",0,"+name[:1]) {
				t.Errorf("%s: %+v, %s", name, s, content)
			}
		}
	}
}
