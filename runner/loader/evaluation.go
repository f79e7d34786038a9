package loader

import (
	"ordo/augment"
	"ordo/runner/data"
)

// Evaluation writes the evaluation views of images from … from+count-1 into dst, [count, 3, S, S].
func Evaluation(dst []float32, plan *augment.Plan, set data.Dataset, from, count, family int, scale float64,
	scratch []*augment.Scratch) error {
	pixels := 3 * plan.ImageSize() * plan.ImageSize()
	return parallel(count, scratch, func(i int, s *augment.Scratch) error {
		img, err := set.Image(from + i)
		if err != nil {
			return err
		}
		plan.RenderEval(dst[i*pixels:(i+1)*pixels], s, img, family, scale)
		return nil
	})
}
