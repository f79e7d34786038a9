package figure

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"ordo/models/fault"
)

// Picture is rows of panels.
type Picture struct {
	Title string
	Rows  [][]Panel // all of the same length, at least one panel
}

// Panel is lines over one x axis.
type Panel struct {
	Title  string
	X, Y   string // what the axes show, with units
	Lines  []Line
	Legend bool // whether its lines are named above the panels; one of a picture's should be
}

// Line is values at points.
type Line struct {
	Name string
	X, Y []float64 // of the same length, finite, X ascending
	// Low and High are the ends of an interval around each of Y; nil: none is shown.
	Low, High []float64
	// Reference lines are drawn thin, grey and broken, each in another way: they are what the others are compared with.
	Reference bool
}

// The size of a panel, and room for the picture's title.
const (
	panelWidth  = 9 * vg.Centimeter
	panelHeight = 6.5 * vg.Centimeter
	titleHeight = 0.9 * vg.Centimeter
	nameHeight  = 0.55 * vg.Centimeter // of a row of names
	resolution  = 144                  // dots per inch of a PNG
)

// palette is Okabe and Ito's, darkest first, without the yellow, which is hard to see on white.
var palette = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, {0xD5, 0x5E, 0x00, 0xFF}, {0x00, 0x9E, 0x73, 0xFF}, {0xCC, 0x79, 0xA7, 0xFF},
	{0xE6, 0x9F, 0x00, 0xFF}, {0x56, 0xB4, 0xE9, 0xFF}, {0x33, 0x33, 0x33, 0xFF},
}

// grey is of reference lines and axes.
var grey = color.RGBA{0x77, 0x77, 0x77, 0xFF}

// Encode draws a picture for a file of that name: .svg or .png. A name with another ending is a fault.
func Encode(p Picture, name string) ([]byte, error) {
	write := map[string]func(vg.Length, vg.Length) canvas{
		".svg": func(w, h vg.Length) canvas { return vgsvg.New(w, h) },
		".png": func(w, h vg.Length) canvas {
			return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(resolution))}
		},
	}[strings.ToLower(filepath.Ext(name))]
	if write == nil {
		return nil, fault.New(fault.Config, "%s: a picture's name ends in .svg or .png", name)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	rows, columns := len(p.Rows), len(p.Rows[0])
	width := vg.Length(columns) * panelWidth
	names := p.names(width)
	c := write(width, vg.Length(rows)*panelHeight+titleHeight+vg.Length(len(names))*nameHeight)
	if err := p.draw(draw.New(c), names); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	return b.Bytes(), nil
}

// canvas is what a picture is drawn on and written from.
type canvas interface {
	vg.CanvasSizer
	io.WriterTo
}

// check refuses what can't be drawn.
func (p Picture) check() error {
	if len(p.Rows) == 0 || len(p.Rows[0]) == 0 {
		return errors.New("figure: a picture without panels")
	}
	for _, row := range p.Rows {
		if len(row) != len(p.Rows[0]) {
			return errors.New("figure: rows of different lengths")
		}
		for _, panel := range row {
			for _, l := range panel.Lines {
				if err := l.check(); err != nil {
					return fmt.Errorf("figure: %s, %s: %w", panel.Title, l.Name, err)
				}
			}
		}
	}
	return nil
}

func (l Line) check() error {
	n := len(l.X)
	if n == 0 || len(l.Y) != n || (l.Low != nil || l.High != nil) && (len(l.Low) != n || len(l.High) != n) {
		return fmt.Errorf("%d points with %d values and intervals of %d and %d", n, len(l.Y), len(l.Low), len(l.High))
	}
	for _, v := range slices.Concat(l.X, l.Y, l.Low, l.High) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fault.New(fault.Numeric, "a value is not finite")
		}
	}
	return nil
}

// name is an entry of the legend.
type name struct {
	text  string
	style draw.LineStyle
	width vg.Length // with its piece of line and the space behind it
}

// The piece of line before a name, and the spaces around it.
const (
	pieceWidth = 0.9 * vg.Centimeter
	nameSpace  = 0.2 * vg.Centimeter
)

// names lays out the legend in rows that fit the width.
func (p Picture) names(width vg.Length) [][]name {
	var rows [][]name
	left := vg.Length(0)
	for _, panel := range slices.Concat(p.Rows...) {
		if !panel.Legend {
			continue
		}
		for i, style := range panel.styles() {
			n := name{text: panel.Lines[i].Name, style: style}
			n.width = pieceWidth + 4*nameSpace + textStyle(9).Width(n.text)
			if left < n.width {
				rows, left = append(rows, nil), width
			}
			last := &rows[len(rows)-1]
			*last = append(*last, n)
			left -= n.width
		}
	}
	return rows
}

// drawNames draws a row of the legend in the middle of the picture's width.
func drawNames(c draw.Canvas, row []name, y vg.Length) {
	var width vg.Length
	for _, n := range row {
		width += n.width
	}
	style := textStyle(9)
	style.YAlign = draw.YCenter
	x := (c.Min.X + c.Max.X - width) / 2
	for _, n := range row {
		c.StrokeLine2(n.style, x+nameSpace, y, x+nameSpace+pieceWidth, y)
		c.FillText(style, vg.Point{X: x + 2*nameSpace + pieceWidth, Y: y}, n.text)
		x += n.width
	}
}

// styles are those of the lines: a colour each, but for reference lines, which are grey.
func (panel Panel) styles() []draw.LineStyle {
	styles := make([]draw.LineStyle, len(panel.Lines))
	own, reference := 0, 0
	for i, l := range panel.Lines {
		if l.Reference {
			d := dashes[reference%len(dashes)]
			styles[i] = draw.LineStyle{Color: grey, Width: vg.Points(1.3), Dashes: d}
			reference++
			continue
		}
		styles[i] = draw.LineStyle{Color: palette[own%len(palette)], Width: vg.Points(1.6)}
		own++
	}
	return styles
}

// dashes are the ways in which reference lines are broken.
var dashes = [][]vg.Length{{vg.Points(5), vg.Points(3)}, {vg.Points(1.5), vg.Points(2)}}

func (p Picture) draw(c draw.Canvas, names [][]name) error {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	style := textStyle(12)
	style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
	c.FillText(style, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Max.Y - titleHeight/2}, p.Title)
	c.Max.Y -= titleHeight
	for _, row := range names {
		drawNames(c, row, c.Max.Y-nameHeight/2)
		c.Max.Y -= nameHeight
	}
	plots := make([][]*plot.Plot, len(p.Rows))
	for i, row := range p.Rows {
		for _, panel := range row {
			drawn, err := panel.plot()
			if err != nil {
				return err
			}
			plots[i] = append(plots[i], drawn)
		}
		shareY(plots[i])
	}
	tiles := draw.Tiles{
		Rows: len(p.Rows), Cols: len(p.Rows[0]), PadX: vg.Millimeter * 4, PadY: vg.Millimeter * 4,
		PadTop: vg.Millimeter, PadBottom: vg.Millimeter * 2, PadLeft: vg.Millimeter * 2, PadRight: vg.Millimeter * 4,
	}
	for i, row := range plot.Align(plots, tiles, c) {
		for j, tile := range row {
			plots[i][j].Draw(tile)
		}
	}
	return nil
}

// shareY gives the plots of a row one y axis, so that they can be compared.
func shareY(row []*plot.Plot) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range row {
		low, high = min(low, p.Y.Min), max(high, p.Y.Max)
	}
	for _, p := range row {
		p.Y.Min, p.Y.Max = low, high
	}
}

func (panel Panel) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = panel.Title, panel.X, panel.Y
	p.Title.TextStyle.Font = textFont(10)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = textFont(9), textFont(8)
		axis.Color, axis.Tick.Color = grey, grey
		axis.Padding = 0
	}
	grid := plotter.NewGrid()
	light := draw.LineStyle{Color: color.Gray{0xE4}, Width: vg.Points(0.5)}
	grid.Vertical, grid.Horizontal = light, light
	p.Add(grid)
	for i, style := range panel.styles() {
		if err := panel.Lines[i].add(p, style); err != nil {
			return nil, err
		}
	}
	p.Y.Min = min(p.Y.Min, 0)
	return p, nil
}

// add draws a line, and its interval below it.
func (l Line) add(p *plot.Plot, style draw.LineStyle) error {
	if l.Low != nil {
		band := make(plotter.XYs, 0, 2*len(l.X))
		for i, x := range l.X {
			band = append(band, plotter.XY{X: x, Y: l.High[i]})
		}
		for i := len(l.X) - 1; i >= 0; i-- {
			band = append(band, plotter.XY{X: l.X[i], Y: l.Low[i]})
		}
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return err
		}
		r, g, b, _ := style.Color.RGBA()
		area.Color, area.LineStyle.Width = color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0x30}, 0
		p.Add(area)
	}
	points := make(plotter.XYs, len(l.X))
	for i := range points {
		points[i] = plotter.XY{X: l.X[i], Y: l.Y[i]}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.LineStyle = style
	dots.Color, dots.Shape, dots.Radius = style.Color, draw.CircleGlyph{}, vg.Points(2)
	p.Add(line)
	if !l.Reference {
		p.Add(dots)
	}
	return nil
}

func textFont(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
}

func textStyle(size float64) draw.TextStyle {
	return draw.TextStyle{Color: color.Black, Font: textFont(size), Handler: plot.DefaultTextHandler}
}
