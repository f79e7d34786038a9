package train

import (
	"fmt"
	"slices"
	"strings"

	"ordo/augment"
)

// colourFamilies change nothing in an image without colour, so that their order is a tie everywhere.
var colourFamilies = []string{"hue", "saturation", "grayscale"}

// looked is how many images of a set tell whether it has colour.
const looked = 64

// Images are those that a plan is for.
type Images interface {
	Len() int
	Image(i int) (augment.Image, error)
}

// Warnings are, in sentences, what is wrong with a view plan for these images, some of which are looked at.
func Warnings(plan *augment.Plan, images Images) ([]string, error) {
	var all []string
	for _, w := range plan.Warnings() {
		all = append(all, "warning: "+w)
	}
	var void []string
	for _, f := range plan.Families() {
		for _, name := range strings.Split(f.Name(), augment.JointSeparator) {
			if slices.Contains(colourFamilies, name) {
				void = append(void, f.Name())
				break
			}
		}
	}
	if len(void) == 0 {
		return all, nil
	}
	n := min(looked, images.Len())
	for k := range n {
		m, err := images.Image(k * images.Len() / n)
		if err != nil || hasColour(m) {
			return all, err
		}
	}
	return append(all, fmt.Sprintf("warning: %s in augment.ordered, but the images have no colour: all of its scales "+
		"look alike there, and its order says nothing", strings.Join(void, ", "))), nil
}

// hasColour says whether a channel of a pixel differs from another by more than JPEG's rounding.
func hasColour(m augment.Image) bool {
	const rounding = 3
	for i := 0; i+2 < len(m.Pix); i += 3 {
		p := m.Pix[i : i+3]
		if slices.Max(p)-slices.Min(p) > rounding {
			return true
		}
	}
	return false
}
