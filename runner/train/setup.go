package train

import (
	"fmt"

	"ordo/augment"
	"ordo/loss"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/loader"
)

// Setup is what an experiment's text alone decides about its training steps.
type Setup struct {
	Experiment config.Experiment
	Plan       *augment.Plan
	Loss       *loss.Loss    // it has state: a setup is for one Stepper
	Needs      []loss.Need   // the outputs that the loss looks at
	Model      *models.Model // the experiment's, with all heads that the loss needs
}

// Prepare makes the setup of an experiment. It reads the folder of model.artifacts, if there is one, and nothing else.
// What is wrong with the experiment is a fault of kind Config.
func Prepare(e config.Experiment) (Setup, error) {
	s := Setup{Experiment: e}
	if err := e.Validate(); err != nil {
		return s, fault.Wrap(fault.Config, err)
	}
	var err error
	if s.Plan, err = augment.NewPlan(e.Augment, e.Data.ImageSize); err != nil {
		return s, fault.Wrap(fault.Config, err)
	}
	if s.Loss, err = loss.New(e.Loss); err != nil {
		return s, fault.Wrap(fault.Config, err)
	}
	views := loader.Views(s.Plan, e.Augment.Shared)
	if s.Needs, err = s.Loss.Needs(views); err != nil {
		return s, fault.Wrap(fault.Config, err)
	}
	s.Model, err = completeModel(e, s.Needs, views)
	return s, err
}

// Build makes the training artifacts, with fast kernels where they aren't nil. The notes say, a sentence each, what the
// user should know of them.
func (s Setup) Build(kernels *models.Kernels) (a models.Artifacts, notes []string, err error) {
	e := s.Experiment
	a, notes, err = s.Model.Build(models.BuildOptions{
		Optimizer: e.Train.Options, InGo: s.inGo(), Seed: e.Seed, Kernels: kernels,
	})
	if err != nil {
		return a, nil, err
	}
	if e.Model.Artifacts == "" {
		for _, h := range s.Model.Options().Heads[len(e.Model.Heads):] {
			notes = append(notes, fmt.Sprintf("the loss needs a further head: %v", h))
		}
	}
	return a, notes, nil
}

// inGo says whether the optimizer must be Go's: a target follows weights that Go has, and only there do gradients add
// up over micro-batches.
func (s Setup) inGo() bool {
	_, follows := s.Loss.Target()
	return follows || s.Experiment.Train.MicroBatch > 0
}
