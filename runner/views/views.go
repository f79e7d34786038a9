package views

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/pack"
	"ordo/runner/data/source"
	"ordo/runner/machine"
	"ordo/runner/sheet"
	"ordo/runner/train"
)

// Options says what is shown.
type Options struct {
	Experiment config.Experiment
	Split      string // SplitTrain or SplitTest
	Images     int    // rows of views, spread over the split
	Steps      int    // scales of a family, from 0 to 1; at least 2; a nominal family has its classes
	Size       int    // side of a picture in pixels; 0: about 120, a whole multiple of the views' side if they are smaller
	// Note hears, in sentences, what is wrong with the experiment or its images. May be nil.
	Note func(text string)
}

// The splits.
const (
	SplitTrain = "train"
	SplitTest  = "test"
)

// choose picks up to n items, spread evenly, of different classes as far as there are any near.
func choose(set source.Set, n int) []int {
	n = min(n, set.Len())
	var items []int
	seen := map[int]bool{}
	for k := range n {
		from, end := k*set.Len()/n, (k+1)*set.Len()/n
		at := from
		for i := from; i < min(end, from+1000); i++ {
			if !seen[set.Label(i)] {
				at = i
				break
			}
		}
		seen[set.Label(at)] = true
		items = append(items, at)
	}
	return items
}

// Sheet draws the views. Errors about the images are of kind fault.Data.
func Sheet(ctx context.Context, o Options) (sheet.Sheet, error) {
	e := o.Experiment
	plan, err := augment.NewPlan(e.Augment, e.Data.ImageSize)
	if err != nil {
		return sheet.Sheet{}, fault.Wrap(fault.Config, err)
	}
	sets, err := data.List(ctx, e.Data)
	if err != nil {
		return sheet.Sheet{}, err
	}
	set := sets.Train
	if o.Split == SplitTest {
		set = sets.Test
	}
	items := choose(set, o.Images)
	some := data.Subset(set, items)
	job := e.Data.Job(some, o.Split)
	job.Format = pack.FormatRaw // the same as memory
	images, err := job.Memory(ctx)
	if err != nil {
		return sheet.Sheet{}, fault.Wrap(fault.Data, err)
	}
	warnings, err := train.Warnings(plan, images)
	if err != nil {
		return sheet.Sheet{}, fault.Wrap(fault.Data, err)
	}
	if o.Note != nil {
		notes := append(sets.Notes(), warnings...)
		if text := machine.BeyondCores(train.Threads(e)); text != "" {
			notes = append(notes, text)
		}
		for _, text := range notes {
			o.Note(text)
		}
	}
	d := drawer{plan: plan, options: e.Augment, pixels: make([]float32, 3*e.Data.ImageSize*e.Data.ImageSize)}
	if o.Size == 0 {
		o.Size = pictureSize(e.Data.ImageSize)
	}
	out := sheet.Sheet{
		Title: e.Name, Size: o.Size, Columns: max(o.Steps, 10),
		Note: fmt.Sprintf("%s, %s split, %d px, framing %s, seed %d",
			e.Data.Source, o.Split, e.Data.ImageSize, plan.Framing(), e.Seed),
	}
	views := sheet.Group{
		Heading: "Views of the first epoch",
		Note:    fmt.Sprintf("the image, then its %d views", len(plan.Views())),
	}
	for i := range images.Len() {
		m, err := images.Image(i)
		if err != nil {
			return sheet.Sheet{}, fault.Wrap(fault.Data, err)
		}
		// Unreadable ones may be left out.
		at := slices.IndexFunc(items, func(item int) bool { return set.ID(item) == images.ID(i) })
		views.Rows = append(views.Rows, d.views(m, augment.Key{Seed: e.Seed, Sample: uint64(items[at])}, label(some, at)))
	}
	out.Groups = append(out.Groups, views)
	first, err := images.Image(0)
	if err != nil {
		return sheet.Sheet{}, fault.Wrap(fault.Data, err)
	}
	for _, f := range families(e.Augment) {
		g, err := d.family(f, first, o.Steps)
		if err != nil {
			return sheet.Sheet{}, fmt.Errorf("views: %w", err)
		}
		out.Groups = append(out.Groups, g)
	}
	return out, nil
}

// pictureSize is the side at which views of the given size are shown.
func pictureSize(size int) int {
	const good, most = 120, 160
	if size > most {
		return most
	}
	return size * max(1, (good+size/2)/size)
}

// label names an item by its class, or else by its id.
func label(s source.Set, i int) string {
	if l := s.Label(i); l >= 0 {
		return s.Classes()[l]
	}
	id := s.ID(i)
	return id[strings.LastIndexByte(id, '/')+1:]
}

// role is a family and what the experiment does with it.
type role struct {
	augment.Family
	role string
}

// families are those that the experiment orders or randomises, each once.
func families(o augment.Options) []role {
	var out []role
	seen := map[string]bool{}
	add := func(f augment.Family, as string) {
		if !seen[f.Name()] && as != augment.RoleAbsent {
			seen[f.Name()] = true
			out = append(out, role{f, as})
		}
	}
	for _, f := range o.Ordered {
		add(f, o.Role(f))
	}
	for _, s := range o.Invariant {
		if s.Family != nil {
			add(*s.Family, augment.RoleInvariant)
		}
	}
	return out
}

// drawer renders views and makes pictures of them.
type drawer struct {
	plan    *augment.Plan
	options augment.Options
	scratch augment.Scratch
	pixels  []float32
}

// views is the row of an image.
func (d *drawer) views(m augment.Image, k augment.Key, label string) sheet.Row {
	row := sheet.Row{Label: label, Cells: []sheet.Cell{{Image: m, Label: "image"}}}
	for i, v := range d.plan.Views() {
		d.plan.Render(d.pixels, &d.scratch, m, k, i)
		row.Cells = append(row.Cells, sheet.Cell{Image: d.picture(d.plan), Label: d.name(k, i, v)})
	}
	return row
}

// name says what a view is.
func (d *drawer) name(k augment.Key, i int, v augment.View) string {
	switch {
	case v.Family >= 0:
		return fmt.Sprintf("%s %.2f", d.plan.Families()[v.Family].Name(), d.plan.Scale(k, i))
	case v.Family == augment.PlainView:
		return "plain"
	case v.Level >= d.options.BaseViews:
		return fmt.Sprintf("local %d", v.Level-d.options.BaseViews+1)
	default:
		return fmt.Sprintf("base %d", v.Level+1)
	}
}

// family is what a family does, from scale 0 to 1, and to -1 if it has two sides.
func (d *drawer) family(f role, m augment.Image, steps int) (sheet.Group, error) {
	f.Levels = max(f.Levels, 1) // of no meaning for an invariant one, but a plan asks for it
	plan, err := d.plan.Evaluation([]augment.Family{f.Family})
	if err != nil {
		return sheet.Group{}, err
	}
	info := plan.FamilyInfo(0)
	if info.Classes > 0 {
		steps = info.Classes
	}
	row := func(sign float64) sheet.Row {
		var r sheet.Row
		for i := range steps {
			scale := float64(i) / float64(steps-1)
			if i > 0 {
				scale *= sign
			}
			plan.RenderEval(d.pixels, &d.scratch, m, 0, scale)
			r.Cells = append(r.Cells, sheet.Cell{Image: d.picture(plan), Label: strconv.FormatFloat(scale, 'g', 3, 64)})
		}
		return r
	}
	most := fmt.Sprint(f.Max)
	for _, m := range f.With {
		most += fmt.Sprintf(" + %v", m.Max)
	}
	g := sheet.Group{
		Heading: f.Name(), Note: fmt.Sprintf("%s, %s, max %s", f.role, info.Kind, most), Rows: []sheet.Row{row(1)},
	}
	if info.Kind == augment.KindTwoSided {
		g.Rows = append(g.Rows, row(-1))
	}
	return g, nil
}

// picture takes the normalisation back.
func (d *drawer) picture(p *augment.Plan) augment.Image {
	n := p.ImageSize() * p.ImageSize()
	m := augment.Image{Width: p.ImageSize(), Height: p.ImageSize(), Pix: make([]uint8, 3*n)}
	for c := range 3 {
		for i, v := range d.pixels[c*n : (c+1)*n] {
			x := float64(v)*d.options.Std[c] + d.options.Mean[c]
			m.Pix[3*i+c] = uint8(math.Round(255 * min(max(x, 0), 1)))
		}
	}
	return m
}
