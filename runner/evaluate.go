package runner

import (
	"cmp"
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
	roles   map[string]string
	splits  data.Splits
	options eval.Options
	scratch []*augment.Scratch
}

func newEvaluator(rt *models.Runtime, t *models.Trainer, plan *augment.Plan, a augment.Options, splits data.Splits,
	o eval.Options, workers int) (*evaluator, error) {
	views, err := plan.Evaluation(a.Ordered)
	if err != nil {
		return nil, err
	}
	side := plan.ImageSize()
	images, err := rt.NewTensor(evalBatch, 3, side, side)
	if err != nil {
		return nil, fmt.Errorf("runner: make evaluation batch: %w", err)
	}
	e := &evaluator{trainer: t, images: images, plan: views, roles: a.Roles, splits: splits, options: o, scratch: loader.Scratch(workers)}
	return e, nil
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

func (e *evaluator) knn(ctx context.Context, out *track.Evaluation) error {
	classes := len(e.splits.Train.Classes())
	trainSet, trainLabels := labelled(e.splits.Train)
	testSet, testLabels := labelled(e.splits.Test)
	if classes < 2 || len(trainLabels) == 0 || len(testLabels) == 0 {
		return nil
	}
	train, err := e.encode(ctx, trainSet, -1, 0)
	if err != nil {
		return err
	}
	test, err := e.encode(ctx, testSet, -1, 0)
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
	out.Protocols = append(out.Protocols, e.seen(eval.KNNProtocol(models.Features, e.options.KNN, len(trainLabels), len(testLabels))))
	return nil
}

// seen adds to a protocol how the images were shown.
func (e *evaluator) seen(p eval.Protocol) eval.Protocol {
	p.ImageSize, p.Framing = e.plan.ImageSize(), e.plan.Framing()
	return p
}

// subset is some images of a set.
type subset struct {
	data.Dataset
	images []int
}

func (s subset) Len() int { return len(s.images) }

func (s subset) Image(i int) (augment.Image, error) { return s.Dataset.Image(s.images[i]) }

// spread picks n images all over a set: it may be sorted by class.
func spread(set data.Dataset, n int) subset {
	s := subset{set, make([]int, n)}
	for i := range s.images {
		s.images[i] = i * set.Len() / n
	}
	return s
}

// labelled picks the images of a set that have a label, and gives their labels.
func labelled(set data.Dataset) (subset, []int) {
	s := subset{Dataset: set}
	var labels []int
	for i := range set.Len() {
		if l := set.Label(i); l >= 0 {
			s.images, labels = append(s.images, i), append(labels, l)
		}
	}
	return s, labels
}

func (e *evaluator) order(ctx context.Context, out *track.Evaluation, family int) error {
	f := e.plan.Families()[family]
	n := e.splits.Test.Len()
	if limit := e.options.Order.Images; limit > 0 {
		n = min(n, limit)
	}
	images := spread(e.splits.Test, n)
	grid := eval.Grid(e.options.Order.Levels)
	z := make([][]float32, len(e.trainer.EvalOutputs()))
	for _, s := range grid {
		rows, err := e.encode(ctx, images, family, s)
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
			return fmt.Errorf("runner: evaluate %s: %w", f.Name(), err)
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

// encode gives every evaluation output of a set's images, with a family at a scale (family -1: at the origin).
func (e *evaluator) encode(ctx context.Context, set data.Dataset, family int, scale float64) ([][]float32, error) {
	out := make([][]float32, len(e.trainer.EvalOutputs()))
	var rows [][]float32
	n := set.Len()
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
