package loader

import (
	"ordo/augment"
	"ordo/runner/data"
)

// View is how images are shown to be evaluated.
type View struct {
	Plan   *augment.Plan
	Family int     // of the plan's families; -1: none, at the origin
	Scale  float64 // of the family, in [0, 1]
}

// Evaluation writes the views of the set's images with the given numbers to dst, [len(images), 3, S, S] with S the
// plan's image size. The workers are as many as there are scratches. The error is that of the first image that can't
// be read.
func Evaluation(dst []float32, view View, set data.Dataset, images []int, scratch []*augment.Scratch) error {
	pixels := 3 * view.Plan.ImageSize() * view.Plan.ImageSize()
	return parallel(len(images), scratch, func(i int, s *augment.Scratch) error {
		img, err := set.Image(images[i])
		if err != nil {
			return err
		}
		view.Plan.RenderEval(dst[i*pixels:(i+1)*pixels], s, img, view.Family, view.Scale)
		return nil
	})
}

// Augmented writes the first base view that a training draws of the set's images with the given numbers to dst,
// [len(images), 3, S, S]; the key has seed and epoch. Workers and errors are as Evaluation's.
func Augmented(dst []float32, plan *augment.Plan, key augment.Key, set data.Dataset, images []int,
	scratch []*augment.Scratch,
) error {
	pixels := 3 * plan.ImageSize() * plan.ImageSize()
	return parallel(len(images), scratch, func(i int, s *augment.Scratch) error {
		img, err := set.Image(images[i])
		if err != nil {
			return err
		}
		k := key
		k.Sample, k.Group = uint64(images[i]), uint64(images[i])
		plan.Render(dst[i*pixels:(i+1)*pixels], s, img, k, 0)
		return nil
	})
}
