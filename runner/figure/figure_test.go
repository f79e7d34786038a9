package figure_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/figure"
)

func picture() figure.Picture {
	x := []float64{0, 0.5, 1}
	line := figure.Line{
		Name: "ordered",
		X:    x,
		Y:    []float64{0, 0.4, 0.9},
		Low:  []float64{0, 0.3, 0.7},
		High: []float64{0, 0.5, 1},
	}
	reference := figure.Line{Name: "untrained", X: x, Y: []float64{0, 0.1, 0.2}, Reference: true}
	panel := figure.Panel{
		Title:  "features",
		X:      "scale of rotate",
		Y:      "distance",
		Lines:  []figure.Line{line, reference},
		Legend: true,
	}
	return figure.Picture{Title: "Rotation of digits", Rows: [][]figure.Panel{{panel, panel}}}
}

// TestSVG checks that the file is XML, shows all names, and is the same each time.
func TestSVG(t *testing.T) {
	first, err := figure.Encode(picture(), "a.svg")
	if err != nil {
		t.Fatal(err)
	}
	again, err := figure.Encode(picture(), "a.svg")
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same picture gives other bytes (%v)", err)
	}
	for d := xml.NewDecoder(bytes.NewReader(first)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
	for _, word := range []string{"Rotation of digits", "features", "scale of rotate", "distance", "ordered",
		"untrained"} {
		if !strings.Contains(string(first), ">"+word+"<") {
			t.Errorf("the picture lacks the text %q", word)
		}
	}
}

// TestPNG checks that the file can be read and is not blank: the line's colour is in it, and more in its panel's half.
func TestPNG(t *testing.T) {
	data, err := figure.Encode(picture(), "a.PNG")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	blue := 0
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, bl, _ := img.At(x, y).RGBA(); r>>8 == 0x00 && g>>8 == 0x72 && bl>>8 == 0xB2 {
				blue++
			}
		}
	}
	if blue < 200 {
		t.Errorf("%d pixels of the line's colour", blue)
	}
}

func TestFaults(t *testing.T) {
	ragged := picture()
	ragged.Rows = append(ragged.Rows, nil)
	short := picture()
	short.Rows[0][0].Lines[0].Y = short.Rows[0][0].Lines[0].Y[:2]
	bad := picture()
	bad.Rows[0][1].Lines[1].Y = []float64{0, math.NaN(), 1}
	for _, c := range []struct {
		name    string
		picture figure.Picture
		file    string
		kind    fault.Kind
	}{
		{"ending", picture(), "a.jpg", fault.Config},
		{"not finite", bad, "a.svg", fault.Numeric},
		{"no panels", figure.Picture{}, "a.svg", fault.Other},
		{"ragged", ragged, "a.svg", fault.Other},
		{"lengths", short, "a.svg", fault.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := figure.Encode(c.picture, c.file)
			if err == nil || data != nil || fault.KindOf(err) != c.kind {
				t.Errorf("Encode gives %d bytes and %v (%q), want an error of kind %q", len(data), err, fault.KindOf(err), c.kind)
			}
			if c.kind == fault.Config && !errors.Is(err, fault.Config) {
				t.Error("the fault is not of its kind")
			}
		})
	}
}
