package evaluation

import (
	"errors"
	"fmt"

	"ordo/models/fault"
	"ordo/runner/eval"
)

// Groups of metrics.
const (
	GroupClasses   = "classes"
	GroupFamily    = "family"
	GroupLabelFree = "labelfree"
)

// learnt is what classes are told by: training rows and a probe of them.
type learnt struct {
	train eval.Rows
	probe *eval.Probe // nil in a brief evaluation
}

// measureClasses measures what needs no family, and keeps what has learnt the classes for the families.
func (s *session) measureClasses() error {
	if s.classes == 0 && s.brief() {
		return nil
	}
	test, err := s.rows(s.test)
	if err != nil {
		return err
	}
	if s.classes == 0 {
		return s.measureLabelFree(test)
	}
	train, err := s.rows(s.train)
	if err != nil {
		return err
	}
	if s.learnt, err = each(s, func(i, o int) (learnt, error) {
		if s.brief() {
			return learnt{train: train[i][o]}, nil
		}
		probe, err := eval.FitProbe(train[i][o], eval.DefaultProbeOptions())
		return learnt{train[i][o], probe}, err
	}); err != nil {
		return fmt.Errorf("the linear probe: %w", err)
	}
	if err := s.measureKNN(test); err != nil || s.brief() {
		return err
	}
	if err := s.measureProbe(test); err != nil {
		return err
	}
	if s.full() {
		for _, shots := range []int{1, 5} {
			if err := s.measureFewShot(test, shots); err != nil {
				return err
			}
		}
	}
	return s.measureLabelFree(test)
}

// majority is the reference of those that tell classes: the class that is most frequent in training, always.
func (s *session) majority(labels []int) References {
	return References{
		Chance:   eval.Defined(eval.Majority(s.train.labels, labels)),
		ChanceBy: "share of the training images' most frequent class",
	}
}

func (s *session) measureKNN(test [][]eval.Rows) error {
	knn, err := each(s, func(i, o int) (measured, error) {
		c, err := s.tellKNN(s.learnt[i][o], test[i][o])
		return mean(c.Correct), err
	})
	if err != nil {
		return err
	}
	return s.add(Metric{Group: GroupClasses, Name: "knn", Better: Higher, References: s.majority(s.test.labels),
		Protocol: s.classProtocol(s.knnMethod())}, knn)
}

func (s *session) measureProbe(test [][]eval.Rows) error {
	probe, err := each(s, func(i, o int) (measured, error) {
		p := s.learnt[i][o].probe
		c, err := p.Classify(test[i][o])
		if err != nil {
			return measured{}, err
		}
		found := mean(c.Correct)
		found.details = map[string]any{"penalty": p.Penalty, "penalty_at_edge": p.AtEdge, "converged": p.Converged,
			"iterations": p.Iterations, "held_out": p.HeldOut}
		return found, nil
	})
	if err != nil {
		return err
	}
	return s.add(Metric{Group: GroupClasses, Name: "probe", Better: Higher, References: s.majority(s.test.labels),
		Protocol: s.classProtocol(probeMethod())}, probe)
}

func (s *session) tellKNN(l learnt, rows eval.Rows) (eval.Classification, error) {
	return eval.KNN(l.train, rows, s.classes, s.eval.KNN)
}

func (s *session) knnMethod() string {
	return fmt.Sprintf("weighted %d-NN by cosine, T = %g", min(s.eval.KNN.K, len(s.train.images)), s.eval.KNN.Temperature)
}

func probeMethod() string {
	o := eval.DefaultProbeOptions()
	return fmt.Sprintf("multinomial logistic regression on standardised rows by L-BFGS, penalty of %v chosen on %g of "+
		"the training images", o.Penalties, o.HoldOut)
}

// seen adds to a protocol how the images are shown.
func (s *session) seen(p eval.Protocol) eval.Protocol {
	p.ImageSize, p.Framing = s.result.Data.ImageSize, s.result.Data.Framing
	return p
}

// classProtocol is that of a measure on images at their origin.
func (s *session) classProtocol(method string) eval.Protocol {
	return s.seen(eval.Protocol{Method: method, TrainImages: len(s.train.images), TestImages: len(s.test.images)})
}

// measureFewShot draws episodes from the test images.
func (s *session) measureFewShot(test [][]eval.Rows, shots int) error {
	o := eval.DefaultFewShotOptions()
	o.Shots = shots
	found, err := each(s, func(i, j int) (measured, error) {
		r, err := eval.FewShot(test[i][j], test[i][j], o)
		if err != nil {
			return measured{}, err
		}
		one := mean(r.Each)
		one.each.of = "episodes"
		one.details = map[string]any{"classes": r.Classes}
		return one, nil
	})
	if tooFew(err) {
		s.note(fmt.Sprintf("%d-way episodes with %d shots are left out: fewer than %d classes have %d of the test images, "+
			"whose number eval.test_images limits", o.Ways, shots, o.Ways, shots+o.Queries))
		return nil
	} else if err != nil {
		return err
	}
	return s.add(Metric{
		Group: GroupClasses, Name: fmt.Sprintf("few_shot_%d", shots), Better: Higher,
		References: References{Chance: eval.Defined(1 / float64(o.Ways)), ChanceBy: "one of the episode's classes"},
		Protocol:   s.seen(eval.Protocol{TestImages: len(s.test.images), Method: fewShotMethod(o)}),
	}, found)
}

// tooFew says whether too few classes have enough images for an episode.
func tooFew(err error) bool { return errors.Is(err, fault.Data) }

func fewShotMethod(o eval.FewShotOptions) string {
	return fmt.Sprintf("%d-way, %d shots, %d queries a class, %d episodes, class mean by cosine", o.Ways, o.Shots,
		o.Queries, o.Episodes)
}

// measureLabelFree measures what needs no labels, on the test images at their origin.
func (s *session) measureLabelFree(test [][]eval.Rows) error {
	for _, measure := range []struct {
		name, better, method, chanceBy string
		chance                         eval.Value
		of                             func(r eval.Rows) (measured, error)
	}{
		{"rankme", Higher, "RankMe, not centred, as a share of the attainable rank", "", eval.Value{}, rankMe},
		{"self_clustering", Lower, "self-clustering: 0 even, 1 collapsed", "even directions", eval.Defined(0),
			selfClustering},
		{"deviation", Higher, "mean deviation of the directions' columns, as a share of 1/√dim: 0 is collapse",
			"even directions", eval.Defined(1), deviation},
		{"local_dimension", "", fmt.Sprintf("mean |ln LID|, maximum likelihood from the %d nearest rows", near),
			"", eval.Value{}, localDimension},
		{"alpha_req", "", "slope of ln eigenvalue over ln index, all eigenvalues above 0", "", eval.Value{}, alphaReQ},
	} {
		found, err := each(s, func(i, o int) (measured, error) { return measure.of(test[i][o]) })
		if err != nil {
			return err
		}
		p := s.classProtocol(measure.method)
		p.TrainImages = 0
		if err := s.add(Metric{
			Group: GroupLabelFree, Name: measure.name, Better: measure.better, Protocol: p,
			References: References{Chance: measure.chance, ChanceBy: measure.chanceBy},
		}, found); err != nil {
			return err
		}
	}
	if s.full() {
		if err := s.measureLiDAR(); err != nil {
			return err
		}
	}
	return s.measureOverlap(test)
}

// augmentations is how many views of an image tell what the training's random transformations leave of it.
const augmentations = 8

// measureLiDAR measures how many directions tell images apart in spite of the training's random transformations.
func (s *session) measureLiDAR() error {
	if !s.random() {
		return nil
	}
	z, err := s.augmented(s.views[1], augmentations)
	if err != nil {
		return err
	}
	found, err := each(s, func(i, o int) (measured, error) {
		l, err := eval.LiDAR(z[i][o], eval.DefaultLiDAROptions())
		return measured{value: l.Share, details: map[string]any{"rank": l.Rank, "attainable": l.Attainable}}, err
	})
	if err != nil {
		return err
	}
	return s.add(Metric{
		Group: GroupLabelFree, Name: "lidar", Better: Higher,
		Protocol: s.seen(eval.Protocol{TestImages: len(s.views[1].images), Method: fmt.Sprintf("LiDAR as a share of the "+
			"attainable rank, %d views an image by the experiment's random transformations, seed %d", augmentations,
			s.o.Experiment.Seed)}),
	}, found)
}

func rankMe(r eval.Rows) (measured, error) {
	k, err := eval.RankMe(r, eval.DefaultRankMeOptions())
	return measured{value: k.Share, details: map[string]any{"rank": k.Rank, "attainable": k.Attainable}}, err
}

func selfClustering(r eval.Rows) (measured, error) {
	c, err := eval.SelfClusteringOf(r)
	return measured{value: c.Value, details: map[string]any{"zero_rows": c.Zeros}}, err
}

func deviation(r eval.Rows) (measured, error) {
	d, err := eval.NormalisedDeviation(r)
	return measured{value: eval.Defined(d.Share), details: map[string]any{"normalised": d.Normalised}}, err
}

func alphaReQ(r eval.Rows) (measured, error) {
	d, err := eval.AlphaReQ(r, eval.DefaultAlphaReQOptions())
	return measured{value: d.Alpha, details: map[string]any{"first": d.First, "last": d.Last}}, err
}

// near is how many neighbours tell the local dimension.
const near = 20

func localDimension(r eval.Rows) (measured, error) {
	d, err := eval.LocalDimension(r, near)
	if err != nil || d.Rows == 0 {
		return measured{}, err
	}
	found := mean(d.ByRow)
	found.details = map[string]any{"rows": d.Rows}
	return found, nil
}

// neighbours is how many of an image's neighbours are compared.
const neighbours = 10

// measureOverlap asks how much of images' neighbourhoods the encoder shares with each reference: what training changed.
func (s *session) measureOverlap(test [][]eval.Rows) error {
	if len(s.test.images) < 2 {
		return nil
	}
	for i, sub := range s.subjects {
		if i == 0 {
			continue
		}
		for o, output := range s.outputs {
			v, err := eval.NeighbourOverlap(test[0][o], test[i][o], neighbours)
			if err != nil {
				return err
			}
			of := mean(v.ByImage)
			m := Metric{
				Group: GroupLabelFree, Name: "overlap_" + sub.name, Output: output, Value: of.value,
				References: References{Chance: eval.Defined(v.Chance), ChanceBy: "neighbours drawn at random"},
				Protocol: s.seen(eval.Protocol{TestImages: v.Rows, Method: fmt.Sprintf(
					"share of the %d nearest other images by cosine that are the same", v.K)}),
			}
			if m.Interval, err = s.interval(of.each); err != nil {
				return err
			}
			s.result.Metrics = append(s.result.Metrics, m)
		}
	}
	return nil
}
