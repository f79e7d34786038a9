package page

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// content is what the template shows.
type content struct {
	Title     string
	Lead      string
	Notes     []string // what is missing or was warned of
	Sections  []section
	Live      bool
	Up, Whole string // what lists the run of a live page, and the page of its end; "": none
	sprites   []sprite
}

// section is a part of the page, which its contents list.
type section struct {
	ID, Title, Text string
	Blocks          []block
}

// block is some of a section below a heading.
type block struct {
	Title, Text string // "": none
	Fold        string // what the block is folded away behind; "": it is open
	Table       *table
	Charts      []*chart
	Maps        *mapView
	Drawing     *drawing
	Strips      []strip
	Code        string
}

// table is rows of text, the first cell of each of which names it.
type table struct {
	Head []string
	Rows []row
	Sort bool // its heads sort it
	Tall bool // it scrolls in a box of its own
}

// row is cells, or a heading of the rows below it.
type row struct {
	Cells   []string
	Heading bool
	Link    string // where its first cell leads; "": nowhere
	Trial   int    // whose it is in drawings; 0: nobody's
	// Bar is how long the bar in the third cell is, in percent; Faint says that it may mean nothing.
	Bar   float64
	Faint bool
}

func (t *table) add(cells ...string) { t.Rows = append(t.Rows, row{Cells: cells}) }

// chart is lines over one axis.
type chart struct {
	ID    int
	Title string
	X, Y  string // what the axes show
	Lines []line
}

// line is values at points, X ascending; Low and High are an interval around each, or nil.
type line struct {
	Name      string
	X, Y      []float64
	Low, High []float64
	Reference bool // it is what others are compared with
	Colour    int
	Run       int  // whose it is
	Alone     bool // it is the only one of its chart, whose title names it
}

// MarshalJSON writes the chart for the script, with five digits.
func (c *chart) MarshalJSON() ([]byte, error) {
	type shortLine struct {
		Name      string   `json:"name"`
		X         []number `json:"x"`
		Y         []number `json:"y"`
		Low       []number `json:"low,omitempty"`
		High      []number `json:"high,omitempty"`
		Reference bool     `json:"reference,omitempty"`
		Colour    int      `json:"colour"`
	}
	all := struct {
		X     string      `json:"x"`
		Y     string      `json:"y"`
		Lines []shortLine `json:"lines"`
	}{X: c.X, Y: c.Y}
	for _, l := range c.Lines {
		all.Lines = append(all.Lines, shortLine{l.Name, numbers(l.X), numbers(l.Y), numbers(l.Low), numbers(l.High),
			l.Reference, l.Colour})
	}
	return json.Marshal(all)
}

// number is written with five digits; what is not finite is null.
type number float64

func numbers(all []float64) []number {
	short := make([]number, len(all))
	for i, x := range all {
		short[i] = number(x)
	}
	return short
}

// MarshalJSON writes the number.
func (x number) MarshalJSON() ([]byte, error) {
	if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(x), 'g', 5, 64), nil
}

// text writes a number for people.
func text(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// Label says what a chart shows, for those who don't see it.
func (c *chart) Label() string {
	label := c.Title + " over " + c.X + "."
	for _, l := range c.Lines {
		if n := len(l.Y); n > 0 {
			label += " " + l.Name + " goes from " + text(l.Y[0]) + " to " + text(l.Y[n-1]) + "."
		}
	}
	return label + " The table below has the numbers."
}

// most is how many rows the table behind a chart has.
const most = 60

// Table has the chart's numbers, of long lines some, evenly chosen.
func (c *chart) Table() table {
	t := table{Head: []string{c.X}}
	var points []float64
	for _, l := range c.Lines {
		t.Head = append(t.Head, l.Name)
		if l.Low != nil {
			t.Head = append(t.Head, l.Name+", low", l.Name+", high")
		}
		points = append(points, l.X...)
	}
	slices.Sort(points)
	points = slices.Compact(points)
	n := len(points)
	for k := range min(n, most) {
		x := points[k]
		if n > most {
			x = points[k*(n-1)/(most-1)]
		}
		cells := []string{text(x)}
		for _, l := range c.Lines {
			i, there := slices.BinarySearch(l.X, x)
			of := [][]float64{l.Y}
			if l.Low != nil {
				of = append(of, l.Low, l.High)
			}
			for _, values := range of {
				cell := ""
				if there {
					cell = text(values[i])
				}
				cells = append(cells, cell)
			}
		}
		t.add(cells...)
	}
	return t
}

// curve is a line with the chart that it belongs to.
type curve struct {
	block string // heading of the charts that stand together
	chart string
	x, y  string
	line
}

// newCurve makes a curve of points of which the lists may differ in length: what all have counts.
func newCurve(block, title, x, y string, l line) curve {
	n := min(len(l.X), len(l.Y))
	if l.Low != nil {
		n = min(n, len(l.Low), len(l.High))
		l.Low, l.High = l.Low[:n], l.High[:n]
	}
	l.X, l.Y = l.X[:n], l.Y[:n]
	return curve{block, title, x, y, l}
}

// blocks puts curves together in charts and these in blocks, in their order. Those of several runs lie over each other,
// a line a run: then every line of one run is a chart, and references are left out.
func blocks(curves []curve, labels []string) []block {
	var all []block
	charts := map[string]*chart{}
	several := len(labels) > 1
	for _, c := range curves {
		if len(c.X) == 0 || several && c.Reference {
			continue
		}
		title := c.chart
		if several {
			if !c.Alone {
				title += ", " + c.Name
			}
			c.Name, c.Colour = labels[c.Run], c.Run
		}
		i := slices.IndexFunc(all, func(b block) bool { return b.Title == c.block })
		if i < 0 {
			i = len(all)
			all = append(all, block{Title: c.block})
		}
		key := c.block + "\n" + title
		into := charts[key]
		if into == nil {
			into = &chart{Title: title, X: c.x, Y: c.y}
			charts[key] = into
			all[i].Charts = append(all[i].Charts, into)
		}
		if !several {
			c.Colour = len(into.Lines) // references, which have no colour, come last
		}
		into.Lines = append(into.Lines, c.line)
	}
	return all
}
