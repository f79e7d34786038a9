package picture

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
)

// plainCMYK is Adobe's marker, saying that no transformation was applied to the channels.
var plainCMYK = []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")

// jfif is the marker of JFIF, whose channels are YCbCr.
var jfif = []byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")

// adobeTransform is where Adobe's marker has the transformation: 0 none, 1 YCbCr, 2 YCCK.
const adobeTransform = 11

// decodeJPEG decodes by package image/jpeg, which gives YCbCr as it is stored. It converts other channels itself, and
// repeats samples of those that are stored at half the resolution: such files are given to it with another marker, so
// that they can be enlarged here, as libjpeg does it.
func decodeJPEG(raw []byte, c image.Config) (still, error) {
	adobe := jpegSegment(raw, markerAPP14, "Adobe")
	with := func(marker []byte) []byte { return slices.Concat(raw[:2], marker, raw[2:]) }
	frame := jpegFrame(raw)
	halved := frame.halved()
	switch {
	case channels(c.ColorModel) == 4 && adobe == nil:
		raw = with(plainCMYK) // the decoder asks for the marker
	case len(frame) == 4 && halved && len(adobe) > adobeTransform && adobe[adobeTransform] != 0:
		at, _ := findSegment(raw, markerAPP14, "Adobe")
		raw = bytes.Clone(raw)
		raw[at+adobeTransform] = 0
		m, err := jpeg.Decode(bytes.NewReader(raw))
		if ink, ok := m.(*image.CMYK); ok && err == nil {
			enlargeInk(ink, true)
		}
		return still{Image: m}, err
	case len(frame) == 3 && halved && frame.isRGB(raw, adobe):
		m, err := jpeg.Decode(bytes.NewReader(with(jfif)))
		return still{Image: m, rgb: true}, err
	}
	m, err := jpeg.Decode(bytes.NewReader(raw))
	if ink, ok := m.(*image.CMYK); ok && err == nil && halved {
		enlargeInk(ink, false)
	}
	return still{Image: m}, err
}

// component is a channel of a JPEG: its name and how many samples it has, relative to the others.
type component struct{ name, h, v uint8 }

type frame []component

// jpegFrame returns the channels, or nil.
func jpegFrame(raw []byte) frame {
	for m := byte(markerSOF0); m <= markerSOF15; m++ {
		if m == markerDHT || m == markerJPG || m == markerDAC {
			continue
		}
		content := jpegSegment(raw, m, "")
		const head = 6 // precision, height, width, number of channels
		if len(content) < head || len(content) < head+3*int(content[5]) {
			continue
		}
		var f frame
		for i := range int(content[5]) {
			c := content[head+3*i:]
			f = append(f, component{c[0], c[1] >> 4, c[1] & 15})
		}
		return f
	}
	return nil
}

// halved says whether the second and third channel have fewer samples than the first.
func (f frame) halved() bool { return len(f) >= 3 && (f[1].h < f[0].h || f[1].v < f[0].v) }

// isRGB says whether three channels are red, green and blue, by the rules of libjpeg.
func (f frame) isRGB(raw, adobe []byte) bool {
	switch {
	case jpegSegment(raw, markerAPP0, "JFIF\x00") != nil:
		return false
	case len(adobe) > adobeTransform:
		return adobe[adobeTransform] == 0
	}
	return f[0].name == 'R' && f[1].name == 'G' && f[2].name == 'B'
}

// enlargeInk enlarges the second and third channel of an image in ink, of which every sample of half the resolution is
// there four times; where they are chroma, the first three are converted from YCbCr. The decoder inverts all channels,
// and would not invert the first three of such an image.
func enlargeInk(m *image.CMYK, chroma bool) {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	planes := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
	for y := range height {
		row := m.Pix[y*m.Stride:]
		for x := range width {
			planes.Y[y*planes.YStride+x] = 255 - row[4*x]
			if x%2 == 0 && y%2 == 0 {
				at := y/2*planes.CStride + x/2
				planes.Cb[at], planes.Cr[at] = 255-row[4*x+1], 255-row[4*x+2]
			}
		}
	}
	c := newYCC(still{rgb: !chroma}, planes)
	line := make([]uint8, 3*width)
	for y := range height {
		c.row(line, y)
		row := m.Pix[y*m.Stride:]
		for x := range width {
			for i, v := range line[3*x : 3*x+3] {
				if !chroma {
					v = 255 - v
				}
				row[4*x+i] = v
			}
		}
	}
}
