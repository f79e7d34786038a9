package embed

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

func threeRows() *Table {
	return &Table{
		Outputs: []Output{
			{"features", 3, []float32{1, 2.5, -0.1, 0, 1e-20, 3, 7, 8, float32(math.Inf(1))}},
			{"embedding", 1, []float32{0.25, -1, 2}},
		},
		IDs: []string{"a/1.png", "b, \"2\".png", "ü.png"}, Labels: []int{1, -1, 0}, Classes: []string{"x", "y"},
		Test: []bool{false, true, true},
	}
}

func TestCSV(t *testing.T) {
	var text bytes.Buffer
	if err := writeTable(&text, FormatCSV, threeRows(), ""); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"id label class split features_0 features_1 features_2 embedding_0",
		"a/1.png 1 y train 1 2.5 -0.1 0.25",
		"b, \"2\".png   test 0 1e-20 3 -1",
		"ü.png 0 x test 7 8 +Inf 2",
	} {
		if got := strings.Join(lines[i], " "); got != want {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
}

func TestLightly(t *testing.T) {
	table := threeRows()
	var text bytes.Buffer
	if err := writeTable(&text, FormatLightly, table, ""); err == nil {
		t.Error("two outputs in one row of numbers")
	}
	table.Outputs = table.Outputs[1:]
	text.Reset()
	if err := writeTable(&text, FormatLightly, table, ""); err != nil {
		t.Fatal(err)
	}
	const want = "filenames,embedding_0,labels\na/1.png,0.25,1\n\"b, \"\"2\"\".png\",-1,-1\nü.png,2,0\n"
	if text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}

func TestParquet(t *testing.T) {
	for _, rows := range []int{3, groupRows + 3} {
		table := threeRows()
		for table.Len() < rows {
			table.IDs = append(table.IDs, fmt.Sprint(table.Len()))
			table.Labels, table.Test = append(table.Labels, 1), append(table.Test, false)
			for o := range table.Outputs {
				out := &table.Outputs[o]
				out.Values = append(out.Values, slices.Repeat([]float32{float32(table.Len())}, out.Columns)...)
			}
		}
		var file bytes.Buffer
		if err := writeTable(&file, FormatParquet, table, `{"run": "r"}`); err != nil {
			t.Fatal(err)
		}
		type line struct {
			ID        string    `parquet:"id"`
			Label     *int32    `parquet:"label,optional"`
			Class     *string   `parquet:"class,optional"`
			Split     string    `parquet:"split"`
			Features  []float32 `parquet:"features,list"`
			Embedding []float32 `parquet:"embedding,list"`
		}
		got, err := parquet.Read[line](bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil || len(got) != rows {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		for i, l := range got {
			said := table.said(i)
			label := -1
			if l.Label != nil {
				label = int(*l.Label)
			}
			if l.ID != said[0] || label != table.Labels[i] || (l.Class == nil) != (label < 0) ||
				l.Class != nil && *l.Class != said[2] || l.Split != said[3] ||
				!slices.Equal(l.Features, table.Outputs[0].row(i)) || !slices.Equal(l.Embedding, table.Outputs[1].row(i)) {
				t.Fatalf("row %d is %+v", i, l)
			}
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

func TestNPY(t *testing.T) {
	table := threeRows()
	table.Outputs = table.Outputs[:1]
	var file bytes.Buffer
	if err := writeTable(&file, FormatNPY, table, ""); err != nil {
		t.Fatal(err)
	}
	head, values := file.Bytes()[:128], file.Bytes()[128:]
	if !strings.Contains(string(head), "'shape': (3, 3,)") || len(values) != 9*4 ||
		math.Float32frombits(uint32(values[4])|uint32(values[5])<<8|uint32(values[6])<<16|uint32(values[7])<<24) != 2.5 {
		t.Errorf("header %q, %d bytes of values", head, len(values))
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string // format and outputs; "": refused
	}{
		{Options{Out: "x.npz"}, "npz [features embedding]"},
		{Options{Out: "x.NPY"}, "npy [features]"},
		{Options{Out: "x.parquet", Outputs: []string{"embedding"}}, "parquet [embedding]"},
		{Options{Out: "x.csv"}, "csv [features embedding]"},
		{Options{Out: "x.csv", Format: "lightly"}, "lightly [embedding]"},
		{Options{Out: "x.lightly"}, ""},
		{Options{Out: "x.npz", Format: "csv"}, ""},
		{Options{Out: "x"}, ""},
		{Options{Out: "x.npy", Outputs: Outputs()}, ""},
	} {
		err := c.o.resolve()
		if got := fmt.Sprint(c.o.Format, " ", c.o.Outputs); (err != nil) != (c.want == "") || err == nil && got != c.want {
			t.Errorf("%s: %s, %v, want %q", c.o.Out, got, err, c.want)
		}
	}
}
