package page

import (
	"context"
	"errors"
	"fmt"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/views"
)

// settings are what an experiment sets, all of it, and what it ran on.
func (f *folder) settings(several bool) []block {
	whose := ""
	if several {
		whose = f.label + ": "
	}
	var all []block
	if f.known && !several {
		t := &table{Head: []string{"key", "default", "here"}}
		for _, d := range config.Differences(config.Default(), f.experiment) {
			t.add(d.Key, d.First, d.Second)
		}
		all = append(all, block{Title: "What differs from the defaults", Table: t})
	}
	if f.text != "" {
		all = append(all, block{Fold: whose + "The whole experiment", Code: f.text})
	}
	r := f.record
	t := &table{Head: []string{"what", "value"}}
	for _, of := range []struct{ name, value string }{
		{"folder", f.Folder}, {"hash", r.Hash}, {"data", r.Data}, {"artifacts", r.Model}, {"ordo", r.Ordo},
		{"ONNX Runtime", r.ONNXRuntime}, {"Go", r.Go}, {"platform", r.Platform}, {"processor", r.CPU},
		{"threads", fmt.Sprint(r.Threads)},
	} {
		if of.value != "" {
			t.add(of.name, of.value)
		}
	}
	if res := f.result; res != nil {
		s := res.TimeShare
		t.add("time", fmt.Sprintf("ONNX Runtime %.1f %%, waiting for data %.1f %%, loss %.1f %%, rest %.1f %%",
			100*s.ONNXRuntime, 100*s.DataWait, 100*s.Loss, 100*(s.Rest+s.Target)))
		t.add("memory", fmt.Sprintf("%.0f MB at most", float64(res.PeakMemoryBytes)/1e6))
		t.add("parameters' SHA-256", res.ParametersHash)
		t.add("encoder's SHA-256", res.EncoderSHA256)
	}
	return append(all, block{Fold: whose + "What it ran on", Table: t})
}

// pictures are the blocks of a run that need images.
type pictures struct{ maps, paths, near, views []block }

// picturesOf makes them; whose is the run's name where there are several.
func (o Options) picturesOf(ctx context.Context, p *content, f *folder, whose string) (pictures, error) {
	var made pictures
	switch {
	case !f.known:
		return made, errors.New("the experiment can't be read")
	case o.Without != nil:
		return made, o.Without
	case o.Images == 0:
		return made, errors.New("no images were asked for")
	}
	s, err := o.look(ctx, p, f)
	if err != nil {
		return made, err
	}
	m, err := s.maps(ctx, f.Seed)
	if err != nil {
		return made, err
	}
	m.Run = whose
	made.maps = []block{{Title: whose, Maps: m}}
	if made.paths, err = s.paths(); err != nil {
		return made, err
	}
	if made.near, err = s.neighbours(ctx, f.Folder); err != nil {
		return made, err
	}
	if whose != "" {
		for _, blocks := range [][]block{made.paths, made.near} {
			for i := range blocks {
				blocks[i].Title = whose + ": " + blocks[i].Title
			}
		}
	}
	made.views, err = sheetOf(ctx, p, f, whose)
	return made, err
}

// What a sheet of views shows, and how large.
const (
	sheetImages = 4
	sheetScales = 7
	sheetSide   = 64
)

// sheetOf are the views of some training images.
func sheetOf(ctx context.Context, p *content, f *folder, whose string) ([]block, error) {
	sheet, err := views.Sheet(ctx, views.Options{Experiment: f.experiment, Split: views.SplitTrain, Images: sheetImages,
		Steps: sheetScales})
	if err != nil {
		return nil, err
	}
	n := 0
	for _, g := range sheet.Groups {
		for _, r := range g.Rows {
			n += len(r.Cells)
		}
	}
	if n == 0 {
		return nil, fault.New(fault.Data, "there are no views")
	}
	s := newSprite(len(p.sprites), sheetSide, n)
	p.sprites = append(p.sprites, s)
	var all []block
	at := 0
	for _, g := range sheet.Groups {
		b := block{Title: g.Heading, Text: g.Note}
		if whose != "" {
			b.Title = whose + ": " + g.Heading
		}
		for _, r := range g.Rows {
			of := strip{Label: r.Label}
			for _, c := range r.Cells {
				s.put(at, c.Image)
				of.Pictures = append(of.Pictures, s.picture(at, c.Label, c.Label))
				at++
			}
			b.Strips = append(b.Strips, of)
		}
		all = append(all, b)
	}
	return all, nil
}
