package checkpoint

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
)

// Parameters are those of a training session as ONNX Runtime stores them: a flatbuffer with the identifier ODTC. The
// comments give the fields by their place in the format's tables, which is what the format consists of. The optimizer's
// state (2) and the properties (3) that ONNX Runtime adds are not read: a session restores them itself.
type Parameters struct { // 0 version, 1 module state: a table of 0 trainable, 1 frozen, 2 nominal, 3 external data
	Trainable, Frozen []Tensor
}

// Tensor is a stored tensor. (0 name, 2 dimensions, 3 element type, 4 data)
type Tensor struct {
	Name string
	Dims []int64
	Elem onnxgraph.DataType
	Data []byte // little-endian, row-major
	// Offset is where Data begins in the file that it was read from.
	Offset int64
}

const (
	identifier = "ODTC"
	version    = 2
	// maxSize bounds a file: its offsets are signed 32-bit numbers.
	maxSize = math.MaxInt32
)

var errSize = fault.New(fault.Config, "the checkpoint would be larger than 2 GiB, the limit of the format")

// NewTensor takes a float32 parameter out of a graph. It shares the data where it can.
func NewTensor(t *onnxgraph.Tensor) (Tensor, error) {
	c := Tensor{Name: t.GetName(), Dims: t.GetDims(), Elem: onnxgraph.Float32, Data: t.GetRawData()}
	if c.Data != nil {
		return c, nil
	}
	values, err := t.Floats()
	if err != nil {
		return c, err
	}
	c.Data = make([]byte, 0, 4*len(values))
	for _, v := range values {
		c.Data = binary.LittleEndian.AppendUint32(c.Data, math.Float32bits(v))
	}
	return c, nil
}

// Encode serializes the parameters. It fails if they take 2 GiB or more.
func (p *Parameters) Encode() ([]byte, error) {
	size := 0
	for _, list := range [][]Tensor{p.Trainable, p.Frozen} {
		for _, t := range list {
			if size += len(t.Data) + len(t.Name) + 8*len(t.Dims) + 128; size > maxSize {
				return nil, errSize
			}
		}
	}
	b := flatbuffers.NewBuilder(size + 1024)
	// ONNX Runtime refuses a file in which one of these vectors is absent, so an empty one is written.
	trainable, frozen := writeTensors(b, p.Trainable), writeTensors(b, p.Frozen)
	b.StartObject(4)
	b.PrependUOffsetTSlot(0, trainable, 0)
	b.PrependUOffsetTSlot(1, frozen, 0)
	state := b.EndObject()
	b.StartObject(4)
	b.PrependInt32Slot(0, version, 0)
	b.PrependUOffsetTSlot(1, state, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(identifier))
	return b.FinishedBytes(), nil
}

func writeTensors(b *flatbuffers.Builder, tensors []Tensor) flatbuffers.UOffsetT {
	offsets := make([]flatbuffers.UOffsetT, len(tensors))
	for i, t := range tensors {
		data := b.CreateByteVector(t.Data)
		b.StartVector(8, len(t.Dims), 8)
		for k := len(t.Dims) - 1; k >= 0; k-- {
			b.PrependInt64(t.Dims[k])
		}
		dims := b.EndVector(len(t.Dims))
		name := b.CreateString(t.Name)
		b.StartObject(7)
		b.PrependUOffsetTSlot(0, name, 0)
		b.PrependUOffsetTSlot(2, dims, 0)
		b.PrependInt32Slot(3, int32(t.Elem), 0)
		b.PrependUOffsetTSlot(4, data, 0)
		offsets[i] = b.EndObject()
	}
	b.StartVector(4, len(offsets), 4)
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
}

// Fits says whether parameters can take the place of others: the same names, types and shapes, in any order. The error
// names one that differs.
func (p *Parameters) Fits(others *Parameters) error {
	for _, c := range []struct{ ours, theirs []Tensor }{
		{p.Trainable, others.Trainable}, {p.Frozen, others.Frozen},
	} {
		wanted := map[string]Tensor{}
		for _, t := range c.theirs {
			wanted[t.Name] = t
		}
		for _, t := range c.ours {
			o, ok := wanted[t.Name]
			switch {
			case !ok:
				return fmt.Errorf("it has no %s", t.Name)
			case t.Elem != o.Elem || !slices.Equal(t.Dims, o.Dims):
				return fmt.Errorf("its %s is of %v, not of %v", t.Name, o.Dims, t.Dims)
			}
			delete(wanted, t.Name)
		}
		for _, name := range slices.Sorted(maps.Keys(wanted)) {
			return fmt.Errorf("it has %s beside what is there", name)
		}
	}
	return nil
}
