package list

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"

	"ordo/augment"
	"ordo/runner/data/picture"
	"ordo/runner/data/source"
)

// embedded reads the images that a column of a Parquet file holds.
type embedded struct {
	name   string   // of the file
	column int      // index of the bytes
	paths  []string // of images that the row doesn't hold; nil: none
	size   string   // with the time of the last change
	parts  *parquet.File

	mu   sync.Mutex
	idle []*cursor

	// The row group that was decompressed last: all goroutines read it, for items are read in their order.
	decompressing sync.Mutex
	plain         *parquet.File
	plainGroup    int
}

// cursor goes through the values of a row group.
type cursor struct {
	group  int
	row    int // the next one
	pages  parquet.Pages
	values parquet.ValueReader // of the current page
	page   parquet.Page
}

// part is a file that holds images.
type part interface {
	file() string
	stamp() string // says whether it was changed
	bytes(row int) ([]byte, error)
}

// stampOf is the stamp of a file.
func stampOf(info os.FileInfo) string { return fmt.Sprint(info.Size(), info.ModTime().UnixNano()) }

// place is where a row's image is.
type place struct {
	part part
	row  int
}

func (e *embedded) file() string  { return e.name }
func (e *embedded) stamp() string { return e.size }

// bytes returns the file in a row: the bytes that it holds, or those of the file that it names. Rows are read by
// cursors that only go forward.
func (e *embedded) bytes(row int) (raw []byte, err error) {
	defer damaged(&err)
	if raw, err = e.held(row); err != nil || raw != nil {
		return raw, err
	}
	return readNamed(filepath.Dir(e.name), e.paths, row)
}

// readNamed reads the file that a row names where it holds none.
func readNamed(dir string, paths []string, row int) ([]byte, error) {
	if row >= len(paths) || paths[row] == "" {
		return nil, errors.New("the row holds no image")
	}
	path := filepath.FromSlash(paths[row])
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	raw, err := source.ReadImage(path)
	if err != nil {
		return nil, fmt.Errorf("the row holds no image, only a path: %w", err)
	}
	return raw, nil
}

// held returns the bytes that a row holds, nil where it holds none.
func (e *embedded) held(row int) (raw []byte, err error) {
	group := 0
	groups := e.parts.RowGroups()
	for ; group < len(groups) && int64(row) >= groups[group].NumRows(); group++ {
		row -= int(groups[group].NumRows())
	}
	if group == len(groups) {
		return nil, errors.New("no such row")
	}
	c := e.take(group, row)
	if c == nil {
		pages, err := e.open(group)
		if err != nil {
			return nil, err
		}
		c = &cursor{group: group, pages: pages}
	}
	raw, err = c.read(row)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return raw, e.give(c)
}

// open opens the images of a row group.
func (e *embedded) open(group int) (parquet.Pages, error) {
	if !isLZ4(e.parts, group, e.column) {
		return openChunk(e.parts, group, e.column)
	}
	e.decompressing.Lock()
	defer e.decompressing.Unlock()
	if e.plain == nil || e.plainGroup != group {
		plain, err := decompressed(e.parts, group, e.column)
		if err != nil {
			return nil, err
		}
		e.plain, e.plainGroup = plain, group
	}
	return openChunk(e.plain, 0, e.column)
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

// read goes to the row and returns a copy of its value, nil where it is null.
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
				return nil, nil
			}
			return append([]byte{}, v.ByteArray()...), nil // an empty value is not null
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

// embeddedSets makes the sets of images that the table's files hold.
func (t *table) embeddedSets(
	ctx context.Context, train, test []source.File, settings string, o Options, about source.About,
) (source.Set, source.Set, error) {
	places := map[string]place{}
	var stamps []string
	for i, p := range t.places {
		places[t.ids[i]] = p
		if i == 0 || p.part != t.places[i-1].part {
			stamps = append(stamps, p.part.stamp())
		}
	}
	about.Train, about.Test = len(train), len(test)
	set := func(files []source.File, n int) *rows {
		items := source.Sample(files, n, o.Bounds.Seed, func(f source.File) string { return f.ID })
		s := &rows{places: places, items: items, classes: t.names, picture: o.Picture, about: about}
		h := sha256.New()
		fmt.Fprintf(h, "%s %v %q %s\n", settings, o.Picture.Background, t.names, strings.Join(stamps, " "))
		for _, f := range s.items {
			fmt.Fprintf(h, "%q %d\n", f.ID, f.Label)
		}
		s.key = fmt.Sprintf("%x", h.Sum(nil)[:16])
		return s
	}
	return set(train, o.Bounds.Images), set(test, o.Bounds.TestImages), ctx.Err()
}

// rows is a set of images in Parquet or Arrow files; an item's id is its row, behind the file's name where there are
// several.
type rows struct {
	places  map[string]place // by id
	items   []source.File
	classes []string
	picture picture.Options
	about   source.About
	key     string
}

func (s *rows) Len() int          { return len(s.items) }
func (s *rows) ID(i int) string   { return s.items[i].ID }
func (s *rows) Label(i int) int   { return s.items[i].Label }
func (s *rows) Classes() []string { return slices.Clone(s.classes) }
func (s *rows) Key() string       { return s.key }

// About says what the set belongs to.
func (s *rows) About() source.About { return s.about }

func (s *rows) raw(i int) ([]byte, error) {
	if i < 0 || i >= len(s.items) {
		return nil, fmt.Errorf("image %d of %d", i, len(s.items))
	}
	p := s.places[s.items[i].ID]
	raw, err := p.part.bytes(p.row)
	if err != nil {
		return nil, s.named(i, err)
	}
	return raw, nil
}

// named says of an error which file and row it is about.
func (s *rows) named(i int, err error) error {
	p := s.places[s.items[i].ID]
	return fmt.Errorf("%s: row %06d: %w", p.part.file(), p.row, err)
}

func (s *rows) Image(i int) (augment.Image, error) {
	raw, err := s.raw(i)
	if err != nil {
		return augment.Image{}, err
	}
	m, err := picture.Decode(raw, s.picture)
	if err != nil {
		return augment.Image{}, s.named(i, err)
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
		return source.Header{}, s.named(i, err)
	}
	return source.Header{
		Format: h.Format, Width: h.Width, Height: h.Height, Channels: h.Channels, Bytes: int64(len(raw)),
	}, nil
}

func (s *rows) Digest(i int) (string, error) {
	raw, err := s.raw(i)
	return fmt.Sprintf("%x", sha256.Sum256(raw)), err
}
