package selection

import (
	"path/filepath"
	"strings"

	"ordo/loss"
	"ordo/runner/statistics"
	"ordo/runner/track"
)

// watching is the term of the pilot that says how the gradient of every family's order lies to that of invariance: of
// weight 0, on the output that invariance looks at. It is the experiment's own order term where that looks there, too,
// else RankNet. ok is false where invariance has no output that it could share.
func watching(o loss.Options) (term loss.TermOptions, ok bool) {
	o = o.Resolved()
	output := o.Invariance.Output
	if o.Invariance.Kind == loss.KindNone || output == loss.OutputOwn {
		return term, false
	}
	order := o.Order
	if order.Output != output {
		order = loss.OrderOptions{Kind: loss.KindRankNet, Output: output}
	}
	order.Weight = 0
	return loss.TermOptions{Order: &order}, true
}

// watched begins the names of the cosines in a run's metrics.
const watched = "/gradient_cosine/"

// blocks is how many stretches of the pilot's training the interval of agree is made of: steps that follow each other
// are alike.
const blocks = 10

// agreement fills in the screen agree from the pilot's steps.
func (s *selection) agreement(r *Result, folder string) error {
	h, err := track.ReadHistory(filepath.Join(s.dir, folder))
	if err != nil {
		return err
	}
	cosines := map[string][]float64{}
	for _, step := range h.Steps {
		for name, x := range step.Terms {
			if _, family, ok := strings.Cut(name, watched); ok {
				cosines[family] = append(cosines[family], x)
			}
		}
	}
	for i := range r.Families {
		f := &r.Families[i]
		if all := cosines[f.Family]; len(all) > 0 {
			f.Screens[screenAgree] = agree(all)
		}
	}
	return nil
}

// agree is the screen of the cosines of all steps: their mean, its interval from the means of ten stretches of the
// training, and the share below 0.
func agree(cosines []float64) Screen {
	x := Screen{Value: mean(cosines), Steps: len(cosines)}
	below := 0
	for _, c := range cosines {
		if c < 0 {
			below++
		}
	}
	share := float64(below) / float64(len(cosines))
	x.Negative = &share
	if n := len(cosines); n >= blocks {
		var means []float64
		for b := range blocks {
			means = append(means, mean(cosines[b*n/blocks:(b+1)*n/blocks]))
		}
		interval := statistics.Summarise(means)
		x.Low, x.High = interval.Low, interval.High
	}
	return x
}
