package embed

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"ordo/models/half"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/npy"
)

// few is a data set of which only names and labels are asked.
type few struct {
	data.Dataset
	ids    []string
	labels []int
}

func (f few) ID(i int) string { return f.ids[i] }
func (f few) Label(i int) int { return f.labels[i] }

// rowsOf are rows of n images, the first of which is for training, and whose row i holds i+1 and fractions of it.
func rowsOf(n int, outputs ...OutputShape) *rows {
	f := few{}
	for i := range n {
		f.ids, f.labels = append(f.ids, fmt.Sprintf("a/%d.png", i)), append(f.labels, i%3-1)
	}
	f.ids[1] = "b, \"2\".png"
	f.ids[2] = "ü.png"
	r := &rows{outputs: outputs, classes: []string{"x", "y"}, perImage: 1, pages: []page{{f, SplitTrain, 0, 1}}}
	for from := 1; from < n; from += batch {
		r.pages = append(r.pages, page{f, SplitTest, from, min(batch, n-from)})
	}
	r.read = func(p int, dst []float32) ([]float32, error) {
		for i := range r.pages[p].n * r.perImage {
			for c := range r.width() {
				dst = append(dst, float32(r.pages[p].from*r.perImage+i+1)/float32(c+1))
			}
		}
		return dst, nil
	}
	return r
}

func threeRows() *rows { return rowsOf(3, OutputShape{"features", 2}, OutputShape{"embedding", 1}) }

func TestCSV(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *rows)
		want   []string
	}{
		{"plain", func(*rows) {}, []string{
			"id|path|label|class|split|width|height|features_0|features_1|embedding_0",
			"a/0.png||||train|||1|0.5|0.33333334",
			"b, \"2\".png||0|x|test|||2|1|0.6666667",
			"ü.png||1|y|test|||3|1.5|1",
		}},
		{"scales", func(r *rows) { r.perImage, r.scales, r.outputs = 2, []float64{0, 0.25}, r.outputs[1:] }, []string{
			"id|path|label|class|split|width|height|scale|embedding_0",
			"a/0.png||||train|||0|1",
			"a/0.png||||train|||0.25|2",
			"b, \"2\".png||0|x|test|||0|3",
		}},
		{"neighbours", func(r *rows) {
			r.outputs = r.outputs[1:]
			r.search = func(of []record, _ []float32, from int) error {
				for i := range of {
					of[i].neighbours = []eval.Neighbour{{Row: from + i + 1, Distance: 0.5}}
				}
				return nil
			}
		}, []string{
			"id|path|label|class|split|width|height|neighbors|embedding_0",
			`a/0.png||||train|||{"ids":[1],"distances":[0.5]}|1`,
			`b, "2".png||0|x|test|||{"ids":[2],"distances":[0.5]}|2`,
		}},
	} {
		r := threeRows()
		c.change(r)
		var text bytes.Buffer
		if err := writeTable(&text, FormatCSV, r, ""); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&text).ReadAll()
		if err != nil || len(lines) != 1+r.len() {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		for i, want := range c.want {
			if got := strings.Join(lines[i], "|"); got != want {
				t.Errorf("%s: line %d is %q, want %q", c.name, i, got, want)
			}
		}
	}
}

func TestLightly(t *testing.T) {
	r := rowsOf(3, OutputShape{"embedding", 1})
	var text bytes.Buffer
	if err := writeTable(&text, FormatLightly, r, ""); err != nil {
		t.Fatal(err)
	}
	const want = "filenames,embedding_0,labels\na/0.png,1,-1\n\"b, \"\"2\"\".png\",2,0\nü.png,3,1\n"
	if text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}

func TestParquet(t *testing.T) {
	type line struct {
		ID        string    `parquet:"id"`
		Path      *string   `parquet:"path,optional"`
		Label     *int32    `parquet:"label,optional"`
		Class     *string   `parquet:"class,optional"`
		Split     string    `parquet:"split"`
		Width     *int32    `parquet:"width,optional"`
		Features  []float32 `parquet:"features,list"`
		Embedding []float32 `parquet:"embedding,list"`
	}
	for _, n := range []int{3, groupRows + 3} {
		r := rowsOf(n, OutputShape{"features", 2}, OutputShape{"embedding", 1})
		var file bytes.Buffer
		if err := writeTable(&file, FormatParquet, r, `{"run": "r"}`); err != nil {
			t.Fatal(err)
		}
		got, err := parquet.Read[line](bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || len(got) != n {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		i := 0
		if err := r.each(func(rec *record) error {
			l := got[i]
			i++
			label := -1
			if l.Label != nil {
				label = int(*l.Label)
			}
			if l.ID != rec.id || label != rec.label || (l.Class == nil) != (label < 0) || l.Path != nil || l.Width != nil ||
				l.Class != nil && *l.Class != r.classes[label] || l.Split != rec.split ||
				!slices.Equal(l.Features, rec.values[0]) || !slices.Equal(l.Embedding, rec.values[1]) {
				return fmt.Errorf("row %d is %+v", i, l)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if meta, _ := f.Lookup("ordo"); meta != `{"run": "r"}` {
			t.Errorf("meta %q", meta)
		}
	}
}

// TestParquetHalf: numbers of two bytes, which the file says are float16, beside scales and neighbours.
func TestParquetHalf(t *testing.T) {
	r := rowsOf(3, OutputShape{"features", 2})
	r.half, r.scales = true, []float64{0.25}
	r.search = func(of []record, _ []float32, _ int) error {
		of[1].neighbours = []eval.Neighbour{{Row: 2, Distance: 0.5}, {Row: 0, Distance: 1}}
		return nil
	}
	var file bytes.Buffer
	if err := writeTable(&file, FormatParquet, r, ""); err != nil {
		t.Fatal(err)
	}
	type line struct {
		Scale     float64   `parquet:"scale"`
		Features  [][2]byte `parquet:"features,list"`
		Neighbors struct {
			IDs       []int64   `parquet:"ids,list"`
			Distances []float32 `parquet:"distances,list"`
		} `parquet:"neighbors"`
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	said := slices.ContainsFunc(f.Metadata().Schema, func(e format.SchemaElement) bool {
		return e.Name == "element" && e.LogicalType.String() == "FLOAT16"
	})
	if !said {
		t.Errorf("no column is said to be of float16: %+v", f.Metadata().Schema)
	}
	got, err := parquet.Read[line](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(got) != 3 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if got[2].Scale != 0.25 || got[2].Features[1] != [2]byte{0x00, 0x3e} || len(got[0].Neighbors.IDs) != 0 ||
		!slices.Equal(got[1].Neighbors.IDs, []int64{2, 0}) || !slices.Equal(got[1].Neighbors.Distances, []float32{0.5, 1}) {
		t.Errorf("rows %+v", got)
	}
}

func TestNPY(t *testing.T) {
	for _, c := range []struct {
		half  bool
		bytes int
		head  string
	}{{false, 4, "'<f4'"}, {true, 2, "'<f2'"}} {
		r := rowsOf(3, OutputShape{"features", 3})
		r.half = c.half
		var file bytes.Buffer
		if err := writeTable(&file, FormatNPY, r, ""); err != nil {
			t.Fatal(err)
		}
		head, values := string(file.Bytes()[:128]), file.Bytes()[128:]
		if !strings.Contains(head, "'shape': (3, 3)") || !strings.Contains(head, c.head) || len(values) != 9*c.bytes {
			t.Errorf("header %q, %d bytes of values", head, len(values))
		}
		var first float32
		if c.half {
			first = half.Float32(binary.LittleEndian.Uint16(values[2:]))
		} else {
			first = math.Float32frombits(binary.LittleEndian.Uint32(values[4:]))
		}
		if first != 0.5 {
			t.Errorf("the second number is %g", first)
		}
	}
}

// TestNPZ: what is written is what Read reads, of either type of numbers.
func TestNPZ(t *testing.T) {
	for _, asHalf := range []bool{false, true} {
		r := rowsOf(300, OutputShape{"features", 2}, OutputShape{"embedding", 1})
		r.half, r.scales = asHalf, []float64{0.5}
		var file bytes.Buffer
		if err := r.writeNPZ(&file, "{}"); err != nil {
			t.Fatal(err)
		}
		got, err := read(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
		if err != nil || got.Len() != 300 || len(got.Rows(false)) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		i := 0
		if err := r.each(func(rec *record) error {
			for c, v := range rec.values[0] {
				if asHalf {
					v = half.Float32(half.Bits(v))
				}
				if got.Outputs[0].Values[2*i+c] != v || got.IDs[i] != rec.id || got.Labels[i] != rec.label {
					return fmt.Errorf("row %d of %s is not what was written", i, rec.id)
				}
			}
			i++
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// TestPart: a part file gives back what was put in, whatever cut it off, and nothing of another embedding.
func TestPart(t *testing.T) {
	r := rowsOf(400, OutputShape{"features", 2})
	path := filepath.Join(t.TempDir(), "x.npz.part")
	temporary := filepath.Join(filepath.Dir(path), ".x.npz1234567890123456")
	if err := os.WriteFile(temporary, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var notes []string
	open := func(key byte) *part {
		t.Helper()
		p, err := openPart(path, [32]byte{key}, r, func(text string) { notes = append(notes, text) })
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	fill := func(p *part) {
		t.Helper()
		for p.done < len(r.pages) {
			values, _ := r.read(p.done, nil)
			if err := p.add(values); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := open(1)
	if _, err := os.Stat(temporary); err == nil {
		t.Error("what a killed process left is still there")
	}
	if _, err := openPart(path, [32]byte{1}, r, nil); err == nil || !strings.Contains(err.Error(), "another ordo") {
		t.Errorf("two at once: %v", err)
	}
	fill(p)
	p.close()
	whole, err := os.ReadFile(path)
	if err != nil || len(notes) > 0 {
		t.Fatal(notes, err)
	}
	for _, cut := range []int{0, 10, 40, 41, 60, 500, len(whole) - 1, len(whole)} {
		for _, damage := range []bool{false, true} {
			content := slices.Clone(whole[:cut])
			if damage && cut > 0 {
				content[cut-1] ^= 1
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			p := open(1)
			fill(p)
			p.close()
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("cut off at %d, damaged: %t: the file differs, %v", cut, damage, err)
			}
		}
	}
	notes = nil
	p = open(1)
	if p.done != len(r.pages) || len(notes) != 1 || !strings.Contains(notes[0], "holds 400 of 400 images already") {
		t.Errorf("%d pages, notes %q", p.done, notes)
	}
	p.close()
	notes = nil
	p = open(2)
	if p.done != 0 || len(notes) != 1 || !strings.Contains(notes[0], "of another embedding") {
		t.Errorf("%d pages, notes %q", p.done, notes)
	}
	p.close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty file is left: %v", err)
	}
}

func FuzzPart(f *testing.F) {
	r := rowsOf(3, OutputShape{"features", 1})
	f.Add([]byte(partMagic))
	f.Add(append([]byte(partMagic), make([]byte, 60)...))
	path := filepath.Join(f.TempDir(), "x.part")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := openPart(path, [32]byte{}, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.done > len(r.pages) {
			t.Errorf("%d of %d pages", p.done, len(r.pages))
		}
		p.close()
	})
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"": {}, "1/1": {1, 1}, "2/4": {2, 4}, "4/4": {4, 4}} {
		if got, err := ParseShard(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0/4", "5/4", "1", "1/", "/4", "a/b", "1/4x", "-1/4", "01/4", " 1/4"} {
		if got, err := ParseShard(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	pages := make([]page, 7)
	for i := range pages {
		pages[i].from = i
	}
	for n := 1; n <= 9; n++ {
		var all []page
		for i := range n {
			all = append(all, Shard{i + 1, n}.of(pages)...)
		}
		if len(all) != 7 || all[6].from != 6 {
			t.Errorf("%d shards are %v", n, all)
		}
	}
}

func FuzzParseShard(f *testing.F) {
	f.Add("1/4")
	f.Add("2/1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShard(text)
		if err == nil && (s.String() != text || s.Part > s.Of) {
			t.Errorf("%q is %v", text, s)
		}
	})
}

func TestResolve(t *testing.T) {
	turned := Views{Family: "rotate", Scales: []float64{0, 1}}
	averaged := turned
	averaged.Average = true
	for _, c := range []struct {
		o    Options
		want string // format and type; "": refused
	}{
		{Options{Out: "x.npz"}, "npz float32"},
		{Options{Out: "x.NPY", DType: Float16}, "npy float16"},
		{Options{Out: "x.parquet", Outputs: []string{"embedding"}, Neighbours: 3}, "parquet float32"},
		{Options{Out: "x.csv", Neighbours: 3, Views: averaged}, "csv float32"},
		{Options{Out: "x.csv", Format: "lightly", Views: averaged}, "lightly float32"},
		{Options{Out: "x.npz", Views: turned, Shard: Shard{1, 2}}, "npz float32"},
		{Options{Out: "x.lightly"}, ""},
		{Options{Out: "x.npz", Format: "csv"}, ""},
		{Options{Out: "x"}, ""},
		{Options{Out: "x.npz", DType: "int8"}, ""},
		{Options{Out: "x.csv", DType: Float16}, ""},
		{Options{Out: "x.npy", Outputs: []string{"a", "b"}}, ""},
		{Options{Out: "x.npz", Neighbours: 3}, ""},
		{Options{Out: "x.csv", Neighbours: 3, Shard: Shard{1, 2}}, ""},
		{Options{Out: "x.csv", Neighbours: 3, Views: turned}, ""},
		{Options{Out: "x.csv", Format: "lightly", Views: turned}, ""},
		{Options{Out: "x.csv", Views: Views{Family: "rotate"}}, ""},
		{Options{Out: "x.csv", Views: Views{Scales: []float64{0}}}, ""},
		{Options{Out: "x.csv", Views: Views{Average: true}}, ""},
	} {
		c.o.Split = SplitAll
		err := c.o.resolve()
		if got := c.o.Format + " " + c.o.DType; (err != nil) != (c.want == "") || err == nil && got != c.want {
			t.Errorf("%+v: %s, %v, want %q", c.o, got, err, c.want)
		}
	}
}

// TestArrayHeader: headers are numpy 2.4's, whose shape is written as a tuple of Python.
func TestArrayHeader(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  string
	}{
		{[]int{1800, 256}, "{'descr': '<f4', 'fortran_order': False, 'shape': (1800, 256), }"},
		{[]int{5}, "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }"},
		{nil, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"},
	} {
		var b bytes.Buffer
		if err := npy.Start(&b, "<f4", c.shape...); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); len(text)%64 != 0 || strings.TrimRight(text[10:], " \n") != c.want {
			t.Errorf("%q of %d bytes, want %q", text, len(text), c.want)
		}
	}
}
