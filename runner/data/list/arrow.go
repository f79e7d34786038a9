package list

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	flatbuffers "github.com/google/flatbuffers/go"

	"ordo/models/fault"
	"ordo/runner/data/picture"
)

// Beginnings of Arrow's two forms: a stream, whose messages begin with a mark, and a file, which has one more before.
var (
	arrowStream = []byte("\xff\xff\xff\xff")
	arrowFile   = []byte("ARROW1\x00\x00")
)

// Kinds of Arrow's messages.
const (
	arrowSchema     = 1
	arrowDictionary = 2
	arrowRecords    = 3
)

// batch is a message with rows: where it is in the file, and which rows it has.
type batch struct {
	at, length int64
	from, rows int
}

// arrowParts is an Arrow file as it is read: the schema, and batches one by one, of which the last few are kept.
type arrowParts struct {
	file    *os.File
	schema  []byte // the messages that precede the rows
	batches []batch

	mu   sync.Mutex
	kept []keptBatch
}

type keptBatch struct {
	index   int
	columns arrow.RecordBatch
}

// keptBatches lets goroutines that read rows in their order go over the end of a batch.
const keptBatches = 2

// indexArrow finds the batches of a file by going from message to message, without what lies between.
func indexArrow(f *os.File, size int64) (*arrowParts, error) {
	p := &arrowParts{file: f}
	at := int64(0)
	magic := make([]byte, len(arrowFile))
	if _, err := f.ReadAt(magic, 0); err == nil && bytes.Equal(magic, arrowFile) {
		at = int64(len(arrowFile))
	}
	rows := 0
	for at < size {
		kind, n, length, err := arrowMessage(f, at, size)
		if err != nil {
			return nil, err
		}
		switch {
		case length == 0: // the end
			at = size
		case kind == arrowRecords:
			if n < 0 || n > max(size, maxRows)-int64(rows) {
				return nil, fmt.Errorf("it claims %d rows", n)
			}
			p.batches = append(p.batches, batch{at, length, rows, int(n)})
			rows += int(n)
		case kind == arrowSchema, kind == arrowDictionary:
			message := make([]byte, length)
			if _, err := f.ReadAt(message, at); err != nil {
				return nil, err
			}
			p.schema = append(p.schema, message...)
		}
		at += length
	}
	return p, nil
}

// arrowMessage tells the kind of a message, its rows if it has some, and how long it is with its body; 0 is the end.
func arrowMessage(f io.ReaderAt, at, size int64) (kind byte, rows, length int64, err error) {
	const prefix = 8 // the mark, and the length of what describes the message
	damage := errors.New("a message is cut off")
	head := make([]byte, prefix)
	if n, err := f.ReadAt(head, at); err != nil && n < prefix {
		return 0, 0, 0, damage
	}
	long := int64(binary.LittleEndian.Uint32(head[4:]))
	if !bytes.HasPrefix(head, arrowStream) || long > size-at-prefix {
		return 0, 0, 0, damage
	}
	if long == 0 {
		return 0, 0, 0, nil
	}
	meta := make([]byte, long)
	if _, err := f.ReadAt(meta, at+prefix); err != nil {
		return 0, 0, 0, err
	}
	// Fields of the tables Message and RecordBatch, by their places in Arrow's Message.fbs.
	const fieldKind, fieldHeader, fieldBody, fieldRows, fieldCompression = 6, 8, 10, 4, 10
	message := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	body := message.GetInt64Slot(fieldBody, 0)
	kind = message.GetByteSlot(fieldKind, 0)
	if body < 0 || body > size-at-prefix-long {
		return 0, 0, 0, damage
	}
	if o := message.Offset(fieldHeader); o != 0 && kind == arrowSchema {
		var schema flatbuffers.Table
		message.Union(&schema, flatbuffers.UOffsetT(o))
		left := len(meta) / 4
		if !fits(schema, &left, 6, 8) {
			return 0, 0, 0, errors.New("its schema claims more than it holds")
		}
	}
	if o := message.Offset(fieldHeader); o != 0 && kind == arrowRecords {
		var records flatbuffers.Table
		message.Union(&records, flatbuffers.UOffsetT(o))
		rows = records.GetInt64Slot(fieldRows, 0)
		if records.Offset(fieldCompression) != 0 {
			return 0, 0, 0, fault.New(fault.Data, "its rows are compressed").
				Advise("write it without compression, or as Parquet")
		}
	}
	return kind, rows, prefix + long + body, nil
}

// fits says whether the columns and the texts beside them that a Schema or Field claims are in the file, which Arrow's
// reader takes for granted when it makes room for them. left is how many more there can be.
func fits(t flatbuffers.Table, left *int, columns, texts flatbuffers.VOffsetT) bool {
	const fieldChildren, fieldTexts = 14, 16 // of the table Field in Schema.fbs
	for _, slot := range []flatbuffers.VOffsetT{texts, columns} {
		o := flatbuffers.UOffsetT(t.Offset(slot))
		if o == 0 {
			continue
		}
		n := t.VectorLen(o)
		if *left -= n; n < 0 || *left < 0 {
			return false
		}
		for i := range n {
			if slot != columns {
				break
			}
			at := t.Indirect(t.Vector(o) + flatbuffers.UOffsetT(4*i))
			if !fits(flatbuffers.Table{Bytes: t.Bytes, Pos: at}, left, fieldChildren, fieldTexts) {
				return false
			}
		}
	}
	return true
}

// read returns the columns of a batch.
func (p *arrowParts) read(index int) (arrow.RecordBatch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.kept {
		if k.index == index {
			return k.columns, nil
		}
	}
	b := p.batches[index]
	r, err := ipc.NewReader(io.MultiReader(bytes.NewReader(p.schema), io.NewSectionReader(p.file, b.at, b.length)),
		ipc.WithMetadataSizeLimit(b.length+int64(len(p.schema))), ipc.WithBodySizeLimit(b.length+int64(len(p.schema))))
	if err != nil {
		return nil, err
	}
	if !r.Next() {
		return nil, errors.Join(errors.New("a batch can't be read"), r.Err())
	}
	// The collector has its memory, so that nothing is released.
	columns := r.RecordBatch()
	if columns.NumRows() != int64(b.rows) {
		return nil, errors.New("a batch has not the rows that it claims")
	}
	if len(p.kept) == keptBatches {
		p.kept = slices.Delete(p.kept, 0, 1)
	}
	p.kept = append(p.kept, keptBatch{index, columns})
	return columns, nil
}

// readArrow reads a table as Hugging Face's datasets save it.
func readArrow(f *os.File, size int64, o Options) (t *table, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		var told *fault.Error
		if err != nil && !errors.As(err, &told) {
			err = fault.New(fault.Data, "a damaged Arrow file (%w)", err).Advise("write or fetch it again")
		}
	}()
	parts, err := indexArrow(f, size)
	if err != nil {
		return nil, err
	}
	if len(parts.batches) == 0 {
		return nil, fault.New(fault.Data, "it has columns, but no row").Advise("choose another split")
	}
	first, err := parts.read(0)
	if err != nil {
		return nil, err
	}
	schema := first.Schema()
	last := parts.batches[len(parts.batches)-1]
	rows := last.from + last.rows
	t = &table{unit: "row", rows: make([][]string, rows), lines: make([]int, rows)}
	for i := range t.lines {
		t.lines[i] = i + 1
	}
	for _, field := range schema.Fields() {
		t.all = append(t.all, field.Name)
	}
	var known map[string]feature
	if text, ok := schema.Metadata().GetValue("huggingface"); ok {
		known = featuresOf(text)
	}
	images := o.PathColumn
	if images == "" {
		images = arrowImages(first, t.all, known)
	}
	t.chooseLabel(known)
	return t, t.addArrow(parts, images, known, o)
}

// arrowImages finds the column with the images or their paths, as imageColumn does.
func arrowImages(first arrow.RecordBatch, all []string, known map[string]feature) string {
	if name := firstOf(all, pathNames); name != "" {
		return name
	}
	for i, name := range all {
		raw, _ := rawAndPath(first.Column(i))
		if known[name].Type == "Image" || raw != nil && raw.Len() > 0 && picture.Known(valueOf(raw, 0)) {
			return name
		}
	}
	return ""
}

// rawAndPath returns the files and the paths that a column of images has, each of which may be nil.
func rawAndPath(column arrow.Array) (raw, path arrow.Array) {
	switch column := column.(type) {
	case *array.Struct:
		for i, field := range column.DataType().(*arrow.StructType).Fields() {
			switch field.Name {
			case "bytes":
				raw = column.Field(i)
			case "path":
				path = column.Field(i)
			}
		}
	case *array.Binary, *array.LargeBinary, *array.BinaryView:
		raw = column
	case *array.String, *array.LargeString, *array.StringView:
		path = column
	}
	return raw, path
}

// valueOf returns the bytes of a value, nil for null and for what has no bytes.
func valueOf(column arrow.Array, row int) []byte {
	if column == nil || column.IsNull(row) {
		return nil
	}
	switch column := column.(type) {
	case interface{ Value(i int) []byte }:
		return append([]byte{}, column.Value(row)...) // an empty value is not null
	case interface{ Value(i int) string }:
		return []byte(column.Value(row))
	}
	return nil
}

// addArrow adds the columns that count, in one pass over the rows.
func (t *table) addArrow(parts *arrowParts, images string, known map[string]feature, o Options) error {
	e := &arrowImagesOf{parts: parts, column: slices.Index(t.all, images)}
	t.path = images
	var texts []string
	for _, name := range t.all {
		if name != images && (name == o.LabelColumn || name == o.SplitColumn || name == t.label || isIn(splitNames, name)) {
			texts = append(texts, name)
		}
	}
	t.columns = slices.Clone(texts)
	if label := o.LabelColumn; label != "" && known[label].Type == "ClassLabel" {
		t.classes = known[label].Names
	} else if label == "" && known[t.label].Type == "ClassLabel" {
		t.classes = known[t.label].Names
	}
	held := false
	for i, b := range parts.batches {
		columns, err := parts.read(i)
		if err != nil {
			return err
		}
		for row := range b.rows {
			for _, name := range texts {
				t.rows[b.from+row] = append(t.rows[b.from+row], arrowText(columns.Column(slices.Index(t.all, name)), row))
			}
		}
		if e.column < 0 {
			continue
		}
		raw, path := rawAndPath(columns.Column(e.column))
		held = held || raw != nil && raw.NullN() < raw.Len()
		for row := range b.rows {
			e.paths = append(e.paths, string(valueOf(path, row)))
		}
		if raw == nil && path == nil {
			return fault.New(fault.Data, "column %s holds neither images nor paths", images).
				Advise("set data.path_column to one that does")
		}
	}
	if e.column < 0 {
		return nil // it is said which columns there are
	}
	t.columns = append(t.columns, images)
	for i := range t.rows {
		t.rows[i] = append(t.rows[i], e.paths[i])
	}
	if !held {
		return nil // paths
	}
	for i := range t.rows {
		t.rows[i][len(t.columns)-1] = ""
		t.places = append(t.places, place{e, i})
		t.ids = append(t.ids, fmt.Sprintf("%06d", i))
	}
	t.images = images
	return e.describe()
}

// arrowText is a value as text; null is "".
func arrowText(column arrow.Array, row int) string {
	if column.IsNull(row) {
		return ""
	}
	if raw := valueOf(column, row); raw != nil {
		return string(raw)
	}
	return column.ValueStr(row)
}

// arrowImagesOf reads the images that an Arrow file holds.
type arrowImagesOf struct {
	parts  *arrowParts
	column int
	paths  []string // of images that the row doesn't hold
	size   string   // with the time of the last change
}

func (e *arrowImagesOf) describe() error {
	info, err := e.parts.file.Stat()
	if err == nil {
		e.size = stampOf(info)
	}
	return err
}

func (e *arrowImagesOf) file() string  { return e.parts.file.Name() }
func (e *arrowImagesOf) stamp() string { return e.size }

// bytes returns the file in a row: the bytes that it holds, or those of the file that it names.
func (e *arrowImagesOf) bytes(row int) (raw []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Data, "a damaged Arrow file (%v)", p).Advise("write or fetch it again")
		}
	}()
	at, there := slices.BinarySearchFunc(e.parts.batches, row, func(b batch, row int) int {
		switch {
		case row < b.from:
			return 1
		case row >= b.from+b.rows:
			return -1
		}
		return 0
	})
	if !there {
		return nil, errors.New("no such row")
	}
	columns, err := e.parts.read(at)
	if err != nil {
		return nil, err
	}
	column, _ := rawAndPath(columns.Column(e.column))
	if raw = valueOf(column, row-e.parts.batches[at].from); raw != nil {
		return raw, nil
	}
	return readNamed(filepath.Dir(e.file()), e.paths, row)
}
