package evaluation

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/loader"
	"ordo/runner/target"
)

// batch is how many images are encoded at once.
const batch = 128

// session is an evaluation that is going on.
type session struct {
	ctx      context.Context //nolint:containedctx // of one call of Evaluate, which the session does not outlive
	o        Options
	eval     eval.Options
	subjects []subject       // the first is the encoder that the evaluation is of
	outputs  []string        // that are measured
	training *augment.Plan   // the experiment's
	plan     *augment.Plan   // of evaluation views; nil: there are no images to show
	families []config.Family // those of plan
	splits   data.Splits
	classes  int
	train    some    // labelled images that classes are learnt from
	test     some    // images whose classes are told, or, without classes, for the measures that need none
	views    [2]some // training and test images that are shown at every scale
	scratch  []*augment.Scratch
	pixels   []float32
	done     int // views encoded
	total    int
	learnt   [][]learnt // [subject][output]; nil: there are no classes
	result   Result
}

// some are images of a split.
type some struct {
	data.Dataset
	images []int // their numbers
	labels []int // nil: there are no classes
}

// Evaluate measures an encoder and its references.
//
// Faults are of kind Config (settings), Data (images, encoder), Library, Numeric (outputs that are not finite) and
// Interrupted.
func Evaluate(ctx context.Context, o Options) (Result, error) {
	s := &session{ctx: ctx, o: o, eval: o.Experiment.Eval, scratch: loader.Scratch(runtime.GOMAXPROCS(0))}
	defer s.close()
	open := []func() error{s.openEncoder, s.openImages, s.openReferences}
	if o.Target.Embeddings {
		open = []func() error{s.openTable}
	}
	for _, step := range append(open, s.describe, s.measureClasses, s.measureFamilies) {
		if ctx.Err() != nil {
			return Result{}, interrupted()
		}
		if err := step(); err != nil {
			if ctx.Err() != nil {
				return Result{}, interrupted()
			}
			return Result{}, err
		}
	}
	return s.result, nil
}

func (s *session) close() {
	for _, sub := range s.subjects {
		_ = sub.Close() // it only frees
	}
}

func (s *session) note(text string) {
	s.result.Notes = append(s.result.Notes, text)
	if s.o.Watch.Note != nil {
		s.o.Watch.Note(text)
	}
}

func (s *session) openEncoder() error {
	encoder, outputs, err := s.o.Target.Open(&s.o.Experiment, target.Opening{
		Library: s.o.Library, OneDNN: s.o.OneDNN, Threads: s.o.Threads, Outputs: s.o.Outputs, Input: s.o.Input,
	})
	if err != nil {
		return err
	}
	s.subjects = append(s.subjects, subject{encoder: network{encoder}})
	s.result.Software = Software{Ordo: s.o.Version, ONNXRuntime: encoder.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	s.outputs = outputs
	if text := target.LeftOut(encoder); text != "" {
		s.note(text)
	}
	in := encoder.Input()
	s.result.Input = &in
	return s.subjects[0].choose(s.outputs)
}

func (s *session) openImages() error {
	e := s.o.Experiment
	list, err := e.Families()
	if err != nil {
		return err
	}
	if s.training, err = augment.NewPlan(e.Augment, e.Data.ImageSize); err != nil {
		return fault.Wrap(fault.Config, err)
	}
	var shown []augment.Family
	for _, f := range list {
		shown = append(shown, f.Family)
	}
	if s.plan, err = s.training.Evaluation(shown); err != nil {
		return fault.Wrap(fault.Config, err)
	}
	s.families = list
	if s.o.Splits != nil {
		s.splits = *s.o.Splits
	} else if s.splits, err = data.OpenWatched(s.ctx, e.Data, s.o.Watch); err != nil {
		return err
	}
	s.o.Watch.Tell(s.splits)
	s.chooseImages()
	if s.test.Len() == 0 {
		return fault.New(fault.Data, "there are no test images")
	}
	if now := s.splits.Fingerprint(); s.o.Target.Data != "" && s.o.Target.Data != now {
		s.note("warning: these are not the images that the run was trained and evaluated on: fingerprint " + now +
			", not " + s.o.Target.Data)
	}
	return nil
}

// HasClasses says whether there is something to tell apart: labels of two classes or more in both splits.
func HasClasses(s data.Splits) bool {
	labelled := func(set data.Dataset) bool {
		for i := range set.Len() {
			if set.Label(i) >= 0 {
				return true
			}
		}
		return false
	}
	return len(s.Train.Classes()) >= 2 && labelled(s.Train) && labelled(s.Test)
}

// chooseImages chooses images all over the splits, which may be sorted by class: labelled ones where there are classes.
func (s *session) chooseImages() {
	s.classes = len(s.splits.Train.Classes())
	all := func(set data.Dataset, labelled bool) some {
		l := some{Dataset: set}
		for i := range set.Len() {
			if label := set.Label(i); !labelled {
				l.images = append(l.images, i)
			} else if label >= 0 && label < s.classes {
				l.images, l.labels = append(l.images, i), append(l.labels, label)
			}
		}
		return l
	}
	classes := HasClasses(s.splits)
	train, test := all(s.splits.Train, classes), all(s.splits.Test, classes)
	if !classes {
		s.classes = 0
		if !s.brief() {
			why := "the images have no labels of two classes or more"
			if s.splits.Train.Len() == 0 {
				why = "there are no training images"
			}
			s.note(why + ": kNN, probe and few-shot episodes are left out")
		}
	}
	s.train, s.test = train.spread(s.eval.TrainImages), test.spread(s.eval.TestImages)
	s.views = [2]some{train.spread(s.eval.FamilyImages), test.spread(s.eval.FamilyImages)}
}

// spread takes up to n images, evenly; 0 takes all.
func (l some) spread(n int) some {
	size := len(l.images)
	if n == 0 || n >= size {
		return l
	}
	t := some{Dataset: l.Dataset}
	for i := range n {
		t.images = append(t.images, l.images[i*size/n])
		if l.labels != nil {
			t.labels = append(t.labels, l.labels[i*size/n])
		}
	}
	return t
}

// openReferences opens what the encoder is held against.
func (s *session) openReferences() error {
	s.result.Columns = s.columns()
	if s.o.Alone {
		return nil
	}
	e := s.o.Experiment
	if s.o.Target.Run != nil {
		s.openUntrained(e)
	} else {
		s.note("the encoder is no run's: there is no untrained network to hold it against")
	}
	p := newPixels(s.plan.ImageSize(), s.result.Columns[s.outputs[0]])
	s.subjects = append(s.subjects, subject{encoder: p, name: Pixels})
	if s.o.Against != nil {
		if err := s.openAgainst(*s.o.Against); err != nil {
			return err
		}
	}
	for i := range s.subjects {
		if err := s.subjects[i].choose(s.outputs); err != nil {
			return err
		}
	}
	s.result.Pixels = p.Columns()[0]
	return nil
}

// openAgainst adds the encoder to compare with, which must be used to such views. What the file of one that is no run's
// doesn't say of its input is as the target's.
func (s *session) openAgainst(t target.Target) error {
	if t.Embeddings {
		return fault.New(fault.Config, "%s is an embeddings file, and %s is none", t.Path, s.o.Target.Path).
			Advise("compare like with like")
	}
	in, mine := *s.result.Input, s.o.Experiment
	o := models.EncoderOptions{OneDNN: target.OneDNN(mine, s.o.OneDNN), Threads: s.o.Threads,
		Images: target.Normalisation(mine.Augment),
		Unsaid: models.InputOptions{Layout: in.Layout, Size: in.Size, Normalisation: &in.Normalisation}}
	var e config.Experiment
	if t.Run != nil {
		var err error
		if e, err = target.Load(t, "", nil, nil); err != nil {
			return err
		}
		its := target.Normalisation(e.Augment)
		o.Unsaid.Normalisation = &its
	}
	other, err := models.OpenEncoder(s.o.Library, t.Encoder, o)
	if err != nil {
		return err
	}
	s.subjects = append(s.subjects, subject{encoder: network{other}, name: Against})
	s.result.Against = t.Path
	if size := other.Input().Size; size != s.plan.ImageSize() {
		return fault.New(fault.Config, "%s takes images of %d pixels and %s those of %d", s.o.Target.Path,
			s.plan.ImageSize(), t.Path, size).Advise("compare encoders of one image size")
	}
	if t.Run == nil {
		return nil
	}
	plan, err := augment.NewPlan(e.Augment, s.plan.ImageSize())
	if err != nil {
		return fault.Wrap(fault.Config, err)
	}
	if plan.Framing() != s.plan.Framing() {
		return fault.New(fault.Config, "%s was trained with another framing of its images than %s", t.Path,
			s.o.Target.Path).Advise("compare runs whose images are framed alike")
	}
	return nil
}

// openUntrained adds the untrained network, or says why there is none.
func (s *session) openUntrained(e config.Experiment) {
	untrained, err := openUntrained(e, s.o)
	if err != nil {
		s.note(fmt.Sprintf("warning: the untrained network can't be made, so that its numbers are missing: %v", err))
		return
	}
	s.subjects = append(s.subjects, subject{encoder: network{untrained}, name: Untrained})
	if e.Model.Weights != "" {
		s.note("the untrained network has the weights that training began with, those of " + e.Model.Weights)
	}
}

// columns are how wide the outputs are.
func (s *session) columns() map[string]int {
	all := s.subjects[0].Columns()
	columns := map[string]int{}
	for o, name := range s.outputs {
		columns[name] = all[s.subjects[0].index[o]]
	}
	return columns
}

// describe fills in what the numbers must be read with.
func (s *session) describe() error {
	r := &s.result
	var err error
	r.Name, r.Target, r.Run = s.o.Name, s.o.Target.Path, s.o.Target.Run
	if r.Settings, err = s.o.settings(s.families, r.Input); err != nil {
		return err
	}
	if r.Encoder, r.Embeddings, err = sums(s.o.Target); err != nil {
		return err
	}
	r.Data = Data{Fingerprint: s.splits.Fingerprint(), Train: s.splits.Train.Len(), Test: s.splits.Test.Len(),
		Classes: s.classes}
	if s.classes > 0 {
		s.total = len(s.train.images) + len(s.test.images)
	} else if !s.brief() {
		s.total = len(s.test.images)
	}
	if s.plan == nil {
		return nil
	}
	r.Data.ImageSize, r.Data.Framing = s.plan.ImageSize(), s.plan.Framing()
	levels := s.eval.Order.Levels
	shown := levels * len(s.views[1].images) // of every family
	if !s.brief() {
		shown += levels * len(s.views[0].images)
	}
	if s.full() {
		if s.random() {
			s.total += augmentations * len(s.views[1].images)
		}
		shown += len(s.views[0].images) + len(s.views[1].images) // of next to nothing
		shown += (s.eval.Candidates - levels) * len(s.retrievedOf())
	}
	for i := range s.families {
		switch {
		case s.ordered(i):
			s.total += shown
		case !s.brief():
			s.total += s.plan.FamilyInfo(i).Classes * (len(s.views[0].images) + len(s.views[1].images))
		}
	}
	s.pixels = make([]float32, batch*3*r.Data.ImageSize*r.Data.ImageSize)
	return nil
}

// brief and full say whether little or all is measured.
func (s *session) brief() bool { return s.o.Extent == eval.AtEndBrief }
func (s *session) full() bool  { return s.o.Extent == "" || s.o.Extent == eval.AtEndFull }

// random says whether the experiment draws base views at random.
func (s *session) random() bool {
	if s.plan == nil {
		return false
	}
	o := s.o.Experiment.Augment
	invariant := func(f augment.Family) bool { return o.Roles[f.Name()] == augment.RoleInvariant }
	return len(o.Invariant) > 0 || o.Preset != "" || slices.ContainsFunc(o.Ordered, invariant)
}

// ordered says whether the scales of a family have an order; of a nominal one they are classes.
func (s *session) ordered(family int) bool { return s.plan.FamilyInfo(family).Classes == 0 }

// shownAs draws views of a set's images as in evaluation.
func (s *session) shownAs(l some, view loader.View) func(dst []float32, images []int) error {
	return func(dst []float32, images []int) error { return loader.Evaluation(dst, view, l, images, s.scratch) }
}

// encode draws views of images, where there are some to show, and appends what every subject makes of them to dst,
// [subject][output of the subject].
func (s *session) encode(dst [][][]float32, l some, draw func(dst []float32, images []int) error) error {
	for part := range slices.Chunk(l.images, batch) {
		if s.ctx.Err() != nil {
			return interrupted()
		}
		if s.plan != nil {
			if err := draw(s.pixels, part); err != nil {
				return err
			}
		}
		for i, sub := range s.subjects {
			var err error
			if dst[i], err = sub.Rows(dst[i], views{l.Dataset, part, s.pixels}); err != nil {
				return err
			}
		}
		s.done += len(part)
		if s.o.Progress != nil {
			s.o.Progress(s.done, s.total)
		}
	}
	return nil
}

// augmented encodes n views of each image as the training draws its first base view, [subject][output]; a view stands
// in a scale's place.
func (s *session) augmented(l some, n int) ([][]eval.Orbit, error) {
	values := make([][][]float32, len(s.subjects))
	for view := range n {
		err := s.encode(values, l, func(dst []float32, images []int) error {
			key := augment.Key{Seed: s.o.Experiment.Seed, Epoch: uint64(view)}
			return loader.Augmented(dst, s.training, key, l, images, s.scratch)
		})
		if err != nil {
			return nil, err
		}
	}
	return s.orbitsOf(values, len(l.images), make([]float64, n))
}

// rows encodes images at the origin of all families: [subject][output].
func (s *session) rows(l some) ([][]eval.Rows, error) {
	values := make([][][]float32, len(s.subjects))
	if err := s.encode(values, l, s.shownAs(l, loader.View{Plan: s.plan, Family: -1})); err != nil {
		return nil, err
	}
	return each(s, func(i, o int) (eval.Rows, error) {
		v := values[i][s.subjects[i].index[o]]
		return eval.Rows{Data: v, Dim: len(v) / len(l.images), Labels: l.labels}, nil
	})
}

// orbits encodes images at every scale of a family: [subject][output].
func (s *session) orbits(l some, family int) ([][]eval.Orbit, error) {
	return s.orbitsAt(l, family, eval.Grid(s.eval.Order.Levels))
}

// orbitsAt encodes images at some scales of a family: [subject][output].
func (s *session) orbitsAt(l some, family int, scales []float64) ([][]eval.Orbit, error) {
	values := make([][][]float32, len(s.subjects))
	for _, scale := range scales {
		err := s.encode(values, l, s.shownAs(l, loader.View{Plan: s.plan, Family: family, Scale: scale}))
		if err != nil {
			return nil, err
		}
	}
	return s.orbitsOf(values, len(l.images), scales)
}

// orbitsOf makes orbits of the values of n images at every scale.
func (s *session) orbitsOf(values [][][]float32, n int, scales []float64) ([][]eval.Orbit, error) {
	return each(s, func(i, o int) (eval.Orbit, error) {
		v := values[i][s.subjects[i].index[o]]
		return eval.Orbit{Data: v, Scales: scales, Images: n, Dim: len(v) / (n * len(scales))}, nil
	})
}
