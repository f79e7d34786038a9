package eval

import (
	"fmt"
	"math"
	"slices"

	"ordo/loss/matrix"
)

// ScaleMaps predicts an image's output at every scale of a grid from that at the origin, one linear map a scale: what
// stands in for the predictor of methods that have one.
type ScaleMaps struct {
	Choice // of the penalty, which all maps share
	Scales []float64
	maps   []*Ridge
}

// FitScaleMaps fits z(0) → z(s) by ridge regression on training images for every scale of their grid, the origin
// included. The objective is FitRidge's. The penalty is chosen on training images that are held out, by the error at
// up to five scales of the grid, evenly chosen. Errors: as FitRidge.
func FitScaleMaps(train Orbit, o RidgeOptions) (*ScaleMaps, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := train.check("maps of scale: training images"); err != nil {
		return nil, err
	}
	m := &ScaleMaps{Choice: Choice{Penalty: o.Penalties[0]}, Scales: train.Scales, maps: make([]*Ridge, len(train.Scales))}
	if len(o.Penalties) > 1 {
		all := Sample{Rows: train.At(0)}
		fit, held := holdOutByImage(all.images(), o.HoldOut, o.Seed)
		if len(held) == 0 {
			return nil, nothingHeldOut("maps of scale", train.Images)
		}
		scores, err := mapErrors(train.Select(fit), train.Select(held), o.Penalties)
		if err != nil {
			return nil, err
		}
		m.Choice = newChoice(o.Penalties, scores, leastError(o.Penalties, scores), len(held))
	}
	n := newNormal(train.At(0))
	if err := n.factorise(m.Penalty); err != nil {
		return nil, err
	}
	faults := make([]error, len(m.maps))
	parallel(len(m.maps), func(g int) {
		m.maps[g], faults[g] = n.solve(n.answers(widen(train.At(g).Data), train.Dim))
	})
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mapErrors returns the held-out images' squared error for every penalty, at up to five scales.
func mapErrors(fit, held Orbit, penalties []float64) ([]float64, error) {
	n := newNormal(fit.At(0))
	scales := make([]int, 5)
	for k := range scales {
		scales[k] = k * (len(fit.Scales) - 1) / 4
	}
	scales = slices.Compact(scales)
	all := make([]answers, len(scales))
	for k, g := range scales {
		all[k] = n.answers(widen(fit.At(g).Data), fit.Dim)
	}
	scores := make([]float64, len(penalties))
	for i, penalty := range penalties {
		for k, g := range scales {
			r, err := n.fit(all[k], penalty)
			if err != nil {
				return nil, err
			}
			p := r.Predict(held.At(0))
			for j, x := range held.At(g).Data {
				d := p[j] - float64(x)
				scores[i] += d * d / float64(len(p)*len(scales))
			}
		}
	}
	return scores, nil
}

// Predict returns the predicted outputs of images whose rows at the origin are given, at every scale. Errors: rows that
// are not finite (fault.Numeric).
func (m *ScaleMaps) Predict(origin Rows) (Orbit, error) {
	if err := origin.checkValues("maps of scale: rows"); err != nil {
		return Orbit{}, err
	}
	if origin.Dim != m.maps[0].dim {
		return Orbit{}, fmt.Errorf("eval: maps of %d values on rows of %d", m.maps[0].dim, origin.Dim)
	}
	o := Orbit{Scales: m.Scales, Images: origin.Len(), Dim: origin.Dim}
	o.Data = make([]float32, 0, len(m.maps)*len(origin.Data))
	for _, r := range m.maps {
		for _, v := range r.Predict(origin) {
			o.Data = append(o.Data, float32(v))
		}
	}
	return o, nil
}

func widen(x []float32) []float64 {
	w := make([]float64, len(x))
	for i, v := range x {
		w[i] = float64(v)
	}
	return w
}

// Retrieval is where an image's true outputs stand among its own at other scales, ordered by their cosine with the
// prediction. One value an image is the mean over the scales that were asked.
type Retrieval struct {
	MRR        float64   `json:"mrr"`        // mean of one over the rank
	H1         float64   `json:"h_at_1"`     // share that is first
	H5         float64   `json:"h_at_5"`     // share among the first five
	Candidates int       `json:"candidates"` // of every question: views of the image
	ChanceMRR  float64   `json:"chance_mrr"` // of a random order: (1/c) Σ 1/r over the candidates' ranks
	ChanceH1   float64   `json:"chance_h_at_1"`
	ChanceH5   float64   `json:"chance_h_at_5"`
	ScaleMRR   []float64 `json:"mrr_by_scale"` // [scales]

	ImageMRR, ImageH1, ImageH5 []float64 `json:"-"` // [images]
}

// Retrieve asks, for every image and every scale of the prediction's grid, where the true output stands among the
// image's candidates, its outputs at many scales, by cosine with the prediction: the protocol of SIE (Garrido et al.
// 2023, "Self-supervised learning of Split Invariant Equivariant representations", 50 candidates, the identity among
// the questions). The candidates' scales begin with the grid. Outputs that are equally near stand in random order:
// every value is its mean over those orders, so that a model which ignores the family has chance. Errors: outputs that
// are not finite (fault.Numeric).
func Retrieve(predicted, candidates Orbit) (Retrieval, error) {
	if err := checkRetrieval(predicted, candidates); err != nil {
		return Retrieval{}, err
	}
	grid, many, images := len(predicted.Scales), len(candidates.Scales), predicted.Images
	r := Retrieval{Candidates: many, ScaleMRR: make([]float64, grid),
		ImageMRR: make([]float64, images), ImageH1: make([]float64, images), ImageH5: make([]float64, images)}
	r.ChanceMRR, r.ChanceH1, r.ChanceH5 = ranked(0, many)
	byScale := make([]float64, grid*images)
	parallel(images, func(i int) {
		cosines := imageCosines(predicted, candidates, i)
		for g := range grid {
			row := cosines[g*many:][:many]
			above, equal := 0, 0
			for _, c := range row {
				if c > row[g] {
					above++
				} else if c == row[g] {
					equal++
				}
			}
			mrr, h1, h5 := ranked(above, equal)
			byScale[g*images+i] = mrr
			r.ImageMRR[i] += mrr
			r.ImageH1[i] += h1
			r.ImageH5[i] += h5
		}
		r.ImageMRR[i] /= float64(grid)
		r.ImageH1[i] /= float64(grid)
		r.ImageH5[i] /= float64(grid)
	})
	for g := range grid {
		r.ScaleMRR[g] = mean(byScale[g*images:][:images])
	}
	r.MRR, r.H1, r.H5 = mean(r.ImageMRR), mean(r.ImageH1), mean(r.ImageH5)
	return r, nil
}

func checkRetrieval(predicted, candidates Orbit) error {
	if err := predicted.check("prediction"); err != nil {
		return err
	}
	if err := candidates.check("candidates"); err != nil {
		return err
	}
	if predicted.Images != candidates.Images || predicted.Dim != candidates.Dim {
		return fmt.Errorf("eval: retrieval: predictions for %d images with rows of %d among %d with rows of %d",
			predicted.Images, predicted.Dim, candidates.Images, candidates.Dim)
	}
	grid := len(predicted.Scales)
	if grid > len(candidates.Scales) || !slices.Equal(predicted.Scales, candidates.Scales[:grid]) {
		return fmt.Errorf("eval: retrieval: the candidates' scales %v don't begin with the prediction's %v",
			candidates.Scales, predicted.Scales)
	}
	return nil
}

// ranked returns the means of 1/rank, rank ≤ 1 and rank ≤ 5 where the rank is any of equal many after those above.
func ranked(above, equal int) (mrr, h1, h5 float64) {
	for rank := above + 1; rank <= above+equal; rank++ {
		mrr += 1 / float64(rank)
		if rank <= 1 {
			h1++
		}
		if rank <= 5 {
			h5++
		}
	}
	n := float64(equal)
	return mrr / n, h1 / n, h5 / n
}

// imageCosines returns the cosines of an image's predictions with its candidates, [scales of the prediction,
// candidates]. Equal outputs have equal ones.
func imageCosines(predicted, candidates Orbit, image int) []float64 {
	of := func(o Orbit) matrix.Matrix[float64] {
		unit := make([]float64, len(o.Scales)*o.Dim)
		for g := range o.Scales {
			normalize(unit[g*o.Dim:], o.At(g).Row(image))
		}
		return matrix.Of(unit, len(o.Scales), o.Dim)
	}
	var right matrix.Packed[float64]
	right.Pack(of(candidates).T())
	grid, many := len(predicted.Scales), len(candidates.Scales)
	cosines := make([]float64, grid*many)
	matrix.Mul(matrix.Of(cosines, grid, many), of(predicted), &right)
	return cosines
}

func checkPrediction(predicted, actual Orbit) error {
	if err := predicted.check("prediction"); err != nil {
		return err
	}
	if err := actual.check("outputs to predict"); err != nil {
		return err
	}
	return sameShape(predicted, actual)
}

// ParameterError is the error of the scale that is read off a prediction's nearest neighbour.
type ParameterError struct {
	PRE     float64   `json:"pre"`        // mean |s - s_nn|
	Chance  float64   `json:"chance_pre"` // of a random neighbour, 1/3 for scales that are even in [0, 1]
	Bank    int       `json:"bank"`       // rows among which the neighbour was looked for
	Scale   []float64 `json:"by_scale"`   // [scales]
	ByImage []float64 `json:"-"`          // [images] mean over the scales
}

// PredictionError is SIE's prediction retrieval error for a scale in place of a rotation: the row nearest by cosine
// to the prediction for scale s, among all images and scales of the neighbours, was made at s_nn, and the error is |s
// - s_nn|. The test images themselves have the answer among them; training images ask whether the scale can be told
// across images. Of neighbours that are equally near the errors' mean counts. Errors: outputs that are not finite
// (fault.Numeric).
func PredictionError(predicted, neighbours Orbit) (ParameterError, error) {
	if err := predicted.check("prediction"); err != nil {
		return ParameterError{}, err
	}
	if err := neighbours.check("neighbours"); err != nil {
		return ParameterError{}, err
	}
	if predicted.Dim != neighbours.Dim {
		return ParameterError{}, fmt.Errorf("eval: rows of %d among rows of %d", predicted.Dim, neighbours.Dim)
	}
	grid, images, dim := len(predicted.Scales), predicted.Images, predicted.Dim
	rows := newCosines(Rows{Data: neighbours.Data, Dim: dim})
	var rowScales []float64
	for _, s := range neighbours.Scales {
		rowScales = append(rowScales, slices.Repeat([]float64{s}, neighbours.Images)...)
	}
	r := ParameterError{Bank: len(rowScales), Scale: make([]float64, grid), ByImage: make([]float64, images)}
	questions, _ := units(Rows{Data: predicted.Data, Dim: dim})
	errors := make([]float64, grid*images)
	blocks := (images + cosineRows - 1) / cosineRows
	parallel(blocks*grid, func(k int) {
		g, from := k/blocks, k%blocks*cosineRows
		n := min(cosineRows, images-from)
		at := g*images + from
		scales := slices.Repeat(predicted.Scales[g:g+1], n)
		copy(errors[at:], scaleErrors(rows, rowScales, questions[at*dim:][:n*dim], scales))
	})
	for g, s := range predicted.Scales {
		r.Scale[g] = mean(errors[g*images:][:images])
		for _, u := range neighbours.Scales {
			r.Chance += math.Abs(s-u) / float64(grid*len(neighbours.Scales))
		}
	}
	for i := range r.ByImage {
		for g := range grid {
			r.ByImage[i] += errors[g*images+i]
		}
		r.ByImage[i] /= float64(grid)
	}
	r.PRE = mean(r.ByImage)
	return r, nil
}

// scaleErrors returns, for questions of length 1 [len(scales), dim], how far the scale of the nearest row is off; of
// several that are equally near, their mean. rowScales are the scales of the rows among which to look.
func scaleErrors(rows *cosines, rowScales, questions, scales []float64) []float64 {
	n := len(scales)
	most, sums, counts := slices.Repeat([]float64{math.Inf(-1)}, n), make([]float64, n), make([]float64, n)
	rows.of(questions, func(question, first int, cosines []float64) {
		for j, c := range cosines {
			if c < most[question] {
				continue
			}
			if c > most[question] {
				most[question], sums[question], counts[question] = c, 0, 0
			}
			sums[question] += math.Abs(scales[question] - rowScales[first+j])
			counts[question]++
		}
	})
	for i, c := range counts {
		sums[i] /= c
	}
	return sums
}

// Gain is how much better a prediction is than "nothing changes".
type Gain struct {
	Gain    Value   `json:"gain"`          // 1: perfect, 0: no better than z(0); undefined where nothing changes
	ByScale []Value `json:"gain_by_scale"` // [scales]; undefined at the origin

	// Errors and Changes are the squared errors and the squared changes of every image, summed over the scales beside
	// the origin: BootstrapRatio(Errors, Changes) is the interval of 1 - Gain.
	Errors, Changes []float64 `json:"-"`
}

// PredictionGain is 1 - Σ‖ẑ(s) - z(s)‖² / Σ‖z(0) - z(s)‖² over the images and all scales but the origin, which is the
// first. Without it an encoder that is invariant to the family looks perfectly predictable. Errors: outputs that are
// not finite (fault.Numeric).
func PredictionGain(predicted, actual Orbit) (Gain, error) {
	if err := checkPrediction(predicted, actual); err != nil {
		return Gain{}, err
	}
	images := actual.Images
	r := Gain{ByScale: make([]Value, len(actual.Scales)),
		Errors: make([]float64, images), Changes: make([]float64, images)}
	for g := 1; g < len(actual.Scales); g++ {
		var off, change float64
		for i := range images {
			e := squaredDistance(predicted.At(g).Row(i), actual.At(g).Row(i))
			c := squaredDistance(actual.At(0).Row(i), actual.At(g).Row(i))
			r.Errors[i] += e
			r.Changes[i] += c
			off, change = off+e, change+c
		}
		r.ByScale[g] = less(ratio(off, change))
	}
	r.Gain = less(ratio(mean(r.Errors), mean(r.Changes)))
	return r, nil
}

func squaredDistance(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		d := float64(x) - float64(b[i])
		sum += d * d
	}
	return sum
}
