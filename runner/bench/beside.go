package bench

import (
	"context"
	_ "embed" // the script
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/zoo"
	"ordo/runner/bench/script"
	"ordo/runner/train"
)

//go:embed torch_step.py
var torchStep string

// BesideOptions say how an experiment's training step is compared with PyTorch's.
type BesideOptions struct {
	Bench  Options
	Python string   // with torch and torchvision
	Ordo   []string // the command that runs BackboneSteps on its standard streams
	Rounds int      // at least 1
	Steps  int      // of each side in a round, at least 1
}

// Comparison is how an experiment's training step compares with PyTorch's: forward, backward and AdamW on one batch,
// the network without heads. Every side is a process of its own. They take turns in rounds, in this order and the
// reverse.
type Comparison struct {
	Python     string `json:"python"`
	Torch      string `json:"torch"`
	Rounds     int    `json:"rounds"`
	Steps      int    `json:"steps"`      // of each side in a round
	Batch      int    `json:"batch"`      // rows: views of all images
	Threads    int    `json:"threads"`    // of each side
	Parameters int    `json:"parameters"` // trainable values of each side
	// Sides are ordo and PyTorch's, by how images lie in memory: plainly, or with their channels last.
	Sides []Side `json:"sides"`
	// Best is PyTorch's side with the better median, and Ratio the median of ordo's speed by that one's.
	Best  string  `json:"best"`
	Ratio float64 `json:"ratio"`
}

// Side is one of those that are compared.
type Side struct {
	Name  string    `json:"name"`
	Speed []float64 `json:"rows_per_second"` // by round
	// Ratio is of ordo's speed to this side's; nil for ordo.
	Ratio *Ratio `json:"ratio,omitempty"`
	// PeakMemory is the resident size of the side's process at most, and MemoryBefore that before there was a model: of
	// Python with torch, or of ordo with ONNX Runtime and oneDNN. In bytes.
	PeakMemory   int64 `json:"peak_memory_bytes"`
	MemoryBefore int64 `json:"memory_before_model_bytes"`
}

// Ratio is of two speeds in each round, and of both sides' best rounds.
type Ratio struct {
	Median float64 `json:"median"` // see Median
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Best   float64 `json:"best"`
}

// The sides, ordo first.
const ordoSide = "ordo"

var torchSides = []string{"torch, plain", "torch, channels last"}

// besidePause comes before each turn: the threads of both sides spin for some milliseconds after theirs.
const besidePause = 50 * time.Millisecond

// Beside measures an experiment's training step and PyTorch's. Where PyTorch can't be run or doesn't have the network,
// the error wraps script.ErrNoComparison.
func Beside(ctx context.Context, o BesideOptions) (Comparison, error) {
	result, err := beside(ctx, o)
	if err != nil && ctx.Err() != nil { // the processes end with it, and complain
		err = fault.New(fault.Interrupted, "interrupted while the step was compared with PyTorch's")
	}
	return result, err
}

func beside(ctx context.Context, o BesideOptions) (Comparison, error) {
	e := o.Bench.Experiment
	setup, err := train.Prepare(e)
	if err != nil {
		return Comparison{}, err
	}
	if e.Model.Artifacts != "" || zoo.Source(e.Model.Backbone) == "" {
		return Comparison{}, script.NoComparison("torchvision has no %q", e.Model.Backbone).
			Advise("name another backbone")
	}
	if e.Model.Precision == models.AutoPrecision {
		return Comparison{}, script.NoComparison("model.precision is %s", models.AutoPrecision).
			Advise("set it to %s or %s", models.Float32, models.BFloat16)
	}
	rows := e.Train.BatchSize * len(setup.Plan.Views())
	result := Comparison{Rounds: o.Rounds, Steps: o.Steps, Batch: rows, Threads: train.Threads(e)}
	e.Model.Threads = result.Threads // for ordo's own process
	var sides []*side
	defer func() {
		for _, s := range sides {
			s.script.Close()
		}
	}()
	start := func(name string, command []string, request any) error {
		s, err := startSide(ctx, name, command)
		if err != nil {
			return err
		}
		sides = append(sides, s)
		return s.prepare(request, &result)
	}
	if err := start(ordoSide, o.Ordo, backboneRequest{
		Libraries: o.Bench.Libraries, Model: e.Model, ImageSize: e.Data.ImageSize, Batch: rows,
		Seed: e.Seed,
	}); err != nil {
		return Comparison{}, err
	}
	z := e.Model.Sized()
	for _, name := range torchSides {
		if err := start(name, []string{o.Python, "-c", torchStep}, map[string]any{
			"backbone": z.Backbone, "stem": z.Stem, "width": z.Width, "patch_size": z.PatchSize,
			"image_size": e.Data.ImageSize, "batch": rows, "threads": result.Threads,
			"channels_last": strings.HasSuffix(name, "channels last"), "bf16": e.Model.Precision == models.BFloat16,
		}); err != nil {
			return Comparison{}, err
		}
	}
	if err := takeTurns(ctx, sides, o, rows); err != nil {
		return Comparison{}, err
	}
	result.compare(sides)
	return result, nil
}

// takeTurns goes through the rounds.
func takeTurns(ctx context.Context, sides []*side, o BesideOptions, rows int) error {
	for round := range o.Rounds {
		for i := range sides {
			if round%2 == 1 {
				i = len(sides) - 1 - i
			}
			if err := sides[i].turn(ctx, o.Steps, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare fills in the sides.
func (c *Comparison) compare(sides []*side) {
	own := sides[0].speeds
	best := 0.0
	for _, s := range sides {
		compared := Side{Name: s.name, Speed: s.speeds, PeakMemory: s.peak, MemoryBefore: s.ready.Before}
		if s.name != ordoSide {
			ratios := make([]float64, len(own))
			for i := range own {
				ratios[i] = own[i] / s.speeds[i]
			}
			compared.Ratio = &Ratio{
				Median: Median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios),
				Best: slices.Max(own) / slices.Max(s.speeds),
			}
			if m := Median(s.speeds); m > best {
				best, c.Best, c.Ratio = m, s.name, compared.Ratio.Median
			}
		}
		c.Sides = append(c.Sides, compared)
	}
}

// side is a process that takes steps when it is asked.
type side struct {
	name   string
	script *script.Script
	ready  sideAnswer
	speeds []float64 // rows a second, by round
	peak   int64
}

func startSide(ctx context.Context, name string, command []string) (*side, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = slices.DeleteFunc(os.Environ(), setsThreads)
	s, err := script.Start(c)
	if err != nil {
		return nil, fault.New(fault.Other, "%w", err).Advise("name a Python with torch and torchvision")
	}
	return &side{name: name, script: s}, nil
}

// prepare makes the side ready, and sees that it is like ordo's.
func (s *side) prepare(request any, c *Comparison) error {
	if err := s.ask(request, &s.ready); err != nil {
		return err
	}
	if s.name == ordoSide {
		c.Parameters = s.ready.Parameters
	}
	c.Python, c.Torch = s.ready.Python, s.ready.Torch
	if s.ready.Parameters != c.Parameters {
		return script.NoComparison("the network has %d trainable values in ordo and %d in %s: it isn't the same",
			c.Parameters, s.ready.Parameters, s.name)
	}
	if s.ready.Threads != c.Threads {
		return script.NoComparison("%s computes with %d threads, ordo with %d", s.name, s.ready.Threads, c.Threads)
	}
	return nil
}

// setsThreads finds the variables that tell OpenMP and MKL how to use threads: all sides have their library's defaults.
func setsThreads(variable string) bool {
	return slices.ContainsFunc([]string{"OMP_", "GOMP_", "KMP_", "MKL_"}, func(prefix string) bool {
		return strings.HasPrefix(variable, prefix)
	})
}

// turn takes steps.
func (s *side) turn(ctx context.Context, steps, rows int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(besidePause):
	}
	var answer stepsAnswer
	if err := s.ask(map[string]int{"steps": steps}, &answer); err != nil {
		return err
	}
	if answer.Seconds <= 0 {
		return script.NoComparison("%s says that %d steps took %v s", s.name, steps, answer.Seconds)
	}
	s.speeds = append(s.speeds, Rate(rows*steps, time.Duration(answer.Seconds*float64(time.Second))))
	s.peak = answer.Peak
	return nil
}

// ask sends a request and reads its answer.
func (s *side) ask(request, answer any) error {
	if err := s.script.Ask(request, answer); err != nil {
		return script.NoComparison("%s: %w", s.name, err)
	}
	return nil
}
