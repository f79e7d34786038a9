package embed

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"ordo/models/half"
)

// groupRows is how many rows Parquet's readers get at a time.
const groupRows = 8192

// float16 is Parquet's type of them: two bytes that are said to be a number.
type float16 struct{ parquet.Type }

func (float16) LogicalType() *format.LogicalType {
	return &format.LogicalType{Value: &format.Float16Type{}}
}

// schema is a column for each of said, without a value where a row has none, a list of floats for each output, and the
// neighbours if there are some.
func (r *rows) schema() *parquet.Schema {
	group := parquet.Group{
		"id": parquet.String(), "split": parquet.String(), "path": parquet.Optional(parquet.String()),
		"class": parquet.Optional(parquet.String()), "label": parquet.Optional(parquet.Int(32)),
		"width": parquet.Optional(parquet.Int(32)), "height": parquet.Optional(parquet.Int(32)),
	}
	if r.scales != nil {
		group[arrayScale] = parquet.Leaf(parquet.DoubleType)
	}
	if r.plane != nil {
		group[columnX], group[columnY] = parquet.Leaf(parquet.DoubleType), parquet.Leaf(parquet.DoubleType)
	}
	number := parquet.Leaf(parquet.FloatType)
	if r.half {
		number = parquet.Leaf(float16{parquet.FixedLenByteArrayType(2)})
	}
	for _, o := range r.outputs {
		group[o.Name] = parquet.List(number)
	}
	if r.search != nil {
		group[columnNeighbours] = parquet.Group{
			"ids": parquet.List(parquet.Int(64)), "distances": parquet.List(parquet.Leaf(parquet.FloatType)),
		}
	}
	return parquet.NewSchema("images", group)
}

// writeParquet writes the rows. meta is the file's key ordo.
func (r *rows) writeParquet(to io.Writer, meta string) error {
	schema := r.schema()
	w := parquet.NewWriter(to, schema, parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(groupRows),
		parquet.KeyValueMetadata("ordo", meta))
	l := line{at: map[string]int{}}
	for i, path := range schema.Columns() {
		name := path[0]
		if name == columnNeighbours {
			name += "." + path[1]
		}
		l.at[name] = i
	}
	if err := r.each(func(rec *record) error {
		r.fillLine(&l, rec)
		_, err := w.WriteRows([]parquet.Row{l.row})
		return err
	}); err != nil {
		return err
	}
	return w.Close()
}

// line is a row that is being put together.
type line struct {
	at  map[string]int // the column of a leaf
	row parquet.Row
}

func (l *line) add(column string, v parquet.Value) {
	l.row = append(l.row, v.Level(0, 0, l.at[column]))
}

// maybe adds a value that may be missing.
func (l *line) maybe(column string, v parquet.Value, known bool) {
	if !known {
		l.add(column, parquet.NullValue())
		return
	}
	l.row = append(l.row, v.Level(0, 1, l.at[column]))
}

// list adds n values of a list.
func (l *line) list(column string, n int, value func(i int) parquet.Value) {
	if n == 0 {
		l.add(column, parquet.NullValue())
	}
	for i := range n {
		l.row = append(l.row, value(i).Level(min(i, 1), 1, l.at[column]))
	}
}

func text(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }

// fillLine makes the line of a record, its values in the order of the columns.
func (r *rows) fillLine(l *line, rec *record) {
	l.row = l.row[:0]
	l.add("id", text(rec.id))
	l.add("split", text(rec.split))
	l.maybe("path", text(rec.path), rec.path != "")
	class := ""
	if rec.label >= 0 {
		class = r.classes[rec.label]
	}
	l.maybe("class", text(class), rec.label >= 0)
	l.maybe("label", parquet.Int32Value(int32(rec.label)), rec.label >= 0)
	l.maybe("width", parquet.Int32Value(int32(rec.width)), rec.width > 0)
	l.maybe("height", parquet.Int32Value(int32(rec.height)), rec.height > 0)
	if r.scales != nil {
		l.add(arrayScale, parquet.DoubleValue(rec.scale))
	}
	if r.plane != nil {
		l.add(columnX, parquet.DoubleValue(rec.x))
		l.add(columnY, parquet.DoubleValue(rec.y))
	}
	for o, values := range rec.values {
		l.list(r.outputs[o].Name, len(values), func(i int) parquet.Value {
			if r.half {
				return parquet.FixedLenByteArrayValue(binary.LittleEndian.AppendUint16(nil, half.Bits(values[i])))
			}
			return parquet.FloatValue(values[i])
		})
	}
	if r.search != nil {
		n := near(rec.neighbours)
		l.list(columnNeighbours+".ids", len(n.IDs), func(i int) parquet.Value { return parquet.Int64Value(int64(n.IDs[i])) })
		l.list(columnNeighbours+".distances", len(n.IDs), func(i int) parquet.Value {
			return parquet.FloatValue(n.Distances[i])
		})
	}
	slices.SortStableFunc(l.row, func(a, b parquet.Value) int { return a.Column() - b.Column() })
}
