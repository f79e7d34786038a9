package loss

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// augSelfTerm is the term of AugSelf: how do the draws of two views differ?
type augSelfTerm struct {
	groups []augSelfGroup // those with a weight
	base   []int          // the base views
	target []float64      // [2N, Dim]
}

// augSelfGroup is what has one weight.
type augSelfGroup struct {
	name      string
	weight    float64
	binary    bool     // predicts whether both views have it or none
	normalise bool     // differences are divided by the draw's width
	of        string   // the transformation that draws
	draws     []string // by full name
	columns   []int    // where they are in Views.Draws
	value     string   // name of the diagnostic
}

func newAugSelf(o BaselineOptions) term {
	t := new(augSelfTerm)
	for _, g := range []augSelfGroup{
		{name: "crop", weight: o.Groups.Crop, of: "random_resized_crop",
			draws: []string{"crop_y", "crop_x", "crop_h", "crop_w"}},
		{name: "color", weight: o.Groups.Color, normalise: true, of: "color_jitter",
			draws: []string{"brightness", "contrast", "saturation", "hue"}},
		{name: "flip", weight: o.Groups.Flip, binary: true, of: "horizontal_flip", draws: []string{"applied"}},
		{name: "blur", weight: o.Groups.Blur, normalise: true, of: "gaussian_blur", draws: []string{"sigma"}},
		{name: "scale", weight: o.Groups.Scale, of: "a family, such as rotate"},
	} {
		for i := range g.draws {
			g.draws[i] = g.of + "." + g.draws[i]
		}
		g.value = "value/" + g.name
		if g.weight > 0 {
			t.groups = append(t.groups, g)
		}
	}
	return t
}

func (t *augSelfTerm) needs(to []Need, v Views) ([]Need, error) {
	if err := baseAtLeast(KindAugSelf, v, 2); err != nil {
		return to, err
	}
	if len(t.groups) == 0 {
		return to, errors.New("augself has nothing to predict: give one of its groups a weight")
	}
	dim := 0
	for i := range t.groups {
		g := &t.groups[i]
		g.columns = g.columns[:0]
		for _, name := range g.draws {
			if at := column(v, name); at >= 0 {
				g.columns = append(g.columns, at)
			}
		}
		if g.draws == nil {
			g.columns = scales(g.columns, v)
		}
		if len(g.columns) == 0 {
			return to, fmt.Errorf("augself predicts the differences of %s, which draws nothing here: "+
				"add it to augment.invariant or leave %s out of groups", g.of, g.name)
		}
		dim += len(g.columns)
	}
	return append(to, Need{Output: outputAugSelf, Dim: dim, Kind: NeedPair}), nil
}

// scales appends where the scales of invariant families are. Those of ordered ones are 0 in all base views.
func scales(to []int, v Views) []int {
	for i, p := range v.DrawNames {
		name, isScale := strings.CutSuffix(p, ".scale")
		if isScale && name != "random_affine" && !slices.Contains(v.Names, name) {
			to = append(to, i)
		}
	}
	return to
}

// column returns where a draw is, or -1.
func column(v Views, name string) int {
	for i, p := range v.DrawNames {
		if p == name {
			return i
		}
	}
	return -1
}

func (t *augSelfTerm) check(Views, []Output) error { return nil }

func (t *augSelfTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.differences(v, outs[0].Dim)
	var total float64
	first := 0
	for i := range t.groups {
		g := &t.groups[i]
		columns := augSelfColumns{first, len(g.columns), g.binary}
		value, right := runAugSelf(newBatch(outs[0], v, nil, weight*g.weight), t.target, columns)
		d = append(d, Diagnostic{g.value, value})
		if g.binary {
			d = append(d, Diagnostic{"accuracy/flip", right})
		}
		total += g.weight * value
		first += len(g.columns)
	}
	return total, d
}

// differences fills target.
func (t *augSelfTerm) differences(v Views, dim int) {
	t.base = appendBase(t.base[:0], v)
	t.target = sized(t.target, 2*v.Images*dim)
	flip, centre := column(v, "horizontal_flip.applied"), column(v, "random_resized_crop.crop_x")
	draw := func(row, at int) float64 {
		drawn := v.Draws[row*len(v.DrawNames):]
		x := float64(drawn[at])
		if at == centre && flip >= 0 && drawn[flip] != 0 {
			return 1 - x
		}
		return x
	}
	for n := range v.Images {
		there, back := t.target[n*dim:][:0:dim], t.target[(v.Images+n)*dim:][:0:dim]
		a, b := t.base[0]*v.Images+n, t.base[1]*v.Images+n
		for _, g := range t.groups {
			for _, at := range g.columns {
				x, y := draw(a, at), draw(b, at)
				diff := x - y
				switch {
				case g.binary && x == y:
					there, back = append(there, 1), append(back, 1)
					continue
				case g.binary:
					there, back = append(there, 0), append(back, 0)
					continue
				case g.normalise && v.DrawWidths != nil && v.DrawWidths[at] > 0:
					diff /= v.DrawWidths[at]
				}
				there, back = append(there, diff), append(back, -diff)
			}
		}
	}
}

// augSelfColumns are the columns of a group in the output, count from first on; the targets of a binary one are 0 or 1.
type augSelfColumns struct {
	first, count int
	binary       bool
}

// runAugSelf returns the loss of a group: the mean of (tanh(p) - target)² over the numbers p of its columns, or, if it
// is binary, the mean cross entropy with logits p, of which right is then the share that is right. It adds the
// gradient. target is like the batch's rows.
func runAugSelf[T float](b batch[T], target []float64, c augSelfColumns) (value, right float64) {
	scale := 1 / float64(len(b.data)/b.dim*c.count)
	for row := 0; row < len(b.data); row += b.dim {
		for at := row + c.first; at < row+c.first+c.count; at++ {
			x, want := float64(b.data[at]), target[at]
			if c.binary {
				loss, slope := softplus(x)
				value += loss - x*want
				b.grad[at] = add(b.grad[at], b.weight*scale*(slope-want))
				switch {
				case x == 0:
					right += 0.5
				case x > 0 == (want > 0):
					right++
				}
				continue
			}
			y := math.Tanh(x)
			value += (y - want) * (y - want)
			b.grad[at] = add(b.grad[at], b.weight*scale*2*(y-want)*(1-y*y))
		}
	}
	return value * scale, right * scale
}
