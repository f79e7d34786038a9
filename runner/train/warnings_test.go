package train

import (
	"strings"
	"testing"

	"ordo/augment"
	"ordo/runner/config"
)

// alike are a hundred images of one colour.
type alike [3]uint8

func (alike) Len() int { return 100 }

func (c alike) Image(int) (augment.Image, error) {
	return augment.Image{Width: 2, Height: 1, Pix: append(c[:], c[:]...)}, nil
}

// TestWarnings: order of a family of colour on images that have none.
func TestWarnings(t *testing.T) {
	grey, red := alike{100, 102, 99}, alike{200, 100, 100}
	for _, c := range []struct {
		families string
		images   alike
		want     string
	}{
		{"[{family: hue}, {family: rotate}]", grey, "hue in augment.ordered, but the images have no colour"},
		{"[{family: rotate, with: [{family: saturation}]}]", grey, "rotate+saturation in"},
		{"[{family: hue}]", red, ""},
		{"[{family: rotate}, {family: brightness}]", grey, ""},
	} {
		e, err := config.Parse("x.yaml", []byte("augment: {ordered: "+c.families+"}"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := augment.NewPlan(e.Augment, 32)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Warnings(plan, c.images)
		if text := strings.Join(got, "\n"); err != nil || c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.families, text, err, c.want)
		}
	}
}
