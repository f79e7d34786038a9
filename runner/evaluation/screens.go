package evaluation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ordo/runner/eval"
)

// nextToNothing is the scale of views that have been through a family's resampling and show nothing of the family.
const nextToNothing = 1. / 64

// measureScreens asks whether a family's scale is something that the images have and that their classes need: what
// `ordo select` reads before it trains. The measures are S1, S2, S3 and S5 in package selection's documentation.
func (s *session) measureScreens(v *shown) error {
	if err := s.measureBroken(v); err != nil || s.classes == 0 {
		return err
	}
	for _, measure := range []func(*shown) error{s.measureForgetting, s.measureClassOfScale, s.measureRelevance} {
		if err := measure(v); err != nil {
			return err
		}
	}
	return nil
}

// drawn are the rows of all images, each at a scale of its own that is drawn at random, never the origin's.
func drawn(z eval.Orbit) eval.Rows {
	rows := eval.Rows{Dim: z.Dim}
	r := rand.New(rand.NewPCG(1, 2)) // images may be in an order, such as that of their classes
	for i := range z.Images {
		rows.Data = append(rows.Data, z.At(1+r.IntN(len(z.Scales)-1)).Row(i)...)
	}
	return rows
}

// halves are the rows of two sets of views of the same images, with the number of the set as their label. Images are
// those of the rows.
func halves(first, second eval.Rows) (rows eval.Rows, images []int) {
	rows = eval.Rows{Dim: first.Dim, Data: slices.Concat(first.Data, second.Data)}
	for half, part := range []eval.Rows{first, second} {
		for i := range part.Len() {
			rows.Labels, images = append(rows.Labels, half), append(images, i)
		}
	}
	return rows, images
}

// toldByProbe is the share of the rows ask, which belong to these images, whose labels a probe of the rows learn tells.
func toldByProbe(learn, ask eval.Rows, images []int) (measured, error) {
	probe, err := eval.FitProbe(learn, eval.DefaultProbeOptions())
	if err != nil {
		return measured{}, err
	}
	told, err := probe.Classify(ask)
	if err != nil {
		return measured{}, err
	}
	return mean(eval.PerImage(told.Correct, images)), nil
}

// measureBroken tells transformed views from untransformed ones. Both have been through the family's resampling: the
// untransformed ones at a scale of next to nothing.
func (s *session) measureBroken(v *shown) error {
	var near [2][][]eval.Orbit
	for split := range near {
		var err error
		if near[split], err = s.orbitsAt(s.views[split], v.family, []float64{nextToNothing}); err != nil {
			return err
		}
	}
	all, err := each(s, func(i, o int) (measured, error) {
		learn, _ := halves(near[0][i][o].At(0), drawn(v.train[i][o]))
		ask, images := halves(near[1][i][o].At(0), drawn(v.test[i][o]))
		return toldByProbe(learn, ask, images)
	})
	if err != nil {
		return err
	}
	m := s.metric(v, "broken", Higher, fmt.Sprintf("%s, on one view's row: the image, or transformed by a scale of its "+
		"own; both have been resampled, the image at scale %g", probeMethod(), nextToNothing))
	m.References = References{Chance: eval.Defined(0.5), ChanceBy: "the images look the same at every scale"}
	return s.add(m, all)
}

// labelled are the labels of the images that are shown at every scale.
func (s *session) labelled(split int, rows eval.Rows) eval.Rows {
	rows.Labels = s.views[split].labels
	return rows
}

// orbitMean are the mean rows over the scales, of directions, since kNN looks at no more.
func orbitMean(z eval.Orbit) eval.Rows {
	rows := eval.Rows{Dim: z.Dim, Data: make([]float32, z.Images*z.Dim)}
	for g := range z.Scales {
		for k, x := range z.At(g).Data {
			rows.Data[k] += x / float32(len(z.Scales))
		}
	}
	return rows
}

// measureForgetting tells classes from the mean over a family's scales, which has forgotten the scale, and from the
// images as they are; the number is the difference.
func (s *session) measureForgetting(v *shown) error {
	all, err := each(s, func(i, o int) (measured, error) {
		var correct [2][]float64
		for way, rows := range []func(z eval.Orbit) eval.Rows{
			orbitMean, func(z eval.Orbit) eval.Rows { return z.At(0) },
		} {
			told, err := eval.KNN(s.labelled(0, rows(v.train[i][o])), s.labelled(1, rows(v.test[i][o])), s.classes, s.eval.KNN)
			if err != nil {
				return measured{}, err
			}
			correct[way] = told.Correct
		}
		return mean(subtract(correct[0], correct[1])), nil
	})
	if err != nil {
		return err
	}
	m := s.metric(v, "forgetting", Higher,
		s.knnMethod()+" of the rows' mean over the scales less that of the images' rows")
	m.References = References{Chance: eval.Defined(0), ChanceBy: "the scale is of no use and in no way"}
	return s.add(m, all)
}

func subtract(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// measureClassOfScale tells classes from nothing but the scale that is read off an image. The scale is known no better
// than it is read: noise as large as the errors is added to it, or else the class would show in digits of the reading
// that say nothing of the scale.
func (s *session) measureClassOfScale(v *shown) error {
	all, err := each(s, func(i, o int) (measured, error) {
		learn := v.sample(v.train[i][o])
		ridge, err := eval.FitRidge(learn, eval.DefaultRidgeOptions())
		if err != nil {
			return measured{}, err
		}
		errors, err := ridge.Evaluate(learn)
		if err != nil {
			return measured{}, err
		}
		squares := 0.
		for _, x := range errors.Errors {
			squares += x / float64(len(learn.Targets))
		}
		noise := rand.New(rand.NewPCG(1, 1))
		read := func(rows eval.Rows) eval.Rows {
			values := ridge.Predict(rows)
			t := eval.Rows{Dim: len(values) / rows.Len()}
			for _, x := range values {
				t.Data = append(t.Data, float32(x+math.Sqrt(squares)*noise.NormFloat64()))
			}
			return t
		}
		probe, err := eval.FitProbe(s.labelled(0, bent(read(v.train[i][o].At(0)))), eval.DefaultProbeOptions())
		if err != nil {
			return measured{}, err
		}
		told, err := probe.Classify(s.labelled(1, bent(read(v.test[i][o].At(0)))))
		return mean(told.Correct), err
	})
	if err != nil {
		return err
	}
	m := s.metric(v, "class_of_scale", Higher, probeMethod()+", on the scale that ridge regression reads off one view's "+
		"row, with noise as large as its errors, its square and cube")
	m.References = s.majority(s.views[1].labels)
	return s.add(m, all)
}

// bent adds squares and cubes, so that a linear probe can tell classes whose scales lie between others'.
func bent(rows eval.Rows) eval.Rows {
	t := eval.Rows{Dim: 3 * rows.Dim}
	for i := range rows.Len() {
		for _, x := range rows.Row(i) {
			t.Data = append(t.Data, x, x*x, x*x*x)
		}
	}
	return t
}

// measureRelevance asks how much better the scale is read where the class is known: the class tells what the image's
// own pose is.
func (s *session) measureRelevance(v *shown) error {
	all, err := each(s, func(i, o int) (measured, error) {
		var errors [2][]float64
		var spread []float64
		for way, known := range []bool{true, false} {
			learn, ask := v.sample(v.train[i][o]), v.sample(v.test[i][o])
			if known {
				learn.Rows = s.withClass(learn.Rows, s.views[0].labels)
				ask.Rows = s.withClass(ask.Rows, s.views[1].labels)
			}
			r, err := readScale(learn, ask, false)
			if err != nil {
				return measured{}, err
			}
			errors[way] = eval.PerImage(r.Errors, r.images)
			spread = eval.PerImage(r.Spread, r.images)
		}
		return ratio(subtract(errors[1], errors[0]), spread, false), nil
	})
	if err != nil {
		return err
	}
	m := s.metric(v, "class_relevance", Higher, "R² of scale_r2 where the class is known less R² where it isn't")
	m.References = References{Chance: eval.Defined(0), ChanceBy: "the class tells nothing of the scale"}
	return s.add(m, all)
}

// withClass puts a column a class beside the rows of all scales.
func (s *session) withClass(rows eval.Rows, labels []int) eval.Rows {
	t := eval.Rows{Dim: rows.Dim + s.classes}
	for i := range rows.Len() {
		row := make([]float32, t.Dim)
		copy(row, rows.Row(i))
		row[rows.Dim+labels[i%len(labels)]] = 1
		t.Data = append(t.Data, row...)
	}
	return t
}
