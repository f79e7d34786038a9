package sheet

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ordo/augment"
)

// plain is a picture of one colour.
func plain(width, height int, r, g, b uint8) augment.Image {
	m := augment.Image{Width: width, Height: height}
	for range width * height {
		m.Pix = append(m.Pix, r, g, b)
	}
	return m
}

func example() Sheet {
	red, wide := plain(10, 10, 200, 0, 0), plain(90, 30, 0, 0, 200)
	return Sheet{
		Title: "A title", Note: "and a note", Size: 40,
		Groups: []Group{
			{Heading: "First", Note: "of two", Rows: []Row{
				{Label: "row", Cells: []Cell{{red, "0.5"}, {wide, "a label that is longer than its picture"}}},
				{Label: strings.Repeat("long ", 30), Cells: []Cell{{red, ""}}},
			}},
			{Rows: []Row{{Cells: []Cell{{wide, "x"}}}}},
		},
	}
}

// count counts the pixels of a colour.
func count(m *image.RGBA, c color.RGBA) int {
	n := 0
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if m.RGBAAt(x, y) == c {
				n++
			}
		}
	}
	return n
}

func TestDraw(t *testing.T) {
	m, err := example().Draw()
	if err != nil {
		t.Fatal(err)
	}
	// 10 pixels become 40, 90 x 30 become 40 x 13.
	if n := count(m, color.RGBA{200, 0, 0, 255}); n != 2*40*40 {
		t.Errorf("%d red pixels, want %d", n, 2*40*40)
	}
	if n := count(m, color.RGBA{0, 0, 200, 255}); n != 2*40*13 {
		t.Errorf("%d blue pixels, want %d", n, 2*40*13)
	}
	if n := count(m, shade); n != 2*40*27 {
		t.Errorf("%d pixels of shade, want %d", n, 2*40*27)
	}
	if count(m, ink) < 20 || count(m, faint) < 10 {
		t.Errorf("%d pixels of ink, %d of small text", count(m, ink), count(m, faint))
	}
	// Nothing is drawn into the margin.
	inner := m.Rect.Inset(margin - 1)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if !(image.Pt(x, y).In(inner)) && m.RGBAAt(x, y) != paper {
				t.Fatalf("(%d, %d) of %v is %v", x, y, m.Rect, m.RGBAAt(x, y))
			}
		}
	}
	again, err := example().Draw()
	if err != nil || !slices.Equal(again.Pix, m.Pix) {
		t.Errorf("drawn again it is another: %v", err)
	}
}

func TestColumns(t *testing.T) {
	s := Sheet{Size: 40, Columns: 3, Groups: []Group{{Rows: []Row{{}}}}}
	for range 7 {
		s.Groups[0].Rows[0].Cells = append(s.Groups[0].Rows[0].Cells, Cell{Image: plain(40, 40, 9, 9, 9)})
	}
	m, err := s.Draw()
	if err != nil || m.Rect.Dy() != 2*margin+3*40+2*gap || count(m, color.RGBA{9, 9, 9, 255}) != 7*40*40 {
		t.Errorf("%v, %v", m.Rect, err)
	}
}

func TestFit(t *testing.T) {
	for _, c := range [][4]int{{10, 10, 40, 40}, {30, 10, 30, 10}, {41, 20, 40, 20}, {400, 100, 40, 10},
		{1, 1000, 1, 40}} {
		if w, h := fit(c[0], c[1], 40); w != c[2] || h != c[3] {
			t.Errorf("%d x %d became %d x %d", c[0], c[1], w, h)
		}
	}
	f, err := newFonts()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "short", "Ülünde käfer, ein sehr langer Name", "日本語の長い名前です"} {
		for room := range 120 {
			got := f.small.fit(text, room)
			whole := f.small.legible(text)
			if !utf8.ValidString(got) || got != whole && !strings.Contains(got, ellipsis) || f.small.width(got) > room &&
				got != ellipsis {
				t.Errorf("%q in %d pixels: %q", text, room, got)
			}
		}
	}
}

// TestLetters: those that the font lacks are told by their numbers, and names are cut in their middle.
func TestLetters(t *testing.T) {
	f, err := newFonts()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Käfer": "Käfer", "猫": "‹U+732B›", "a猫犬b": "a‹U+732B U+72AC›b", "": "",
	} {
		if got := f.text.legible(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := f.text.fit("photograph 001 of the first series.png", 120); !strings.HasPrefix(got, "photo") ||
		!strings.HasSuffix(got, "s.png") {
		t.Errorf("cut to %s", got)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.png")
	if err := example().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := png.Decode(f); err != nil || m.Bounds().Dx() < 320 {
		t.Errorf("%v", err)
	}
	if err := example().WriteFile(filepath.Join(t.TempDir(), "no", "x.png")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	bad := example()
	bad.Groups[0].Rows[0].Cells[0].Image.Width = 11
	if err := bad.WriteFile(path); err == nil || !strings.Contains(err.Error(), "a picture of 11 x 10 with 300 bytes") {
		t.Errorf("a bad picture: %v", err)
	}
	bad = example()
	bad.Size = 100_000
	if err := bad.WriteFile(path); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a giant sheet: %v", err)
	}
	if _, err := (Sheet{}).Draw(); err != nil {
		t.Errorf("an empty sheet: %v", err)
	}
}

func BenchmarkDraw(b *testing.B) {
	s := Sheet{Title: "x", Groups: []Group{{Rows: []Row{{}}}}}
	for range 100 {
		s.Groups[0].Rows[0].Cells = append(s.Groups[0].Rows[0].Cells, Cell{plain(32, 32, 1, 2, 3), "label"})
	}
	for b.Loop() {
		if _, err := s.Draw(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "pictures/s")
}

func ExampleSheet() {
	picture := augment.Image{Width: 1, Height: 1, Pix: []uint8{255, 0, 0}}
	s := Sheet{Title: "Colours", Groups: []Group{{Rows: []Row{{Cells: []Cell{{picture, "red"}}}}}}}
	m, err := s.Draw()
	fmt.Println(m.Bounds().Dx(), err)
	// Output:
	// 320 <nil>
}
