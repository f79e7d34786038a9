package pack

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"

	"ordo/augment"
)

// encodeJPEG encodes an image with halved chroma.
func encodeJPEG(m augment.Image, quality int) ([]byte, error) {
	rgba := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		p := rgba.Pix[4*i : 4*i+4]
		copy(p, m.Pix[3*i:3*i+3])
		p[3] = 255
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, rgba, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode as JPEG: %w", err)
	}
	return b.Bytes(), nil
}

// decodeJPEG decodes a record.
func decodeJPEG(raw []byte) (augment.Image, error) {
	src, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return augment.Image{}, err
	}
	b := src.Bounds()
	m := augment.Image{Width: b.Dx(), Height: b.Dy(), Pix: make([]uint8, 3*b.Dx()*b.Dy())}
	rgba := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	draw.Draw(rgba, rgba.Rect, src, b.Min, draw.Src)
	for i := range m.Width * m.Height {
		copy(m.Pix[3*i:3*i+3], rgba.Pix[4*i:])
	}
	return m, nil
}
