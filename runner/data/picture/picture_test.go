package picture

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// background is what the reference values have under transparent pixels.
var background = Options{Background: [3]uint8{200, 100, 50}}

// reference says what Pillow makes of a file in testdata.
type reference struct {
	Width, Height, Tolerance int
	Offset                   int // of its pixels in pictures.rgb
}

func references(t testing.TB) map[string]reference {
	t.Helper()
	raw, err := os.ReadFile("testdata/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]reference
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAgainstPillow(t *testing.T) {
	all := read(t, "pictures.rgb")
	for name, want := range references(t) {
		m, err := Decode(read(t, name), background)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pix := all[want.Offset:][:3*want.Width*want.Height]
		if m.Width != want.Width || m.Height != want.Height {
			t.Errorf("%s: %d x %d, want %d x %d", name, m.Width, m.Height, want.Width, want.Height)
			continue
		}
		worst, sum := 0, 0
		for i, v := range m.Pix {
			d := max(int(v), int(pix[i])) - min(int(v), int(pix[i]))
			worst, sum = max(worst, d), sum+d
		}
		t.Logf("%-22s worst %d, mean %.3f", name, worst, float64(sum)/float64(len(pix)))
		if worst > want.Tolerance {
			t.Errorf("%s: differs by up to %d, want at most %d", name, worst, want.Tolerance)
		}
		h, err := Inspect(read(t, name))
		if err != nil || h.Width != m.Width || h.Height != m.Height {
			t.Errorf("%s: header %+v, %v", name, h, err)
		}
	}
}

// TestTwoColours: a picture in black and white is the same in whatever way a TIFF file has it.
func TestTwoColours(t *testing.T) {
	want, err := Decode(read(t, "bits1.tiff"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bits1_group3.tiff", "bits1_group4.tiff", "bits1_group4_white0.tiff"} {
		if m, err := Decode(read(t, name), Options{}); err != nil || !bytes.Equal(m.Pix, want.Pix) {
			t.Errorf("%s: not the picture of bits1.tiff, %v", name, err)
		}
	}
}

// TestDamage holds what the errors say. Whatever is done to a file, there is an error or an image, and no panic.
func TestDamage(t *testing.T) {
	giant := func(name string, at int, size string) []byte {
		raw := bytes.Clone(read(t, name))
		copy(raw[at:], size)
		return raw
	}
	half := func(name string) []byte {
		raw := read(t, name)
		return raw[:len(raw)/2]
	}
	sof := bytes.Index(read(t, "baseline420.jpg"), []byte("\xff\xc0")) // length, precision, height, width
	uneven := bytes.Index(read(t, "uneven_22_11_12.jpg"), []byte("\xff\xc0")) + 11
	for _, c := range []struct {
		name string
		raw  []byte
		says string
	}{
		{"nothing", nil, "an empty file"},
		{"zero bytes", make([]byte, 500), "zero bytes only"},
		{"text", []byte("dear diary"), "not an image of a known format (begins with 64 65 61 72)"},
		{"web page", []byte("<!DOCTYPE html><title>404"), "a web page"},
		{"pointer", []byte("version https://git-lfs.github.com/spec/v1"), "Git LFS"},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00"), "HEIC"},
		{"cut JPEG", half("baseline420.jpg"), "a JPEG image that is cut off"},
		{"cut progressive JPEG", half("progressive420.jpg"), "a JPEG image that is cut off"},
		{"cut PNG", half("rgb.png"), "a PNG image that is cut off"},
		{"cut WebP", half("lossy.webp"), "a WebP image that is cut off"},
		{"cut GIF", half("still.gif"), "GIF image"},
		{"cut BMP", half("rgb.bmp"), "a BMP image that is cut off"},
		{"cut TIFF", half("raw.tiff"), "TIFF image"},
		{"JPEG of zeros", append([]byte("\xff\xd8\xff"), make([]byte, 300)...), "JPEG image"},
		{"giant JPEG", giant("baseline420.jpg", sof+5, "\xff\xff\xff\xff"),
			"a JPEG image of 65535 x 65535 pixels, the limit is 100 million"},
		{"JPEG whose first channel is small", giant("uneven_22_11_12.jpg", uneven, "\x11"), "can't be read"},
		{"JPEG with a channel at a third", giant("uneven_22_11_12.jpg", uneven, "\x31"), "can't be read"},
		{"cut uneven JPEG", half("uneven_22_11_12.jpg"), "a damaged JPEG image"},
		{"giant GIF", giant("still.gif", 6, "\xff\xff\xff\xff"), "a GIF image of 65535 x 65535 pixels"},
		{"giant BMP", giant("rgb.bmp", 18, "\x00\x00\x01\x00\x00\x00\x01\x00"), "a BMP image of 65536 x 65536 pixels"},
	} {
		_, err := Decode(c.raw, background)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	for name := range references(t) {
		raw := read(t, name)
		for n := range raw {
			if n > 300 && n%37 != 0 {
				continue
			}
			_, _ = Decode(raw[:n], background)
			spoilt := bytes.Clone(raw)
			spoilt[n] ^= 0xff
			_, _ = Decode(spoilt, background)
		}
	}
}

func TestHeader(t *testing.T) {
	for name, want := range map[string]Header{
		"grey.jpg":            {"JPEG", 37, 26, 1, 1},
		"cmyk_adobe.jpg":      {"JPEG", 37, 26, 4, 1},
		"orientation3.jpg":    {"JPEG", 37, 26, 3, 3},
		"orientation8.jpg":    {"JPEG", 26, 37, 3, 8},
		"orientation6.png":    {"PNG", 26, 37, 3, 6},
		"rgba.png":            {"PNG", 37, 26, 4, 1},
		"orientation6.webp":   {"WebP", 26, 37, 3, 6},
		"animated_alpha.webp": {"WebP", 37, 26, 4, 1},
		"offset.gif":          {"GIF", 37, 26, 3, 1},
		"grey16.tiff":         {"TIFF", 37, 26, 1, 1},
		"orientation6.tiff":   {"TIFF", 26, 37, 3, 6},
	} {
		if h, err := Inspect(read(t, name)); err != nil || h != want {
			t.Errorf("%s: %+v, %v, want %+v", name, h, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name := range references(f) {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, headerErr := Inspect(raw)
		if h.Width*h.Height > 1<<20 {
			return // slow, and nothing else
		}
		m, err := Decode(raw, background)
		if err != nil {
			return
		}
		if headerErr != nil || m.Width != h.Width || m.Height != h.Height || len(m.Pix) != 3*m.Width*m.Height {
			t.Errorf("header %+v, %v, image %d x %d with %d bytes", h, headerErr, m.Width, m.Height, len(m.Pix))
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Add([]byte("MM\x00*\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if o := exifOrientation(raw); o < 0 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"baseline420.jpg", "rgb.png", "lossy.webp"} {
		b.Run(name, func(b *testing.B) {
			raw := read(b, name)
			for b.Loop() {
				if _, err := Decode(raw, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
