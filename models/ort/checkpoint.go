package ort

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// A saved checkpoint is ONNX Runtime's checkpoint, then its SHA-256, then a mark. ONNX Runtime ignores what follows its own
// data, so such a file still loads elsewhere. Where something is kept beside (Trainer.Keep), the file is
//
//	ONNX Runtime's checkpoint
//	what is kept, one after the other
//	the table: for each the length of its name (uint32), its name, the length of its data (uint64)
//	the table's length (uint32)
//	SHA-256 of all before
//	another mark
//
// with little-endian numbers.
const (
	checkpointMark = "ordo checkpoint\n"
	keptMark       = "ordo checkpoint, more\n"
)

// ErrDamaged is wrapped by the error for a checkpoint file that is cut or altered.
var ErrDamaged = errors.New("ort: damaged checkpoint")

// ReadCheckpoint reads a file that Save wrote: ONNX Runtime's part, for Artifacts.Checkpoint, and what was kept beside it,
// for Artifacts.Kept.
func ReadCheckpoint(path string) (checkpoint []byte, kept map[string][]byte, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("ort: read checkpoint: %w", err)
	}
	checkpoint, kept, err = splitCheckpoint(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s %w; remove it to start anew", ErrDamaged, path, err)
	}
	return checkpoint, kept, nil
}

func splitCheckpoint(data []byte) (checkpoint []byte, kept map[string][]byte, err error) {
	foreign := errors.New("is cut off or was not written by ordo")
	body, more := bytes.CutSuffix(data, []byte(keptMark))
	if !more {
		var ok bool
		if body, ok = bytes.CutSuffix(data, []byte(checkpointMark)); !ok {
			return nil, nil, foreign
		}
	}
	if len(body) < sha256.Size {
		return nil, nil, foreign
	}
	body, want := body[:len(body)-sha256.Size], body[len(body)-sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], want) {
		return nil, nil, errors.New("does not match its checksum")
	}
	if !more {
		return body, nil, nil
	}
	return splitKept(body)
}

// splitKept takes apart what stands before the checksum.
func splitKept(body []byte) (checkpoint []byte, kept map[string][]byte, err error) {
	wrong := errors.New("has a table that does not fit its length")
	if len(body) < 4 {
		return nil, nil, wrong
	}
	body, size := body[:len(body)-4], binary.LittleEndian.Uint32(body[len(body)-4:])
	if uint64(size) > uint64(len(body)) {
		return nil, nil, wrong
	}
	body, table := body[:len(body)-int(size)], body[len(body)-int(size):]
	type entry struct {
		name string
		size uint64
	}
	var entries []entry
	total := uint64(0)
	for len(table) > 0 {
		if len(table) < 4 {
			return nil, nil, wrong
		}
		n := uint64(binary.LittleEndian.Uint32(table))
		if table = table[4:]; n > uint64(len(table)) || uint64(len(table))-n < 8 {
			return nil, nil, wrong
		}
		e := entry{string(table[:n]), binary.LittleEndian.Uint64(table[n:])}
		if table = table[n+8:]; e.size > uint64(len(body))-total {
			return nil, nil, wrong
		}
		total += e.size
		entries = append(entries, e)
	}
	kept = map[string][]byte{}
	at := uint64(len(body)) - total
	checkpoint = body[:at]
	for _, e := range entries {
		kept[e.name] = body[at : at+e.size]
		at += e.size
	}
	return checkpoint, kept, nil
}

// trailer gives what follows ONNX Runtime's checkpoint, up to the checksum, and the mark.
func (t *Trainer) trailer() (more []byte, mark string, err error) {
	if len(t.kept) == 0 {
		return nil, checkpointMark, nil
	}
	var table []byte
	for _, k := range t.kept {
		data, err := k.state.MarshalBinary()
		if err != nil {
			return nil, "", fmt.Errorf("keep %s: %w", k.name, err)
		}
		more = append(more, data...)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(k.name)))
		table = append(table, k.name...)
		table = binary.LittleEndian.AppendUint64(table, uint64(len(data)))
	}
	more = append(more, table...)
	return binary.LittleEndian.AppendUint32(more, uint32(len(table))), keptMark, nil
}
