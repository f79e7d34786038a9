package folder

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"ordo/augment"
)

// MaxFileBytes and MaxPixels bound one image: its file, and its width times its height. They are far above
// any camera's photograph; their purpose is that a damaged or hostile file can't exhaust the memory.
const (
	MaxFileBytes = 256 << 20
	MaxPixels    = 1 << 26
)

// readImage reads, decodes and reduces one file. The sum is of the file's bytes.
func readImage(path string, shortSide int) (m augment.Image, sum [sha256.Size]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return m, sum, err
	}
	if !info.Mode().IsRegular() || info.Size() > MaxFileBytes {
		return m, sum, fmt.Errorf("%s: not a file of at most %d MiB; remove it or replace it", path, MaxFileBytes>>20)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return m, sum, err
	}
	m, err = Decode(raw, shortSide)
	if err != nil {
		return m, sum, fmt.Errorf("%s: %w; remove it or replace it", path, err)
	}
	return m, sha256.Sum256(raw), nil
}

// Decode decodes a JPEG or PNG file to RGB, transparent pixels over white, and reduces it so that its short
// side is at most shortSide pixels.
func Decode(raw []byte, shortSide int) (augment.Image, error) {
	var config func(io.Reader) (image.Config, error)
	var decode func(io.Reader) (image.Image, error)
	var kind string
	switch {
	case len(raw) == 0:
		return augment.Image{}, errors.New("an empty file")
	case bytes.HasPrefix(raw, []byte("\xff\xd8")):
		kind, config, decode = "JPEG", jpeg.DecodeConfig, jpeg.Decode
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		kind, config, decode = "PNG", png.DecodeConfig, png.Decode
	default:
		return augment.Image{}, fmt.Errorf("not a JPEG or PNG image (begins with % x)", raw[:min(4, len(raw))])
	}
	c, err := config(bytes.NewReader(raw))
	if err != nil {
		return augment.Image{}, broken(kind, raw, err)
	}
	if c.Width < 1 || c.Height < 1 || int64(c.Width)*int64(c.Height) > MaxPixels {
		return augment.Image{}, fmt.Errorf("a %s image of %d x %d pixels, the limit is %d million",
			kind, c.Width, c.Height, MaxPixels/1000000)
	}
	src, err := decode(bytes.NewReader(raw))
	if err != nil {
		return augment.Image{}, broken(kind, raw, err)
	}
	m := toRGB(src)
	if short := min(m.Width, m.Height); short > shortSide {
		// Rounded to nearest, in integers.
		m = reduce(m, (2*m.Width*shortSide+short)/(2*short), (2*m.Height*shortSide+short)/(2*short))
	}
	return m, nil
}

// broken says in what way an image can't be decoded.
func broken(kind string, raw []byte, err error) error {
	endless := kind == "PNG" && !bytes.HasSuffix(raw, []byte("IEND\xaeB`\x82")) // lacks the last chunk
	if endless || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("a %s image that is cut off", kind)
	}
	var inJPEG jpeg.UnsupportedError
	var inPNG png.UnsupportedError
	if errors.As(err, &inJPEG) || errors.As(err, &inPNG) {
		return fmt.Errorf("a %s image of a kind that can't be read (%w)", kind, err)
	}
	return fmt.Errorf("a damaged %s image (%w)", kind, err)
}

// toRGB lays the image over white.
func toRGB(src image.Image) augment.Image {
	b := src.Bounds()
	canvas := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(canvas, canvas.Rect, src, b.Min, draw.Over)
	m := augment.Image{Width: b.Dx(), Height: b.Dy(), Pix: make([]uint8, 3*b.Dx()*b.Dy())}
	for i := range b.Dx() * b.Dy() {
		copy(m.Pix[3*i:3*i+3], canvas.Pix[4*i:])
	}
	return m
}

// reduce shrinks an image to width x height, neither larger than before: each new pixel is the average over
// the area that it covers, parts of pixels counted by their share, rounded to nearest (OpenCV's INTER_AREA).
func reduce(m augment.Image, width, height int) augment.Image {
	// Both directions are measured in steps of 1/width and 1/height of a source pixel: old pixel x covers
	// [x*width, (x+1)*width), new pixel i covers [i*m.Width, (i+1)*m.Width).
	rows := make([]uint64, 3*width) // one new row, summed up
	across := make([]uint64, 3*width)
	out := augment.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	area := uint64(m.Width) * uint64(m.Height)
	summed := -1 // the old row that `across` is of
	for j := range height {
		clear(rows)
		for y := j * m.Height / height; y*height < (j+1)*m.Height; y++ {
			if y != summed {
				sumRow(across, m.Pix[3*y*m.Width:3*(y+1)*m.Width], m.Width, width)
				summed = y
			}
			weight := uint64(min((y+1)*height, (j+1)*m.Height) - max(y*height, j*m.Height))
			for i, v := range across {
				rows[i] += weight * v
			}
		}
		for i, v := range rows {
			out.Pix[3*j*width+i] = uint8((v + area/2) / area)
		}
	}
	return out
}

// sumRow reduces one row of RGB pixels from old to width pixels: sums weighted by shares in units of 1/width.
func sumRow(dst []uint64, row []uint8, old, width int) {
	for i := range width {
		var r, g, b uint64
		for x := i * old / width; x*width < (i+1)*old; x++ {
			weight := uint64(min((x+1)*width, (i+1)*old) - max(x*width, i*old))
			r += weight * uint64(row[3*x])
			g += weight * uint64(row[3*x+1])
			b += weight * uint64(row[3*x+2])
		}
		dst[3*i], dst[3*i+1], dst[3*i+2] = r, g, b
	}
}
