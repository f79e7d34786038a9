package bench

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/machine"
	"ordo/runner/track"
	"ordo/runner/train"
)

// Options say what to measure.
type Options struct {
	Experiment config.Experiment
	Libraries  models.Libraries
	Steps      int  // that are measured, at least 1
	Warmup     int  // steps before them, in which memory is taken and images are drawn; at least 0
	Profile    bool // measure each operator too, which costs some speed
	// Sizes measures what a run leaves on the disk, in place of what the machine can do.
	Sizes bool
}

// Result is how fast an experiment's training steps are, and the JSON form of it. Times are wall time.
type Result struct {
	Name           string          `json:"name"`
	Steps          int             `json:"steps"`
	BatchSize      int             `json:"batch_size"` // images
	ImageSize      int             `json:"image_size"` // pixels of a view's side
	Views          int             `json:"views"`      // of each image
	Backbone       string          `json:"backbone"`   // or the folder of artifacts
	ImagesPerSec   float64         `json:"images_per_second"`
	ViewsPerSec    float64         `json:"views_per_second"`
	MedianSeconds  float64         `json:"median_step_seconds"` // see Median
	FastestSeconds float64         `json:"fastest_step_seconds"`
	TimeShare      track.TimeShare `json:"time_share"`
	PeakMemory     int64           `json:"peak_memory_bytes"` // of the process
	Drift          *Drift          `json:"drift,omitempty"`   // from 20 steps on
	Parameters     int             `json:"parameters"`        // trainable values
	Kernels        string          `json:"kernels"`           // stock or fast
	Precision      string          `json:"precision"`         // of the step: float32 or bf16
	// GFLOPS is 1e9 operations of convolutions and matrix products a second, in ONNX Runtime's time, and Share what
	// part that is of the multiply-adds that the machine can do; 0 without Limits.
	GFLOPS      float64     `json:"gflops"`
	Share       float64     `json:"share"`
	Limits      *Limits     `json:"limits,omitempty"` // of the CPU, where that is what computes
	Threads     int         `json:"threads"`          // of ONNX Runtime
	Workers     int         `json:"workers"`          // that render views
	ONNXRuntime string      `json:"onnxruntime"`
	CPU         string      `json:"cpu"`
	Beside      *Comparison `json:"beside,omitempty"` // with PyTorch
	Together    *Together   `json:"together,omitempty"`
	Note        string      `json:"note,omitempty"`  // why there are no fast kernels
	Ops         []Op        `json:"ops,omitempty"`   // by time, with Options.Profile
	Sizes       *Sizes      `json:"sizes,omitempty"` // with Options.Sizes
}

// Sizes are the bytes of a run's large files.
type Sizes struct {
	Checkpoint int64 `json:"checkpoint_bytes"` // weights, the optimizer's moments, and what the loss keeps
	Graphs     int64 `json:"graphs_bytes"`
	Encoder    int64 `json:"encoder_bytes"` // at most: with all heads
}

// Limits are what the machine can do at most with as many threads as ONNX Runtime has, see models.Limits.
type Limits struct {
	// MultiplyAdd is that of float32, or of a step in bf16 on a processor with matrix units, theirs.
	MultiplyAdd   float64 `json:"multiply_add_gflops"`
	MatrixProduct float64 `json:"matrix_product_gflops"`
	Memory        float64 `json:"memory_gb_per_second"`
}

// Drift shows whether speed or memory change while steps go on.
type Drift struct {
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
		return Rate(images*len(part), total)
	}
	return rate(steps[:n]), rate(steps[len(steps)-n:])
}

// Step measures training steps of an experiment on images that are drawn for it, of the size that it names. Its data
// are not read, and nothing is written. The learning rate stays that of the first step.
//
// Its faults are of kind Config (the experiment), Library, Numeric where the loss or a gradient is not finite, and
// Interrupted where the context was cancelled.
func Step(ctx context.Context, o Options) (Result, error) {
	drawn := data.DefaultOptions() // Orchard, without the settings of any other source
	drawn.ImageSize, drawn.Images = o.Experiment.Data.ImageSize, max(2*o.Experiment.Train.BatchSize, 256)
	o.Experiment.Data = drawn
	setup, err := train.Prepare(o.Experiment)
	if err != nil {
		return Result{}, err
	}
	if o.Steps < 1 || o.Warmup < 0 {
		return Result{}, fault.New(fault.Config, "%d steps after %d can't be measured", o.Steps, o.Warmup)
	}
	rt, err := models.OpenTraining(o.Libraries.ONNXRuntime)
	if err != nil {
		return Result{}, err
	}
	defer rt.Close()
	profile := ""
	if o.Profile {
		dir, err := os.MkdirTemp("", "ordo-profile-")
		if err != nil {
			return Result{}, fault.Writing(os.TempDir(), err)
		}
		defer os.RemoveAll(dir)
		profile = filepath.Join(dir, "step")
	}
	m := &measurement{o: o, rt: rt, setup: setup}
	if err := m.steps(ctx, profile); err != nil {
		return Result{}, err
	}
	// Behind the steps, whose memory it would add to.
	if !o.Sizes {
		if err := m.limits(); err != nil {
			return Result{}, err
		}
	}
	if o.Profile {
		if err := m.operators(profile); err != nil {
			return Result{}, err
		}
	}
	return m.result, nil
}

// measurement is the state of one call of Step.
type measurement struct {
	o      Options
	rt     *models.Runtime
	setup  train.Setup
	result Result
}

// steps does the steps. When it returns, the trainer is closed, and with it the profile is written.
func (m *measurement) steps(ctx context.Context, profile string) error {
	e := m.o.Experiment
	splits, err := data.Open(ctx, e.Data)
	if err != nil {
		return err
	}
	kernels, note, err := models.OpenKernels(m.rt, m.o.Libraries.OneDNN, m.setup.Model.Options())
	if err != nil {
		return err
	}
	artifacts, _, err := m.setup.Build(kernels)
	if err != nil {
		return err
	}
	if !m.o.Sizes {
		artifacts.Eval = nil
	}
	views := len(m.setup.Plan.Views())
	operations, err := models.StepOperations(artifacts, e.Train.BatchSize*views)
	if err != nil {
		return err
	}
	used := models.StockKernels
	if contract, err := artifacts.Contract(); err != nil {
		return err
	} else if contract.Kernels {
		used = models.FastKernels
	}
	stepper, err := train.Open(m.rt, m.setup, artifacts, train.Options{Threads: train.Threads(e), Profile: profile})
	if err != nil {
		return err
	}
	defer stepper.Close()
	if err := stepper.Feed(ctx, splits.Train, 0); err != nil {
		return err
	}
	precision := models.Float32
	if kernels != nil && kernels.Precision == models.BFloat16 {
		precision = models.BFloat16
	}
	m.result = Result{
		Name: e.Name, Steps: m.o.Steps, BatchSize: e.Train.BatchSize, ImageSize: e.Data.ImageSize, Views: views,
		Backbone: cmp.Or(e.Model.Artifacts, e.Model.Backbone), Kernels: used, Precision: precision, Note: note,
		Threads: train.Threads(e), Workers: train.Workers(e), ONNXRuntime: m.rt.Version(), CPU: machine.Processor(),
	}
	rate := float32(e.Train.Rate(0, splits.Train.Len()/e.Train.BatchSize))
	whole, err := m.take(ctx, stepper, rate)
	if err != nil {
		return err
	}
	m.result.GFLOPS = operations / 1e9 * float64(m.o.Steps) / max(whole.ORT.Seconds(), 1e-9)
	if m.result.Parameters, err = stepper.Trainer().ParameterCount(true); err != nil || !m.o.Sizes {
		return err
	}
	m.result.Sizes, err = sizes(artifacts, stepper.Trainer())
	return err
}

// sizes writes a checkpoint to see how large it is, and removes it.
func sizes(a models.Artifacts, t *models.Trainer) (*Sizes, error) {
	dir, err := os.MkdirTemp("", "ordo-sizes-")
	if err != nil {
		return nil, fault.Writing(os.TempDir(), err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "checkpoint")
	if err := t.Save(file); err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fault.Reading(fault.Storage, file, err)
	}
	values, err := t.ParameterCount(false)
	s := &Sizes{Checkpoint: info.Size(), Encoder: 4 * int64(values)}
	a.Checkpoint = nil
	for _, data := range a.Files() {
		s.Graphs += int64(len(data))
	}
	return s, err
}

// take takes the steps, and fills in speed, memory and drift.
func (m *measurement) take(ctx context.Context, stepper *train.Stepper, rate float32) (whole train.Times, err error) {
	var took []time.Duration
	var warm int64
	for i := range m.o.Warmup + m.o.Steps {
		if i == m.o.Warmup {
			warm = machine.ResidentMemory()
		}
		var step train.Step
		err := ctx.Err()
		if err == nil {
			step, err = stepper.Take(0, rate)
		}
		if ctx.Err() != nil {
			return whole, fault.New(fault.Interrupted, "interrupted after %d steps", i)
		}
		if err != nil {
			return whole, train.Diverged(i+1, err)
		}
		if i >= m.o.Warmup {
			whole.Add(step.Times)
			took = append(took, step.Times.Total)
		}
	}
	r, images := &m.result, m.o.Experiment.Train.BatchSize
	if m.o.Steps >= minDrift {
		r.Drift = &Drift{ResidentWarm: warm, Resident: machine.ResidentMemory()}
		r.Drift.First, r.Drift.Last = drift(took, images)
	}
	seconds := make([]float64, len(took))
	for i, d := range took {
		seconds[i] = d.Seconds()
	}
	r.MedianSeconds, r.FastestSeconds = Median(seconds), slices.Min(seconds)
	r.ImagesPerSec = whole.ImagesPerSecond(images)
	r.ViewsPerSec = r.ImagesPerSec * float64(r.Views)
	r.TimeShare, r.PeakMemory = whole.Share(), machine.PeakMemory()
	return whole, nil
}

// limits measures what the machine can do, if it is the CPU that computes.
func (m *measurement) limits() error {
	if m.o.Experiment.Model.Execution.Provider != models.CPU {
		return nil
	}
	l, err := models.MeasureLimits(m.rt, m.result.Threads)
	if err != nil {
		return err
	}
	if m.result.Precision == models.BFloat16 && l.HalfAdd > 0 {
		l.MultiplyAdd = l.HalfAdd
	}
	m.result.Limits = &Limits{l.MultiplyAdd / 1e9, l.MatrixProduct / 1e9, l.Memory / 1e9}
	m.result.Share = m.result.GFLOPS / m.result.Limits.MultiplyAdd
	return nil
}
