package optimizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrState is wrapped by the error for a stored state that is damaged or of another optimizer or model.
var ErrState = errors.New("optimizer: unfit state")

// A stored state is its kind's name and a line feed, then the number of steps (int64), the number of vectors (uint32),
// and for each its length (uint64) and its float32 values, all little-endian.

func encode(kind string, steps int64, vectors ...[]float32) []byte {
	size := len(kind) + 1 + 12
	for _, v := range vectors {
		size += 8 + 4*len(v)
	}
	out := append(make([]byte, 0, size), kind+"\n"...)
	out = binary.LittleEndian.AppendUint64(out, uint64(steps))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(vectors)))
	for _, v := range vectors {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(v)))
		for _, x := range v {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
		}
	}
	return out
}

// decode writes a stored state over vectors of the same kind, number and lengths; after an error they are as before.
func decode(data []byte, kind string, vectors ...[]float32) (steps int64, err error) {
	fault := func(format string, args ...any) (int64, error) {
		return 0, fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
	}
	head := kind + "\n"
	if len(data) < len(head) || string(data[:len(head)]) != head {
		return fault("it is not of %s", kind)
	}
	data = data[len(head):]
	if len(data) < 12 {
		return fault("it is cut off")
	}
	steps = int64(binary.LittleEndian.Uint64(data))
	if n := binary.LittleEndian.Uint32(data[8:]); steps < 0 || n != uint32(len(vectors)) {
		return fault("it holds %d vectors of step %d, not %d", n, steps, len(vectors))
	}
	data = data[12:]
	rest := data
	for _, v := range vectors {
		if len(rest) < 8 {
			return fault("it is cut off")
		}
		if n := binary.LittleEndian.Uint64(rest); n != uint64(len(v)) {
			return fault("it is of a model of %d values, not %d", n, len(v))
		}
		if rest = rest[8:]; len(rest) < 4*len(v) {
			return fault("it is cut off")
		}
		rest = rest[4*len(v):]
	}
	if len(rest) > 0 {
		return fault("%d bytes follow its end", len(rest))
	}
	for _, v := range vectors {
		data = data[8:]
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		data = data[4*len(v):]
	}
	return steps, nil
}

func (p *Optimizer) vectors() [][]float32 {
	var all [][]float32
	for _, v := range [][]float32{p.first, p.second} {
		if v != nil {
			all = append(all, v)
		}
	}
	return all
}

// MarshalBinary gives the steps done and the moments, for UnmarshalBinary of an optimizer of the same options and
// model.
func (p *Optimizer) MarshalBinary() ([]byte, error) {
	return encode(p.o.Optimizer, p.steps, p.vectors()...), nil
}

// UnmarshalBinary takes over what MarshalBinary gave. Its error wraps ErrState and leaves the optimizer as it was.
func (p *Optimizer) UnmarshalBinary(data []byte) error {
	steps, err := decode(data, p.o.Optimizer, p.vectors()...)
	if err != nil {
		return err
	}
	p.steps = steps
	return nil
}

const averageKind = "average"

// MarshalBinary gives the average's values.
func (a *Average) MarshalBinary() ([]byte, error) { return encode(averageKind, 0, a.values), nil }

// UnmarshalBinary takes over what MarshalBinary gave of an average of as many values. Its error wraps ErrState.
func (a *Average) UnmarshalBinary(data []byte) error {
	_, err := decode(data, averageKind, a.values)
	return err
}
