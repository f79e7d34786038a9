package autodiff

import (
	"encoding/binary"
	"errors"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"

	"ordo/models/onnxgraph"
)

// Checkpoint holds the parameters of a training session as ONNX Runtime stores them: a flatbuffer with the identifier ODTC.
// The comments give the fields by their place in the format's tables, which is what the format consists of. The optimizer's
// state (2) and the properties (3) that ONNX Runtime adds are not read: a session restores them itself.
type Checkpoint struct { // 0 version, 1 module state: a table of 0 trainable, 1 frozen, 2 nominal, 3 external data
	Trainable, Frozen []CheckpointTensor
}

// CheckpointTensor is a stored tensor. (0 name, 2 dimensions, 3 element type, 4 data)
type CheckpointTensor struct {
	Name string
	Dims []int64
	Elem onnxgraph.DataType
	Data []byte // little-endian, row-major
	// Offset is where Data begins in the file that it was read from.
	Offset int64
}

const (
	checkpointID      = "ODTC"
	checkpointVersion = 2
	// maxCheckpoint bounds a file: its offsets are signed 32-bit numbers.
	maxCheckpoint = math.MaxInt32
)

var errCheckpointSize = errors.New("autodiff: the checkpoint would be larger than 2 GiB, the limit of the format")

// checkpointTensor takes a float32 parameter out of a graph.
func checkpointTensor(t *onnxgraph.Tensor) (CheckpointTensor, error) {
	c := CheckpointTensor{Name: t.GetName(), Dims: t.GetDims(), Elem: onnxgraph.Float32, Data: t.GetRawData()}
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

// Encode serializes the checkpoint. It fails if they take 2 GiB or more.
func (c *Checkpoint) Encode() ([]byte, error) {
	size := 0
	for _, list := range [][]CheckpointTensor{c.Trainable, c.Frozen} {
		for _, t := range list {
			if size += len(t.Data) + len(t.Name) + 8*len(t.Dims) + 128; size > maxCheckpoint {
				return nil, errCheckpointSize
			}
		}
	}
	b := flatbuffers.NewBuilder(size + 1024)
	// ONNX Runtime refuses a file in which one of these vectors is absent, so an empty one is written.
	trainable, frozen := writeTensors(b, c.Trainable), writeTensors(b, c.Frozen)
	b.StartObject(4)
	b.PrependUOffsetTSlot(0, trainable, 0)
	b.PrependUOffsetTSlot(1, frozen, 0)
	state := b.EndObject()
	b.StartObject(4)
	b.PrependInt32Slot(0, checkpointVersion, 0)
	b.PrependUOffsetTSlot(1, state, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(checkpointID))
	return b.FinishedBytes(), nil
}

func writeTensors(b *flatbuffers.Builder, tensors []CheckpointTensor) flatbuffers.UOffsetT {
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
