package picture

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPNM: samples are brought to 8 bits by the value of white, in all six kinds.
func TestPNM(t *testing.T) {
	grey := func(v ...uint8) []uint8 {
		var out []uint8
		for _, g := range v {
			out = append(out, g, g, g)
		}
		return out
	}
	for _, c := range []struct {
		name, file    string
		width, height int
		channels      int
		want          []uint8
	}{
		{"plain bits", "P1\n# two rows\n3 2\n010\n1 1 1\n", 3, 2, 1, grey(255, 0, 255, 0, 0, 0)},
		{"plain grey", "P2 2 1 15 0\n15", 2, 1, 1, grey(0, 255)},
		{"plain colour", "P3 1 1 100 0 50 100", 1, 1, 3, []uint8{0, 128, 255}},
		{"bits", "P4 9 2\n\x80\x7f\x00\x80", 9, 2, 1,
			grey(0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0)},
		{"grey", "P5\n#x\n2#y\n 2\n255\n\x00\x01\n\xff", 2, 2, 1, grey(0, 1, 10, 255)},
		{"grey, few levels", "P5 4 1 4 \x00\x01\x02\x09", 4, 1, 1, grey(0, 64, 128, 255)},
		{"grey, 16 bits", "P5 3 1 65535 \x00\x00\x80\x80\xff\xff", 3, 1, 1, grey(0, 128, 255)},
		{"grey, 12 bits", "P5 2 1 4095 \x0f\xff\x08\x00", 2, 1, 1, grey(255, 128)},
		{"colour", "P6 1 2 255\r\x01\x02\x03\x04\x05\x06", 1, 2, 3, []uint8{1, 2, 3, 4, 5, 6}},
		{"colour, 16 bits", "P6 1 1 65535\n\x00\x80\x12\x34\xff\x00", 1, 1, 3, []uint8{0, 18, 254}},
		{"more than one image", "P5 1 1 255 \x07P5 1 1 255 \x08", 1, 1, 1, grey(7)},
	} {
		m, err := Decode([]byte(c.file), background)
		if err != nil || m.Width != c.width || m.Height != c.height || !slices.Equal(m.Pix, c.want) {
			t.Errorf("%s: %d x %d, %v, %v; want %v", c.name, m.Width, m.Height, m.Pix, err, c.want)
		}
		if h, err := Inspect([]byte(c.file)); err != nil || h != (Header{"PNM", c.width, c.height, c.channels, 1}) {
			t.Errorf("%s: header %+v, %v", c.name, h, err)
		}
	}
}

func TestPNMDamage(t *testing.T) {
	for _, c := range []struct{ file, says string }{
		{"P5 2 2 255\n\x00\x00\x00", "cut off"},
		{"P6 2 2 65535\n" + strings.Repeat("x", 23), "cut off"},
		{"P4 9 1\n\x00", "cut off"},
		{"P2 2 2 255\n1 2 3", "cut off"},
		{"P5 2", "cut off"},
		{"P5 2 2 255", "cut off"},
		{"P5 2 2 # no end", "cut off"},
		{"P5 2 2 65536\n", "damaged"},
		{"P5 2 2 0\n\x00\x00\x00\x00", "damaged"},
		{"P5 2 x 255\n", "damaged"},
		{"P1 2 1\n02", "damaged"},
		{"P5 0 2 255\n", "0 x 2"},
		{"P5 100000 100000 255\n", "limit"},
		{"P5 99999999999999999999 1 255\n", "limit"},
		{"P7\nWIDTH 1", "PAM"},
		{"PF\n1 1\n-1\n", "PFM"},
		{"P9 1 1", "not an image of a known format"},
	} {
		if _, err := Decode([]byte(c.file), background); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.file, err, c.says)
		}
	}
}

func FuzzPNM(f *testing.F) {
	for kind := 1; kind <= 6; kind++ {
		f.Add(fmt.Appendf(nil, "P%d #c\n3 2 255\n 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0", kind))
	}
	f.Add([]byte("P5 3 2 65535\n123456789012"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 3 || raw[0] != 'P' || !slices.Contains(pnmMagic(), string(raw[:3])) {
			return
		}
		h, err := readPNMHeader(raw)
		if err != nil || h.width < 1 || h.height < 1 || h.width*h.height > 1<<20 {
			return
		}
		m, err := Decode(raw, background)
		if err == nil && len(m.Pix) != 3*h.width*h.height {
			t.Errorf("%d x %d with %d bytes", h.width, h.height, len(m.Pix))
		}
		if other, again := Decode(bytes.Clone(raw), background); (err == nil) != (again == nil) ||
			!bytes.Equal(m.Pix, other.Pix) {
			t.Error("decoded again it is another")
		}
	})
}
