package runner

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ordo/models"
	"ordo/models/ort"
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
	ImageSize      int             `json:"image_size"` // pixels of a view's side
	Views          int             `json:"views"`      // of each image
	Backbone       string          `json:"backbone"`   // or the folder of artifacts
	ImagesPerSec   float64         `json:"images_per_second"`
	ViewsPerSec    float64         `json:"views_per_second"`
	MedianSeconds  float64         `json:"median_step_seconds"`
	FastestSeconds float64         `json:"fastest_step_seconds"`
	TimeShare      track.TimeShare `json:"time_share"`
	PeakMemory     int64           `json:"peak_memory_bytes"` // of the process
	Drift          *BenchDrift     `json:"drift,omitempty"`   // from 20 steps on
	Parameters     int             `json:"parameters"`        // trainable values
	Kernels        string          `json:"kernels"`           // stock or fast
	Precision      string          `json:"precision"`         // of convolutions: float32 or bf16
	GFLOPS         float64         `json:"gflops"`            // 1e9 operations of convolutions and matrix products a second, in ONNX Runtime's time
	Share          float64         `json:"share"`             // that of the multiply-adds that the machine can do; 0 without Limits
	Limits         *BenchLimits    `json:"limits,omitempty"`  // of the CPU, where that is what computes
	Threads        int             `json:"threads"`           // of ONNX Runtime
	Workers        int             `json:"workers"`           // that render views
	ONNXRuntime    string          `json:"onnxruntime"`
	CPU            string          `json:"cpu"`
	Beside         *BesideResult   `json:"beside,omitempty"` // PyTorch
	Note           string          `json:"note,omitempty"`   // why there are no fast kernels
	Ops            []BenchOp       `json:"ops,omitempty"`    // by time, with Profile
}

// BenchLimits are what the machine can do at most with as many threads as ONNX Runtime has, see models.Limits.
type BenchLimits struct {
	MultiplyAdd   float64 `json:"multiply_add_gflops"` // of float32
	MatrixProduct float64 `json:"matrix_product_gflops"`
	Memory        float64 `json:"memory_gb_per_second"`
}

// BenchDrift shows whether speed or memory change while steps go on.
type BenchDrift struct {
	First        float64 `json:"first_tenth_images_per_second"`
	Last         float64 `json:"last_tenth_images_per_second"`
	ResidentWarm int64   `json:"resident_after_warmup_bytes"` // 0 where the system doesn't tell
	Resident     int64   `json:"resident_at_end_bytes"`
}

// minDrift is the number of steps of which a tenth is more than one.
const minDrift = 20

// drift compares the first and the last tenth of the steps.
func drift(steps []time.Duration, images int) (first, last float64) {
	n := max(1, len(steps)/10)
	rate := func(part []time.Duration) float64 {
		total := time.Duration(0)
		for _, d := range part {
			total += d
		}
		return float64(images*len(part)) / max(total.Seconds(), 1e-9)
	}
	return rate(steps[:n]), rate(steps[len(steps)-n:])
}

// BenchOp is what one operator took and did.
type BenchOp struct {
	Op          string  `json:"op"`
	CallsStep   float64 `json:"calls_per_step"`
	SecondsStep float64 `json:"seconds_per_step"`
	Share       float64 `json:"share"`               // of all operators' time
	Operations  float64 `json:"operations_per_step"` // of convolutions, as direct ones, and matrix products; 0 for all else
	Bytes       float64 `json:"bytes_per_step"`      // of inputs and outputs, each once
	GFLOPS      float64 `json:"gflops"`
	GBPerSec    float64 `json:"gb_per_second"`
	// Limit is what binds the operator, of its multiply-adds and its memory that whose share of Limits is larger: LimitCompute or
	// LimitMemory; "" without Limits. LimitShare is that share.
	Limit      string  `json:"limit,omitempty"`
	LimitShare float64 `json:"limit_share"`
}

// The values of BenchOp.Limit.
const (
	LimitCompute = "multiply-add"
	LimitMemory  = "memory"
)

// adamW is ONNX Runtime's optimizer. It takes lists of tensors, of which a profile doesn't tell the sizes: for every float32 parameter
// it reads four numbers, the gradient and two moments among them, and writes three.
const (
	adamW      = "AdamWOptimizer"
	adamWBytes = (4 + 3) * 4
)

// benchOp holds an operator's work in so many steps against the limits, which may be nil.
func benchOp(op models.OpTime, steps int, total time.Duration, l *BenchLimits) BenchOp {
	n, seconds := float64(steps), max(op.Time.Seconds(), 1e-9)
	b := BenchOp{
		Op: op.Op, SecondsStep: op.Time.Seconds() / n, CallsStep: float64(op.Calls) / n, Share: float64(op.Time) / float64(max(total, 1)),
		Operations: op.Operations / n, Bytes: op.Bytes / n, GFLOPS: op.Operations / 1e9 / seconds, GBPerSec: op.Bytes / 1e9 / seconds,
	}
	if l != nil {
		b.Limit, b.LimitShare = LimitMemory, b.GBPerSec/l.Memory
		if share := b.GFLOPS / l.MultiplyAdd; share > b.LimitShare {
			b.Limit, b.LimitShare = LimitCompute, share
		}
	}
	return b
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
	if err != nil {
		return BenchResult{}, err
	}
	// Behind the steps, whose memory it would add to.
	if o.Experiment.Model.Execution.Provider == ort.CPU {
		l, err := models.MeasureLimits(rt, result.Threads)
		if err != nil {
			return BenchResult{}, err
		}
		result.Limits = &BenchLimits{l.MultiplyAdd / 1e9, l.MatrixProduct / 1e9, l.Memory / 1e9}
		result.Share = result.GFLOPS / result.Limits.MultiplyAdd
	}
	if !o.Profile {
		return result, nil
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
		if op.Op == adamW {
			op.Bytes = float64(adamWBytes*result.Parameters) * float64(op.Calls)
		}
		result.Ops = append(result.Ops, benchOp(op, o.Steps, total, result.Limits))
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
	r.stepper, err = newStepper(rt, artifacts, r.loss, r.needs, e.Train, models.TrainerOptions{
		SessionOptions: models.SessionOptions{Threads: threads(e), Execution: e.Model.Execution},
		Optimizer:      e.Train.Options, Profile: profile,
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
	var warm int64
	for i := range o.Warmup + o.Steps {
		if ctx.Err() != nil {
			return BenchResult{}, fmt.Errorf("%w after %d steps", ErrInterrupted, i)
		}
		if i == o.Warmup {
			warm = residentMemory()
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
	var drifted *BenchDrift
	if o.Steps >= minDrift {
		drifted = &BenchDrift{ResidentWarm: warm, Resident: residentMemory()}
		drifted.First, drifted.Last = drift(steps, e.Train.BatchSize)
	}
	slices.Sort(steps)
	parameters, err := r.trainer.ParameterCount(true)
	if err != nil {
		return BenchResult{}, err
	}
	return BenchResult{
		Name: e.Name, Steps: o.Steps, BatchSize: e.Train.BatchSize, ImageSize: e.Data.ImageSize, Views: views,
		Backbone:     cmp.Or(e.Model.Artifacts, e.Model.Backbone),
		ImagesPerSec: r.imagesPerSecond(r.whole), ViewsPerSec: r.imagesPerSecond(r.whole) * float64(views),
		MedianSeconds: steps[len(steps)/2].Seconds(), FastestSeconds: steps[0].Seconds(),
		TimeShare: r.whole.share(), PeakMemory: PeakMemory(), Drift: drifted, Parameters: parameters,
		Kernels: used, Precision: e.Model.Precision, Note: note,
		GFLOPS:  operations / 1e9 * float64(o.Steps) / max(r.whole.ort.Seconds(), 1e-9),
		Threads: threads(e), Workers: workers(e), ONNXRuntime: rt.Version(), CPU: cpuName(),
	}, nil
}
