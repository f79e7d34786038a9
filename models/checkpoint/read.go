package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"

	"ordo/models/onnxgraph"
)

// Decode reads parameters that this package or ONNX Runtime has written. Their data share memory with the argument.
// Every offset is checked, so damaged data are an error; but a flipped bit in a tensor is not seen, the format has no
// checksum.
func Decode(data []byte) (*Parameters, error) {
	p, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return p, nil
}

// Bounds of what a checkpoint may hold: ours hold far less.
const (
	maxNameLength = 4096
	maxRank       = 16
)

var (
	errNotCheckpoint = errors.New("not a checkpoint of ONNX Runtime")
	errDamaged       = errors.New("the file is damaged or cut off")
)

func decode(data []byte) (*Parameters, error) {
	if len(data) < 8 || string(data[4:8]) != identifier {
		return nil, errNotCheckpoint
	}
	if len(data) > maxSize {
		return nil, errSize
	}
	// A damaged file may refer to one table many times over; an intact one has no more tables than fit in it.
	b := &buffer{data: data, tables: len(data) / 8}
	root := b.table(b.offset(0))
	if v := b.int32(root.field(b, 0)); b.err == nil && v != version {
		return nil, fmt.Errorf("version %d, not %d", v, version)
	}
	module := b.table(b.refer(root.field(b, 1)))
	if b.err == nil && (b.bool(module.field(b, 2)) || b.bool(module.field(b, 3))) {
		return nil, errors.New("the parameters' values are not in this file")
	}
	p := &Parameters{Trainable: b.tensors(module.field(b, 0)), Frozen: b.tensors(module.field(b, 1))}
	if b.err != nil {
		return nil, b.err
	}
	return p, nil
}

// buffer reads a flatbuffer whose every offset may lie. The first fault is kept, after that all reads give zero.
// Positions are absolute; 0 stands for a field that is absent, since the root's offset is there.
type buffer struct {
	data   []byte
	tables int // number of tables that may still be read
	err    error
}

// bytes returns n bytes at a position, zeros after a fault.
func (b *buffer) bytes(at, n int) []byte {
	if b.err == nil && (at < 0 || n < 0 || at > len(b.data)-n) {
		b.err = errDamaged
	}
	if b.err != nil {
		return make([]byte, min(max(n, 0), 8))
	}
	return b.data[at : at+n : at+n]
}

func (b *buffer) uint16(at int) int { return int(binary.LittleEndian.Uint16(b.bytes(at, 2))) }

func (b *buffer) offset(at int) int { return at + int(binary.LittleEndian.Uint32(b.bytes(at, 4))) }

// int32 reads a field, 0 if it is absent.
func (b *buffer) int32(at int) int32 {
	if at == 0 {
		return 0
	}
	return int32(binary.LittleEndian.Uint32(b.bytes(at, 4)))
}

func (b *buffer) bool(at int) bool { return at != 0 && b.bytes(at, 1)[0] != 0 }

// refer follows a field that must be there.
func (b *buffer) refer(at int) int {
	if at == 0 {
		if b.err == nil {
			b.err = fmt.Errorf("%w: a field is missing", errDamaged)
		}
		return 0
	}
	return b.offset(at)
}

// table is the position of a table and of the list of its fields.
type table struct{ at, fields, size int }

func (b *buffer) table(at int) table {
	if b.tables--; b.tables < 0 && b.err == nil {
		b.err = errDamaged
	}
	list := at - int(int32(binary.LittleEndian.Uint32(b.bytes(at, 4))))
	return table{at, list, b.uint16(list)}
}

// field is the position of field i, 0 if it is absent.
func (t table) field(b *buffer, i int) int {
	entry := 4 + 2*i
	if b.err != nil || entry+2 > t.size {
		return 0
	}
	off := b.uint16(t.fields + entry)
	if off == 0 {
		return 0
	}
	return t.at + off
}

// vector returns the position of the first element of a vector and the number of elements of the given size.
func (b *buffer) vector(at, element int) (first, n int) {
	at = b.refer(at)
	n = int(binary.LittleEndian.Uint32(b.bytes(at, 4)))
	b.bytes(at+4, n*element)
	if b.err != nil {
		return 0, 0
	}
	return at + 4, n
}

func (b *buffer) tensors(at int) []Tensor {
	first, n := b.vector(at, 4)
	var list []Tensor
	for i := 0; i < n && b.err == nil; i++ {
		list = append(list, b.tensor(b.offset(first+4*i)))
	}
	return list
}

func (b *buffer) tensor(at int) Tensor {
	t := b.table(at)
	var c Tensor
	name, n := b.vector(t.field(b, 0), 1)
	dims, rank := b.vector(t.field(b, 2), 8)
	if n > maxNameLength || rank > maxRank {
		b.err = errDamaged
		return c
	}
	c.Name = string(b.bytes(name, n))
	for i := range rank {
		c.Dims = append(c.Dims, int64(binary.LittleEndian.Uint64(b.bytes(dims+8*i, 8))))
	}
	c.Elem = onnxgraph.DataType(b.int32(t.field(b, 3)))
	data, size := b.vector(t.field(b, 4), 1)
	c.Data, c.Offset = b.bytes(data, size), int64(data)
	if b.err != nil {
		return c
	}
	if err := c.check(); err != nil {
		b.err = err
	}
	return c
}

// check finds what is wrong with a tensor that was read.
func (c *Tensor) check() error {
	raw := &onnxgraph.Tensor{Name: c.Name, Dims: c.Dims, DataType: c.Elem, RawData: c.Data}
	return raw.Check()
}
