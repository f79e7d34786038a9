package sheet

import (
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// face is a font of one size.
type face struct {
	font.Face
	ascent, Height int // in pixels; Height is from line to line
}

// fonts are those of a sheet.
type fonts struct {
	title, heading, text, small *face
}

func newFonts() (fonts, error) {
	var f fonts
	for _, x := range []struct {
		dst  **face
		ttf  []byte
		size float64
	}{
		{&f.title, gobold.TTF, 20}, {&f.heading, gobold.TTF, 14}, {&f.text, goregular.TTF, 13}, {&f.small, goregular.TTF, 12},
	} {
		parsed, err := opentype.Parse(x.ttf)
		if err != nil {
			return f, err
		}
		made, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: x.size, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return f, err
		}
		metrics := made.Metrics()
		*x.dst = &face{made, metrics.Ascent.Ceil(), metrics.Height.Ceil()}
	}
	return f, nil
}

// width returns the width of a text in pixels.
func (f *face) width(text string) int { return font.MeasureString(f.Face, text).Ceil() }

const ellipsis = "…"

// fit cuts a text that is wider than room, and ends it in an ellipsis then.
func (f *face) fit(text string, room int) string {
	if f.width(text) <= room {
		return text
	}
	letters := []rune(text)
	for n := len(letters) - 1; n > 0; n-- {
		if cut := string(letters[:n]) + ellipsis; f.width(cut) <= room {
			return cut
		}
	}
	return ellipsis
}
