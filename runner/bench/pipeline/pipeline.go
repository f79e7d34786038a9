package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/bench"
	"ordo/runner/bench/script"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/pack"
	"ordo/runner/machine"
)

// Options say what to measure.
type Options struct {
	Experiment config.Experiment
	Operations []string      // names of further transformations and families, or "all"
	Round      time.Duration // of one measurement
	Rounds     int           // at least 1; the median counts
	Beside     string        // the Python that times other libraries; empty: none does
	// Watch hears how images are read and packed.
	Watch data.Watch
	// Doing hears what is measured now; it may be nil.
	Doing func(what string)
}

// Result is how fast an experiment's images become views, and the JSON form of it.
type Result struct {
	Name       string      `json:"name"`
	CPU        string      `json:"cpu"`
	Workers    int         `json:"workers"` // of "all workers"
	ImageSize  int         `json:"image_size"`
	Source     string      `json:"source"`
	Kept       string      `json:"kept"`             // memory, or packed
	Packed     string      `json:"packed,omitempty"` // the file of training images
	Bytes      int64       `json:"packed_bytes,omitempty"`
	Images     int         `json:"images"`                      // for training
	Decode     Speed       `json:"decode_images_per_second"`    // as the source has them, unreduced
	Pack       Speed       `json:"pack_images_per_second"`      // decoded, reduced and written
	Open       float64     `json:"open_seconds"`                // both splits, packing included where it was due
	FirstEpoch float64     `json:"first_epoch_seconds"`         // every training image read once, on all workers
	Read       Speed       `json:"read_images_per_second"`      // after the first epoch
	ReadBytes  Speed       `json:"read_gb_per_second"`          // pixels, 10^9 bytes
	Memory     int64       `json:"peak_memory_bytes"`           // after the epoch: resident, mapped pages included
	Anonymous  int64       `json:"peak_anonymous_memory_bytes"` // up to there: backed by no file; 0: unknown
	Operations []Operation `json:"operations"`
	Beside     *Libraries  `json:"beside,omitempty"`
}

// Operation is the speed of one operation.
type Operation struct {
	Name string `json:"name"`
	// Views are whole views in a second; by one worker it is the median of the rounds.
	Views Speed `json:"views_per_second"`
	// Microseconds is what the operation adds to a view of nothing, on one worker; not for none and plan.
	Microseconds float64 `json:"microseconds,omitempty"`
	// Beside is what other libraries do, by their names.
	Beside map[string]Other `json:"beside,omitempty"`
}

// Other is another library's speed at an operation, on one thread.
type Other struct {
	Views   float64 `json:"views_per_second,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"`   // how many times as fast ordo is: the median of the rounds' ratios
	Missing string  `json:"missing,omitempty"` // why there is no number
}

// Libraries says what ordo was compared with.
type Libraries struct {
	Python         string `json:"python,omitempty"`
	Torchvision    string `json:"torchvision,omitempty"`
	Albumentations string `json:"albumentations,omitempty"`
	Missing        string `json:"missing,omitempty"` // why there is no comparison
}

// packSeconds is about how long one worker decodes the images that are packed to see how fast that is.
const packSeconds = 1

// sampleSize bounds the images that operations are timed on.
const sampleSize = 64

// Run measures. What is packed for the experiment stays, as after a run.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := o.Experiment.Validate(); err != nil {
		return Result{}, fault.Wrap(fault.Config, err)
	}
	if o.Round <= 0 || o.Rounds < 1 {
		return Result{}, fault.New(fault.Config, "%d rounds of %v can't be measured", o.Rounds, o.Round)
	}
	e := o.Experiment
	ops, err := operations(e.Augment, e.Data.ImageSize, o.Operations)
	if err != nil {
		return Result{}, fault.Wrap(fault.Config, err)
	}
	r := &run{o: o, result: Result{
		Name: e.Name, CPU: machine.Processor(), Workers: cores(), ImageSize: e.Data.ImageSize, Source: e.Data.Source,
	}}
	views := func(ctx context.Context) error { return r.operations(ctx, ops) }
	for _, do := range []func(context.Context) error{r.read, r.decode, views} {
		if err := do(ctx); err != nil {
			if ctx.Err() != nil {
				return Result{}, fault.New(fault.Interrupted, "interrupted while it was measured: %w", ctx.Err())
			}
			return Result{}, err
		}
	}
	return r.result, nil
}

type run struct {
	o      Options
	result Result
	train  data.Dataset

	touched atomic.Uint32 // keeps the compiler from leaving the reading out
}

func (r *run) doing(format string, args ...any) {
	if r.o.Doing != nil {
		r.o.Doing(fmt.Sprintf(format, args...))
	}
}

// both measures one worker, and then all of them.
func (s *Speed) both(measure func(workers int) (float64, error)) (err error) {
	if s.One, err = measure(1); err != nil {
		return err
	}
	s.All = s.One
	if cores() > 1 {
		s.All, err = measure(cores())
	}
	return err
}

// read opens the data as a training run does, and reads epochs, in an order as random as a run's.
func (r *run) read(ctx context.Context) error {
	r.doing("reading an epoch")
	peak := watchMemory()
	order, err := r.firstEpoch(ctx)
	r.result.Anonymous, r.result.Memory = peak(), machine.PeakMemory()
	if err != nil {
		return err
	}
	n := len(order)
	read := func(workers int) (images, gigabytes float64, err error) {
		bytes := make([]int, workers)
		images, err = calls(ctx, workers, r.o.Round, func(worker, i int) error {
			const stride = 7919 // the workers read different images
			size, err := r.touch(order[(worker*stride+i)%n])
			bytes[worker] += size
			return err
		})
		sum := 0
		for _, b := range bytes {
			sum += b
		}
		return images, float64(sum) / 1e9 / r.o.Round.Seconds(), err
	}
	if r.result.Read.One, r.result.ReadBytes.One, err = read(1); err != nil {
		return err
	}
	r.result.Read.All, r.result.ReadBytes.All, err = read(cores())
	return err
}

// firstEpoch opens the data and reads every training image once.
func (r *run) firstEpoch(ctx context.Context) (order []int, err error) {
	start := time.Now()
	splits, err := data.OpenWatched(ctx, r.o.Experiment.Data, r.o.Watch)
	if err != nil {
		return nil, err
	}
	r.result.Open = time.Since(start).Seconds()
	r.o.Watch.Tell(splits)
	r.train = splits.Train
	n := r.train.Len()
	r.result.Images, r.result.Kept = n, pack.KindMemory
	if f, ok := r.train.(*pack.File); ok {
		r.result.Kept, r.result.Packed, r.result.Bytes = pack.KindPacked, f.Path(), f.Size()
	}
	start = time.Now()
	order = rand.New(rand.NewPCG(1, 1)).Perm(n)
	err = r.epoch(ctx, order)
	r.result.FirstEpoch = time.Since(start).Seconds()
	return order, err
}

// epoch reads every image once, on all workers.
func (r *run) epoch(ctx context.Context, order []int) error {
	var group errgroup.Group
	workers := cores()
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(order); i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				if _, err := r.touch(order[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// touch reads an image, a byte of every cache line, and returns its size in bytes.
func (r *run) touch(i int) (int, error) {
	m, err := r.train.Image(i)
	if err != nil {
		return 0, err
	}
	const line = 64
	sum := uint8(0)
	for at := 0; at < len(m.Pix); at += line {
		sum += m.Pix[at]
	}
	r.touched.Store(uint32(sum))
	return len(m.Pix), nil
}

// decode measures decoding from the source, and packing into a folder that is removed again.
func (r *run) decode(ctx context.Context) error {
	r.doing("decoding")
	sets, err := data.List(ctx, r.o.Experiment.Data)
	if err != nil {
		return err
	}
	n := sets.Train.Len()
	skip := r.o.Experiment.Data.OnError == data.OnErrorSkip
	err = r.result.Decode.both(func(workers int) (float64, error) {
		return calls(ctx, workers, r.o.Round, func(worker, i int) error {
			_, err := sets.Train.Image((worker + i*workers) % n)
			if skip {
				return nil
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	r.doing("packing")
	some := data.First(sets.Train, max(1, int(r.result.Decode.One*packSeconds)))
	return r.result.Pack.both(func(workers int) (float64, error) {
		dir, err := os.MkdirTemp("", "ordo-pack-")
		if err != nil {
			return 0, fault.Writing(os.TempDir(), err)
		}
		defer os.RemoveAll(dir)
		job := r.o.Experiment.Data.Job(some, "bench")
		job.Dir, job.Workers = dir, workers
		start := time.Now()
		f, err := job.Pack(ctx)
		if err != nil {
			return 0, err
		}
		took := time.Since(start)
		return bench.Rate(f.Len(), took), f.Close()
	})
}

// sample returns images from all over the set.
func (r *run) sample() ([]augment.Image, error) {
	n := min(sampleSize, r.train.Len())
	images := make([]augment.Image, n)
	for i := range images {
		var err error
		if images[i], err = r.train.Image(i * r.train.Len() / n); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// operations measures views, and other libraries beside them.
func (r *run) operations(ctx context.Context, ops []operation) error {
	images, err := r.sample()
	if err != nil {
		return err
	}
	others, err := r.startOthers(ctx, images)
	if err != nil {
		return err
	}
	if others != nil {
		defer others.close()
	}
	for _, op := range ops {
		r.doing("%s", op.name)
		found, err := r.operation(ctx, op, images, others)
		if err != nil {
			return err
		}
		r.result.Operations = append(r.result.Operations, found)
	}
	nothing := r.result.Operations[0].Views.One
	for i, op := range r.result.Operations {
		if op.Name != none && op.Name != plan {
			r.result.Operations[i].Microseconds = 1e6 * max(0, 1/op.Views.One-1/nothing)
		}
	}
	return nil
}

// startOthers starts what times other libraries, if that is wanted. Without a Python that can, it says so in the result
// and is nil.
func (r *run) startOthers(ctx context.Context, images []augment.Image) (*python, error) {
	if r.o.Beside == "" {
		return nil, nil
	}
	found := &Libraries{}
	r.result.Beside = found
	others, err := startPython(ctx, r.o.Beside, images)
	if errors.Is(err, script.ErrNoComparison) {
		found.Missing = err.Error()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for library, to := range map[string]*string{
		"python": &found.Python, "torchvision": &found.Torchvision, "albumentations": &found.Albumentations,
	} {
		if version := others.versions[library]; version != nil {
			*to = *version
		}
	}
	return others, nil
}

// operation measures one operation, in rounds.
func (r *run) operation(ctx context.Context, op operation, images []augment.Image, others *python) (Operation, error) {
	out := Operation{Name: op.name}
	render := renderer(op, images)
	var own []float64
	theirs, ratios := map[string][]float64{}, map[string][]float64{}
	for range r.o.Rounds {
		views, err := calls(ctx, 1, r.o.Round, render)
		if err != nil {
			return out, err
		}
		own = append(own, views)
		if others == nil {
			continue
		}
		for _, library := range libraries {
			if others.versions[library] == nil || out.Beside[library].Missing != "" {
				continue
			}
			their, missing, err := others.rate(library, op, r.o.Round.Seconds())
			if err != nil {
				return out, err
			}
			if missing != "" {
				out.set(library, Other{Missing: missing})
				continue
			}
			theirs[library], ratios[library] = append(theirs[library], their), append(ratios[library], views/their)
			out.set(library, Other{Views: bench.Median(theirs[library]), Ratio: bench.Median(ratios[library])})
		}
	}
	out.Views.One = bench.Median(own)
	var err error
	out.Views.All, err = calls(ctx, cores(), r.o.Round, render)
	return out, err
}

// renderer makes what the workers call to render a view after the other.
func renderer(op operation, images []augment.Image) func(worker, i int) error {
	workers := cores()
	scratch := make([]augment.Scratch, workers)
	dst := make([][]float32, workers)
	for i := range dst {
		dst[i] = make([]float32, 3*op.plan.ImageSize()*op.plan.ImageSize())
	}
	render := func(worker, i int) {
		image := i / len(op.views)
		key := augment.Key{Seed: uint64(worker), Sample: uint64(image)}
		op.plan.Render(dst[worker], &scratch[worker], images[image%len(images)], key, op.views[i%len(op.views)])
	}
	for i := range 2 * len(op.views) { // the first worker's buffers grow
		render(0, i)
	}
	return func(worker, i int) error { render(worker, i); return nil }
}

func (o *Operation) set(library string, other Other) {
	if o.Beside == nil {
		o.Beside = map[string]Other{}
	}
	o.Beside[library] = other
}
