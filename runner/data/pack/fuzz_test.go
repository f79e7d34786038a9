package pack

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen gives the opener arbitrary bytes. With mend, the checksums are made right first, so that nonsense gets
// further.
func FuzzOpen(f *testing.F) {
	d := &drawn{n: 4}
	for _, format := range []string{FormatRaw, FormatJPEG} {
		j := Job{Set: d, Name: "x", Dir: f.TempDir(), Format: format, Quality: 80}
		packed, err := j.Pack(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		raw, err := os.ReadFile(packed.Path())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, false)
		f.Add(raw, true)
		f.Add(raw[:headerSize], true)
	}
	f.Add([]byte("ordopack"), false)
	f.Fuzz(func(t *testing.T, raw []byte, mend bool) {
		if mend && len(raw) >= headerSize {
			le := binary.LittleEndian
			if table := le.Uint64(raw[80:]); table <= uint64(len(raw)) {
				le.PutUint32(raw[112:], crc32.Checksum(raw[table:], castagnoli))
			}
			le.PutUint32(raw[checkedHeader:], crc32.Checksum(raw[:checkedHeader], castagnoli))
		}
		path := filepath.Join(t.TempDir(), "x"+fileEnd)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := openFile(path)
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Errorf("error %v", err)
			}
			return
		}
		for i := range file.Len() {
			e := file.entry(i)
			m, err := file.Image(i)
			if err == nil && len(m.Pix) != 3*m.Width*m.Height {
				t.Errorf("image %d: %d x %d with %d bytes", i, m.Width, m.Height, len(m.Pix))
			}
			if err == nil && file.header.format == rawRecords && crc32.Checksum(m.Pix, castagnoli) != e.sum {
				t.Errorf("image %d: wrong pixels", i)
			}
			if l := file.Label(i); l < -1 || l >= len(file.Classes()) {
				t.Errorf("image %d: label %d", i, l)
			}
			_ = file.ID(i) // stays inside the file
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
}
