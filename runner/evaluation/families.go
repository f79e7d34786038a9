package evaluation

import (
	"fmt"
	"math"
	"slices"

	"ordo/augment"
	"ordo/runner/eval"
)

// shown is what all subjects made of a family's views.
type shown struct {
	family      int
	info        augment.FamilyInfo
	train, test [][]eval.Orbit
	candidates  [][]eval.Orbit // of the first of test's images, evenly chosen, at test's scales and more
	protocol    eval.Protocol
}

// measureFamilies measures every family whose scales have an order.
func (s *session) measureFamilies() error {
	for i, f := range s.families {
		if !s.ordered(i) {
			if err := s.measureNominal(i); err != nil {
				return fmt.Errorf("the evaluation of %s: %w", f.Name(), err)
			}
			continue
		}
		v := &shown{family: i, info: s.plan.FamilyInfo(i)}
		var err error
		if v.test, err = s.orbits(s.views[1], i); err != nil {
			return err
		}
		v.protocol = s.seen(eval.Protocol{TestImages: len(s.views[1].images), Max: f.Max, Unit: v.info.Unit,
			Role: f.Role, Direction: "positive", Scales: v.test[0][0].Scales})
		for _, m := range f.With {
			v.protocol.MaxWith = append(v.protocol.MaxWith, m.Max)
		}
		measures := []func(*shown) error{s.measureOrder, s.measureRobustness}
		if !s.brief() {
			if v.train, err = s.orbits(s.views[0], i); err != nil {
				return err
			}
			v.protocol.TrainImages = len(s.views[0].images)
			measures = []func(*shown) error{s.measureOrder, s.measureScale, s.measureRobustness}
		}
		if s.full() {
			if v.candidates, err = s.candidates(v); err != nil {
				return err
			}
			measures = []func(*shown) error{
				s.measureOrder, s.measureScale, s.measurePrediction, s.measureInvariance, s.measureRobustness, s.measureScreens,
			}
		}
		for _, measure := range measures {
			if err := measure(v); err != nil {
				return fmt.Errorf("the evaluation of %s: %w", f.Name(), err)
			}
		}
	}
	return nil
}

// measureNominal asks how well a linear probe tells the classes of a family without a scale off one view: of quarter
// turns SelfAugment's probe (Reed et al. 2021, "SelfAugment: Automatic Augmentation Policies for Self-Supervised
// Learning").
func (s *session) measureNominal(family int) error {
	if s.brief() {
		s.note(s.families[family].Name() + " has classes and no scale: it is left out")
		return nil
	}
	v := &shown{family: family, info: s.plan.FamilyInfo(family)}
	scales := eval.Grid(v.info.Classes)
	var err error
	if v.train, err = s.orbitsAt(s.views[0], family, scales); err != nil {
		return err
	}
	if v.test, err = s.orbitsAt(s.views[1], family, scales); err != nil {
		return err
	}
	f := s.families[family]
	v.protocol = s.seen(eval.Protocol{TrainImages: len(s.views[0].images), TestImages: len(s.views[1].images), Max: f.Max,
		Unit: v.info.Unit, Role: f.Role, Scales: scales})
	all, err := each(s, func(i, o int) (measured, error) {
		learn, _ := classRows(v.train[i][o])
		ask, images := classRows(v.test[i][o])
		return toldByProbe(learn, ask, images)
	})
	if err != nil {
		return err
	}
	m := s.metric(v, "class_accuracy", Higher, probeMethod()+", of the family's class on one view's row")
	m.References = References{Chance: eval.Defined(1 / float64(v.info.Classes)), ChanceBy: "one of the family's classes"}
	return s.add(m, all)
}

// classRows are the rows of all views with the number of the scale as their label. Images are those of the rows.
func classRows(z eval.Orbit) (rows eval.Rows, images []int) {
	rows = eval.Rows{Data: z.Data, Dim: z.Dim}
	for class := range z.Scales {
		for i := range z.Images {
			rows.Labels, images = append(rows.Labels, class), append(images, i)
		}
	}
	return rows, images
}

// metric is what the metrics of a family have in common.
func (s *session) metric(v *shown, name, better, method string) Metric {
	m := Metric{Group: GroupFamily, Name: name, Family: s.families[v.family].Name(), Better: better, Protocol: v.protocol}
	m.Protocol.Method = method
	return m
}

func (s *session) measureOrder(v *shown) error {
	orders, err := each(s, func(i, o int) (eval.OrderByImage, error) { return eval.OrderOfImages(v.test[i][o]) })
	if err != nil {
		return err
	}
	const method = "1 - cosine from the origin"
	m := s.metric(v, "order_accuracy", Higher, method+"; share of the pairs of scales in order, ties half")
	m.Protocol.TrainImages = 0
	m.References = References{Chance: eval.Defined(0.5), ChanceBy: "distances in random order"}
	first := len(s.result.Metrics)
	if err := s.add(m, pick(orders, func(r eval.OrderByImage) measured {
		found := mean(r.Accuracy)
		found.details = map[string]any{"ties": r.Ties, "pairs": r.Pairs}
		return found
	})); err != nil {
		return err
	}
	if labels := s.views[1].labels; labels != nil {
		names := s.splits.Train.Classes()
		for o := range s.outputs {
			for _, g := range eval.ByGroup(orders[0][o].Accuracy, labels) {
				s.result.Metrics[first+o].ByClass = append(s.result.Metrics[first+o].ByClass,
					Class{Class: names[g.Group], Images: g.Images, Value: g.Mean})
			}
		}
	}
	m.References.Chance = eval.Defined(0)
	for _, rank := range []struct {
		name, method string
		of           func(r eval.OrderByImage) []float64
	}{
		{"order_spearman", "Spearman's ρ", func(r eval.OrderByImage) []float64 { return r.Spearman }},
		{"order_kendall", "Kendall's τ-b", func(r eval.OrderByImage) []float64 { return r.Kendall }},
	} {
		m.Name, m.Protocol.Method = rank.name, method+"; "+rank.method+" with the scale, mean over images, undefined ones 0"
		if err := s.add(m, pick(orders, func(r eval.OrderByImage) measured {
			found := mean(rank.of(r))
			found.details = map[string]any{"undefined_images": r.Undefined}
			return found
		})); err != nil {
			return err
		}
	}
	s.spread(v, orders)
	return nil
}

// spread keeps how far views are from their origin.
func (s *session) spread(v *shown, orders [][]eval.OrderByImage) {
	for o, output := range s.outputs {
		d := Distance{Family: s.families[v.family].Name(), Output: output, Scales: v.protocol.Scales}
		for i, sub := range s.subjects {
			var q Spread
			for _, distances := range orders[i][o].Distance {
				at := eval.Quantiles(distances, 0.1, 0.5, 0.9)
				q.Low, q.Median, q.High = append(q.Low, at[0]), append(q.Median, at[1]), append(q.High, at[2])
				q.Mean = append(q.Mean, mean(distances).value.Number)
			}
			switch {
			case i == 0:
				d.Trained = q
			case sub.name == Untrained:
				d.Untrained = &q
			case sub.name == Pixels:
				d.Pixels = &q
			}
		}
		s.result.Distances = append(s.result.Distances, d)
	}
}

// measureInvariance holds changes with a family against the differences between images.
func (s *session) measureInvariance(v *shown) error {
	all, err := each(s, func(i, o int) (eval.Invariance, error) { return eval.InvarianceOf(v.test[i][o]) })
	if err != nil {
		return err
	}
	m := s.metric(v, "relative_distance", "", "mean 1 - cosine from the origin by that between different images' origins")
	m.Protocol.TrainImages = 0
	m.References = References{Chance: eval.Defined(1), ChanceBy: "as far as another image"}
	if err := s.add(m, pick(all, func(r eval.Invariance) measured {
		found := measured{value: r.RelativeDistance, curve: r.RelativeByScale}
		if r.RelativeDistance.Defined {
			found = ratio(r.Within, r.Others, false)
			found.curve = r.RelativeByScale
		}
		found.details = map[string]any{"between_images": r.Between, "positive_minus_negative": r.PositiveNegative}
		return found
	})); err != nil {
		return err
	}
	m.Name, m.References.ChanceBy = "normalised_variance", "as variable as between images"
	m.Protocol.Method = "variance over scales by variance over images, mean over the columns"
	return s.add(m, pick(all, func(r eval.Invariance) measured {
		return measured{value: r.NormalisedVariance, details: map[string]any{"infinite_columns": r.InfiniteUnits,
			"constant_columns": r.ConstantUnits, "pooled_variance": r.PooledVariance}}
	}))
}

// alongScales asks for the same at every scale: the curve has the answers, the number is the mean over the scales
// beside the origin, from what each image or episode has.
func alongScales(z eval.Orbit, ask func(rows eval.Rows) (all float64, each []float64, err error)) (measured, error) {
	var sums []float64
	var curve []eval.Value
	for g := range z.Scales {
		all, each, err := ask(z.At(g))
		if err != nil {
			return measured{}, err
		}
		curve = append(curve, eval.Defined(all))
		if g == 0 {
			sums = make([]float64, len(each))
			continue
		}
		for i, x := range each {
			sums[i] += x / float64(len(z.Scales)-1)
		}
	}
	found := mean(sums)
	found.curve = curve
	return found, nil
}

// measureRobustness asks for the classes of transformed images.
func (s *session) measureRobustness(v *shown) error {
	if s.learnt == nil {
		return nil
	}
	labels := s.views[1].labels
	by := func(tell func(l learnt, rows eval.Rows) (eval.Classification, error)) (found, error) {
		return each(s, func(i, o int) (measured, error) {
			return alongScales(v.test[i][o], func(rows eval.Rows) (float64, []float64, error) {
				rows.Labels = labels
				c, err := tell(s.learnt[i][o], rows)
				return c.Top1, c.Correct, err
			})
		})
	}
	knn, err := by(s.tellKNN)
	if err != nil {
		return err
	}
	m := s.metric(v, "knn_transformed", Higher, s.knnMethod()+", on views, mean over the scales beside the origin")
	m.Protocol.TrainImages = len(s.train.images)
	m.References = s.majority(labels)
	if err := s.add(m, knn); err != nil || s.brief() {
		return err
	}
	probe, err := by(func(l learnt, rows eval.Rows) (eval.Classification, error) { return l.probe.Classify(rows) })
	if err != nil {
		return err
	}
	m.Name, m.Protocol.Method = "probe_transformed", probeMethod()+", on views, mean over the scales beside the origin"
	if err := s.add(m, probe); err != nil || !s.full() {
		return err
	}
	for _, shots := range []int{1, 5} {
		if err := s.measureFewShotOf(v, shots); err != nil {
			return err
		}
	}
	return nil
}

// episodes is how many are drawn for transformed queries: they are asked at every scale.
const episodes = 500

// measureFewShotOf asks for the classes of transformed queries, from supports at the origin.
func (s *session) measureFewShotOf(v *shown, shots int) error {
	o := eval.DefaultFewShotOptions()
	o.Shots, o.Episodes = shots, episodes
	all, err := each(s, func(i, j int) (measured, error) {
		z := v.test[i][j]
		support := z.At(0)
		support.Labels = s.views[1].labels
		found, err := alongScales(z, func(queries eval.Rows) (float64, []float64, error) {
			r, err := eval.FewShot(support, queries, o)
			return r.Accuracy, r.Each, err
		})
		if err == nil {
			found.each.of = "episodes"
		}
		return found, err
	})
	if tooFew(err) {
		return nil // the episodes at the origin say so
	} else if err != nil {
		return err
	}
	m := s.metric(v, fmt.Sprintf("few_shot_%d_transformed", shots), Higher, fewShotMethod(o)+
		", queries are views, mean over the scales beside the origin")
	m.Protocol.TrainImages = 0
	m.References = References{Chance: eval.Defined(1 / float64(o.Ways)), ChanceBy: "one of the episode's classes"}
	return s.add(m, all)
}

// retrieved is how many test images are looked for among their own views, at most.
const retrieved = 100

// retrievedOf are the test images that are looked for: their places among those that are shown at every scale.
func (s *session) retrievedOf() []int {
	places := some{images: make([]int, len(s.views[1].images))}
	for i := range places.images {
		places.images[i] = i
	}
	return places.spread(retrieved).images
}

// candidates encodes the test images that are looked for at further scales: [subject][output].
func (s *session) candidates(v *shown) ([][]eval.Orbit, error) {
	grid := v.protocol.Scales
	more := make([]float64, s.eval.Candidates-len(grid))
	for k := range more {
		more[k] = (float64(k) + 1/math.Pi) / float64(len(more)) // never one of the grid
	}
	chosen := s.retrievedOf()
	l := some{Dataset: s.views[1].Dataset, images: make([]int, len(chosen))}
	for i, place := range chosen {
		l.images[i] = s.views[1].images[place]
	}
	between, err := s.orbitsAt(l, v.family, more)
	if err != nil {
		return nil, err
	}
	return each(s, func(i, o int) (eval.Orbit, error) {
		all := v.test[i][o].Select(chosen)
		all.Scales = slices.Concat(grid, more)
		all.Data = append(all.Data, between[i][o].Data...)
		return all, nil
	})
}

// measurePrediction predicts the output of transformed images from that of the untouched ones.
func (s *session) measurePrediction(v *shown) error {
	type prediction struct {
		maps  *eval.ScaleMaps
		found eval.Retrieval
		pre   eval.ParameterError
		gain  eval.Gain
	}
	all, err := each(s, func(i, o int) (p prediction, err error) {
		z := v.test[i][o]
		if p.maps, err = eval.FitScaleMaps(v.train[i][o], eval.DefaultRidgeOptions()); err != nil {
			return p, err
		}
		predicted, err := p.maps.Predict(z.At(0))
		if err != nil {
			return p, err
		}
		if p.found, err = eval.Retrieve(predicted.Select(s.retrievedOf()), v.candidates[i][o]); err != nil {
			return p, err
		}
		if p.pre, err = eval.PredictionError(predicted, z); err != nil {
			return p, err
		}
		p.gain, err = eval.PredictionGain(predicted, z)
		return p, err
	})
	if err != nil {
		return err
	}
	candidates := all[0][0].found
	bank := fmt.Sprintf("a ridge map a scale from the origin's row; the true view among %d of the image by cosine, "+
		"%d images", candidates.Candidates, len(candidates.ImageMRR))
	random := "candidates in random order"
	for _, measure := range []struct {
		name, better, method, chanceBy string
		chance                         float64
		of                             func(p prediction) measured
	}{
		{"predicted_mrr", Higher, bank + "; mean of 1/rank", random, candidates.ChanceMRR,
			func(p prediction) measured { return mean(p.found.ImageMRR) }},
		{"predicted_h1", Higher, bank + "; share that is first", random, candidates.ChanceH1,
			func(p prediction) measured { return mean(p.found.ImageH1) }},
		{"predicted_h5", Higher, bank + "; share among the first five", random, candidates.ChanceH5,
			func(p prediction) measured { return mean(p.found.ImageH5) }},
		{"predicted_scale_error", Lower, "the same maps; |s - s'| of the nearest among all test images and scales",
			"a random neighbour", all[0][0].pre.Chance, func(p prediction) measured { return mean(p.pre.ByImage) }},
		{"predicted_gain", Higher, "the same maps; 1 - squared error by that of \"nothing changes\"",
			"nothing changes", 0, func(p prediction) measured {
				if !p.gain.Gain.Defined {
					return measured{}
				}
				return ratio(p.gain.Errors, p.gain.Changes, true)
			}},
	} {
		m := s.metric(v, measure.name, measure.better, measure.method)
		m.References = References{Chance: eval.Defined(measure.chance), ChanceBy: measure.chanceBy}
		if err := s.add(m, pick(all, func(p prediction) measured {
			found := measure.of(p)
			found.details = map[string]any{"penalty": p.maps.Penalty, "penalty_at_edge": p.maps.AtEdge}
			return found
		})); err != nil {
			return err
		}
	}
	return nil
}

// sample makes the rows of an orbit a sample whose targets are made of their scales.
func (v *shown) sample(z eval.Orbit) eval.Sample {
	t := eval.Sample{Rows: eval.Rows{Data: z.Data, Dim: z.Dim}}
	scales := make([]float64, 0, len(z.Scales)*z.Images)
	for _, scale := range z.Scales {
		for i := range z.Images {
			scales, t.Images = append(scales, scale), append(t.Images, i)
		}
	}
	v.aim(&t, scales)
	return t
}

// pairs makes a sample of pairs of an image's views, [z, z'] side by side, with the difference of their scales: every
// view with one that is 1, 2, … places further in the grid, another distance for every image.
func (v *shown) pairs(z eval.Orbit) (eval.Sample, error) {
	n, grid := z.Images, len(z.Scales)
	var first, second []int
	var t eval.Sample
	var differences []float64
	for g := range grid {
		for i := range n {
			to := (g + 1 + i%(grid-1)) % grid
			first, second = append(first, g*n+i), append(second, to*n+i)
			differences = append(differences, z.Scales[to]-z.Scales[g])
			t.Images = append(t.Images, i)
		}
	}
	all := eval.Rows{Data: z.Data, Dim: z.Dim}
	var err error
	t.Rows, err = eval.Concatenate(all.Select(first), all.Select(second))
	v.aim(&t, differences)
	return t, err
}

// relative is pairs for both splits.
func (v *shown) relative(train, test eval.Orbit) (learn, ask eval.Sample, err error) {
	if learn, err = v.pairs(train); err == nil {
		ask, err = v.pairs(test)
	}
	return learn, ask, err
}

// aim sets targets: the scales, or of a cyclic family cosine and sine of the phase.
func (v *shown) aim(t *eval.Sample, scales []float64) {
	if v.info.Kind != augment.KindCyclic {
		t.Targets, t.Columns = scales, 1
		return
	}
	degrees := make([]float64, len(scales))
	for i, scale := range scales {
		degrees[i] = 360 * scale / v.info.Period
	}
	t.Targets, t.Columns, t.Cyclic = eval.Angles(degrees), 2, true
}

// within takes the views of a range of scales.
func within(t eval.Sample, z eval.Orbit, low, high float64) eval.Sample {
	var rows []int
	for _, g := range eval.Within(z.Scales, low, high) {
		for i := range z.Images {
			rows = append(rows, g*z.Images+i)
		}
	}
	return t.Select(rows)
}

// inRange is the largest scale that is learnt where the scales beyond are asked.
const inRange = 0.7

// measureScale reads the scale off the outputs.
func (s *session) measureScale(v *shown) error {
	target := "the scale"
	if v.info.Kind == augment.KindCyclic {
		target = "cosine and sine of the phase"
	}
	type task struct {
		name, method string
		samples      func(train, test eval.Orbit) (learn, ask eval.Sample, err error)
		mlp          bool
	}
	individual := func(train, test eval.Orbit) (eval.Sample, eval.Sample, error) {
		return v.sample(train), v.sample(test), nil
	}
	tasks := []task{
		{"scale_r2", "ridge regression of " + target + " on one view's row", individual, false},
		{"scale_r2_relative", "ridge regression of the difference in " + target + " on two views' rows", v.relative, false},
		{"scale_r2_beyond", fmt.Sprintf("ridge regression of %s on one view's row, learnt from scales up to %g, asked above",
			target, inRange), func(train, test eval.Orbit) (eval.Sample, eval.Sample, error) {
			return within(v.sample(train), train, 0, inRange), within(v.sample(test), test, math.Nextafter(inRange, 1), 1), nil
		}, false},
	}
	if !s.full() {
		tasks = tasks[:1]
	} else if s.eval.MLP {
		method := fmt.Sprintf("MLP %v of %s on one view's row", eval.DefaultMLPOptions().Hidden, target)
		tasks = append(tasks, task{"scale_r2_mlp", method, individual, true})
	}
	for _, t := range tasks {
		all, err := each(s, func(i, o int) (read, error) {
			learn, ask, err := t.samples(v.train[i][o], v.test[i][o])
			if err != nil {
				return read{}, err
			}
			return readScale(learn, ask, t.mlp)
		})
		if err != nil {
			return err
		}
		if err := s.addScale(v, t.name, t.method, all); err != nil {
			return err
		}
	}
	return nil
}

// read is how well scales were read.
type read struct {
	eval.Regression
	images  []int // of the rows
	details map[string]any
}

func readScale(learn, ask eval.Sample, mlp bool) (read, error) {
	r := read{images: ask.Images}
	if mlp {
		network, err := eval.FitMLP(learn, eval.DefaultMLPOptions())
		if err != nil {
			return r, err
		}
		r.Regression, err = network.Evaluate(ask)
		return r, err
	}
	ridge, err := eval.FitRidge(learn, eval.DefaultRidgeOptions())
	if err != nil {
		return r, err
	}
	r.details = map[string]any{"penalty": ridge.Penalty, "penalty_at_edge": ridge.AtEdge}
	r.Regression, err = ridge.Evaluate(ask)
	return r, err
}

// addScale adds R² and, of cyclic families, the error in degrees.
func (s *session) addScale(v *shown, name, method string, all [][]read) error {
	m := s.metric(v, name, Higher, method+"; R² pooled over targets")
	m.References = References{Chance: eval.Defined(0), ChanceBy: "the mean of the targets that are asked"}
	if err := s.add(m, pick(all, func(r read) measured {
		found := measured{value: r.Pooled}
		if r.Pooled.Defined {
			found = ratio(eval.PerImage(r.Errors, r.images), eval.PerImage(r.Spread, r.images), true)
		}
		found.details = map[string]any{"r2_per_dimension": r.PerDimension, "constant_dimensions": r.Constant, "rows": r.Rows,
			"mean_absolute_error": r.MeanAbsoluteError}
		for key, value := range r.details {
			found.details[key] = value
		}
		return found
	})); err != nil || v.info.Kind != augment.KindCyclic {
		return err
	}
	m = s.metric(v, name+"_degrees", Lower, method+"; mean angular error in degrees of the cycle")
	m.References.ChanceBy = "the best single direction"
	return s.add(m, pick(all, func(r read) measured {
		found := mean(eval.PerImage(r.Angular, r.images))
		found.chance = &r.DegreesConstant
		return found
	}))
}

// Families lists the families that a result has metrics of, in their order.
func (r Result) Families() []string {
	var names []string
	for _, m := range r.Metrics {
		if m.Family != "" && !slices.Contains(names, m.Family) {
			names = append(names, m.Family)
		}
	}
	return names
}
