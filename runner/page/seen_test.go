package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"

	"ordo/runner/data"
)

// colours is an encoder that makes the mean colour of an image, and its brightness at four places.
type colours struct{ side int }

func (colours) Outputs() []string { return []string{"other", "features", "embedding"} }
func (colours) Columns() []int    { return []int{1, 3, 4} }

func (c colours) Run(dst [][]float32, pixels []float32, n int) ([][]float32, error) {
	if dst == nil {
		dst = make([][]float32, 3)
	}
	area := c.side * c.side
	for i := range n {
		view := pixels[3*i*area:][:3*area]
		var mean [3]float32
		for k, v := range view {
			mean[k/area] += v / float32(area)
		}
		dst[0] = append(dst[0], 0)
		dst[1] = append(dst[1], mean[:]...)
		dst[2] = append(dst[2], view[area/5], view[2*area/5], view[3*area/5], view[4*area/5])
	}
	return dst, nil
}

// seenOf is what the encoder of colours sees of Orchard.
func seenOf(t *testing.T, images int) (*content, *seen) {
	t.Helper()
	e := experiment(t, 1)
	splits, err := data.Open(t.Context(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	p, done := &content{}, 0
	o := Options{Images: images, Progress: func(n, total int) {
		if done = n; n > total {
			t.Errorf("%d of %d", n, total)
		}
	}}
	s, err := o.encode(t.Context(), p, e, colours{e.Data.ImageSize}, []string{"features", "embedding"}, splits)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(s.origin.images) + levels*len(s.families[0].images); done != want {
		t.Errorf("%d views were encoded, want %d", done, want)
	}
	return p, s
}

func TestSeen(t *testing.T) {
	p, s := seenOf(t, 20)
	if len(s.origin.images) != 20 || len(s.families) != 1 || len(s.families[0].images) != 2 || len(p.sprites) != 2 {
		t.Fatalf("%d images, families %+v", len(s.origin.images), s.families)
	}
	if len(s.origin.rows[0]) != 20*3 || len(s.families[0].rows[1]) != levels*2*4 {
		t.Errorf("%d and %d numbers", len(s.origin.rows[0]), len(s.families[0].rows[1]))
	}
	m, err := s.maps(t.Context(), 1)
	if err != nil || len(m.Sets) != 2 || len(m.Sets[0].Places) != 4 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, set := range m.Sets {
		for _, at := range set.Places {
			if len(at.X) != set.Images*len(set.Scales) || math.IsNaN(float64(at.X[0])) {
				t.Errorf("%s, %s, %s: %v", set.Name, at.Output, at.Method, at.X)
			}
		}
		if table := set.Table(); len(table.Rows) != set.Images*len(set.Scales) || len(table.Head) != 3+8 {
			t.Errorf("%d rows of %q", len(table.Rows), table.Head)
		}
	}
	paths, err := s.paths()
	if err != nil || len(paths) != 1 || len(paths[0].Strips) != 2 || len(paths[0].Strips[0].Pictures) != levels {
		t.Fatalf("%+v, %v", paths, err)
	}
	if lines := paths[0].Strips[0].Pictures[0].Lines; strings.Join(lines, " ") != "0 f 0.000 e 0.000" {
		t.Errorf("the origin says %q", lines)
	}
	near, err := s.neighbours(t.Context(), "run")
	if err != nil || len(near) != 2 || len(near[0].Strips) != asked || len(near[0].Strips[0].Pictures) != 1+neighbourK {
		t.Errorf("%+v, %v", near, err)
	}
}

// TestFewImages: one image has no neighbours, and no map by t-SNE.
func TestFewImages(t *testing.T) {
	_, s := seenOf(t, 1)
	m, err := s.maps(t.Context(), 1)
	if err != nil || len(m.Sets[0].Places) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	if near, err := s.neighbours(t.Context(), "run"); near != nil || err != nil {
		t.Errorf("%+v, %v", near, err)
	}
}

// TestPictures: the pictures of a page are the same bytes again, and each has its place.
func TestPictures(t *testing.T) {
	var rules [2]string
	for i := range rules {
		p, _ := seenOf(t, 9)
		rule, err := p.sprites[0].rule()
		if err != nil {
			t.Fatal(err)
		}
		rules[i] = string(rule)
	}
	const want = ".s0{width:48px;height:48px;background-image:url(data:image/jpeg;base64,"
	if rules[0] != rules[1] || !strings.HasPrefix(rules[0], want) {
		t.Errorf("%.90s and %.90s", rules[0], rules[1])
	}
	s := newSprite(3, 10, 5)
	if got := s.picture(4, "x"); got.Place != "background-position:-10px -10px" || got.Sprite != 3 {
		t.Errorf("%+v", got)
	}
}

func TestViews(t *testing.T) {
	p := &content{}
	blocks, err := sheetOf(t.Context(), p, &folder{experiment: experiment(t, 1)}, "")
	if err != nil || len(blocks) != 2 || len(blocks[0].Strips) != sheetImages || len(p.sprites) != 1 {
		t.Errorf("%+v, %v", blocks, err)
	}
}

// TestVendored: the files are those that the documentation names.
func TestVendored(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{plotScript, plotStyle} {
		if sum := sha256.Sum256([]byte(text)); !bytes.Contains(doc, []byte(hex.EncodeToString(sum[:]))) {
			t.Errorf("doc.go doesn't name a file of SHA-256 %x", sum)
		}
	}
}

func TestChart(t *testing.T) {
	long := line{Name: "l"}
	for i := range 1000 {
		long.X, long.Y = append(long.X, float64(i)), append(long.Y, float64(2*i))
	}
	c := &chart{Title: "T", X: "x", Lines: []line{long, {Name: "r", X: []float64{0, 999}, Y: []float64{5, 6}}}}
	table := c.Table()
	if last := table.Rows[most-1].Cells; len(table.Rows) != most || strings.Join(last, " ") != "999 1998 6" ||
		table.Rows[1].Cells[2] != "" {
		t.Errorf("%d rows, the last %q", len(table.Rows), last)
	}
	if want := "T over x. l goes from 0 to 1998. r goes from 5 to 6. The table below has the numbers."; c.Label() != want {
		t.Errorf("label %q", c.Label())
	}
}
