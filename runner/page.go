package runner

import (
	"context"
	"errors"

	"ordo/models/fault"
	"ordo/runner/eval"
	"ordo/runner/page"
	"ordo/runner/target"
	"ordo/runner/track"
)

// pageImages is how many test images the page of a run's end shows: it must not make the end late.
const pageImages = 150

// page makes the page of the run, which is about to end with that result. Trials over roles end without maps: they are
// many, and short.
func (r *run) page(ctx context.Context, result track.Result) ([]byte, error) {
	e, dir := r.o.Experiment, r.folder.Dir()
	o := page.Options{
		Runs: []string{dir}, Library: r.o.Libraries.ONNXRuntime, Images: pageImages, Threads: r.folder.Began().Threads,
		Ending: &page.Ending{Result: result, Splits: r.splits, Target: target.Target{Path: dir,
			Encoder: track.EncoderFile(dir), Data: r.now.Data, Run: &target.Run{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}}},
	}
	if e.Eval.AtEnd == eval.AtEndRoles {
		o.Without = errors.New("a trial over roles ends without them")
	}
	made, err := page.Make(ctx, o) // what is damaged is on the page
	if ctx.Err() != nil {
		return nil, fault.New(fault.Interrupted, "interrupted while the page was made").Advise(goOn)
	}
	return made.HTML, err
}
