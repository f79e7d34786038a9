package picture

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"slices"

	flexible "github.com/kovidgoyal/imaging/jpeg"
)

// plainCMYK is Adobe's marker, saying that no transformation was applied to the channels.
var plainCMYK = []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")

// jfif is the marker of JFIF, whose channels are YCbCr.
var jfif = []byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")

// adobeTransform is where Adobe's marker has the transformation: 0 none, 1 YCbCr, 2 YCCK.
const adobeTransform = 11

// jpegConfig reads the header.
func jpegConfig(raw []byte) (image.Config, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if jpegFrame(raw).isUneven(err) {
		return flexible.DecodeConfig(bytes.NewReader(raw))
	}
	return c, err
}

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
		m, err := frame.decode(with(jfif))
		return still{Image: m, rgb: true}, err
	}
	m, err := frame.decode(raw)
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

// halved says whether the second or third channel has fewer samples than the first.
func (f frame) halved() bool {
	return len(f) >= 3 && slices.ContainsFunc(f[1:3], func(c component) bool { return c.h < f[0].h || c.v < f[0].v })
}

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

// isUneven says whether an error of package image/jpeg is that it reads no chroma of two resolutions, and the other
// decoder reads what this frame has: a first channel of the highest resolution, and others of all of its columns (or
// rows) or the least. With any other, that one loses its place in scans of one channel.
func (f frame) isUneven(err error) bool {
	var unsupported jpeg.UnsupportedError
	if len(f) != 3 || !errors.As(err, &unsupported) {
		return false
	}
	first := f[0]
	return !slices.ContainsFunc(f, func(c component) bool {
		return c.h != first.h && c.h != 1 || c.v != first.v && c.v != 1 || c.h == 3 || c.v > 2
	})
}

// decode decodes by package image/jpeg what it reads, and by another decoder what that doesn't.
func (f frame) decode(raw []byte) (image.Image, error) {
	m, err := jpeg.Decode(bytes.NewReader(raw))
	if f.isUneven(err) {
		return f.decodeUneven(raw)
	}
	return m, err
}

// decodeUneven decodes three channels of several resolutions. The decoder repeats samples, so that all channels have
// the highest; those that have half of it are reduced to what is stored, and enlarged as everywhere else.
func (f frame) decodeUneven(raw []byte) (image.Image, error) {
	decoded, err := flexible.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	m, ok := decoded.(*image.YCbCr)
	if !ok || m.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		return decoded, nil
	}
	for i, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
		ratio, ok := map[[2]uint8]image.YCbCrSubsampleRatio{
			{2, 1}: image.YCbCrSubsampleRatio422, {1, 2}: image.YCbCrSubsampleRatio440,
			{2, 2}: image.YCbCrSubsampleRatio420,
		}[[2]uint8{f[0].h / f[i].h, f[0].v / f[i].v}]
		if ok {
			enlargePlane(plane, m.YStride, image.YCbCr{Rect: m.Rect, SubsampleRatio: ratio})
		}
	}
	return m, nil
}

// enlargePlane enlarges in place a plane in which samples of the resolution of chroma in m are repeated.
func enlargePlane(plane []uint8, stride int, m image.YCbCr) {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	c := newYCC(still{}, &m)
	stepX, stepY := 1, 1
	if c.halfX {
		stepX = 2
	}
	if c.halfY {
		stepY = 2
	}
	m.CStride = (width + stepX - 1) / stepX
	stored := make([]uint8, 0, m.CStride*((height+stepY-1)/stepY))
	for y := 0; y < height; y += stepY {
		for x := 0; x < width; x += stepX {
			stored = append(stored, plane[y*stride+x])
		}
	}
	for y := range height {
		c.enlarge(plane[y*stride:][:width], stored, y)
	}
}
