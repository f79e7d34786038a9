package embed

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// npz writes NumPy arrays into a zip archive, uncompressed as numpy.savez does (format: NEP 1, version 1.0).
type npz struct{ zip *zip.Writer }

// array starts an array: the header is written, the caller writes the values, little-endian and row-major.
func (n npz) array(name, dtype string, shape ...int) (io.Writer, error) {
	w, err := n.zip.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err != nil {
		return nil, err
	}
	return w, startArray(w, dtype, shape...)
}

// startArray writes the header of an array.
func startArray(w io.Writer, dtype string, shape ...int) error {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = fmt.Sprintf("%d,", d)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, strings.Join(dims, " "))
	const prefix = 10 // magic, version, length of the header
	header += strings.Repeat(" ", 63-(prefix+len(header))%64) + "\n"
	start := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	_, err := w.Write(append(start, header...))
	return err
}

func (n npz) floats(name string, values []float32, shape ...int) error {
	w, err := n.array(name, "<f4", shape...)
	if err != nil {
		return err
	}
	return writeFloats(w, values)
}

func writeFloats(w io.Writer, values []float32) error {
	return binary.Write(w, binary.LittleEndian, values)
}

func (n npz) ints(name string, values []int64, shape ...int) error {
	w, err := n.array(name, "<i8", shape...)
	if err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, values)
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
func (n npz) texts(name string, values []string, shape ...int) error {
	width := 1
	for _, s := range values {
		width = max(width, len(letters(s)))
	}
	w, err := n.array(name, fmt.Sprintf("<U%d", width), shape...)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	for _, s := range values {
		left := width
		row := letters(s)
		if err := binary.Write(b, binary.LittleEndian, row); err != nil {
			return err
		}
		left -= len(row)
		if _, err := b.Write(make([]byte, 4*left)); err != nil {
			return err
		}
	}
	return b.Flush()
}

// writeNPZ writes what Read takes.
func (t *Table) writeNPZ(to io.Writer, meta string) error {
	z, n := npz{zip.NewWriter(to)}, t.Len()
	var writes []func() error
	for _, output := range t.Outputs {
		writes = append(writes, func() error { return z.floats(output.Name, output.Values, n, output.Columns) })
	}
	labels, of := make([]int64, n), make([]string, n)
	for i, test := range t.Test {
		labels[i], of[i] = int64(t.Labels[i]), splitOf(test)
	}
	for _, write := range append(writes,
		func() error { return z.texts(arrayIDs, t.IDs, n) },
		func() error { return z.ints(arrayLabels, labels, n) },
		func() error { return z.texts(arrayClasses, t.Classes, len(t.Classes)) },
		func() error { return z.texts(arraySplit, of, n) },
		func() error { return z.texts("meta", []string{meta}) },
		z.zip.Close,
	) {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
