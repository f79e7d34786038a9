package sheet

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/models/whole"
)

// Sheet is what is drawn. The zero value is an empty sheet.
type Sheet struct {
	Title string
	Note  string // small text under the title
	Size  int    // side of a cell in pixels; 0: 112
	// Columns is after how many cells a row goes on in a new line; 0: never.
	Columns int
	Groups  []Group
}

// Group is rows under a heading.
type Group struct {
	Heading string
	Note    string // small text beside the heading
	Rows    []Row
}

// Row is cells beside each other.
type Row struct {
	Label string // at the left
	Cells []Cell
}

// Cell is a picture and what is written under it.
type Cell struct {
	Image augment.Image
	Label string
}

const defaultSize = 112

// Distances in pixels.
const (
	margin   = 24
	gap      = 10 // between cells
	maxLabel = 200
	section  = 22 // between groups
)

// maxPixels bounds a sheet.
const maxPixels = 200_000_000

var (
	paper  = color.RGBA{255, 255, 255, 255}
	shade  = color.RGBA{238, 240, 243, 255} // of cells beside their pictures
	ink    = color.RGBA{28, 32, 38, 255}
	faint  = color.RGBA{104, 112, 122, 255}
	border = color.RGBA{214, 218, 224, 255}
)

// layout is where things lie.
type layout struct {
	Sheet
	fonts
	labels        int // width of the column of labels, with the gap after it
	width, height int
}

// Draw draws the sheet.
func (s Sheet) Draw() (*image.RGBA, error) {
	f, err := newFonts()
	if err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	l := &layout{Sheet: s, fonts: f}
	if l.Size == 0 {
		l.Size = defaultSize
	}
	if err := l.measure(); err != nil {
		return nil, err
	}
	m := image.NewRGBA(image.Rect(0, 0, l.width, l.height))
	draw.Draw(m, m.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	l.draw(m)
	return m, nil
}

// WriteFile draws the sheet and writes it as PNG, whole or not at all.
func (s Sheet) WriteFile(path string) error {
	m, err := s.Draw()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return whole.WriteFile(path, b.Bytes())
}

// lines returns the cells of a row, cut into lines.
func (l *layout) lines(r Row) [][]Cell {
	if l.Columns == 0 || len(r.Cells) <= l.Columns {
		return [][]Cell{r.Cells}
	}
	var out [][]Cell
	for at := 0; at < len(r.Cells); at += l.Columns {
		out = append(out, r.Cells[at:min(at+l.Columns, len(r.Cells))])
	}
	return out
}

// lineHeight is that of a line of cells with its gap.
func (l *layout) lineHeight(cells []Cell) int {
	height := l.Size + gap
	for _, c := range cells {
		if c.Label != "" {
			return height + l.small.Height + 2
		}
	}
	return height
}

func (l *layout) measure() error {
	columns := 1
	for _, g := range l.Groups {
		for _, r := range g.Rows {
			for _, line := range l.lines(r) {
				columns = max(columns, len(line))
			}
			if r.Label != "" {
				l.labels = max(l.labels, min(l.text.width(l.text.legible(r.Label)), maxLabel)+gap)
			}
			for _, c := range r.Cells {
				if n := 3 * c.Image.Width * c.Image.Height; n < 1 || len(c.Image.Pix) != n {
					return fmt.Errorf("sheet: a picture of %d x %d with %d bytes", c.Image.Width, c.Image.Height, len(c.Image.Pix))
				}
			}
		}
	}
	const narrow = 320 // room for a title over few cells
	l.width = max(2*margin+l.labels+columns*(l.Size+gap)-gap, narrow)
	l.height = l.walk(func(image.Point, any) {})
	if int64(l.width)*int64(l.height) > maxPixels || l.Size < 1 {
		return fault.New(fault.Other, "a sheet of %d x %d pixels is too large", l.width, l.height).
			Advise("ask for fewer or smaller pictures")
	}
	return nil
}

func (l *layout) draw(m *image.RGBA) {
	l.walk(func(at image.Point, what any) {
		room := l.width - margin - at.X
		switch w := what.(type) {
		case title:
			l.title.draw(m, at, l.title.fit(string(w), room), ink)
		case note:
			l.small.draw(m, at, l.small.fit(string(w), room), faint)
		case heading:
			l.heading.draw(m, at, l.heading.fit(w.text, room), ink)
			if x := at.X + l.heading.width(w.text) + gap; w.note != "" && x < l.width-margin {
				beside := image.Pt(x, at.Y+l.heading.ascent-l.small.ascent)
				l.small.draw(m, beside, l.small.fit(w.note, l.width-margin-x), faint)
			}
		case rowLabel:
			at.Y += (l.Size - l.text.Height) / 2
			l.text.draw(m, at, l.text.fit(string(w), l.labels-gap), ink)
		case Cell:
			l.cell(m, at, w)
		}
	})
}

type (
	title    string
	note     string
	rowLabel string
	heading  struct{ text, note string }
)

// walk calls visit for everything that is drawn, with its upper left corner, and returns the sheet's height.
func (l *layout) walk(visit func(at image.Point, what any)) int {
	y := margin
	if l.Title != "" {
		visit(image.Pt(margin, y), title(l.Title))
		y += l.title.Height
	}
	if l.Note != "" {
		y += 2
		visit(image.Pt(margin, y), note(l.Note))
		y += l.small.Height
	}
	for _, g := range l.Groups {
		if y > margin {
			y += section
		}
		if g.Heading != "" {
			visit(image.Pt(margin, y), heading{g.Heading, g.Note})
			y += l.heading.Height + 6
		}
		for _, r := range g.Rows {
			for i, line := range l.lines(r) {
				if i == 0 && r.Label != "" {
					visit(image.Pt(margin, y), rowLabel(r.Label))
				}
				for j, c := range line {
					visit(image.Pt(margin+l.labels+j*(l.Size+gap), y), c)
				}
				y += l.lineHeight(line)
			}
		}
		if len(g.Rows) > 0 {
			y -= gap
		}
	}
	return y + margin
}

// cell draws a picture in the middle of its square, and its label.
func (l *layout) cell(m *image.RGBA, at image.Point, c Cell) {
	square := image.Rect(at.X, at.Y, at.X+l.Size, at.Y+l.Size)
	draw.Draw(m, square.Inset(-1), image.NewUniform(border), image.Point{}, draw.Src)
	draw.Draw(m, square, image.NewUniform(shade), image.Point{}, draw.Src)
	width, height := fit(c.Image.Width, c.Image.Height, l.Size)
	place := image.Rect(0, 0, width, height).Add(at).Add(image.Pt((l.Size-width)/2, (l.Size-height)/2))
	var kernel draw.Interpolator = draw.CatmullRom
	if width >= c.Image.Width {
		kernel = draw.NearestNeighbor
	}
	src := toRGBA(c.Image)
	kernel.Scale(m, place, src, src.Rect, draw.Src, nil)
	if c.Label != "" {
		text := l.small.fit(c.Label, l.Size)
		x := at.X + (l.Size-l.small.width(text))/2
		l.small.draw(m, image.Pt(x, at.Y+l.Size+2), text, faint)
	}
}

// fit returns the size at which a picture is shown in a square.
func fit(width, height, size int) (int, int) {
	long := max(width, height)
	if factor := size / long; factor >= 1 {
		return width * factor, height * factor
	}
	return max(1, (width*size+long/2)/long), max(1, (height*size+long/2)/long)
}

func toRGBA(m augment.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		copy(out.Pix[4*i:4*i+3], m.Pix[3*i:])
		out.Pix[4*i+3] = 255
	}
	return out
}

// draw writes text whose upper left corner is at the point.
func (f *face) draw(m *image.RGBA, at image.Point, text string, c color.Color) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: f.Face, Dot: fixed.P(at.X, at.Y+f.ascent)}
	d.DrawString(text)
}
