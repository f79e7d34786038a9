package embed

import (
	"context"
	"runtime"
	"slices"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/loader"
)

// batch is how many images are encoded at once. The last bit of a number may depend on its batch, which is why batches
// are the same however often an Export goes on, and in every shard.
const batch = 128

// encoding is an Export that is going on.
type encoding struct {
	ctx     context.Context //nolint:containedctx // of one call of Export, which it does not outlive
	o       Options
	encoder *models.Encoder
	plan    *augment.Plan
	rows    *rows
	part    *part
}

// rows says which rows are written, by pages of a batch each, train before test.
func (o Options) rows(encoder *models.Encoder, splits data.Splits) (*rows, error) {
	r := &rows{perImage: o.Views.perImage(), classes: splits.Train.Classes(), half: o.DType == Float16}
	if r.perImage > 1 || o.Views.Family != "" && !o.Views.Average {
		r.scales = o.Views.Scales
	}
	for _, name := range o.Outputs {
		i := slices.Index(encoder.Outputs(), name)
		if i < 0 {
			return nil, fault.New(fault.Config, "the encoder has no output %s", name)
		}
		if slices.Contains(reserved(), name) {
			return nil, fault.New(fault.Config, "an output can't be called %s: a file has that beside the outputs", name).
				Advise("choose other outputs, or rename it")
		}
		r.outputs = append(r.outputs, OutputShape{name, encoder.Columns()[i]})
	}
	var ids []string
	for _, set := range []struct {
		data.Dataset
		split string
	}{{splits.Train, SplitTrain}, {splits.Test, SplitTest}} {
		if o.Split != SplitAll && o.Split != set.split {
			continue
		}
		for from := 0; from < set.Len(); from += batch {
			r.pages = append(r.pages, page{set.Dataset, set.split, from, min(batch, set.Len()-from)})
		}
		for i := range set.Len() {
			ids = append(ids, set.ID(i))
		}
	}
	if err := unique(ids); err != nil {
		return nil, err
	}
	all := len(r.pages)
	if r.pages = o.Shard.of(r.pages); len(r.pages) == 0 {
		if all == 0 {
			return nil, fault.New(fault.Data, "there are no images in the split %s", o.Split).Advise("choose another split")
		}
		return nil, fault.New(fault.Config, "shard %v is empty: %d images of a batch make %d shards at most", o.Shard, batch,
			all).Advise("make fewer shards")
	}
	return r, nil
}

// unique makes sure that ids, which it sorts, tell images apart.
func unique(ids []string) error {
	slices.Sort(ids)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return fault.New(fault.Data, "two images have the id %s", ids[i])
		}
	}
	return nil
}

// encode encodes the pages that the part file lacks.
func (e *encoding) encode() error {
	side, views := e.plan.ImageSize(), max(len(e.o.Views.Scales), 1)
	pixels := make([]float32, batch*3*side*side)
	scratch := loader.Scratch(runtime.GOMAXPROCS(0))
	total := e.rows.images() * views
	for e.part.done < len(e.rows.pages) {
		if e.ctx.Err() != nil {
			return e.interrupted()
		}
		p := e.rows.pages[e.part.done]
		images := make([]int, p.n)
		for i := range images {
			images[i] = p.from + i
		}
		byScale := make([][][]float32, views) // [scale][output of the encoder]
		for s := range byScale {
			view := loader.View{Plan: e.plan, Family: -1}
			if e.o.Views.Family != "" {
				view.Family, view.Scale = 0, e.o.Views.Scales[s]
			}
			if err := loader.Evaluation(pixels, view, p.set, images, scratch); err != nil {
				return err
			}
			var err error
			if byScale[s], err = e.encoder.Run(nil, pixels[:p.n*3*side*side], p.n); err != nil {
				return fault.Wrap(fault.Data, err)
			}
		}
		values, err := e.arrange(p, byScale)
		if err != nil {
			return err
		}
		if err := e.part.add(values); err != nil {
			return err
		}
		if e.o.Progress != nil {
			e.o.Progress(e.rows.before(e.part.done)*views, total)
		}
	}
	return nil
}

// arrange puts what is encoded of a page, [scale][output][image, columns], into rows: an image after the other, its
// scales after each other or their mean, and in a row the outputs that are wanted.
func (e *encoding) arrange(p page, byScale [][][]float32) ([]float32, error) {
	values := make([]float32, 0, p.n*e.rows.perImage*e.rows.width())
	add := func(i int, name string, row []float32) error {
		values = append(values, row...)
		return e.o.fits(name, p.set.ID(p.from+i), row)
	}
	for i := range p.n {
		for s := range e.rows.perImage {
			for _, o := range e.rows.outputs {
				at := slices.Index(e.encoder.Outputs(), o.Name)
				of := func(scale int) []float32 { return byScale[scale][at][i*o.Columns:][:o.Columns] }
				row := of(s)
				if e.o.Views.Average {
					row = make([]float32, o.Columns)
					for c := range row {
						var sum float64
						for scale := range byScale {
							sum += float64(of(scale)[c])
						}
						row[c] = float32(sum / float64(len(byScale)))
					}
				}
				if err := add(i, o.Name, row); err != nil {
					return nil, err
				}
			}
		}
	}
	return values, nil
}

func (e *encoding) interrupted() error {
	if e.part.done == 0 {
		return fault.New(fault.Interrupted, "interrupted before the first of %d images was encoded: %w", e.rows.images(),
			e.ctx.Err())
	}
	return fault.New(fault.Interrupted, "interrupted: %d of %d images are encoded, and kept in %s: %w",
		e.rows.before(e.part.done), e.rows.images(), e.part.path, e.ctx.Err()).Advise("the same command goes on there")
}

// neighbours finds those of rows that follow each other, the first of which is number from, by their first output.
func (e *encoding) neighbours(of []record, values []float32, from int) error {
	r := e.rows
	questions := firstOutput(nil, values, r)
	own := make([]int, len(of))
	for i := range own {
		own[i] = from + i
	}
	s, err := eval.NewSearch(questions, r.outputs[0].Columns, e.o.Neighbours, own)
	if err != nil {
		return err
	}
	var page, candidates []float32
	for i, first := 0, 0; i < len(r.pages); i++ {
		if e.ctx.Err() != nil {
			return e.interrupted()
		}
		if page, err = r.read(i, page[:0]); err != nil {
			return err
		}
		candidates = firstOutput(candidates[:0], page, r)
		if err := s.Add(candidates, first); err != nil {
			return err
		}
		first += r.pages[i].n
	}
	for i := range of {
		of[i].neighbours = s.Nearest(i)
	}
	if e.o.Compared != nil {
		e.o.Compared(from+len(of), r.images())
	}
	return nil
}

// firstOutput appends the first output of rows to dst.
func firstOutput(dst, values []float32, r *rows) []float32 {
	for row := range slices.Chunk(values, r.width()) {
		dst = append(dst, row[:r.outputs[0].Columns]...)
	}
	return dst
}
