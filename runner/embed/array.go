package embed

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ordo/models/half"
)

// maxHeader bounds an array's header, which is a line of text; NumPy warns from 10,000 bytes on.
const maxHeader = 1 << 16

// array is an array of an .npz file, whose values are not read yet.
type array struct {
	name  string
	kind  byte // f, i, u or b (numbers), U or S (texts); others are of no use
	width int  // bytes of a value
	order binary.ByteOrder
	shape []int
	turn  bool // a matrix is stored column by column
	entry *zip.File
	start int64 // where the values begin
}

var (
	headerDescr = regexp.MustCompile(`'descr':\s*'([<>|=]?)([a-zA-Z])(\d*)'`)
	headerOrder = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	headerShape = regexp.MustCompile(`'shape':\s*\(([\d,\sL]*)\)`)
)

// openArray reads an array's header and makes sure that its shape is the size of its entry.
func openArray(f *zip.File) (*array, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	start := make([]byte, 10)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:6]) != "\x93NUMPY" {
		return nil, errors.New("is no NumPy array")
	}
	length := int(binary.LittleEndian.Uint16(start[8:]))
	if start[6] > 1 { // the length has four bytes
		start = append(start, 0, 0)
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return nil, errors.New("is cut off")
		}
		long := binary.LittleEndian.Uint32(start[8:])
		if long > maxHeader {
			return nil, errors.New("has a header that is too long")
		}
		length = int(long)
	}
	a := &array{name: strings.TrimSuffix(f.Name, ".npy"), order: binary.LittleEndian, entry: f,
		start: int64(len(start) + length)}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, errors.New("is cut off")
	}
	return a, a.header(string(text))
}

// header reads the dictionary of a header.
func (a *array) header(text string) error {
	shape, order := headerShape.FindStringSubmatch(text), headerOrder.FindStringSubmatch(text)
	if shape == nil || order == nil {
		return errors.New("has a header that is damaged")
	}
	a.turn = order[1] == "True"
	for _, d := range strings.FieldsFunc(shape[1], func(r rune) bool { return !('0' <= r && r <= '9') }) {
		n, err := strconv.Atoi(d)
		if err != nil {
			return errors.New("has an impossible shape")
		}
		a.shape = append(a.shape, n)
	}
	descr := headerDescr.FindStringSubmatch(text)
	if descr == nil { // a structure: whoever needs the array refuses it
		return nil
	}
	width, err := strconv.Atoi(descr[3])
	if err != nil || width > 1<<20 {
		return nil //nolint:nilerr // objects have no width, and are of no use
	}
	if descr[1] == ">" {
		a.order = binary.BigEndian
	}
	a.kind, a.width = descr[2][0], width
	if a.kind == 'U' {
		a.width *= 4
	}
	left := int64(a.entry.UncompressedSize64) - a.start
	if size, ok := a.size(); !ok || size != left {
		return fmt.Errorf("has the shape %v of %d bytes each and %d bytes of values", a.shape, a.width, left)
	}
	return nil
}

// size is how many bytes the values take.
func (a *array) size() (int64, bool) {
	size := int64(a.width)
	for _, d := range a.shape {
		if d != 0 && size > math.MaxInt64/int64(d) {
			return 0, false
		}
		size *= int64(d)
	}
	return size, true
}

// matrix says whether the array is one of floats with two axes.
func (a *array) matrix() bool {
	return a.kind == 'f' && slices.Contains([]int{2, 4, 8}, a.width) && len(a.shape) == 2
}

// maxPart is how many bytes are read at once: memory grows by what there is, not by what a header says.
const maxPart = 1 << 20

// each hears the bytes of every value in the order of the file.
func (a *array) each(do func(value []byte)) error {
	r, err := a.entry.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, a.start); err != nil {
		return fmt.Errorf("is damaged: %w", err)
	}
	size, _ := a.size()
	for size > 0 {
		part := make([]byte, min(size, int64(max(maxPart/a.width, 1)*a.width)))
		if _, err := io.ReadFull(r, part); err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
		for value := range slices.Chunk(part, a.width) {
			do(value)
		}
		size -= int64(len(part))
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // only at the end the checksum is compared
		return fmt.Errorf("is damaged: %w", err)
	}
	return nil
}

// floats reads a matrix, row by row.
func (a *array) floats() ([]float32, error) {
	var values []float32
	err := a.each(func(v []byte) {
		switch a.width {
		case 2:
			values = append(values, half.Float32(a.order.Uint16(v)))
		case 4:
			values = append(values, math.Float32frombits(a.order.Uint32(v)))
		case 8:
			values = append(values, float32(math.Float64frombits(a.order.Uint64(v))))
		}
	})
	if err != nil || !a.turn {
		return values, err
	}
	turned := make([]float32, 0, len(values))
	for row := range a.shape[0] {
		for column := range a.shape[1] {
			turned = append(turned, values[column*a.shape[0]+row])
		}
	}
	return turned, nil
}

// integers reads whole numbers, or truths as 0 and 1.
func (a *array) integers() ([]int64, error) {
	var values []int64
	err := a.each(func(v []byte) {
		n := a.unsigned(v)
		if a.kind == 'i' {
			unused := 64 - 8*a.width
			values = append(values, int64(n<<unused)>>unused) // with the sign of the value
		} else {
			values = append(values, int64(min(n, math.MaxInt64)))
		}
	})
	return values, err
}

func (a *array) unsigned(v []byte) uint64 {
	switch len(v) {
	case 1:
		return uint64(v[0])
	case 2:
		return uint64(a.order.Uint16(v))
	case 4:
		return uint64(a.order.Uint32(v))
	default:
		return a.order.Uint64(v)
	}
}

// whole says whether integers can read the array.
func (a *array) whole() bool {
	return strings.IndexByte("iub", a.kind) >= 0 && slices.Contains([]int{1, 2, 4, 8}, a.width)
}

// texts reads texts: UTF-32, or bytes, each filled up with zeros.
func (a *array) texts() ([]string, error) {
	var values []string
	err := a.each(func(v []byte) {
		if a.kind == 'S' {
			values = append(values, strings.TrimRight(string(v), "\x00"))
			return
		}
		var text strings.Builder
		for ; len(v) >= 4; v = v[4:] {
			if r := a.order.Uint32(v); r >= escape+0x80 && r <= escape+0xff {
				text.WriteByte(byte(r - escape))
			} else {
				text.WriteRune(rune(r))
			}
		}
		values = append(values, strings.TrimRight(text.String(), "\x00"))
	})
	return values, err
}

// text says whether texts can read the array.
func (a *array) text() bool { return (a.kind == 'U' || a.kind == 'S') && a.width > 0 }
