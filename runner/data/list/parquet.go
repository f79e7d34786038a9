package list

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/parquet-go/parquet-go"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// maxRows is how many rows a file of few bytes may claim: equal values take hardly any.
const maxRows = 1 << 24

// readParquet reads a table. Only the columns that may count are read.
func readParquet(f *os.File, size int64, o Options) (t *table, err error) {
	defer damaged(&err)
	file, err := parquet.OpenFile(f, size, parquet.SkipBloomFilters(true))
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
	usual := slices.Concat(pathNames, labelNames, splitNames)
	for _, field := range file.Schema().Fields() {
		name := field.Name()
		if !isIn(usual, name) && !slices.Contains([]string{o.PathColumn, o.LabelColumn, o.SplitColumn}, name) {
			continue
		}
		if leaf, ok := file.Schema().Lookup(name, "bytes"); ok && leaf.MaxRepetitionLevel == 0 && t.embedded == nil {
			if o.PathColumn != "" && name != o.PathColumn {
				continue
			}
			info, err := f.Stat()
			if err != nil {
				return nil, err
			}
			t.embedded = &embedded{
				name: f.Name(), group: name, file: file, column: leaf.ColumnIndex,
				stamp: fmt.Sprint(size, info.ModTime().UnixNano()),
			}
			t.add(name, make([]string, len(t.rows)))
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
		if isIn(labelNames, name) || name == o.LabelColumn {
			t.classes = classNames(file, name)
		}
	}
	return t, nil
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
	for _, group := range file.RowGroups() {
		pages := group.ColumnChunks()[index].Pages()
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

// classNames returns what Hugging Face's metadata say about the numbers of a label, or nil.
func classNames(file *parquet.File, label string) []string {
	raw, ok := file.Lookup("huggingface")
	if !ok {
		return nil
	}
	var meta struct {
		Info struct {
			Features map[string]struct {
				Names []string `json:"names"`
				Type  string   `json:"_type"`
			} `json:"features"`
		} `json:"info"`
	}
	if err := json.Unmarshal([]byte(raw), &meta); err != nil {
		return nil // other people's metadata
	}
	if f := meta.Info.Features[label]; f.Type == "ClassLabel" {
		return f.Names
	}
	return nil
}

// embedded reads the images that a column holds.
type embedded struct {
	name   string // of the file
	group  string // the column, which has the fields bytes and path
	column int    // index of bytes
	stamp  string
	file   *parquet.File

	mu   sync.Mutex
	idle []*cursor
}

// cursor goes through the values of a row group.
type cursor struct {
	group  int
	row    int // the next one
	pages  parquet.Pages
	values parquet.ValueReader // of the current page
	page   parquet.Page
}

// bytes returns the file in a row. Rows are read by cursors that only go forward.
func (e *embedded) bytes(row int) (raw []byte, err error) {
	defer damaged(&err)
	group := 0
	groups := e.file.RowGroups()
	for ; group < len(groups) && int64(row) >= groups[group].NumRows(); group++ {
		row -= int(groups[group].NumRows())
	}
	if group == len(groups) {
		return nil, errors.New("no such row")
	}
	c := e.take(group, row)
	if c == nil {
		c = &cursor{group: group, pages: groups[group].ColumnChunks()[e.column].Pages()}
	}
	raw, err = c.read(row)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return raw, e.give(c)
}

// take returns the idle cursor that is least far before the row, or nil.
func (e *embedded) take(group, row int) *cursor {
	e.mu.Lock()
	defer e.mu.Unlock()
	best := -1
	for i, c := range e.idle {
		if c.group == group && c.row <= row && (best < 0 || c.row > e.idle[best].row) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	c := e.idle[best]
	e.idle = slices.Delete(e.idle, best, best+1)
	return c
}

// give puts a cursor back, and closes the one that is idle longest when there are too many.
func (e *embedded) give(c *cursor) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = append(e.idle, c)
	if len(e.idle) <= 2*runtime.GOMAXPROCS(0) {
		return nil
	}
	oldest := e.idle[0]
	e.idle = e.idle[1:]
	return oldest.close()
}

// read goes to the row and returns a copy of its value.
func (c *cursor) read(row int) ([]byte, error) {
	var buffer [16]parquet.Value
	for {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				return nil, fmt.Errorf("a damaged Parquet file (%w)", err)
			}
			if n := int(page.NumRows()); c.row+n <= row {
				c.row += n
				parquet.Release(page)
				continue
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(buffer[:min(len(buffer), row-c.row+1)])
		c.row += n
		if n > 0 && c.row == row+1 {
			v := buffer[n-1]
			if v.IsNull() {
				return nil, errors.New("the row holds no image")
			}
			return slices.Clone(v.ByteArray()), nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("a damaged Parquet file (%w)", err)
		}
		if err != nil || n == 0 {
			parquet.Release(c.page)
			c.page, c.values = nil, nil
		}
	}
}

func (c *cursor) close() error {
	if c.page != nil {
		parquet.Release(c.page)
	}
	return c.pages.Close()
}

// sets makes the sets of the images in the file.
func (e *embedded) sets(
	ctx context.Context, train, test []source.File, classes []string, settings string, o Options,
) (source.Set, source.Set, error) {
	set := func(files []source.File, n int) *rows {
		items := source.Sample(files, n, o.Bounds.Seed, func(f source.File) string { return f.ID })
		s := &rows{e: e, items: items, classes: classes, picture: o.Picture}
		h := sha256.New()
		fmt.Fprintf(h, "%s %v %q %s\n", settings, o.Picture.Background, classes, e.stamp)
		for _, f := range s.items {
			fmt.Fprintf(h, "%q %d\n", f.ID, f.Label)
		}
		s.key = fmt.Sprintf("%x", h.Sum(nil)[:16])
		return s
	}
	return set(train, o.Bounds.Images), set(test, o.Bounds.TestImages), ctx.Err()
}

// rows is a set of images in a Parquet file; an item's id is its row.
type rows struct {
	e       *embedded
	items   []source.File
	classes []string
	picture picture.Options
	key     string
}

func (s *rows) Len() int          { return len(s.items) }
func (s *rows) ID(i int) string   { return s.items[i].ID }
func (s *rows) Label(i int) int   { return s.items[i].Label }
func (s *rows) Classes() []string { return slices.Clone(s.classes) }
func (s *rows) Key() string       { return s.key }

func (s *rows) raw(i int) ([]byte, error) {
	if i < 0 || i >= len(s.items) {
		return nil, fmt.Errorf("image %d of %d", i, len(s.items))
	}
	row, err := strconv.Atoi(s.items[i].ID)
	if err != nil {
		return nil, err
	}
	raw, err := s.e.bytes(row)
	if err != nil {
		return nil, fmt.Errorf("%s: row %s: %w", s.e.name, s.items[i].ID, err)
	}
	return raw, nil
}

func (s *rows) Image(i int) (augment.Image, error) {
	raw, err := s.raw(i)
	if err != nil {
		return augment.Image{}, err
	}
	m, err := picture.Decode(raw, s.picture)
	if err != nil {
		return augment.Image{}, fmt.Errorf("%s: row %s: %w", s.e.name, s.items[i].ID, err)
	}
	return m, nil
}

func (s *rows) Encoded(i int) ([]byte, error) {
	raw, err := s.raw(i)
	if err != nil {
		return nil, err
	}
	if h, err := picture.Inspect(raw); err != nil || h.Format != "JPEG" || h.Orientation != 1 {
		return nil, nil //nolint:nilerror // a damaged file is an error of Image
	}
	return raw, nil
}

func (s *rows) Inspect(i int) (source.Header, error) {
	raw, err := s.raw(i)
	if err != nil {
		return source.Header{}, err
	}
	h, err := picture.Inspect(raw)
	if err != nil {
		return source.Header{}, fmt.Errorf("%s: row %s: %w", s.e.name, s.items[i].ID, err)
	}
	return source.Header{
		Format: h.Format, Width: h.Width, Height: h.Height, Channels: h.Channels, Bytes: int64(len(raw)),
	}, nil
}

func (s *rows) Digest(i int) (string, error) {
	raw, err := s.raw(i)
	return fmt.Sprintf("%x", sha256.Sum256(raw)), err
}
