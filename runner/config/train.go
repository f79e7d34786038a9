package config

import (
	"errors"
	"fmt"
	"math"

	"ordo/models/optimizer"
)

// Names that Train takes.
const (
	ScheduleCosine   = "cosine"
	ScheduleConstant = "constant"

	FromStretched = "stretched"
	FromAnew      = "anew"
)

// Fewer images tell little of their spread, and the time for their rank grows with the cube.
const guardLeast, guardMost = 16, 1024

// Train is the `train:` section of an experiment.
type Train struct {
	Epochs    int `yaml:"epochs"`     // passes over the training images, in [1, 100000]; default 15
	BatchSize int `yaml:"batch_size"` // images of a step, each of which gives all its views; in [2, 65536], default 200
	// MicroBatch is how many images go through the network at once: the memory of a step is that of a micro-batch, and the
	// loss and the gradient are those of the whole batch (Gao et al. 2021, GradCache). Every micro-batch goes forward
	// twice, and batch norm sees the micro-batch, not the batch. It must divide batch_size; 0, the default: batch_size, in
	// one go.
	MicroBatch int `yaml:"micro_batch"`
	// The optimizer and its settings, keys of this section too.
	optimizer.Options `yaml:",inline"`
	LR                float64 `yaml:"lr"`            // learning rate at its highest, in (0, 100]; default 2e-3
	Schedule          string  `yaml:"schedule"`      // course of the learning rate: cosine (default) or constant
	WarmupEpochs      float64 `yaml:"warmup_epochs"` // epochs over which the rate grows from 0, in [0, epochs]; default 1
	// SkipNonFinite is how many steps of the run may be passed over because a gradient is a NaN or an infinity; such a
	// step changes nothing. One more stops the run; in [0, 1000000], default 0.
	SkipNonFinite int `yaml:"skip_nonfinite"`
	// GuardImages is how many images of the batch tell, in the first step and in the last one of every epoch, whether the
	// outputs collapse; a warning says so. 0: none, and a batch of fewer than 16 tells nothing; in [16, 1024], default
	// 512.
	GuardImages int `yaml:"guard_images"`
	// StopOnCollapse ends the run where the outputs collapse, after the epoch's checkpoint; default false. The same run
	// goes on from there where it is false.
	StopOnCollapse bool `yaml:"stop_on_collapse"`
	// CheckpointMinutes is after how many minutes a checkpoint is made within an epoch, beside those at every epoch's
	// end; in [0, 100000], default 10; 0: none.
	CheckpointMinutes float64 `yaml:"checkpoint_minutes"`
	// KeepCheckpoints is how many of the last checkpoints are kept while the run is trained: where the last is damaged,
	// the run goes on from the one before it, to the same bits. In [1, 100], default 2.
	KeepCheckpoints int `yaml:"keep_checkpoints"`
	// KeepBest is the number of an evaluation by which the best checkpoint and its encoder are kept, as best.ckpt and
	// best.onnx, where larger is better: knn.OUTPUT or FAMILY.order_accuracy.OUTPUT, as in knn.features; default none. It
	// needs eval.every_epochs.
	KeepBest string `yaml:"keep_best"`
	// From is the folder of a run that this one goes on from: it takes over the weights, the optimizer's state, the
	// position and the metrics of its last checkpoint, which must be that of an epoch's end. epochs counts those that are
	// done there too. data, model, batch_size, optimizer and seed must be the same; what else is different counts from
	// there on. Empty, the default: the run begins anew.
	From string `yaml:"from"`
	// FromCheckpoint is the beginning of that checkpoint's checksum. It stands for From in the experiment's hash, and is
	// filled in where it is left out.
	FromCheckpoint string `yaml:"from_checkpoint"`
	// FromSchedule is the course of the learning rate from there on: stretched (default), that of all epochs, entered
	// where the other run ended; or anew, with a warm-up, over the epochs that are added.
	FromSchedule string `yaml:"from_schedule"`
	Workers      int    `yaml:"workers"` // goroutines that make views; in [0, 1024]; 0, the default: the runner chooses
}

// DefaultTrain returns the defaults of the `train:` section.
func DefaultTrain() Train {
	return Train{
		Epochs:       15,
		BatchSize:    200,
		Options:      optimizer.DefaultOptions(),
		LR:           2e-3,
		Schedule:     ScheduleCosine,
		WarmupEpochs: 1,
		GuardImages:  512,

		CheckpointMinutes: 10,
		KeepCheckpoints:   2,
		FromSchedule:      FromStretched,
	}
}

// Validate returns every fault, joined, each starting with its key.
func (t Train) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(t.Epochs >= 1 && t.Epochs <= 100_000, "epochs: must be in [1, 100000], got %d", t.Epochs)
	check(t.BatchSize >= 2 && t.BatchSize <= 65536, "batch_size: must be in [2, 65536], got %d", t.BatchSize)
	check(t.MicroBatch == 0 || t.MicroBatch > 0 && t.MicroBatch <= t.BatchSize && t.BatchSize%t.MicroBatch == 0,
		"micro_batch: must be a divisor of train.batch_size, or 0, got %d for %d images", t.MicroBatch, t.BatchSize)
	if err := t.Options.Validate(); err != nil {
		faults = append(faults, flatten(err)...)
	}
	check(t.LR > 0 && t.LR <= 100, "lr: must be in (0, 100], got %v", t.LR)
	check(t.Schedule == ScheduleCosine || t.Schedule == ScheduleConstant,
		"schedule: must be %s or %s, got %q", ScheduleCosine, ScheduleConstant, t.Schedule)
	check(t.WarmupEpochs >= 0 && t.WarmupEpochs <= float64(t.Epochs),
		"warmup_epochs: must be in [0, train.epochs], got %v of %d epochs", t.WarmupEpochs, t.Epochs)
	check(t.SkipNonFinite >= 0 && t.SkipNonFinite <= 1_000_000,
		"skip_nonfinite: must be in [0, 1000000], got %d", t.SkipNonFinite)
	check(t.GuardImages == 0 || t.GuardImages >= guardLeast && t.GuardImages <= guardMost,
		"guard_images: must be 0 (none) or in [%d, %d], got %d", guardLeast, guardMost, t.GuardImages)
	check(!t.StopOnCollapse || t.Guarded() > 0,
		"stop_on_collapse: must be false where train.guard_images is 0 or train.batch_size below %d, got true", guardLeast)
	check(t.CheckpointMinutes >= 0 && t.CheckpointMinutes <= 100_000,
		"checkpoint_minutes: must be in [0, 100000], got %v", t.CheckpointMinutes)
	check(t.KeepCheckpoints >= 1 && t.KeepCheckpoints <= 100,
		"keep_checkpoints: must be in [1, 100], got %d", t.KeepCheckpoints)
	check(t.FromSchedule == FromStretched || t.FromSchedule == FromAnew,
		"from_schedule: must be %s or %s, got %q", FromStretched, FromAnew, t.FromSchedule)
	check((t.From == "") == (t.FromCheckpoint == ""),
		"from_checkpoint: must be left out, or stand beside train.from, got %q", t.FromCheckpoint)
	check(t.Workers >= 0 && t.Workers <= 1024, "workers: must be in [0, 1024], got %d", t.Workers)
	return errors.Join(faults...)
}

// Guarded is how many images of a batch tell whether the outputs collapse; 0: none.
func (t Train) Guarded() int {
	if n := min(t.GuardImages, t.BatchSize); n >= guardLeast {
		return n
	}
	return 0
}

// Left is the training of the epochs that come after those of another run, by FromSchedule.
func (t Train) Left(done int) Train {
	if t.FromSchedule == FromAnew {
		t.Epochs -= done
	}
	return t
}

// Rate returns the learning rate of a step, counted from 0 over the whole training. With w = warmup_epochs and T =
// epochs, both in steps:
//
//	step < w:               lr · min(1, (step+1)/w)           on the line that is 0 before the first step
//	step ≥ w, constant:     lr
//	step ≥ w, cosine:       lr · ½(1 + cos(π·(step-w)/(T-w))) lr at step w, 0 at step T and after
//
// The cosine is that of Loshchilov and Hutter 2017 (eq. 5) without restarts.
func (t Train) Rate(step, stepsPerEpoch int) float64 {
	s := float64(step)
	warmup := t.WarmupEpochs * float64(stepsPerEpoch)
	total := float64(t.Epochs) * float64(stepsPerEpoch)
	switch {
	case s < warmup:
		return t.LR * math.Min(1, (s+1)/warmup)
	case t.Schedule == ScheduleConstant:
		return t.LR
	case s >= total:
		return 0
	}
	return t.LR * 0.5 * (1 + math.Cos(math.Pi*(s-warmup)/(total-warmup)))
}
