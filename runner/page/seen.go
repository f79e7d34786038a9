package page

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/loader"
	"ordo/runner/target"
)

// encoder makes rows of images (models.Encoder).
type encoder interface {
	Outputs() []string
	Columns() []int
	Run(dst [][]float32, pixels []float32, n int) ([][]float32, error)
}

// seen is what an encoder made of some images.
type seen struct {
	set      data.Dataset
	outputs  []string
	index    []int // of the encoder's outputs
	origin   shown
	families []shown
}

// shown are some images at some scales of a family, scale by scale.
type shown struct {
	name   string // of the family; "": the images as they are
	axis   string // what its scale means
	images []int  // numbers in the set
	scales []float64
	rows   [][]float32 // of each output, [scales, images, columns]
	sprite sprite
}

const (
	batch = 128
	// levels are how many scales of a family are shown, and familyImages how many images at most.
	levels       = 7
	familyImages = 60
	// mostPictures bounds those of all families together, and mostImages the untouched ones, and with it the size of a
	// page of several runs.
	mostPictures = 4000
	mostImages   = 5000
)

// look encodes up to n of the run's test images, and some of them at scales of every family that has a role.
func (o Options) look(ctx context.Context, p *content, f *folder) (*seen, error) {
	t, splits, err := o.images(ctx, f)
	if err != nil {
		return nil, err
	}
	e := f.experiment
	enc, outputs, err := t.Open(&e, target.Opening{Library: o.Library, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	return o.encode(ctx, p, e, enc, outputs, splits)
}

// images finds the encoder of a run and opens its images.
func (o Options) images(ctx context.Context, f *folder) (target.Target, data.Splits, error) {
	if end := o.Ending; end != nil {
		return end.Target, end.Splits, nil
	}
	t, err := target.Find(f.Folder)
	if err != nil {
		return t, data.Splits{}, err
	}
	splits, err := data.OpenWatched(ctx, f.experiment.Data.Few(), o.Watch)
	if err != nil {
		return t, splits, err
	}
	o.Watch.Tell(splits)
	if now := splits.Fingerprint(); t.Data != "" && now != t.Data {
		return t, splits, fault.New(fault.Data, "the images are not those of the run (fingerprint %s, not %s)", now, t.Data)
	}
	return t, splits, nil
}

// encode is look with an open encoder and open images.
func (o Options) encode(
	ctx context.Context, p *content, e config.Experiment, enc encoder, outputs []string, splits data.Splits,
) (*seen, error) {
	training, err := augment.NewPlan(e.Augment, e.Data.ImageSize)
	if err != nil {
		return nil, fault.Wrap(fault.Config, err)
	}
	families, err := e.Families()
	if err != nil {
		return nil, err
	}
	var shownFamilies []augment.Family
	var roles []string
	for _, f := range families {
		if f.Role != "" && f.Role != augment.RoleAbsent {
			shownFamilies, roles = append(shownFamilies, f.Family), append(roles, f.Role)
		}
	}
	plan, err := training.Evaluation(shownFamilies)
	if err != nil {
		return nil, fault.Wrap(fault.Config, err)
	}
	s := &seen{set: splits.Test, outputs: outputs}
	if s.set.Len() == 0 {
		s.set = splits.Train
	}
	for _, name := range outputs {
		for i, other := range enc.Outputs() {
			if other == name {
				s.index = append(s.index, i)
			}
		}
	}
	some := func(n int) []int { return spread(s.set.Len(), n) }
	s.origin = shown{images: some(min(o.Images, mostImages/o.shares())), scales: []float64{0}}
	all := []*shown{&s.origin}
	each := max(2, min(familyImages/o.shares(), o.Images/levels, mostPictures/levels/max(1, len(shownFamilies))))
	s.families = make([]shown, 0, len(shownFamilies))
	var of []int
	for i, family := range shownFamilies {
		info := plan.FamilyInfo(i)
		if info.Classes > 0 {
			continue // no scale
		}
		s.families = append(s.families, shown{name: family.Name(), axis: fmt.Sprintf("%s, %s: 1 is %g %s", family.Name(),
			roles[i], family.Max, info.Unit), images: some(each), scales: eval.Grid(levels)})
		all, of = append(all, &s.families[len(s.families)-1]), append(of, i)
	}
	l := looking{o: o, s: s, e: e, enc: enc, plan: plan, scratch: loader.Scratch(runtime.GOMAXPROCS(0)),
		pixels: make([]float32, batch*3*plan.ImageSize()*plan.ImageSize())}
	for _, v := range all {
		l.total += len(v.images) * len(v.scales)
	}
	for k, v := range all {
		family := -1
		if k > 0 {
			family = of[k-1]
		}
		v.sprite = newSprite(len(p.sprites), thumb, len(v.images)*len(v.scales))
		p.sprites = append(p.sprites, v.sprite)
		if err := l.show(ctx, v, family); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// spread are the numbers of up to n of all, evenly.
func spread(all, n int) []int {
	n = min(n, all)
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i * all / n
	}
	return numbers
}

// looking is an encoding that is going on.
type looking struct {
	o           Options
	s           *seen
	e           config.Experiment
	enc         encoder
	plan        *augment.Plan
	pixels      []float32
	scratch     []*augment.Scratch
	done, total int
}

// show encodes the images of v at its scales, and keeps their pictures as the network sees them.
func (l *looking) show(ctx context.Context, v *shown, family int) error {
	side := l.plan.ImageSize()
	v.rows = make([][]float32, len(l.s.index))
	for g, scale := range v.scales {
		for from := 0; from < len(v.images); from += batch {
			if ctx.Err() != nil {
				return fault.New(fault.Interrupted, "interrupted while images were encoded for the page")
			}
			part := v.images[from:min(from+batch, len(v.images))]
			view := loader.View{Plan: l.plan, Family: family, Scale: scale}
			if err := loader.Evaluation(l.pixels, view, l.s.set, part, l.scratch); err != nil {
				return err
			}
			out, err := l.enc.Run(nil, l.pixels[:len(part)*3*side*side], len(part))
			if err != nil {
				return fault.Wrap(fault.Data, err)
			}
			for k, i := range l.s.index {
				v.rows[k] = append(v.rows[k], out[i]...)
			}
			for k := range part {
				v.sprite.put(g*len(v.images)+from+k, l.picture(k))
			}
			if l.done += len(part); l.o.Progress != nil {
				l.o.Progress(l.done, l.total)
			}
		}
	}
	return nil
}

// picture takes the normalisation of a view back.
func (l *looking) picture(k int) augment.Image {
	side := l.plan.ImageSize()
	n := side * side
	m := augment.Image{Width: side, Height: side, Pix: make([]uint8, 3*n)}
	for c := range 3 {
		for i, v := range l.pixels[(3*k+c)*n:][:n] {
			x := float64(v)*l.e.Augment.Std[c] + l.e.Augment.Mean[c]
			m.Pix[3*i+c] = uint8(math.Round(255 * min(max(x, 0), 1)))
		}
	}
	return m
}

// class is that of an image, in words; "": it has none.
func (s *seen) class(image int) string {
	if label := s.set.Label(image); label >= 0 && label < len(s.set.Classes()) {
		return s.set.Classes()[label]
	}
	return ""
}

// words are those of a picture.
func (s *seen) words(image int) string {
	if class := s.class(image); class != "" {
		return class + ", " + s.set.ID(image)
	}
	return s.set.ID(image)
}

var _ encoder = (*models.Encoder)(nil)
