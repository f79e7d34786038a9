package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"ordo/augment"
	"ordo/models"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/loader"
	"ordo/runner/track"
)

// evalBatch is how many images an evaluation step takes. It does not change what an image's features are.
const evalBatch = 250

// evaluator measures the trainer's current weights.
type evaluator struct {
	trainer     *models.Trainer
	images      *models.Tensor
	plan        *augment.Plan // evaluation views of every family that the experiment lists
	roles       map[string]string
	train, test labelled
	classes     int
	options     eval.Options
	scratch     []*augment.Scratch
}

// labelled is a split and its images that have a label.
type labelled struct {
	data.Dataset
	images []int // their numbers
	labels []int
}

func labelsOf(set data.Dataset) labelled {
	l := labelled{Dataset: set}
	for i := range set.Len() {
		if label := set.Label(i); label >= 0 {
			l.images, l.labels = append(l.images, i), append(l.labels, label)
		}
	}
	return l
}

// newEvaluator makes the evaluator of a run whose stepper is open.
func (r *run) newEvaluator(rt *models.Runtime) (*evaluator, error) {
	e := r.o.Experiment
	views, err := r.setup.Plan.Evaluation(e.Augment.Ordered)
	if err != nil {
		return nil, err
	}
	side := r.setup.Plan.ImageSize()
	images, err := rt.NewTensor(evalBatch, 3, side, side)
	if err != nil {
		return nil, fmt.Errorf("runner: make evaluation batch: %w", err)
	}
	return &evaluator{
		trainer: r.trainer, images: images, plan: views, roles: e.Augment.Roles,
		train: labelsOf(r.splits.Train), test: labelsOf(r.splits.Test), classes: len(r.splits.Train.Classes()),
		options: e.Eval, scratch: loader.Scratch(runtime.GOMAXPROCS(0)),
	}, nil
}

func (e *evaluator) close() { e.images.Close() }

// run measures everything. It ends early, with the context's error, when the context is done.
func (e *evaluator) run(ctx context.Context) (track.Evaluation, error) {
	out := track.Evaluation{Order: map[string]map[string]eval.OrderResult{}}
	if err := e.knn(ctx, &out); err != nil {
		return out, err
	}
	for i := range e.plan.Families() {
		if e.plan.FamilyInfo(i).Classes > 0 {
			continue // its scales are classes and have no order
		}
		if err := e.order(ctx, &out, i); err != nil {
			return out, err
		}
	}
	return out, nil
}

// hasClasses says whether there is something to tell apart: labels of two classes or more in both splits.
func (e *evaluator) hasClasses() bool {
	return e.classes >= 2 && len(e.train.labels) > 0 && len(e.test.labels) > 0
}

func (e *evaluator) knn(ctx context.Context, out *track.Evaluation) error {
	if !e.hasClasses() {
		return nil
	}
	k, err := e.outputIndex(models.Features)
	if err != nil {
		return err
	}
	rows := func(l labelled) (eval.Rows, error) {
		z, err := e.encode(ctx, l, l.images, loader.View{Plan: e.plan, Family: -1})
		if err != nil {
			return eval.Rows{}, err
		}
		return eval.Rows{Data: z[k], Dim: len(z[k]) / len(l.labels), Labels: l.labels}, nil
	}
	train, err := rows(e.train)
	if err != nil {
		return err
	}
	test, err := rows(e.test)
	if err != nil {
		return err
	}
	top1, err := eval.KNN(train, test, e.classes, e.options.KNN)
	if err != nil {
		return fmt.Errorf("the evaluation by kNN: %w", err)
	}
	out.KNNTop1 = &top1
	p := eval.KNNProtocol(models.Features, e.options.KNN, len(train.Labels), len(test.Labels))
	out.Protocols = append(out.Protocols, e.seen(p))
	return nil
}

// seen adds to a protocol how the images were shown.
func (e *evaluator) seen(p eval.Protocol) eval.Protocol {
	p.ImageSize, p.Framing = e.plan.ImageSize(), e.plan.Framing()
	return p
}

// spread lists n numbers of images all over a set of the given size, which may be sorted by class.
func spread(size, n int) []int {
	images := make([]int, n)
	for i := range images {
		images[i] = i * size / n
	}
	return images
}

func (e *evaluator) order(ctx context.Context, out *track.Evaluation, family int) error {
	f := e.plan.Families()[family]
	n := e.test.Len()
	if limit := e.options.Order.Images; limit > 0 {
		n = min(n, limit)
	}
	images := spread(e.test.Len(), n)
	grid := eval.Grid(e.options.Order.Levels)
	z := make([][]float32, len(e.trainer.EvalOutputs()))
	for _, s := range grid {
		rows, err := e.encode(ctx, e.test, images, loader.View{Plan: e.plan, Family: family, Scale: s})
		if err != nil {
			return err
		}
		for i := range z {
			z[i] = append(z[i], rows[i]...)
		}
	}
	out.Order[f.Name()] = map[string]eval.OrderResult{}
	for _, output := range []string{models.Features, models.Embedding} {
		i, err := e.outputIndex(output)
		if err != nil {
			return err
		}
		r, err := eval.OrderAccuracy(z[i], grid, n, len(z[i])/(len(grid)*n))
		if err != nil {
			return fmt.Errorf("the evaluation of %s: %w", f.Name(), err)
		}
		out.Order[f.Name()][output] = r
		p := e.seen(eval.OrderProtocol(output, f.Name(), grid, n))
		p.Max, p.Role, p.Direction = f.Max, cmp.Or(e.roles[f.Name()], augment.RoleOrdered), "positive"
		for _, m := range f.With {
			p.MaxWith = append(p.MaxWith, m.Max)
		}
		out.Protocols = append(out.Protocols, p)
	}
	return nil
}

// encode gives every evaluation output of some images of a set, shown as a view says.
func (e *evaluator) encode(ctx context.Context, set data.Dataset, images []int, view loader.View) ([][]float32, error) {
	out := make([][]float32, len(e.trainer.EvalOutputs()))
	var rows [][]float32
	for some := range slices.Chunk(images, evalBatch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := e.images.SetRows(len(some)); err != nil {
			return nil, err
		}
		if err := loader.Evaluation(e.images.Data(), view, set, some, e.scratch); err != nil {
			return nil, err
		}
		var err error
		if rows, err = e.trainer.Eval(rows, e.images); err != nil {
			return nil, err
		}
		for i := range out {
			out[i] = append(out[i], rows[i]...)
		}
	}
	return out, nil
}

func (e *evaluator) outputIndex(name string) (int, error) {
	for i, o := range e.trainer.EvalOutputs() {
		if o == name {
			return i, nil
		}
	}
	return 0, errors.New("runner: evaluate: the model has no output " + name)
}
