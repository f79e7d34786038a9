package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Start writes the header of an array, to the letter as NumPy does: some readers, autofaiss' among them, look for its
// text and don't parse it. The values follow, little-endian and row-major. dtype is NumPy's: <f4, <i8, |S12 …
func Start(w io.Writer, dtype string, shape ...int) error {
	dims := make([]string, len(shape))
	for i, d := range shape {
		dims[i] = fmt.Sprint(d)
	}
	tuple := strings.Join(dims, ", ")
	if len(dims) == 1 {
		tuple += ","
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, tuple)
	const prefix = 10 // magic, version, length of the header
	header += strings.Repeat(" ", 63-(prefix+len(header))%64) + "\n"
	start := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	_, err := w.Write(append(start, header...))
	return err
}
