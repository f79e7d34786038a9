package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// sameAs makes sure that a file has the pixels and the size of one in testdata.
func sameAs(t *testing.T, what string, raw []byte, name string) {
	t.Helper()
	want, err := Decode(read(t, name), background)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(raw, background)
	if err != nil || m.Width != want.Width || !bytes.Equal(m.Pix, want.Pix) {
		t.Errorf("%s is not the picture of %s: %d x %d, %v", what, name, m.Width, m.Height, err)
	}
	if h, err := Inspect(raw); err != nil || h.Width != want.Width || h.Height != want.Height {
		t.Errorf("%s: header %+v, %v", what, h, err)
	}
}

// TestGIFScreen: a canvas that is too small for the first frame grows.
func TestGIFScreen(t *testing.T) {
	for _, size := range []string{"\x00\x00\x00\x00", "\x24\x00\x19\x00", "\x25\x00\x01\x00"} {
		raw := bytes.Clone(read(t, "still.gif"))
		copy(raw[6:], size)
		sameAs(t, "still.gif on a smaller canvas", raw, "still.gif")
	}
}

// TestWebPAlphaFlag: a header that promises alpha where there is none.
func TestWebPAlphaFlag(t *testing.T) {
	for _, name := range []string{"lossy.webp", "lossless_alpha.webp"} {
		content := append([]byte("WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x24\x00\x00\x19\x00\x00"), read(t, name)[12:]...)
		raw := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(content))), content...)
		sameAs(t, "the flag of alpha", raw, name)
	}
}

// directory makes a TIFF file of these pixels and of tags with values of 16 or 32 bits.
func directory(pixels []byte, tags map[uint16][]int) []byte {
	le := binary.LittleEndian
	raw := append([]byte("II*\x00\x00\x00\x00\x00"), pixels...)
	var entries []byte
	var names []uint16
	for tag := range tags {
		names = append(names, tag)
	}
	slices.Sort(names)
	for _, tag := range names {
		values := tags[tag]
		kind, size := uint16(tiffLong), 4
		if tag == tagBits || tag == tagExtra || tag == tagCounts {
			kind, size = tiffShort, 2
		}
		var text []byte
		for _, v := range values {
			if size == 2 {
				text = le.AppendUint16(text, uint16(v))
			} else {
				text = le.AppendUint32(text, uint32(v))
			}
		}
		entries = le.AppendUint16(entries, tag)
		entries = le.AppendUint16(entries, kind)
		entries = le.AppendUint32(entries, uint32(len(values)))
		if len(text) > 4 {
			entries = le.AppendUint32(entries, uint32(len(raw)))
			raw = append(raw, text...)
		} else {
			entries = append(entries, append(text, make([]byte, 4-len(text))...)...)
		}
	}
	le.PutUint32(raw[4:], uint32(len(raw)))
	raw = le.AppendUint16(raw, uint16(len(names)))
	return append(append(raw, entries...), 0, 0, 0, 0)
}

// TestTIFFSamples: colours in planes of their own, in one strip or more, and a fourth sample of no meaning.
func TestTIFFSamples(t *testing.T) {
	m, err := Decode(read(t, "rgb.png"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := m.Width * m.Height
	var separate, four []byte
	for c := range 3 {
		for i := range n {
			separate = append(separate, m.Pix[3*i+c])
		}
	}
	for i := range n {
		four = append(four, m.Pix[3*i], m.Pix[3*i+1], m.Pix[3*i+2], byte(i))
	}
	const from = 8 // of the pixels
	upper := m.Width * 20
	base := func(more map[uint16][]int) map[uint16][]int {
		tags := map[uint16][]int{256: {m.Width}, 257: {m.Height}, tagCompression: {1}, tagPhotometric: {rgbColours}}
		for tag, values := range more {
			tags[tag] = values
		}
		return tags
	}
	for what, raw := range map[string][]byte{
		"planes": directory(separate, base(map[uint16][]int{tagBits: {8, 8, 8}, tagSamples: {3}, tagPlanar: {planes},
			278: {m.Height}, tagOffsets: {from, from + n, from + 2*n}, tagCounts: {n, n, n}})),
		"planes in strips": directory(separate, base(map[uint16][]int{tagBits: {8, 8, 8}, tagSamples: {3},
			tagPlanar: {planes}, 278: {20},
			tagOffsets: {from, from + upper, from + n, from + n + upper, from + 2*n, from + 2*n + upper},
			tagCounts:  {upper, n - upper, upper, n - upper, upper, n - upper}})),
		"RGBX": directory(four, base(map[uint16][]int{tagBits: {8, 8, 8, 8}, tagSamples: {4}, tagExtra: {0}, 278: {m.Height},
			tagOffsets: {from}, tagCounts: {4 * n}})),
		"RGBX of which nothing is said": directory(four, base(map[uint16][]int{tagBits: {8, 8, 8, 8}, tagSamples: {4},
			278: {m.Height}, tagOffsets: {from}, tagCounts: {4 * n}})),
		"RGBX, and tags behind": directory(append(four, 0), base(map[uint16][]int{tagBits: {8, 8, 8, 8}, tagSamples: {4},
			278: {m.Height}, tagOffsets: {from}, tagCounts: {4 * n}, 339: {1}})),
	} {
		sameAs(t, what, raw, "rgb.png")
		for i := range raw { // whatever is done to it, there is no panic
			if i < from || i > len(raw)-300 {
				spoilt := bytes.Clone(raw)
				spoilt[i] ^= 0xff
				_, _ = Decode(spoilt, background)
			}
		}
	}
}

// TestOrientations: as a number of 32 bits, and in XMP where EXIF says nothing.
func TestOrientations(t *testing.T) {
	long := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x04\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	other := strings.Replace(long, "\x12\x01", "\x13\x01", 1)
	upright := strings.Replace(long, "\x06", "\x01", 1)
	attribute := "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>"
	element := "http://ns.adobe.com/xap/1.0/\x00<rdf:Description><tiff:Orientation>8</tiff:Orientation></rdf:Description>"
	for what, c := range map[string]struct {
		segments []string
		want     int
	}{
		"32 bits": {[]string{long}, 6}, "XMP": {[]string{attribute}, 6}, "XMP's element": {[]string{element}, 8},
		"EXIF without it": {[]string{other, element}, 8}, "EXIF first": {[]string{attribute, upright}, 1},
		"nothing": {[]string{other}, 1},
	} {
		raw := read(t, "baseline420.jpg")
		segments := []byte("\xff\xd8")
		for _, s := range c.segments {
			segments = append(binary.BigEndian.AppendUint16(append(segments, 0xff, markerAPP1), uint16(len(s)+2)), s...)
		}
		h, err := Inspect(append(segments, raw[2:]...))
		if err != nil || h.Orientation != c.want {
			t.Errorf("%s in JPEG: %+v, %v, want %d", what, h, err, c.want)
		}
	}
	chunk := func(kind, content string) []byte {
		raw := append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), kind+content...)
		return append(raw, 0, 0, 0, 0) // a check that nobody reads
	}
	png := read(t, "rgb.png")
	const header = 33
	xmp := chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+attribute)
	if o := pngOrientation(slices.Concat(png[:header], xmp, png[header:])); o != 6 {
		t.Errorf("XMP in PNG: %d", o)
	}
	const width, height, colours = 256, 257, 262
	tiff := directory(append([]byte(element), make([]byte, 3*4)...), map[uint16][]int{width: {2}, height: {2},
		tagBits: {8}, colours: {blackIsZero}, tagXMP: {8}})
	order, entry := tiffEntry(tiff, tagXMP)
	for size, want := range map[int]int{len(element): 8, 10: 1, 1 << 30: 1} {
		order.PutUint32(tiff[entry+4:], uint32(size)) // of bytes
		if o := tiffOrientation(tiff); o != want {
			t.Errorf("XMP in TIFF, %d bytes: %d, want %d", size, o, want)
		}
	}
	webp := append([]byte("RIFF\x00\x00\x00\x00WEBPXMP "), binary.LittleEndian.AppendUint32(nil, uint32(len(element)))...)
	if o := webpOrientation(append(webp, element...)); o != 8 {
		t.Errorf("XMP in WebP: %d", o)
	}
}
