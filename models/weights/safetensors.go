package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// maxHeader bounds a safetensors header; the format's own limit.
const maxHeader = 100_000_000

// maxDims bounds the number of a tensor's dimensions.
const maxDims = 16

// entry is what the header says of a tensor.
type entry struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"` // first byte and end, from the header's end
}

// safetensors reads a file's header: 8 bytes with the header's length, the header, a JSON object of the tensors by
// name, and the tensors' data one after the other. It returns the float tensors in the order of their data.
func safetensors(r io.ReaderAt, size int64) ([]tensor, error) {
	fault := func(format string, a ...any) error {
		return fmt.Errorf("not a safetensors file: "+format, a...)
	}
	var length [8]byte
	if size < int64(len(length)) {
		return nil, fault("it has only %d bytes", size)
	}
	if err := readAt(r, length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fault("its header should be of %d bytes, the file has %d", n, size)
	}
	header := make([]byte, n)
	if err := readAt(r, header, 8); err != nil {
		return nil, err
	}
	entries, order, err := decodeHeader(header)
	if err != nil {
		return nil, fault("%w", err)
	}
	begin := 8 + int64(n)
	slices.SortFunc(order, func(a, b string) int {
		if c := slices.Compare(entries[a].Offsets, entries[b].Offsets); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	var tensors []tensor
	end := int64(0)
	for _, name := range order {
		e := entries[name]
		if e.Offsets[0] != end || e.Offsets[1] < end || e.Offsets[1] > size-begin {
			return nil, fault("the data of %q are said to be at bytes %d to %d of %d, after others that end at %d",
				name, e.Offsets[0], e.Offsets[1], size-begin, end)
		}
		end = e.Offsets[1]
		width := elementBytes(e.DType)
		if width == 0 {
			continue
		}
		count, ok := elements(e.Shape)
		if !ok || count > math.MaxInt64/width || count*width != e.Offsets[1]-e.Offsets[0] {
			return nil, fault("%q has the shape %v and type %s, but %d bytes of data", name, e.Shape, e.DType,
				e.Offsets[1]-e.Offsets[0])
		}
		tensors = append(tensors, tensor{name, e.Shape, func() ([]byte, error) {
			data := make([]byte, e.Offsets[1]-e.Offsets[0])
			if err := readAt(r, data, begin+e.Offsets[0]); err != nil {
				return nil, err
			}
			return toFloat32(e.DType, data), nil
		}})
	}
	if end != size-begin {
		return nil, fault("%d bytes of data belong to no tensor", size-begin-end)
	}
	return tensors, nil
}

func readAt(r io.ReaderAt, dst []byte, at int64) error {
	if n, err := r.ReadAt(dst, at); n < len(dst) { // at the file's end, io.EOF may come with all bytes
		return err
	}
	return nil
}

// decodeHeader returns the tensors' entries and names. It goes through the object itself, as encoding/json would take
// the last of two entries of one name.
func decodeHeader(header []byte) (map[string]entry, []string, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	d.DisallowUnknownFields()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("its header is not a JSON object")
	}
	entries := map[string]entry{}
	var names []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("header: %w", err)
		}
		name, _ := t.(string)
		if name == "__metadata__" {
			var metadata map[string]string
			if err := d.Decode(&metadata); err != nil {
				return nil, nil, fmt.Errorf("header: %s: %w", name, err)
			}
			continue
		}
		if _, twice := entries[name]; twice {
			return nil, nil, fmt.Errorf("header: %q is there twice", name)
		}
		var e entry
		if err := d.Decode(&e); err != nil {
			return nil, nil, fmt.Errorf("header: %q: %w", name, err)
		}
		if len(e.Offsets) != 2 {
			return nil, nil, fmt.Errorf("header: %q has %d data_offsets, must be 2", name, len(e.Offsets))
		}
		entries[name] = e
		names = append(names, name)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if rest, err := d.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("header: %v follows its end", rest)
	}
	return entries, names, nil
}

// elements is the number of a shape's elements, and false if there is no such shape.
func elements(shape []int64) (int64, bool) {
	if len(shape) > maxDims {
		return 0, false
	}
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt64/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
