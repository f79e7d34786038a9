package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"ordo/augment"
)

// MaxFileBytes and maxPixels bound one image: its file, and its width times its height. They are above any camera's
// photograph; their purpose is that a damaged or hostile file can't exhaust the memory.
const (
	MaxFileBytes = 256 << 20
	maxPixels    = 100_000_000
)

// Options says how images are decoded. The zero value lays transparent pixels over black.
type Options struct {
	// Background is the colour under transparent pixels: red, green, blue.
	Background [3]uint8
	// Limit bounds the memory of all that decode with it at the same time; nil: nothing does.
	Limit *Limit
}

// Header is what the beginning of a file says.
type Header struct {
	Format        string // JPEG, PNG, WebP, GIF, BMP, TIFF or PNM
	Width, Height int    // upright
	Channels      int    // 1 grey, 3 colour, 4 colour and alpha, or CMYK
	Orientation   int    // of EXIF, 1 to 8; 1 is upright
}

// format is a kind of file that can be read.
type format struct {
	name   string
	magic  []string // beginnings; ? is any byte
	config func(raw []byte) (image.Config, error)
	decode func(raw []byte, c image.Config) (still, error)
	// orientation finds the EXIF orientation; nil: the format has none.
	orientation func(raw []byte) int
}

// still is a decoded picture, of which at is the place on a canvas: that of the first frame of an animation.
type still struct {
	image.Image
	at    image.Point
	video bool // its YCbCr has the range of video
	rgb   bool // its YCbCr is red, green and blue
}

var formats = [...]format{
	{"JPEG", []string{"\xff\xd8"}, jpegConfig, decodeJPEG, jpegOrientation},
	{"PNG", []string{"\x89PNG\r\n\x1a\n"}, header(png.DecodeConfig), decoder(png.Decode), pngOrientation},
	{"WebP", []string{"RIFF????WEBP"}, header(webp.DecodeConfig), decodeWebP, webpOrientation},
	{"GIF", []string{"GIF87a", "GIF89a"}, gifConfig, decodeGIF, nil},
	{"BMP", []string{"BM"}, header(bmp.DecodeConfig), decoder(bmp.Decode), nil},
	{"TIFF", []string{"II*\x00", "MM\x00*"}, tiffConfig, decodeTIFF, tiffOrientation},
	{"PNM", pnmMagic(), pnmConfig, decodePNM, nil},
}

func header(config func(io.Reader) (image.Config, error)) func(raw []byte) (image.Config, error) {
	return func(raw []byte) (image.Config, error) { return config(bytes.NewReader(raw)) }
}

func decoder(decode func(io.Reader) (image.Image, error)) func([]byte, image.Config) (still, error) {
	return func(raw []byte, _ image.Config) (still, error) {
		m, err := decode(bytes.NewReader(raw))
		return still{Image: m}, err
	}
}

// Known says whether a file begins as an image of a format that is read.
func Known(raw []byte) bool {
	_, err := find(raw)
	return err == nil
}

// Inspect reads the header of a file. The beginning of the file is enough for most, not for every TIFF.
func Inspect(raw []byte) (h Header, err error) {
	_, _, h, err = inspect(raw)
	return h, err
}

func inspect(raw []byte) (f format, c image.Config, h Header, err error) {
	f, err = find(raw)
	if err != nil {
		return f, c, h, err
	}
	defer recovered(f.name, &err)
	c, err = f.config(raw)
	if err != nil {
		return f, c, h, broken(f.name, raw, err)
	}
	if c.Width < 1 || c.Height < 1 || int64(c.Width)*int64(c.Height) > maxPixels {
		return f, c, h, fmt.Errorf("a %s image of %d x %d pixels, the limit is %d million",
			f.name, c.Width, c.Height, maxPixels/1_000_000)
	}
	h = Header{Format: f.name, Width: c.Width, Height: c.Height, Channels: channels(c.ColorModel), Orientation: 1}
	if f.orientation != nil {
		h.Orientation = f.orientation(raw)
	}
	if h.Orientation >= 5 {
		h.Width, h.Height = h.Height, h.Width
	}
	return f, c, h, nil
}

func channels(m color.Model) int {
	switch m {
	case color.GrayModel, color.Gray16Model:
		return 1
	case color.NRGBAModel, color.NRGBA64Model, color.NYCbCrAModel, color.CMYKModel:
		return 4
	}
	return 3
}

// Decode decodes a file to upright RGB. It never panics, whatever the bytes are.
func Decode(raw []byte, o Options) (m augment.Image, err error) {
	if len(raw) > MaxFileBytes {
		return m, fmt.Errorf("a file of %d MiB, the limit is %d MiB", len(raw)>>20, MaxFileBytes>>20)
	}
	f, c, h, err := inspect(raw)
	if err != nil {
		return m, err
	}
	o.Limit.hold(cost(raw, c, h), func() { m, err = f.pixels(raw, c, h, o.Background) })
	return m, err
}

// pixels decodes a file whose header was read.
func (f format) pixels(raw []byte, c image.Config, h Header, background [3]uint8) (m augment.Image, err error) {
	defer recovered(f.name, &err)
	s, err := f.decode(raw, c)
	if err != nil {
		return m, broken(f.name, raw, err)
	}
	m = toRGB(s, c.Width, c.Height, background)
	return upright(m, h.Orientation), nil
}

// recovered makes a panic of a decoder an error.
func recovered(name string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a damaged %s image (%v)", name, p)
	}
}

// others are formats that are found in folders of images and can't be read: what they begin with from a byte on.
var others = []struct {
	at           int
	begins, what string
}{
	{4, "ftypavif", "an AVIF image; convert it to PNG or JPEG"},
	{4, "ftyphei", "a HEIC image; convert it to PNG or JPEG"},
	{4, "ftypmif1", "a HEIF image; convert it to PNG or JPEG"},
	{0, "\x00\x00\x00\x0cjP  ", "a JPEG 2000 image; convert it to PNG or JPEG"},
	{0, "\xff\x4f\xff\x51", "a JPEG 2000 image; convert it to PNG or JPEG"},
	{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL image; convert it to PNG or JPEG"},
	{0, "\xff\x0a", "a JPEG XL image; convert it to PNG or JPEG"},
	{0, "II+\x00", "a BigTIFF image; convert it to PNG or JPEG"},
	{0, "MM\x00+", "a BigTIFF image; convert it to PNG or JPEG"},
	{0, "P7\n", "a PAM image; convert it to PNG"},
	{0, "PF\n", "a PFM image; convert it to PNG"},
	{0, "Pf\n", "a PFM image; convert it to PNG"},
	{0, "8BPS", "a Photoshop file; export it as PNG or JPEG"},
	{0, "%PDF", "a PDF file, not an image"},
	{0, "PK\x03\x04", "a ZIP archive, not an image; unpack it"},
	{0, "\x1f\x8b", "a gzip archive, not an image; unpack it"},
	{0, "version https://git-lfs", "a pointer of Git LFS, not an image; run git lfs pull"},
	{0, "<svg", "an SVG drawing; convert it to PNG"},
	{0, "<?xml", "an XML file, not an image"},
	{0, "<!doctype html", "a web page, not an image; fetch the file again"},
	{0, "<html", "a web page, not an image; fetch the file again"},
}

func find(raw []byte) (format, error) {
	if len(raw) == 0 {
		return format{}, errors.New("an empty file")
	}
	for _, f := range formats {
		for _, magic := range f.magic {
			if begins(raw, magic) {
				return f, nil
			}
		}
	}
	for _, o := range others {
		if end := o.at + len(o.begins); len(raw) >= end && strings.EqualFold(string(raw[o.at:end]), o.begins) {
			return format{}, errors.New(o.what)
		}
	}
	if len(bytes.Trim(raw[:min(len(raw), 4096)], "\x00")) == 0 {
		return format{}, errors.New("not an image: it holds zero bytes only; fetch the file again")
	}
	return format{}, fmt.Errorf("not an image of a known format (begins with % x)", raw[:min(4, len(raw))])
}

func begins(raw []byte, magic string) bool {
	if len(raw) < len(magic) {
		return false
	}
	for i, b := range []byte(magic) {
		if b != '?' && raw[i] != b {
			return false
		}
	}
	return true
}

// broken says in what way an image can't be decoded.
func broken(name string, raw []byte, err error) error {
	endless := name == "PNG" && !bytes.HasSuffix(raw, []byte("IEND\xaeB`\x82")) // lacks the last chunk
	if endless || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("a %s image that is cut off", name)
	}
	var inJPEG jpeg.UnsupportedError
	var inPNG png.UnsupportedError
	var inTIFF tiff.UnsupportedError
	if errors.As(err, &inJPEG) || errors.As(err, &inPNG) || errors.As(err, &inTIFF) || errors.Is(err, bmp.ErrUnsupported) {
		return fmt.Errorf("a %s image of a kind that can't be read (%w); convert it to PNG", name, err)
	}
	return fmt.Errorf("a damaged %s image (%w)", name, err)
}
