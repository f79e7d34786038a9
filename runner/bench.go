package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ordo/models"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/track"
)

// BenchOptions say what to measure.
type BenchOptions struct {
	Experiment config.Experiment
	Library    string // the file of ONNX Runtime's library
	OneDNN     string // that of oneDNN, for fast kernels; "": there is none
	Steps      int    // that are measured, at least 1
	Warmup     int    // steps before them, in which memory is taken and images are drawn; at least 0
	Profile    bool   // measure each operator too, which costs some speed
}

// BenchResult is what `ordo bench step --json` prints. Times are wall time.
type BenchResult struct {
	Name           string          `json:"name"`
	Steps          int             `json:"steps"`
	BatchSize      int             `json:"batch_size"` // images
	Views          int             `json:"views"`      // of each image
	ImagesPerSec   float64         `json:"images_per_second"`
	ViewsPerSec    float64         `json:"views_per_second"`
	MedianSeconds  float64         `json:"median_step_seconds"`
	FastestSeconds float64         `json:"fastest_step_seconds"`
	TimeShare      track.TimeShare `json:"time_share"`
	PeakMemory     int64           `json:"peak_memory_bytes"` // of the process
	Parameters     int             `json:"parameters"`        // trainable values
	Kernels        string          `json:"kernels"`           // stock or fast
	Precision      string          `json:"precision"`         // of convolutions: float32 or bf16
	GFLOPS         float64         `json:"gflops"`            // 1e9 operations of convolutions and matrix products a second, in ONNX Runtime's time
	PeakGFLOPS     float64         `json:"peak_gflops"`       // those that a large product of float32 matrices reaches
	Threads        int             `json:"threads"`           // of ONNX Runtime
	Workers        int             `json:"workers"`           // that render views
	ONNXRuntime    string          `json:"onnxruntime"`
	CPU            string          `json:"cpu"`
	Beside         *BesideResult   `json:"beside,omitempty"` // PyTorch
	Note           string          `json:"note,omitempty"`   // why there are no fast kernels
	Ops            []BenchOp       `json:"ops,omitempty"`    // by time, with Profile
}

// BenchOp is the time that one operator took.
type BenchOp struct {
	Op          string  `json:"op"`
	SecondsStep float64 `json:"seconds_per_step"`
	CallsStep   float64 `json:"calls_per_step"`
	Share       float64 `json:"share"` // of all operators
}

// Bench measures training steps of an experiment on images that are drawn for it, of the size that it names. Its data are
// not read, and nothing is written.
func Bench(ctx context.Context, o BenchOptions) (BenchResult, error) {
	drawn := data.DefaultOptions() // Orchard, without the settings of any other source
	drawn.ImageSize, drawn.Images = o.Experiment.Data.ImageSize, max(2*o.Experiment.Train.BatchSize, 256)
	o.Experiment.Data = drawn
	if err := o.Experiment.Validate(); err != nil {
		return BenchResult{}, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	if o.Steps < 1 || o.Warmup < 0 {
		return BenchResult{}, fmt.Errorf("runner: bench %d steps after %d", o.Steps, o.Warmup)
	}
	rt, err := models.OpenRuntime(o.Library)
	if err != nil {
		return BenchResult{}, err
	}
	defer rt.Close()
	if !rt.HasTraining() {
		return BenchResult{}, models.NoTraining(rt)
	}
	prefix := ""
	if o.Profile {
		dir, err := os.MkdirTemp("", "ordo-profile-")
		if err != nil {
			return BenchResult{}, fmt.Errorf("runner: bench: %w", err)
		}
		defer os.RemoveAll(dir)
		prefix = filepath.Join(dir, "step")
	}
	r := &run{o: Options{Experiment: o.Experiment}}
	result, err := r.bench(ctx, rt, o, prefix)
	if err != nil || !o.Profile {
		return result, err
	}
	ops, err := models.ReadProfiles(prefix, o.Warmup)
	if err != nil {
		return BenchResult{}, err
	}
	total := time.Duration(0)
	for _, op := range ops {
		total += op.Time
	}
	for _, op := range ops {
		result.Ops = append(result.Ops, BenchOp{
			Op: op.Op, SecondsStep: op.Time.Seconds() / float64(o.Steps), CallsStep: float64(op.Calls) / float64(o.Steps),
			Share: float64(op.Time) / float64(max(total, 1)),
		})
	}
	return result, nil
}

// bench does the steps. When it returns, the trainer is closed, and with it the profile is written.
func (r *run) bench(ctx context.Context, rt *models.Runtime, o BenchOptions, profile string) (BenchResult, error) {
	e := o.Experiment
	if err := r.plans(); err != nil {
		return BenchResult{}, err
	}
	var err error
	if r.splits, err = data.Open(ctx, e.Data); err != nil {
		return BenchResult{}, err
	}
	r.perEpoch = r.splits.Train.Len() / e.Train.BatchSize
	r.total = o.Warmup + o.Steps
	kernels, note, err := models.OpenKernels(rt, o.OneDNN, r.model)
	if err != nil {
		return BenchResult{}, err
	}
	artifacts, _, err := models.Build(r.model, e.Train.Options, inGo(r.loss, e.Train), e.Data.ImageSize, e.Seed, kernels)
	if err != nil {
		return BenchResult{}, misfit(err)
	}
	artifacts.Eval = nil
	views := len(r.plan.Views())
	operations, err := models.StepOperations(artifacts, e.Train.BatchSize*views)
	if err != nil {
		return BenchResult{}, err
	}
	used := models.StockKernels
	if uses, err := models.UsesKernels(artifacts); err != nil {
		return BenchResult{}, err
	} else if uses {
		used = models.FastKernels
	}
	peak, err := models.MatrixPeak(rt, threads(e))
	if err != nil {
		return BenchResult{}, err
	}
	r.stepper, err = newStepper(rt, artifacts, r.loss, r.needs, e.Train, models.TrainerOptions{
		Threads: threads(e), Execution: e.Model.Execution, Optimizer: e.Train.Options, Profile: profile,
	})
	if err != nil {
		return BenchResult{}, err
	}
	defer r.stepper.close()
	r.trainer = r.stepper.trainer
	if r.stepper.loader, err = r.newLoader(ctx, rt); err != nil {
		return BenchResult{}, err
	}
	defer r.stepper.loader.Close()

	var steps []time.Duration
	for i := range o.Warmup + o.Steps {
		if ctx.Err() != nil {
			return BenchResult{}, fmt.Errorf("%w after %d steps", ErrInterrupted, i)
		}
		_, _, now, err := r.pass()
		if err != nil {
			if ctx.Err() != nil {
				return BenchResult{}, fmt.Errorf("%w after %d steps", ErrInterrupted, i)
			}
			return BenchResult{}, err
		}
		if i >= o.Warmup {
			r.whole.add(now)
			steps = append(steps, now.total)
		}
	}
	slices.Sort(steps)
	parameters, err := r.trainer.ParameterCount(true)
	if err != nil {
		return BenchResult{}, err
	}
	return BenchResult{
		Name: e.Name, Steps: o.Steps, BatchSize: e.Train.BatchSize, Views: views,
		ImagesPerSec: r.imagesPerSecond(r.whole), ViewsPerSec: r.imagesPerSecond(r.whole) * float64(views),
		MedianSeconds: steps[len(steps)/2].Seconds(), FastestSeconds: steps[0].Seconds(),
		TimeShare: r.whole.share(), PeakMemory: PeakMemory(), Parameters: parameters,
		Kernels: used, Precision: e.Model.Precision, Note: note, PeakGFLOPS: peak / 1e9,
		GFLOPS:  operations / 1e9 * float64(o.Steps) / max(r.whole.ort.Seconds(), 1e-9),
		Threads: threads(e), Workers: workers(e), ONNXRuntime: rt.Version(), CPU: cpuName(),
	}, nil
}
