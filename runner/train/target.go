package train

import (
	"fmt"
	"time"

	"ordo/loss"
	"ordo/models"
	"ordo/models/optimizer"
	"ordo/runner/loader"
)

// target is the network of averaged weights: the loss compares the trained network with its embedding, and it follows
// the trained weights.
type target struct {
	name    string // under which the loss gets its embedding
	average *optimizer.Average
	options loss.TargetOptions
	pass    *models.ForwardPass
	rows    [][]float32
	workers int
}

func (s *Stepper) openTarget(a models.Artifacts, follows loss.TargetOptions, o models.SessionOptions) error {
	trained, err := s.trainer.Trained()
	if err != nil {
		return err
	}
	s.target = &target{average: optimizer.NewAverage(trained), options: follows, workers: o.Threads}
	for _, n := range s.setup.Needs {
		if n.Kind == loss.NeedTarget {
			s.target.name = n.Output
		}
	}
	if err := s.trainer.Keep(keptTarget, s.target.average); err != nil {
		return err
	}
	if s.target.pass, err = models.NewForwardPass(s.rt, a, []string{models.Embedding}, o); err != nil {
		return fmt.Errorf("the target network: %w", err)
	}
	return s.trainer.Bind(s.target.pass, s.target.average.Values())
}

// runTarget computes the target's embedding of a batch.
func (s *Stepper) runTarget(b *loader.Batch) (err error) {
	if s.target == nil {
		return nil
	}
	begin := time.Now()
	s.target.rows, err = s.target.pass.Run(s.target.rows, b.Inputs)
	s.now.Target += time.Since(begin)
	return err
}

// followTarget lets the target follow the trained weights after an update.
func (s *Stepper) followTarget(progress float64) error {
	if s.target == nil {
		return nil
	}
	begin := time.Now()
	trained, err := s.trainer.Trained()
	if err == nil {
		s.target.average.Update(trained, s.target.options.At(progress), s.target.workers)
	}
	s.now.Target += time.Since(begin)
	return err
}

// output is the target's embedding as the loss takes it.
func (t *target) output(data []float32) loss.Output {
	return loss.Output{Name: t.name, Dim: t.pass.Columns()[0], Data: data}
}
