package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"ordo/models/fault"
)

// The marks at the end of a file.
const (
	mark     = "ordo checkpoint\n"
	keptMark = "ordo checkpoint, more\n"
)

// Kept is what is kept in a file beside ONNX Runtime's checkpoint.
type Kept struct {
	Name  string
	State encoding.BinaryMarshaler
}

// ReadFile reads a saved checkpoint: ONNX Runtime's part, and what was kept beside it by name. A file that is cut or
// altered is a fault of kind Data.
func ReadFile(path string) (parameters []byte, kept map[string][]byte, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fault.Reading(fault.Data, path, err)
	}
	if parameters, kept, err = split(data); err != nil {
		return nil, nil, fault.New(fault.Data, "the checkpoint %s %w", path, err).Advise("remove it to start anew")
	}
	return parameters, kept, nil
}

// Sum is the SHA-256 that a saved checkpoint has of itself, in hexadecimal digits. The file is not read for that, so it
// may be damaged; one that has none is a fault of kind Data.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fault.Reading(fault.Data, path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fault.Reading(fault.Data, path, err)
	}
	end := make([]byte, min(info.Size(), int64(sha256.Size+len(keptMark))))
	if _, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return "", fault.Reading(fault.Data, path, err)
	}
	for _, m := range []string{keptMark, mark} {
		if sum, ok := bytes.CutSuffix(end, []byte(m)); ok && len(sum) >= sha256.Size {
			return hex.EncodeToString(sum[len(sum)-sha256.Size:]), nil
		}
	}
	return "", fault.New(fault.Data, "%s is cut off or was not written by ordo", path)
}

func split(data []byte) (parameters []byte, kept map[string][]byte, err error) {
	foreign := errors.New("is cut off or was not written by ordo")
	body, more := bytes.CutSuffix(data, []byte(keptMark))
	if !more {
		var ok bool
		if body, ok = bytes.CutSuffix(data, []byte(mark)); !ok {
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
func splitKept(body []byte) (parameters []byte, kept map[string][]byte, err error) {
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
	parameters = body[:at]
	for _, e := range entries {
		kept[e.name] = body[at : at+e.size]
		at += e.size
	}
	return parameters, kept, nil
}

// Seal makes a saved checkpoint of a file that ONNX Runtime has written: it reads f to its end and adds what is kept,
// the checksum and the mark.
func Seal(f io.ReadWriter, kept []Kept) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	more, err := trailer(kept)
	if err != nil {
		return err
	}
	sum.Write(more)
	end := mark
	if len(kept) > 0 {
		end = keptMark
	}
	for _, part := range [][]byte{more, sum.Sum(nil), []byte(end)} {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// trailer gives what follows ONNX Runtime's checkpoint, up to the checksum.
func trailer(kept []Kept) (more []byte, err error) {
	if len(kept) == 0 {
		return nil, nil
	}
	var table []byte
	for _, k := range kept {
		data, err := k.State.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", k.Name, err)
		}
		more = append(more, data...)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(k.Name)))
		table = append(table, k.Name...)
		table = binary.LittleEndian.AppendUint64(table, uint64(len(data)))
	}
	more = append(more, table...)
	return binary.LittleEndian.AppendUint32(more, uint32(len(table))), nil
}
