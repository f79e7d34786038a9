package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"golang.org/x/image/draw"

	"ordo/augment"
)

// sprite is pictures of one size beside each other in one image, which the page's CSS holds: it is there once however
// often its pictures are shown.
type sprite struct {
	id      int
	side    int // of a picture, in pixels
	columns int
	sheet   *image.RGBA
}

// thumb is the side of small pictures.
const thumb = 48

// newSprite has room for n pictures.
func newSprite(id, side, n int) sprite {
	columns := max(1, int(math.Ceil(math.Sqrt(float64(n)))))
	rows := (n + columns - 1) / columns
	return sprite{id, side, columns, image.NewRGBA(image.Rect(0, 0, columns*side, rows*side))}
}

// put draws a picture at its place, all of it, in the middle.
func (s sprite) put(i int, m augment.Image) {
	from := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for k := range m.Width * m.Height {
		p := m.Pix[3*k:]
		from.SetRGBA(k%m.Width, k/m.Width, color.RGBA{p[0], p[1], p[2], 255})
	}
	width, height := s.side, s.side
	if m.Width > m.Height {
		height = max(1, s.side*m.Height/m.Width)
	} else {
		width = max(1, s.side*m.Width/m.Height)
	}
	x, y := i%s.columns*s.side+(s.side-width)/2, i/s.columns*s.side+(s.side-height)/2
	var scale draw.Interpolator = draw.CatmullRom
	if s.side%max(m.Width, m.Height) == 0 {
		scale = draw.NearestNeighbor // every pixel a square
	}
	scale.Scale(s.sheet, image.Rect(x, y, x+width, y+height), from, from.Bounds(), draw.Src, nil)
}

// quality is JPEG's: what is smaller shows blocks.
const quality = 82

// rule is the CSS that the sprite's pictures need.
func (s sprite) rule() (template.CSS, error) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, s.sheet, &jpeg.Options{Quality: quality}); err != nil {
		return "", fmt.Errorf("page: draw pictures: %w", err)
	}
	return template.CSS(fmt.Sprintf(".s%d{width:%dpx;height:%[2]dpx;background-image:url(data:image/jpeg;base64,%s)}\n",
		s.id, s.side, base64.StdEncoding.EncodeToString(file.Bytes()))), nil
}

// picture is one of a sprite's.
type picture struct {
	Sprite int
	Place  template.CSS // where it lies
	Alt    string
	Lines  []string // below it
}

// picture is the i-th, with what it shows in words.
func (s sprite) picture(i int, alt string, lines ...string) picture {
	return picture{s.id, template.CSS(fmt.Sprintf("background-position:-%dpx -%dpx", i%s.columns*s.side,
		i/s.columns*s.side)), alt, lines}
}

// strip is a row of pictures.
type strip struct {
	Label    string
	Pictures []picture
}
