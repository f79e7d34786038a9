package runner

import (
	"context"
	"encoding/json"
	"fmt"

	"ordo/loss"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/evaluation"
	"ordo/runner/page"
	"ordo/runner/report"
	"ordo/runner/track"
	"ordo/runner/train"
)

// finish exports the encoder and writes report, page and result. What is in them comes from the folder, so that it does
// not matter how often the run was interrupted.
func (r *run) finish(ctx context.Context) (track.Result, error) {
	e := r.o.Experiment
	dir := r.folder.Dir()
	if err := r.export(track.EncoderFile(dir)); err != nil {
		return track.Result{}, err
	}
	encoder, err := track.EncoderSum(dir)
	if err != nil {
		return track.Result{}, err
	}
	values, err := r.trainer.CopyParameters(false)
	if err != nil {
		return track.Result{}, err
	}
	count, err := r.trainer.ParameterCount(true)
	if err != nil {
		return track.Result{}, err
	}
	history, err := track.ReadHistory(dir)
	if err != nil {
		return track.Result{}, err
	}
	if len(history.Steps) != r.total || len(history.Evals) == 0 {
		return track.Result{}, fault.New(fault.Data, "%s: the metrics have %d steps and %d evaluations for a run of %d steps",
			dir, len(history.Steps), len(history.Evals), r.total).Advise("they were changed; remove the folder to start anew")
	}
	took := history.Time()
	images := float64(took.Steps*e.Train.BatchSize) / took.Seconds
	result := track.Result{
		Status: track.Finished, Run: dir, Name: e.Name, Hash: e.Hash(), Seed: e.Seed,
		Epochs: e.Train.Epochs, Steps: r.total, Seconds: took.Seconds,
		ImagesPerSecond: images, ViewsPerSecond: images * float64(len(r.setup.Plan.Views())),
		TimeShare: took.Share, PeakMemoryBytes: took.PeakMemoryBytes,
		ParametersHash: train.SumFloats(values), Parameters: count, EncoderSHA256: encoder,
	}
	result.Loss, result.LossTerms = history.MeanLoss(r.perEpoch)
	if err := r.tell(r.told.TakeNotes()); err != nil {
		return track.Result{}, err
	}
	result.Collapse, result.Best = r.watch.Findings(), r.best
	if result.Warnings, err = r.folder.Warnings(); err != nil {
		return track.Result{}, err
	}
	result.SetEvaluation(history.Evals[len(history.Evals)-1].Evaluation)
	if err := r.folder.Log("finished"); err != nil {
		return track.Result{}, err
	}
	found, err := evaluation.Read(evaluation.File(dir, evaluation.AtEnd))
	if err != nil {
		return track.Result{}, err
	}
	pictures, err := report.EvaluationPictures(found)
	if err != nil {
		return track.Result{}, err
	}
	if pictures[page.FileName], err = r.page(ctx, result); err != nil {
		return track.Result{}, err
	}
	if err := r.folder.DropEarlier(); err != nil {
		return track.Result{}, err
	}
	return r.folder.Finish(result, []byte(report.Table(result)), pictures)
}

// terms lists a step's loss terms and diagnostics by the names that they have in metrics.jsonl.
func terms(v loss.Values) map[string]float64 {
	out := map[string]float64{}
	for _, t := range v.Terms {
		out[t.Name] = t.Value
		for _, d := range t.Diagnostics {
			out[t.Name+"/"+d.Name] = d.Value
		}
	}
	for _, d := range v.Diagnostics {
		out[d.Name] = d.Value
	}
	return out
}

// export writes the encoder, and into it how it takes images.
func (r *run) export(file string) error {
	if err := r.trainer.Export(file, models.Features, models.Embedding); err != nil {
		return err
	}
	e := r.o.Experiment
	classes, err := json.Marshal(r.splits.Train.Classes())
	if err != nil {
		return fmt.Errorf("runner: the classes: %w", err)
	}
	return models.Describe(file, models.Input{
		Layout: models.LayoutNCHW, Size: e.Data.ImageSize, Framing: r.setup.Plan.Framing(),
		Normalisation: models.Normalisation{Mean: e.Augment.Mean, Std: e.Augment.Std, Range: 1},
	}, map[string]string{models.MetaClasses: string(classes), models.MetaRun: e.Name + " " + e.Hash()})
}
