package orchard

import (
	"cmp"
	"math"
	"slices"
	"testing"
)

// group is a line of the answer key: three classes and the only thing that tells them apart.
type group struct {
	// Classes are the labels of the group's classes.
	Classes []int
	// Difference is what the classes differ in: "hue", "size", "orientation" or "shape".
	Difference string
	// Family is the transformation family (package augment) that turns one class of the group into another. A
	// representation that is made invariant to it can't tell them apart. It is empty for shape, which no
	// family changes.
	Family string
}

// answerKey is the package comment's: the families that tell classes apart.
func answerKey() []group {
	return []group{
		{Classes: []int{0, 1, 2}, Difference: "hue", Family: "hue"},
		{Classes: []int{3, 4, 5}, Difference: "size", Family: "zoom"},
		{Classes: []int{6, 7, 8}, Difference: "orientation", Family: "rotate"},
		{Classes: []int{9, 10, 11}, Difference: "shape"},
	}
}

// normalised says what a crop around the fruit takes away.
type normalised struct{ colour, size, orientation bool }

// crop resamples the picture of a scene, 64 px, to 16 x 16 points around the middle of its fruit, and takes
// mean and scale out.
func crop(s *scene, n normalised) []float64 {
	const size, side = 64, 16
	pix := make([]uint8, 3*size*size)
	s.paint(pix, size)
	reach, sin, cos := 0.40, 0.0, 1.0
	if n.size {
		reach = 1.4 * s.radius
	}
	if n.orientation {
		sin, cos = sincos(s.turn)
		if s.mirrored {
			sin = -sin
		}
	}
	var out []float64
	for j := range side {
		for i := range side {
			u, v := reach*(float64(2*i+1)/side-1), reach*(1-float64(2*j+1)/side)
			x, y := s.x+u*cos-v*sin, s.y+u*sin+v*cos
			c := bilinear(pix, size, x*size-0.5, (1-y)*size-0.5)
			if n.colour {
				out = append(out, 0.299*c[0]+0.587*c[1]+0.114*c[2])
			} else {
				out = append(out, c[:]...)
			}
		}
	}
	mean := 0.0
	for _, v := range out {
		mean += v / float64(len(out))
	}
	norm := 0.0
	for i := range out {
		out[i] -= mean
		norm += out[i] * out[i]
	}
	for i := range out {
		out[i] /= math.Sqrt(norm) + 1e-9
	}
	return out
}

func bilinear(pix []uint8, size int, x, y float64) (c [3]float64) {
	fx, fy := math.Floor(x), math.Floor(y)
	for dy := range 2 {
		for dx := range 2 {
			w := (1 - math.Abs(x-fx-float64(dx))) * (1 - math.Abs(y-fy-float64(dy)))
			col := min(size-1, max(0, int(fx)+dx))
			row := min(size-1, max(0, int(fy)+dy))
			for k := range c {
				c[k] += w * float64(pix[3*(row*size+col)+k])
			}
		}
	}
	return c
}

// accuracy is that of 9 nearest neighbours, by cosine, on crops of the group's pictures.
func accuracy(g group, n normalised) float64 {
	const train, test, k = 250, 150, 9
	type sample struct {
		crop  []float64
		label int
	}
	draw := func(split Split, count int) []sample {
		var out []sample
		for i := range count * len(g.Classes) {
			label := g.Classes[i%len(g.Classes)]
			s := newScene(11, uint64(split), uint64(i), &classes[label])
			out = append(out, sample{crop(&s, n), label})
		}
		return out
	}
	known, right := draw(Train, train), 0
	type match struct {
		likeness float64
		label    int
	}
	for _, q := range draw(Test, test) {
		matches := make([]match, len(known))
		for i, s := range known {
			for j, v := range s.crop {
				matches[i].likeness += v * q.crop[j]
			}
			matches[i].label = s.label
		}
		slices.SortFunc(matches, func(a, b match) int { return cmp.Compare(b.likeness, a.likeness) })
		votes := make([]int, len(classes))
		for _, m := range matches[:k] {
			votes[m.label]++
		}
		if slices.Index(votes, slices.Max(votes)) == q.label {
			right++
		}
	}
	return float64(right) / float64(test*len(g.Classes))
}

// TestAnswerKey lets a plain classifier of pixels check the key: it tells the classes of a group apart, and
// is down to guessing, one in three, once the one thing in which they differ is taken out of the crops.
func TestAnswerKey(t *testing.T) {
	if testing.Short() {
		t.Skip("classifies 7,200 pictures")
	}
	all := normalised{size: true, orientation: true}
	for _, c := range []struct {
		difference  string
		with, taken normalised
	}{
		{"hue", all, normalised{colour: true, size: true, orientation: true}},
		{"size", normalised{orientation: true}, all},
		{"orientation", normalised{size: true}, all},
	} {
		t.Run(c.difference, func(t *testing.T) {
			t.Parallel()
			keys := answerKey()
			g := keys[slices.IndexFunc(keys, func(g group) bool { return g.Difference == c.difference })]
			with, taken := accuracy(g, c.with), accuracy(g, c.taken)
			t.Logf("accuracy %.3f, and %.3f without %s", with, taken, c.difference)
			if with < 0.9 {
				t.Errorf("accuracy %.3f: the classes should be easy to tell apart", with)
			}
			if taken > 0.40 { // 450 guesses: 1/3 and a standard deviation of 0.02
				t.Errorf("accuracy %.3f without %s: something else gives the class away", taken, c.difference)
			}
		})
	}
}
