package list

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"ordo/models/fault"
	"ordo/runner/data/picture"
)

// maxRows is how many rows a file of few bytes may claim: equal values take hardly any.
const maxRows = 1 << 24

// readParquet reads a table. Only the columns that may count are read.
func readParquet(f *os.File, size int64, o Options) (t *table, err error) {
	defer damaged(&err)
	file, err := parquet.OpenFile(f, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, fault.New(fault.Data, "a damaged Parquet file (%w)", err).Advise("write or fetch it again")
	}
	if n := file.NumRows(); n < 0 || n > max(size, maxRows) {
		return nil, fault.New(fault.Data, "it claims %d rows", n).Advise("write or fetch it again")
	}
	t = &table{unit: "row", rows: make([][]string, file.NumRows()), lines: make([]int, file.NumRows())}
	for i := range t.lines {
		t.lines[i] = i + 1
	}
	if len(t.rows) == 0 {
		return nil, errors.New("it has columns, but no row")
	}
	known := features(file)
	for _, field := range file.Schema().Fields() {
		t.all = append(t.all, field.Name())
	}
	images, err := imageColumn(file, known, o.PathColumn)
	if err != nil {
		return nil, err
	}
	t.path = images
	if images != "" {
		if err := t.addImages(f, file, images); err != nil {
			return nil, fmt.Errorf("column %s: %w", images, err)
		}
	}
	t.chooseLabel(known)
	for _, name := range t.all {
		if name == images || name != o.LabelColumn && name != o.SplitColumn && name != t.label && !isIn(splitNames, name) {
			continue
		}
		leaf, ok := file.Schema().Lookup(name)
		if !ok || leaf.MaxRepetitionLevel > 0 {
			continue
		}
		values, err := column(file, leaf.ColumnIndex)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		t.add(name, values)
		if name == cmp.Or(o.LabelColumn, t.label) && known[name].Type == "ClassLabel" {
			t.classes = known[name].Names
		}
	}
	return t, nil
}

// chooseLabel finds the column of labels: one with a usual name, or one that Hugging Face's metadata call so.
func (t *table) chooseLabel(known map[string]feature) {
	t.label = firstOf(t.all, labelNames)
	if t.label != "" {
		return
	}
	at := slices.IndexFunc(t.all, func(name string) bool { return known[name].Type == "ClassLabel" })
	if at >= 0 {
		t.label = t.all[at]
	}
}

// imageColumn finds the column with the images or their paths: the one that is asked for, one with a usual name, one
// that Hugging Face's metadata call an image, or one whose values are images. "": there is none.
func imageColumn(file *parquet.File, known map[string]feature, asked string) (string, error) {
	var all []string
	for _, field := range file.Schema().Fields() {
		if asked != "" && field.Name() == asked {
			return asked, nil
		}
		all = append(all, field.Name())
	}
	if asked != "" {
		return "", nil // it is said which there are
	}
	if name := firstOf(all, pathNames); name != "" {
		return name, nil
	}
	for _, name := range all {
		if known[name].Type == "Image" {
			return name, nil
		}
	}
	for _, name := range all {
		if leaf, ok := file.Schema().Lookup(name, "bytes"); ok && isBytes(leaf) {
			return name, nil
		}
		leaf, ok := file.Schema().Lookup(name)
		if !ok || !isBytes(leaf) {
			continue
		}
		if first, err := firstValue(file, leaf.ColumnIndex); err != nil || picture.Known(first) {
			return name, err
		}
	}
	return "", nil
}

// firstOf returns the first of names that is among all, in upper or lower case and as it is written there, or "".
func firstOf(all, names []string) string {
	for _, name := range names {
		if i := slices.IndexFunc(all, func(c string) bool { return strings.EqualFold(c, name) }); i >= 0 {
			return all[i]
		}
	}
	return ""
}

// isBytes says whether a column has one byte string a row.
func isBytes(leaf parquet.LeafColumn) bool {
	return leaf.MaxRepetitionLevel == 0 && leaf.Node.Type().Kind() == parquet.ByteArray
}

// addImages adds the column with the images or their paths: a group of the fields bytes and path, either of which may
// be missing or null, byte strings that are images, or texts.
func (t *table) addImages(f *os.File, file *parquet.File, name string) error {
	plain, isPlain := file.Schema().Lookup(name)
	raw, hasBytes := file.Schema().Lookup(name, "bytes")
	path, hasPath := file.Schema().Lookup(name, "path")
	var paths []string
	var err error
	switch {
	case isPlain && isBytes(plain):
		first, err := firstValue(file, plain.ColumnIndex)
		if err != nil {
			return err
		}
		if !picture.Known(first) {
			return t.addTexts(file, name, plain.ColumnIndex)
		}
		raw = plain
	case isPlain && plain.MaxRepetitionLevel == 0:
		return t.addTexts(file, name, plain.ColumnIndex)
	case hasBytes && isBytes(raw) && hasPath && allNull(file, raw.ColumnIndex), !hasBytes && hasPath && isBytes(path):
		return t.addTexts(file, name, path.ColumnIndex)
	case hasBytes && isBytes(raw):
		if hasPath && isBytes(path) {
			if paths, err = column(file, path.ColumnIndex); err != nil {
				return err
			}
		}
	default:
		return fault.New(fault.Data, "it holds neither images nor paths").
			Advise("set data.path_column to one that does, of %s", strings.Join(t.all, ", "))
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	e := &embedded{
		name: f.Name(), parts: file, column: raw.ColumnIndex, paths: paths, size: stampOf(info),
	}
	t.images = name
	for i := range t.rows {
		t.places = append(t.places, place{e, i})
		t.ids = append(t.ids, fmt.Sprintf("%06d", i))
	}
	t.add(name, make([]string, len(t.rows)))
	return nil
}

func (t *table) addTexts(file *parquet.File, name string, index int) error {
	values, err := column(file, index)
	if err != nil {
		return err
	}
	t.add(name, values)
	return nil
}

// allNull says whether the file's statistics show that a column has no value.
func allNull(file *parquet.File, index int) bool {
	for _, group := range file.Metadata().RowGroups {
		if index >= len(group.Columns) {
			return false
		}
		m := group.Columns[index].MetaData
		if m.NumValues > 0 && m.Statistics.NullCount != m.NumValues {
			return false
		}
	}
	return true
}

// firstValue returns the first value of a column that isn't null, or nil if there is none near.
func firstValue(file *parquet.File, index int) ([]byte, error) {
	const near = 1000 // rows
	for group := range file.RowGroups() {
		pages, err := openChunk(file, group, index)
		if err != nil {
			return nil, err
		}
		c := &cursor{pages: pages}
		for row := range min(file.RowGroups()[group].NumRows(), near) {
			raw, err := c.read(int(row))
			if err != nil || raw != nil {
				return raw, errors.Join(err, c.close())
			}
		}
		if err := c.close(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (t *table) add(name string, values []string) {
	t.columns = append(t.columns, name)
	for i, v := range values {
		t.rows[i] = append(t.rows[i], v)
	}
}

// damaged makes a panic of the Parquet library an error: it panics on some damaged files.
func damaged(err *error) {
	if p := recover(); p != nil {
		*err = fault.New(fault.Data, "a damaged Parquet file (%v)", p).Advise("write or fetch it again")
	}
}

// column reads a column as text; null is "".
func column(file *parquet.File, index int) ([]string, error) {
	out := make([]string, 0, file.NumRows())
	buffer := make([]parquet.Value, 256)
	for group := range file.RowGroups() {
		pages, err := openChunk(file, group, index)
		if err != nil {
			return nil, err
		}
		for {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, errors.Join(err, pages.Close())
			}
			values := page.Values()
			for {
				n, err := values.ReadValues(buffer)
				for _, v := range buffer[:n] {
					out = append(out, text(v))
				}
				if errors.Is(err, io.EOF) || err == nil && n == 0 {
					break
				}
				if err != nil {
					return nil, errors.Join(err, pages.Close())
				}
			}
			parquet.Release(page)
		}
		if err := pages.Close(); err != nil {
			return nil, err
		}
	}
	if int64(len(out)) != file.NumRows() {
		return nil, fault.New(fault.Data, "%d values for %d rows", len(out), file.NumRows()).
			Advise("write or fetch the file again")
	}
	return out, nil
}

func text(v parquet.Value) string {
	switch v.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return string(v.ByteArray())
	case parquet.Int32:
		return strconv.FormatInt(int64(v.Int32()), 10)
	case parquet.Int64:
		return strconv.FormatInt(v.Int64(), 10)
	}
	if v.IsNull() {
		return ""
	}
	return v.String()
}

// feature is what Hugging Face's metadata say of a column.
type feature struct {
	Names []string `json:"names"`
	Type  string   `json:"_type"`
}

// features returns what Hugging Face's metadata say of the columns, or nil.
func features(file *parquet.File) map[string]feature {
	if text, ok := file.Lookup("huggingface"); ok {
		return featuresOf(text)
	}
	return nil
}

// featuresOf reads Hugging Face's metadata.
func featuresOf(text string) map[string]feature {
	var meta struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return nil // other people's metadata
	}
	all := map[string]feature{}
	for name, raw := range meta.Info.Features {
		var f feature
		if err := json.Unmarshal(raw, &f); err == nil { // lists have another form
			all[name] = f
		}
	}
	return all
}
