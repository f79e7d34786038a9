package sheet

import (
	"fmt"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// face is a font of one size.
type face struct {
	font.Face
	letters        *opentype.Font
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
		*x.dst = &face{made, parsed, metrics.Ascent.Ceil(), metrics.Height.Ceil()}
	}
	return f, nil
}

// width returns the width of a text in pixels.
func (f *face) width(text string) int { return font.MeasureString(f.Face, text).Ceil() }

const ellipsis = "…"

// legible is a text with the code points of letters that the font lacks, such as Chinese ones, in the place of the
// empty box that each would be: ‹U+732B U+72AC›.
func (f *face) legible(text string) string {
	var b strings.Builder
	var buffer sfnt.Buffer
	missing := false
	for _, r := range text {
		glyph, err := f.letters.GlyphIndex(&buffer, r)
		lacks := err != nil || glyph == 0
		switch {
		case lacks && missing:
			b.WriteByte(' ')
		case lacks:
			b.WriteRune('‹')
		case missing:
			b.WriteRune('›')
		}
		if missing = lacks; lacks {
			fmt.Fprintf(&b, "U+%04X", r)
		} else {
			b.WriteRune(r)
		}
	}
	if missing {
		b.WriteRune('›')
	}
	return b.String()
}

// fit makes a text legible and cuts one that is wider than room in its middle, with an ellipsis there: the ends of
// names tell most.
func (f *face) fit(text string, room int) string {
	text = f.legible(text)
	if f.width(text) <= room {
		return text
	}
	letters := []rune(text)
	for n := len(letters) - 1; n > 0; n-- {
		head := (n + 1) / 2
		if cut := string(letters[:head]) + ellipsis + string(letters[len(letters)-(n-head):]); f.width(cut) <= room {
			return cut
		}
	}
	return ellipsis
}
