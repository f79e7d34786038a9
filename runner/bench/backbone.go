package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"ordo/models"
	"ordo/runner/config"
	"ordo/runner/machine"
)

// backboneRequest says what BackboneSteps trains.
type backboneRequest struct {
	Libraries        models.Libraries
	Model            models.Options
	ImageSize, Batch int
	Seed             uint64
}

// sideAnswer is what a side of a comparison says of itself when it is ready, one step done.
type sideAnswer struct {
	Python     string `json:"python,omitempty"`
	Torch      string `json:"torch,omitempty"`
	Parameters int    `json:"parameters"` // trainable values
	Threads    int    `json:"threads"`
	Before     int64  `json:"before"` // bytes that were resident at most before there was a model, libraries among them
}

// stepsAnswer is what it says of some steps.
type stepsAnswer struct {
	Seconds float64 `json:"seconds"`
	Peak    int64   `json:"peak"` // bytes that were resident at most so far
}

// BackboneSteps does training steps of a backbone without heads for [Beside], and speaks as torch_step.py does: a
// request is a line of JSON, and so is its answer. It is for a process of its own, whose memory is that of these steps.
func BackboneSteps(ctx context.Context, in io.Reader, out io.Writer) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	var o backboneRequest
	if err := requests.Decode(&o); err != nil {
		return fmt.Errorf("bench: steps of a backbone: %w", err)
	}
	s, err := newBackbone(o)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.run(1); err != nil {
		return err
	}
	parameters, err := s.trainer.ParameterCount(true)
	if err != nil {
		return err
	}
	ready := sideAnswer{Parameters: parameters, Threads: o.Model.Threads, Before: s.before}
	if err := answers.Encode(ready); err != nil {
		return fmt.Errorf("bench: steps of a backbone: %w", err)
	}
	for ctx.Err() == nil {
		var request struct{ Steps int }
		if err := requests.Decode(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("bench: steps of a backbone: %w", err)
		}
		seconds, err := s.run(request.Steps)
		if err != nil {
			return err
		}
		if err := answers.Encode(stepsAnswer{seconds, machine.PeakMemory()}); err != nil {
			return fmt.Errorf("bench: steps of a backbone: %w", err)
		}
	}
	return nil
}

// backbone is a network without heads that is trained on one batch.
type backbone struct {
	rt      *models.Runtime
	trainer *models.Trainer
	images  *models.Tensor
	before  int64
}

func newBackbone(o backboneRequest) (*backbone, error) {
	rt, err := models.OpenTraining(o.Libraries.ONNXRuntime)
	if err != nil {
		return nil, err
	}
	s := &backbone{rt: rt}
	if err := s.open(o); err != nil {
		s.close()
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range s.images.Data() {
		s.images.Data()[i] = float32(random.NormFloat64())
	}
	return s, nil
}

func (s *backbone) open(o backboneRequest) error {
	o.Model.Projector, o.Model.Heads, o.Model.Weights = nil, nil, ""
	kernels, _, err := models.OpenKernels(s.rt, o.Libraries.OneDNN, o.Model)
	if err != nil {
		return err
	}
	s.before = machine.PeakMemory()
	model, err := models.Open(o.Model, o.ImageSize)
	if err != nil {
		return err
	}
	a, _, err := model.Build(
		models.BuildOptions{Optimizer: config.Default().Train.Options, Seed: o.Seed, Kernels: kernels},
	)
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
	session := models.SessionOptions{Threads: o.Model.Threads, Execution: o.Model.Execution}
	if s.trainer, err = s.rt.NewTrainer(a, mean, models.TrainerOptions{SessionOptions: session}); err != nil {
		return err
	}
	s.images, err = s.rt.NewTensor(o.Batch, 3, o.ImageSize, o.ImageSize)
	return err
}

// run takes steps and returns their seconds.
func (s *backbone) run(steps int) (float64, error) {
	began := time.Now()
	for range steps {
		if _, err := s.trainer.Step(s.images, 1e-4); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds(), nil
}

func (s *backbone) close() {
	if s.images != nil {
		s.images.Close()
	}
	if s.trainer != nil {
		s.trainer.Close()
	}
	s.rt.Close()
}
