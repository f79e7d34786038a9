package embed

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode/utf8"

	"ordo/models/half"
	"ordo/runner/npy"
)

// npz writes NumPy arrays into a zip archive, uncompressed as numpy.savez does (format: NEP 1, version 1.0).
type npz struct{ zip *zip.Writer }

// array starts an array: the header is written, the caller writes the values, little-endian and row-major.
func (n npz) array(name, dtype string, shape ...int) (io.Writer, error) {
	w, err := n.zip.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err != nil {
		return nil, err
	}
	return w, npy.Start(w, dtype, shape...)
}

// numbers writes floats, of 16 bits if half.
func numbers(w io.Writer, values []float32, asHalf bool) error {
	if !asHalf {
		return binary.Write(w, binary.LittleEndian, values)
	}
	raw := make([]byte, 0, 2*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint16(raw, half.Bits(v))
	}
	_, err := w.Write(raw)
	return err
}

// floatType is how NumPy calls floats, of 16 bits if half.
func floatType(asHalf bool) string {
	if asHalf {
		return "<f2"
	}
	return "<f4"
}

// escape is added to a byte that is not UTF-8, such as of a file's name in Latin-1, and makes a number of UTF-32 that
// no letter has. Python does the same (surrogateescape), so that os.fsencode gives the name back there, as texts of an
// array are read here.
const escape = 0xdc00

// letters is a text in UTF-32.
func letters(text string) []rune {
	out := make([]rune, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			r = escape + rune(text[0])
		}
		out, text = append(out, r), text[size:]
	}
	return out
}

// texts writes strings of one width, in UTF-32 as NumPy stores them.
func (n npz) texts(name string, values iter.Seq[string], shape ...int) error {
	width := 1
	for s := range values {
		width = max(width, len(letters(s)))
	}
	w, err := n.array(name, fmt.Sprintf("<U%d", width), shape...)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	for s := range values {
		row := letters(s)
		if err := binary.Write(b, binary.LittleEndian, row); err != nil {
			return err
		}
		if _, err := b.Write(make([]byte, 4*(width-len(row)))); err != nil {
			return err
		}
	}
	return b.Flush()
}

// matrix writes an output.
func (n npz) matrix(r *rows, o OutputShape) error {
	w, err := n.array(o.Name, floatType(r.half), r.len(), o.Columns)
	if err != nil {
		return err
	}
	return r.writeMatrix(w, o)
}

// writeMatrix writes the values of an output, row by row.
func (r *rows) writeMatrix(w io.Writer, output OutputShape) error {
	from := 0
	for _, o := range r.outputs[:slices.Index(r.outputs, output)] {
		from += o.Columns
	}
	b := bufio.NewWriterSize(w, 1<<16)
	var values []float32
	for i := range r.pages {
		var err error
		if values, err = r.read(i, values[:0]); err != nil {
			return err
		}
		for row := range slices.Chunk(values, r.width()) {
			if err := numbers(b, row[from:from+output.Columns], r.half); err != nil {
				return err
			}
		}
	}
	return b.Flush()
}

// column writes an array of a number a row.
func column[T int64 | float64](n npz, r *rows, name, dtype string, of func(*record) T) error {
	w, err := n.array(name, dtype, r.len())
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if err := r.each(func(rec *record) error { return binary.Write(b, binary.LittleEndian, of(rec)) }); err != nil {
		return err
	}
	return b.Flush()
}

// bare are the rows without numbers and without what is known of their files.
func (r *rows) bare() *rows {
	b := *r
	b.outputs, b.read, b.describe, b.search, b.plane = nil, nil, nil, nil, nil
	return &b
}

// writeNPZ writes a file as [Read] takes it. meta is what is to be said of it.
func (r *rows) writeNPZ(to io.Writer, meta string) error {
	z := npz{zip.NewWriter(to)}
	for _, o := range r.outputs {
		if err := z.matrix(r, o); err != nil {
			return err
		}
	}
	bare := r.bare()
	words := func(of func(*record) string) iter.Seq[string] {
		return func(yield func(string) bool) {
			// Nothing is read here that could fail; the error is that of who doesn't want to hear more.
			_ = bare.each(func(rec *record) error {
				if !yield(of(rec)) {
					return io.EOF
				}
				return nil
			})
		}
	}
	n := r.len()
	writes := []func() error{
		func() error { return z.texts(arrayIDs, words(func(rec *record) string { return rec.id }), n) },
		func() error {
			return column(z, bare, arrayLabels, "<i8", func(rec *record) int64 { return int64(rec.label) })
		},
		func() error { return z.texts(arrayClasses, slices.Values(r.classes), len(r.classes)) },
		func() error { return z.texts(arraySplit, words(func(rec *record) string { return rec.split }), n) },
	}
	if r.scales != nil {
		writes = append(writes, func() error {
			return column(z, bare, arrayScale, "<f8", func(rec *record) float64 { return rec.scale })
		})
	}
	for _, write := range append(writes,
		func() error { return z.texts(arrayMeta, slices.Values([]string{meta})) },
		z.zip.Close,
	) {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
