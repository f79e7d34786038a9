package forecast

import (
	"context"
	"time"

	"ordo/models"
	"ordo/runner/bench"
	"ordo/runner/config"
	"ordo/runner/train"
)

// Steps that are timed, and that go before them.
const timedSteps, warmSteps = 5, 2

// evaluationShare is how much longer a run takes for its start and its evaluation.
const evaluationShare = 0.25

// metricsLine is about what a step's lines in metrics.jsonl take.
const metricsLine = 400

// Pace is what the training of an experiment takes on this machine.
type Pace struct {
	Views       int     `json:"views"` // of an image in a step
	BatchSize   int     `json:"batch_size"`
	Epochs      int     `json:"epochs"`
	EpochSteps  int     `json:"epoch_steps"`
	Steps       int     `json:"steps"`        // of the whole run
	StepSeconds float64 `json:"step_seconds"` // median
	Minutes     float64 `json:"minutes"`      // of the whole run, its evaluation among them
	Backbone    string  `json:"backbone"`     // or the folder of artifacts
	Parameters  int     `json:"parameters"`   // trainable values
	// Memory is the most that the process had so far.
	Memory     int64 `json:"memory_bytes"`
	Checkpoint int64 `json:"checkpoint_bytes"`
	Kept       int   `json:"checkpoints_kept"` // while it trains; of a finished run one
	Disk       int64 `json:"disk_bytes"`       // of the run folder, at most
}

// Measure takes some steps of an experiment and says what a training on a number of images takes.
func Measure(ctx context.Context, e config.Experiment, libraries models.Libraries, images int) (Pace, error) {
	perEpoch, err := train.EpochSteps(e.Train, images)
	if err != nil {
		return Pace{}, err
	}
	r, err := bench.Step(ctx, bench.Options{
		Experiment: e, Libraries: libraries, Steps: timedSteps, Warmup: warmSteps, Sizes: true,
	})
	if err != nil {
		return Pace{}, err
	}
	p := Pace{Views: r.Views, BatchSize: e.Train.BatchSize, Backbone: r.Backbone, Parameters: r.Parameters,
		StepSeconds: r.MedianSeconds, Memory: r.PeakMemory, Checkpoint: r.Sizes.Checkpoint,
		Kept: e.Train.KeepCheckpoints,
		Disk: int64(e.Train.KeepCheckpoints)*r.Sizes.Checkpoint + r.Sizes.Graphs + r.Sizes.Encoder}
	return p.of(e, perEpoch), nil
}

// Of is the pace of an experiment whose steps are those that were measured, on another number of images or for another
// number of epochs.
func (p Pace) Of(e config.Experiment, images int) (Pace, error) {
	perEpoch, err := train.EpochSteps(e.Train, images)
	p.Disk -= int64(p.Steps) * metricsLine
	return p.of(e, perEpoch), err
}

// of fills in what the number of steps decides.
func (p Pace) of(e config.Experiment, perEpoch int) Pace {
	p.Epochs, p.EpochSteps, p.Steps = e.Train.Epochs, perEpoch, e.Train.Epochs*perEpoch
	p.Minutes = float64(p.Steps) * p.StepSeconds / 60 * (1 + evaluationShare)
	p.Disk += int64(p.Steps) * metricsLine
	return p
}

// Step is the median time of a step.
func (p Pace) Step() time.Duration { return time.Duration(p.StepSeconds * float64(time.Second)) }
