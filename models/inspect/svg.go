package inspect

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Sizes of the picture, in pixels.
const (
	charWidth  = 7.0 // of 12 px sans serif, generously
	lineHeight = 16.0
	padX, padY = 12.0, 8.0
)

// fill is the colour of a kind of block: light, told apart also by those who see less colour, for each has its text
// too.
func fill(kind string) string {
	switch kind {
	case "conv":
		return "#dbeafe"
	case "linear":
		return "#fde9c9"
	case "pool":
		return "#fadadd"
	case "norm":
		return "#dff3df"
	case "join":
		return "#ece4f7"
	case "input", "output":
		return "#ffffff"
	}
	return "#eeeeee"
}

// footer is a block's last line: what it gives, and its parameters.
func (b block) footer() string {
	text := b.shape
	if b.params > 0 {
		text += ", " + short(b.params) + " parameters"
	}
	return text
}

// allFrozen: the block has weights, and none of them is trained.
func (b block) allFrozen() bool { return b.params == 0 && b.frozen > 0 }

func (b block) text() []string {
	lines := append(append([]string{}, b.lines...), b.footer())
	if b.allFrozen() {
		lines = append(lines, short(b.frozen)+" parameters, frozen")
	}
	return lines
}

func boxSize(b block) (width, height float64) {
	longest := 0
	for _, line := range b.text() {
		longest = max(longest, utf8.RuneCountInString(line))
	}
	return float64(longest)*charWidth + 2*padX, float64(len(b.text()))*lineHeight + 2*padY
}

// SVG draws the graph from top to bottom: a box for each operator with what follows it without a branch, in it the
// shape that it gives and its number of parameters, dashed where all are frozen.
func (r *Report) SVG(title string) []byte {
	blocks := r.blocks()
	l := arrange(blocks, boxSize)
	const head = 46.0
	headline := fmt.Sprintf("%s parameters trained, %s frozen, %s multiply-adds an image", short(r.Parameters),
		short(r.Frozen), short(r.MultiplyAdds))
	width := max(l.width, float64(max(utf8.RuneCountInString(headline),
		utf8.RuneCountInString(title)+8))*charWidth+2*margin)
	shift := (width - l.width) / 2

	var s strings.Builder
	fmt.Fprintf(
		&s,
		`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" `+
			`font-family="Helvetica, Arial, sans-serif" font-size="12" text-anchor="middle">`+"\n",
		width,
		l.height+head,
		width,
		l.height+head,
	)
	s.WriteString(`<rect width="100%" height="100%" fill="#ffffff"/>` + "\n")
	fmt.Fprintf(&s, `<text x="%.1f" y="22" font-size="15" font-weight="bold">%s</text>`+"\n", width/2,
		html.EscapeString(title))
	fmt.Fprintf(&s, `<text x="%.1f" y="42" fill="#555555">%s</text>`+"\n", width/2, html.EscapeString(headline))
	fmt.Fprintf(&s, `<g transform="translate(%.1f %.1f)">`+"\n", shift, head)
	s.WriteString(`<g fill="none" stroke="#777777" stroke-width="1.3">` + "\n")
	for _, edge := range l.edges {
		s.WriteString(`<path d="` + l.path(edge) + `"/>` + "\n")
	}
	s.WriteString("</g>\n")
	for _, edge := range l.edges { // arrow heads
		to := l.places[edge[len(edge)-1]]
		top := to.y - to.height/2
		fmt.Fprintf(&s, `<path d="M%.1f %.1fl-4 -7h8z" fill="#777777"/>`+"\n", to.x, top)
	}
	for i, b := range blocks {
		p := l.places[i]
		dash := ""
		if b.allFrozen() {
			dash = ` stroke-dasharray="5 3"`
		}
		radius := 4.0
		if b.kind == "input" || b.kind == "output" {
			radius = p.height / 2
		}
		fmt.Fprintf(
			&s,
			`<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f" fill="%s" stroke="#444444"%s/>`+
				"\n",
			html.EscapeString(strings.Join(b.names, ", ")),
			p.x-p.width/2,
			p.y-p.height/2,
			p.width,
			p.height,
			radius,
			fill(b.kind),
			dash,
		)
		y := p.y - p.height/2 + padY + lineHeight*0.75
		for k, line := range b.text() {
			style := ""
			switch {
			case k == 0:
				style = ` font-weight="bold"`
			case k >= len(b.lines):
				style = ` fill="#555555" font-size="11"`
			}
			fmt.Fprintf(&s, `<text x="%.1f" y="%.1f"%s>%s</text>`+"\n", p.x, y+float64(k)*lineHeight, style,
				html.EscapeString(line))
		}
		s.WriteString("</g>\n")
	}
	s.WriteString("</g>\n</svg>\n")
	return []byte(s.String())
}

// path is an edge from the lower end of its first place to the upper end of its last, through those between.
func (l *layout) path(edge []int) string {
	var s strings.Builder
	from := l.places[edge[0]]
	x, y := from.x, from.y+from.height/2
	fmt.Fprintf(&s, "M%.1f %.1f", x, y)
	for i, k := range edge[1:] {
		p := l.places[k]
		top, bottom := l.span(k)
		if i == len(edge)-2 {
			top = p.y - p.height/2
		}
		middle := (y + top) / 2
		fmt.Fprintf(&s, "C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, p.x, middle, p.x, top)
		if i < len(edge)-2 {
			fmt.Fprintf(&s, "V%.1f", bottom)
		}
		x, y = p.x, bottom
	}
	return s.String()
}

// span is the height of the layer that a place is in.
func (l *layout) span(k int) (top, bottom float64) {
	y, tallest := l.places[k].y, 0.0
	for _, layer := range l.layers {
		if l.places[layer[0]].y != y {
			continue
		}
		for _, p := range layer {
			tallest = max(tallest, l.places[p].height)
		}
	}
	return y - tallest/2, y + tallest/2
}

// short writes a count with a unit: 11.2 M.
func short(n int64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if float64(n) >= u.size {
			return fmt.Sprintf("%.3g %s", float64(n)/u.size, u.name)
		}
	}
	return fmt.Sprint(n)
}
