package pack

import (
	"bytes"
	"fmt"
	"image"
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
