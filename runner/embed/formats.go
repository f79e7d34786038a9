package embed

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"ordo/models"
	"ordo/models/fault"
)

// The formats of files.
const (
	FormatNPZ     = "npz"     // NumPy arrays in an archive, what Read takes
	FormatNPY     = "npy"     // one matrix alone, for programs that map files into memory; the rows' names are beside it
	FormatParquet = "parquet" // a row an image, an output a list of float
	FormatCSV     = "csv"     // a row an image, a column a number
	FormatLightly = "lightly" // CSV as lightly's: filenames, embedding_0, …, labels
)

// Formats lists them.
func Formats() []string {
	return []string{FormatNPZ, FormatNPY, FormatParquet, FormatCSV, FormatLightly}
}

// FormatOf is the format that a file's name tells by its end, or "".
func FormatOf(file string) string {
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(file), "."))
	if slices.Contains(Formats(), format) && format != FormatLightly {
		return format
	}
	return ""
}

// Extension is how the names of a format's files end.
func Extension(format string) string {
	if format == FormatLightly {
		return ".csv"
	}
	return "." + format
}

// writeTable writes a table in a format other than npz. meta is what is to be said of it.
func writeTable(to io.Writer, format string, t *Table, meta string) error {
	switch format {
	case FormatNPY:
		return t.writeMatrix(to)
	case FormatParquet:
		return t.writeParquet(to, meta)
	case FormatLightly:
		return t.writeLightly(to)
	default:
		return t.writeCSV(to)
	}
}

// one is the only output, for formats that have room for one.
func (t *Table) one(format string) (Output, error) {
	if len(t.Outputs) != 1 {
		return Output{}, fmt.Errorf("embed: %s holds one output, not %d", format, len(t.Outputs))
	}
	return t.Outputs[0], nil
}

func (t *Table) writeMatrix(to io.Writer) error {
	o, err := t.one(FormatNPY)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(to)
	if err := startArray(b, "<f4", t.Len(), o.Columns); err != nil {
		return err
	}
	for i := range t.Len() {
		if err := writeFloats(b, o.row(i)); err != nil {
			return err
		}
	}
	return b.Flush()
}

// row is row i.
func (o Output) row(i int) []float32 { return o.Values[i*o.Columns:][:o.Columns] }

// said are the names of the columns that say what a row is, and their texts in row i: its id, the number and the name
// of its class, which are empty where it has none, and its split.
func said() []string { return []string{"id", "label", "class", "split"} }

func (t *Table) said(i int) []string {
	texts := []string{t.IDs[i], "", "", splitOf(t.Test[i])}
	if l := t.Labels[i]; l >= 0 {
		texts[1], texts[2] = strconv.Itoa(l), t.Classes[l]
	}
	return texts
}

func splitOf(test bool) string {
	if test {
		return SplitTest
	}
	return SplitTrain
}

// writeRows writes said alone, as CSV.
func (t *Table) writeRows(to io.Writer) error {
	return (&Table{IDs: t.IDs, Labels: t.Labels, Classes: t.Classes, Test: t.Test}).writeCSV(to)
}

func (t *Table) writeCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	line := said()
	for _, o := range t.Outputs {
		line = append(line, numbered(o.Name, o.Columns)...)
	}
	if err := w.Write(line); err != nil {
		return err
	}
	for i := range t.Len() {
		line = append(line[:0], t.said(i)...)
		for _, o := range t.Outputs {
			line = appendNumbers(line, o.row(i))
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// writeLightly writes what lightly's load_embeddings reads: labels are whole numbers, -1 where there is none.
func (t *Table) writeLightly(to io.Writer) error {
	o, err := t.one(FormatLightly)
	if err != nil {
		return err
	}
	w := csv.NewWriter(to)
	line := append(append([]string{"filenames"}, numbered("embedding", o.Columns)...), "labels")
	if err := w.Write(line); err != nil {
		return err
	}
	for i := range t.Len() {
		line = append(appendNumbers(append(line[:0], t.IDs[i]), o.row(i)), strconv.Itoa(t.Labels[i]))
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func numbered(name string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = name + "_" + strconv.Itoa(i)
	}
	return names
}

// appendNumbers appends the shortest texts that give the same numbers again.
func appendNumbers(line []string, row []float32) []string {
	for _, x := range row {
		line = append(line, strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	return line
}

// groupRows is how many rows Parquet's readers get at a time.
const groupRows = 8192

// writeParquet writes a column for each of said, label and class without a value where an image has none, and a list of
// float for each output. meta is the file's key ordo.
func (t *Table) writeParquet(to io.Writer, meta string) error {
	group := parquet.Group{
		"id": parquet.String(), "split": parquet.String(), "class": parquet.Optional(parquet.String()),
		"label": parquet.Optional(parquet.Int(32)),
	}
	for _, o := range t.Outputs {
		group[o.Name] = parquet.List(parquet.Leaf(parquet.FloatType))
	}
	schema := parquet.NewSchema("images", group)
	w := parquet.NewWriter(to, schema, parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.KeyValueMetadata("ordo", meta))
	at := map[string]int{} // the column of a leaf
	for i, path := range schema.Columns() {
		at[path[0]] = i
	}
	for i := range t.Len() {
		row := parquet.Row{
			parquet.ByteArrayValue([]byte(t.IDs[i])).Level(0, 0, at["id"]),
			parquet.ByteArrayValue([]byte(splitOf(t.Test[i]))).Level(0, 0, at["split"]),
			parquet.NullValue().Level(0, 0, at["class"]), parquet.NullValue().Level(0, 0, at["label"]),
		}
		if l := t.Labels[i]; l >= 0 {
			row[2] = parquet.ByteArrayValue([]byte(t.Classes[l])).Level(0, 1, at["class"])
			row[3] = parquet.Int32Value(int32(l)).Level(0, 1, at["label"])
		}
		for _, o := range t.Outputs {
			for c, x := range o.row(i) {
				row = append(row, parquet.FloatValue(x).Level(min(c, 1), 1, at[o.Name]))
			}
		}
		slices.SortStableFunc(row, func(a, b parquet.Value) int { return a.Column() - b.Column() })
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
	return w.Close()
}

// keep leaves the named outputs of those that an encoder has.
func (t *Table) keep(names []string) error {
	var kept []Output
	for _, name := range names {
		o := t.Output(name)
		if o == nil {
			return fault.New(fault.Config, "the encoder has no output %s", name)
		}
		kept = append(kept, *o)
	}
	t.Outputs = kept
	return nil
}

// Outputs lists what Options.Outputs can name.
func Outputs() []string { return []string{models.Features, models.Embedding} }
