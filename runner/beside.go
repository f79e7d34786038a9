package runner

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"os"
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

// BesideOptions say how an experiment's training step is compared with PyTorch's.
type BesideOptions struct {
	Bench  BenchOptions
	Python string   // with torch and torchvision
	Ordo   []string // the command that runs BackboneSteps on its standard streams
	Rounds int      // at least 1
	Steps  int      // of each side in a round, at least 1
}

// BesideResult is how an experiment's training step compares with PyTorch's: forward, backward and AdamW on one batch, the network without
// heads. Every side is a process of its own. They take turns in rounds, in this order and the reverse.
type BesideResult struct {
	Python     string `json:"python"`
	Torch      string `json:"torch"`
	Rounds     int    `json:"rounds"`
	Steps      int    `json:"steps"`      // of each side in a round
	Batch      int    `json:"batch"`      // rows: views of all images
	Threads    int    `json:"threads"`    // of each side
	Parameters int    `json:"parameters"` // trainable values of each side
	// Sides are ordo and PyTorch's, by how images lie in memory: plainly, or with their channels last.
	Sides []BesideSide `json:"sides"`
	// Best is PyTorch's side with the better median, and Ratio the median of ordo's speed by that one's.
	Best  string  `json:"best"`
	Ratio float64 `json:"ratio"`
}

// BesideSide is one of those that are compared.
type BesideSide struct {
	Name  string    `json:"name"`
	Speed []float64 `json:"rows_per_second"` // by round
	// Ratio is of ordo's speed to this side's; nil for ordo.
	Ratio *BesideRatio `json:"ratio,omitempty"`
	// PeakMemory is the resident size of the side's process at most, and MemoryBefore that before there was a model: of Python with torch,
	// or of ordo with ONNX Runtime and oneDNN. In bytes.
	PeakMemory   int64 `json:"peak_memory_bytes"`
	MemoryBefore int64 `json:"memory_before_model_bytes"`
}

// BesideRatio is of two speeds in each round, and of both sides' best rounds.
type BesideRatio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Best   float64 `json:"best"`
}

// The sides, ordo first.
const ordoSide = "ordo"

var torchSides = []string{"torch, plain", "torch, channels last"}

// ErrBeside is wrapped by Beside's error where PyTorch can't be run or doesn't have the network.
var ErrBeside = errors.New("no comparison with PyTorch")

// besidePause comes before each turn: the threads of both sides spin for some milliseconds after theirs.
const besidePause = 50 * time.Millisecond

// Beside measures an experiment's training step and PyTorch's.
func Beside(ctx context.Context, o BesideOptions) (BesideResult, error) {
	result, err := beside(ctx, o)
	if err != nil && ctx.Err() != nil { // the processes end with it, and complain
		err = ErrInterrupted
	}
	return result, err
}

func beside(ctx context.Context, o BesideOptions) (BesideResult, error) {
	e := o.Bench.Experiment
	if err := e.Validate(); err != nil {
		return BesideResult{}, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	if e.Model.Artifacts != "" || zoo.Source(e.Model.Backbone) == "" {
		return BesideResult{}, fmt.Errorf("%w: there is no %q in torchvision: name another backbone", ErrBeside, e.Model.Backbone)
	}
	r := &run{o: Options{Experiment: e}}
	if err := r.plans(); err != nil {
		return BesideResult{}, err
	}
	result := BesideResult{Rounds: o.Rounds, Steps: o.Steps, Batch: e.Train.BatchSize * len(r.plan.Views()), Threads: threads(e)}
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
		Library: o.Bench.Library, OneDNN: o.Bench.OneDNN, Model: e.Model, ImageSize: e.Data.ImageSize, Batch: result.Batch, Seed: e.Seed,
	}); err != nil {
		return BesideResult{}, err
	}
	z := e.Model.Sized()
	for _, name := range torchSides {
		if err := start(name, []string{o.Python, "-c", besideScript}, map[string]any{
			"backbone": z.Backbone, "stem": z.Stem, "width": z.Width, "patch_size": z.PatchSize, "image_size": e.Data.ImageSize,
			"batch": result.Batch, "threads": result.Threads, "channels_last": strings.HasSuffix(name, "channels last"),
			"bf16": e.Model.Precision == models.BFloat16,
		}); err != nil {
			return BesideResult{}, err
		}
	}
	for round := range o.Rounds {
		for i := range sides {
			if round%2 == 1 {
				i = len(sides) - 1 - i
			}
			if err := sides[i].turn(ctx, o.Steps, result.Batch); err != nil {
				return BesideResult{}, err
			}
		}
	}
	result.compare(sides)
	return result, nil
}

// compare fills in the sides.
func (r *BesideResult) compare(sides []*side) {
	own := sides[0].speeds
	best := 0.0
	for _, s := range sides {
		compared := BesideSide{Name: s.name, Speed: s.speeds, PeakMemory: s.peak, MemoryBefore: s.ready.Before}
		if s.name != ordoSide {
			ratios := make([]float64, len(own))
			for i := range own {
				ratios[i] = own[i] / s.speeds[i]
			}
			compared.Ratio = &BesideRatio{
				Median: median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios), Best: slices.Max(own) / slices.Max(s.speeds),
			}
			if m := median(s.speeds); m > best {
				best, r.Best, r.Ratio = m, s.name, compared.Ratio.Median
			}
		}
		r.Sides = append(r.Sides, compared)
	}
}

// median is the middle value, the upper one of two.
func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// side is a process that takes steps when it is asked.
type side struct {
	name, program string
	script        *script.Script
	ready         sideAnswer
	speeds        []float64 // rows a second, by round
	peak          int64
}

func startSide(ctx context.Context, name string, command []string) (*side, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = slices.DeleteFunc(os.Environ(), setsThreads)
	s := &side{name: name, program: c.Path}
	var err error
	if s.script, err = script.Start(c); err != nil {
		return nil, fmt.Errorf("%w: %w; name a Python with torch and torchvision", ErrBeside, err)
	}
	return s, nil
}

// prepare makes the side ready, and sees that it is like ordo's.
func (s *side) prepare(request any, r *BesideResult) error {
	if err := s.ask(request, &s.ready); err != nil {
		return err
	}
	if s.name == ordoSide {
		r.Parameters = s.ready.Parameters
	}
	r.Python, r.Torch = s.ready.Python, s.ready.Torch
	if s.ready.Parameters != r.Parameters {
		return fmt.Errorf("%w: the network has %d trainable values in ordo and %d in %s: it isn't the same", ErrBeside, r.Parameters, s.ready.Parameters, s.name)
	}
	if s.ready.Threads != r.Threads {
		return fmt.Errorf("%w: %s computes with %d threads, ordo with %d", ErrBeside, s.name, s.ready.Threads, r.Threads)
	}
	return nil
}

// setsThreads finds the variables that tell OpenMP and MKL how to use threads: all sides have their library's defaults.
func setsThreads(variable string) bool {
	return slices.ContainsFunc([]string{"OMP_", "GOMP_", "KMP_", "MKL_"}, func(prefix string) bool { return strings.HasPrefix(variable, prefix) })
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
		return fmt.Errorf("%w: %s says that %d steps took %v s", ErrBeside, s.program, steps, answer.Seconds)
	}
	s.speeds = append(s.speeds, float64(rows*steps)/answer.Seconds)
	s.peak = answer.Peak
	return nil
}

// ask sends a request and reads its answer. The error is the last line that the program wrote.
func (s *side) ask(request, answer any) error {
	err := s.script.Ask(request, answer)
	if err == nil {
		return nil
	}
	if last := s.script.Complaint(); last != "" {
		return fmt.Errorf("%w: %s says: %s", ErrBeside, s.program, last)
	}
	return fmt.Errorf("%w: %s: %w", ErrBeside, s.program, err)
}
