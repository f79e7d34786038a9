package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/train"
)

// TogetherOptions say how trainings side by side are measured.
type TogetherOptions struct {
	Bench     Options
	Ordo      []string // the command that runs BackboneSteps on its standard streams
	Processes int      // at least 2
	Rounds    int      // at least 1
	Steps     int      // of each process in a turn, at least 1
}

// Together is what trainings of the same backbone lose to each other when they run side by side on a machine: each a
// process of its own with all threads, which takes as many steps at a time. In a round they take them one after the
// other and at once, in this order and the reverse.
type Together struct {
	Processes int `json:"processes"`
	Rounds    int `json:"rounds"`
	Steps     int `json:"steps"`   // of each process in a turn
	Batch     int `json:"batch"`   // rows: views of all images
	Threads   int `json:"threads"` // of each process
	Spin      int `json:"spin_us"` // of the threads, in microseconds
	// InTurn and AtOnce are the seconds that all processes take, by round.
	InTurn []float64 `json:"in_turn_seconds"`
	AtOnce []float64 `json:"at_once_seconds"`
	// Ratio is the median of AtOnce by InTurn, and Min and Max its range: 1 where they lose nothing to each other.
	Ratio float64 `json:"ratio"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
}

// SideBySide measures trainings side by side.
func SideBySide(ctx context.Context, o TogetherOptions) (Together, error) {
	result, err := sideBySide(ctx, o)
	if err != nil && ctx.Err() != nil { // the processes end with it, and complain
		err = fault.New(fault.Interrupted, "interrupted while trainings side by side were measured")
	}
	return result, err
}

func sideBySide(ctx context.Context, o TogetherOptions) (Together, error) {
	e := o.Bench.Experiment
	setup, err := train.Prepare(e)
	if err != nil {
		return Together{}, err
	}
	if e.Model.Artifacts != "" || e.Model.Precision == models.AutoPrecision {
		return Together{}, fault.New(fault.Config, "steps side by side are of a built-in backbone, in a precision by name").
			Advise("set model.backbone, and model.precision to %s or %s", models.Float32, models.BFloat16)
	}
	e.Model.Threads = train.Threads(e)
	rows := e.Train.BatchSize * len(setup.Plan.Views())
	result := Together{Processes: o.Processes, Rounds: o.Rounds, Steps: o.Steps, Batch: rows, Threads: e.Model.Threads,
		Spin: e.Model.Execution.Spin}
	var sides []*side
	defer func() {
		for _, s := range sides {
			s.script.Close()
		}
	}()
	for range o.Processes {
		s, err := startSide(ctx, ordoSide, o.Ordo)
		if err != nil {
			return Together{}, err
		}
		sides = append(sides, s)
		if err := s.script.Ask(backboneRequest{
			Libraries: o.Bench.Libraries, Model: e.Model, ImageSize: e.Data.ImageSize, Batch: rows, Seed: e.Seed,
		}, &s.ready); err != nil {
			return Together{}, fault.New(fault.Other, "a process that trains: %w", err)
		}
	}
	for round := range o.Rounds {
		if err := result.round(ctx, sides, round%2 == 1); err != nil {
			return Together{}, fault.New(fault.Other, "a process that trains: %w", err)
		}
	}
	var ratios []float64
	for i, seconds := range result.AtOnce {
		ratios = append(ratios, seconds/result.InTurn[i])
	}
	result.Ratio, result.Min, result.Max = Median(ratios), slices.Min(ratios), slices.Max(ratios)
	return result, nil
}

// round lets the processes take their steps one after the other and at once, or in the reverse order.
func (r *Together) round(ctx context.Context, sides []*side, reverse bool) error {
	turn := func() error {
		sum := 0.0
		for _, s := range sides {
			seconds, err := takeAtOnce(ctx, []*side{s}, r.Steps)
			if err != nil {
				return err
			}
			sum += seconds
		}
		r.InTurn = append(r.InTurn, sum)
		return nil
	}
	once := func() error {
		seconds, err := takeAtOnce(ctx, sides, r.Steps)
		r.AtOnce = append(r.AtOnce, seconds)
		return err
	}
	if reverse {
		turn, once = once, turn
	}
	if err := turn(); err != nil {
		return err
	}
	return once()
}

// takeAtOnce lets some processes take steps, and says how many seconds passed until the last was done.
func takeAtOnce(ctx context.Context, sides []*side, steps int) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(besidePause):
	}
	errs := make([]error, len(sides))
	var wg sync.WaitGroup
	began := time.Now()
	for i, s := range sides {
		wg.Go(func() {
			var answer stepsAnswer
			errs[i] = s.script.Ask(map[string]int{"steps": steps}, &answer)
		})
	}
	wg.Wait()
	return time.Since(began).Seconds(), errors.Join(errs...)
}
