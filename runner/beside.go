package runner

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"time"

	"ordo/models"
	"ordo/models/zoo"
	"ordo/runner/config"
	"ordo/runner/script"
)

//go:embed beside.py
var besideScript string

// BesideResult is how an experiment's training step compares with PyTorch's: forward, backward and AdamW on the same batches, the
// network without heads, in rounds that alternate.
type BesideResult struct {
	Python string `json:"python"`
	Torch  string `json:"torch"`
	Rounds int    `json:"rounds"`
	Steps  int    `json:"steps"` // of each in a round
	Batch  int    `json:"batch"` // rows: views of all images
	// Ordo and Modes are the rows a second of each round, ordo's and by how PyTorch has its images in memory.
	Ordo  []float64            `json:"ordo_rows_per_second"`
	Modes map[string][]float64 `json:"torch_rows_per_second"`
	// Best is the mode with the better median, and Ratio the median over the rounds of ordo's speed by that mode's.
	Best  string  `json:"best"`
	Ratio float64 `json:"ratio"`
}

// The ways in which PyTorch has images in memory.
var besideModes = []string{"plain", "channels last"}

// ErrBeside is wrapped by Beside's error where PyTorch can't be run or doesn't have the network.
var ErrBeside = errors.New("no comparison with PyTorch")

// Beside measures an experiment's training step and PyTorch's, with a Python that has torch and torchvision, in alternating rounds of
// steps each.
func Beside(ctx context.Context, o BenchOptions, python string, rounds, steps int) (BesideResult, error) {
	e := o.Experiment
	if err := e.Validate(); err != nil {
		return BesideResult{}, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	if e.Model.Artifacts != "" || zoo.Source(e.Model.Backbone) == "" && !strings.HasPrefix(e.Model.Backbone, "vit") {
		return BesideResult{}, fmt.Errorf("%w: there is no %q in torchvision: name another backbone", ErrBeside, e.Model.Backbone)
	}
	r := &run{o: Options{Experiment: e}}
	if err := r.plans(); err != nil {
		return BesideResult{}, err
	}
	batch := e.Train.BatchSize * len(r.plan.Views())
	ours, err := newOwnSteps(o, batch)
	if err != nil {
		return BesideResult{}, err
	}
	defer ours.close()
	theirs, err := startTorch(ctx, python)
	if err != nil {
		return BesideResult{}, err
	}
	defer theirs.Close()
	result := BesideResult{Rounds: rounds, Steps: steps, Batch: batch, Modes: map[string][]float64{}}
	z := e.Model.Resolved()
	err = theirs.ask(map[string]any{
		"backbone": z.Backbone, "stem": z.Stem, "width": z.Width, "patch_size": z.PatchSize, "image_size": e.Data.ImageSize,
		"batch": batch, "threads": threads(e),
	}, &result)
	if err != nil {
		return BesideResult{}, err
	}
	if _, err := ours.run(1); err != nil {
		return BesideResult{}, err
	}
	rows := float64(batch * steps)
	ratios := map[string][]float64{}
	for range rounds {
		if ctx.Err() != nil {
			return BesideResult{}, fmt.Errorf("%w after %d rounds", ErrInterrupted, len(result.Ordo))
		}
		own, err := ours.run(steps)
		if err != nil {
			return BesideResult{}, err
		}
		result.Ordo = append(result.Ordo, rows/own)
		for _, mode := range besideModes {
			var answer struct{ Seconds float64 }
			if err := theirs.ask(map[string]any{"mode": mode, "bf16": e.Model.Precision == models.BFloat16, "steps": steps}, &answer); err != nil {
				return BesideResult{}, err
			}
			result.Modes[mode] = append(result.Modes[mode], rows/answer.Seconds)
			ratios[mode] = append(ratios[mode], answer.Seconds/own)
		}
	}
	for _, mode := range besideModes {
		if result.Best == "" || median(result.Modes[mode]) > median(result.Modes[result.Best]) {
			result.Best = mode
		}
	}
	result.Ratio = median(ratios[result.Best])
	return result, nil
}

// median is the middle value, the upper one of two.
func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// ownSteps trains a network without heads on one batch.
type ownSteps struct {
	rt      *models.Runtime
	trainer *models.Trainer
	images  *models.Tensor
}

func newOwnSteps(o BenchOptions, batch int) (*ownSteps, error) {
	e := o.Experiment
	rt, err := models.OpenRuntime(o.Library)
	if err != nil {
		return nil, err
	}
	s := &ownSteps{rt: rt}
	if !rt.HasTraining() {
		s.close()
		return nil, models.NoTraining(rt)
	}
	if err := s.open(e, o.OneDNN, batch); err != nil {
		s.close()
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range s.images.Data() {
		s.images.Data()[i] = float32(random.NormFloat64())
	}
	return s, nil
}

func (s *ownSteps) open(e config.Experiment, oneDNN string, batch int) error {
	o := e.Model
	o.Projector, o.Heads, o.Weights = nil, nil, ""
	kernels, _, err := models.OpenKernels(s.rt, oneDNN, o)
	if err != nil {
		return err
	}
	a, _, err := models.Build(o, config.Default().Train.Options, false, e.Data.ImageSize, e.Seed, kernels)
	if err != nil {
		return err
	}
	a.Eval = nil
	mean := func(outputs []models.Output) error {
		for _, out := range outputs {
			for i := range out.Grad {
				out.Grad[i] = 0.5 / float32(len(out.Grad)) // features and embedding are the same
			}
		}
		return nil
	}
	if s.trainer, err = s.rt.NewTrainer(a, mean, models.TrainerOptions{Threads: threads(e), Execution: o.Execution}); err != nil {
		return err
	}
	s.images, err = s.rt.NewTensor(batch, 3, e.Data.ImageSize, e.Data.ImageSize)
	return err
}

// run takes steps and returns their seconds.
func (s *ownSteps) run(steps int) (float64, error) {
	began := time.Now()
	for range steps {
		if _, err := s.trainer.Step(s.images, 1e-4); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds(), nil
}

func (s *ownSteps) close() {
	if s.images != nil {
		s.images.Close()
	}
	if s.trainer != nil {
		s.trainer.Close()
	}
	s.rt.Close()
}

// torch is the script at work.
type torch struct {
	*script.Script
	python string
}

func startTorch(ctx context.Context, python string) (torch, error) {
	command := exec.CommandContext(ctx, python, "-c", besideScript)
	s, err := script.Start(command)
	if err != nil {
		return torch{}, fmt.Errorf("%w: %w; name a Python with torch and torchvision", ErrBeside, err)
	}
	return torch{s, command.Path}, nil
}

// ask sends a request and reads its answer. The error is the last line that Python wrote.
func (t torch) ask(request, answer any) error {
	err := t.Ask(request, answer)
	if err == nil {
		return nil
	}
	if last := t.Complaint(); last != "" {
		return fmt.Errorf("%w: %s says: %s", ErrBeside, t.python, last)
	}
	return fmt.Errorf("%w: %s: %w", ErrBeside, t.python, err)
}
