package runner

import (
	"context"
	"errors"
	"fmt"

	"ordo/augment"
	"ordo/models"
	"ordo/runner/data"
	"ordo/runner/eval"
	"ordo/runner/loader"
	"ordo/runner/track"
)

// evalBatch is how many images an evaluation step takes. It does not change what an image's features are.
const evalBatch = 250

// evaluator measures the trainer's current parameters.
type evaluator struct {
	trainer *models.Trainer
	images  *models.Tensor
	plan    *augment.Plan // evaluation views of every family that the experiment lists
	splits  data.Splits
	options eval.Options
	scratch []*augment.Scratch
}

func newEvaluator(rt *models.Runtime, t *models.Trainer, plan *augment.Plan, families []augment.Family, splits data.Splits,
	o eval.Options, workers int) (*evaluator, error) {
	views, err := plan.Evaluation(families)
	if err != nil {
		return nil, err
	}
	side := plan.ImageSize()
	images, err := rt.NewTensor(evalBatch, 3, side, side)
	if err != nil {
		return nil, fmt.Errorf("runner: make evaluation batch: %w", err)
	}
	e := &evaluator{trainer: t, images: images, plan: views, splits: splits, options: o, scratch: loader.Scratch(workers)}
	return e, nil
}

func (e *evaluator) close() { e.images.Close() }

// run measures everything. It ends early, with the context's error, when the context is done.
func (e *evaluator) run(ctx context.Context) (track.Evaluation, error) {
	out := track.Evaluation{Order: map[string]map[string]eval.OrderResult{}}
	if err := e.knn(ctx, &out); err != nil {
		return out, err
	}
	for i, f := range e.plan.Families() {
		if err := e.order(ctx, &out, i, f.Family); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (e *evaluator) knn(ctx context.Context, out *track.Evaluation) error {
	classes := len(e.splits.Train.Classes())
	trainLabels, testLabels := labels(e.splits.Train), labels(e.splits.Test)
	if classes < 2 || trainLabels == nil || testLabels == nil {
		return nil
	}
	train, err := e.encode(ctx, e.splits.Train, e.splits.Train.Len(), -1, 0)
	if err != nil {
		return err
	}
	test, err := e.encode(ctx, e.splits.Test, e.splits.Test.Len(), -1, 0)
	if err != nil {
		return err
	}
	k, err := e.outputIndex(models.Features)
	if err != nil {
		return err
	}
	dim := len(train[k]) / len(trainLabels)
	top1, err := eval.KNN(train[k], trainLabels, test[k], testLabels, dim, classes, e.options.KNN)
	if err != nil {
		return fmt.Errorf("runner: evaluate: %w", err)
	}
	out.KNNTop1 = &top1
	out.Protocols = append(out.Protocols, eval.KNNProtocol(models.Features, e.options.KNN, len(trainLabels), len(testLabels)))
	return nil
}

func (e *evaluator) order(ctx context.Context, out *track.Evaluation, family int, name string) error {
	n := e.splits.Test.Len()
	if limit := e.options.Order.Images; limit > 0 {
		n = min(n, limit)
	}
	grid := eval.Grid(e.options.Order.Levels)
	z := make([][]float32, len(e.trainer.EvalOutputs()))
	for _, s := range grid {
		rows, err := e.encode(ctx, e.splits.Test, n, family, s)
		if err != nil {
			return err
		}
		for i := range z {
			z[i] = append(z[i], rows[i]...)
		}
	}
	out.Order[name] = map[string]eval.OrderResult{}
	for _, output := range []string{models.Features, models.Embedding} {
		i, err := e.outputIndex(output)
		if err != nil {
			return err
		}
		r, err := eval.OrderAccuracy(z[i], grid, n, len(z[i])/(len(grid)*n))
		if err != nil {
			return fmt.Errorf("runner: evaluate %s: %w", name, err)
		}
		out.Order[name][output] = r
		out.Protocols = append(out.Protocols, eval.OrderProtocol(output, name, grid, n))
	}
	return nil
}

// encode gives every evaluation output of the first n images, with a family at a scale (family -1: at the origin).
func (e *evaluator) encode(ctx context.Context, set data.Dataset, n, family int, scale float64) ([][]float32, error) {
	out := make([][]float32, len(e.trainer.EvalOutputs()))
	var rows [][]float32
	for from := 0; from < n; from += evalBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		count := min(evalBatch, n-from)
		if err := e.images.SetRows(count); err != nil {
			return nil, err
		}
		if err := loader.Evaluation(e.images.Data(), e.plan, set, from, count, family, scale, e.scratch); err != nil {
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

// labels gives a set's labels, nil where an image has none.
func labels(set data.Dataset) []int {
	out := make([]int, set.Len())
	for i := range out {
		if out[i] = set.Label(i); out[i] < 0 {
			return nil
		}
	}
	return out
}
