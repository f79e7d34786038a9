package evaluation

import (
	"ordo/runner/eval"
)

// perImage is a number as the ratio of two sums over images, so that the images can be drawn anew.
type perImage struct {
	above, below []float64 // one value an image; below nil: 1 each, so that the number is a mean
	less         bool      // the number is 1 less the ratio, as R² is
	of           string    // what is drawn; "": images
}

// at is the number for the images that were drawn.
func (p *perImage) at(drawn []int) eval.Value {
	var above, below float64
	for _, i := range drawn {
		above += p.above[i]
		if p.below == nil {
			below++
		} else {
			below += p.below[i]
		}
	}
	if below == 0 {
		return eval.Value{}
	}
	if p.less {
		return eval.Defined(1 - above/below)
	}
	return eval.Defined(above / below)
}

// all is the number for all images.
func (p *perImage) all() eval.Value {
	drawn := make([]int, len(p.above))
	for i := range drawn {
		drawn[i] = i
	}
	return p.at(drawn)
}

// measured is one number of one output of one subject.
type measured struct {
	value   eval.Value
	each    *perImage // nil: the number has no interval
	curve   []eval.Value
	chance  *eval.Value // where it depends on the images; nil: the measure says it
	details map[string]any
}

// mean is the measured mean of one value an image.
func mean(values []float64) measured {
	p := &perImage{above: values}
	return measured{value: p.all(), each: p}
}

// ratio is the measured ratio of two sums, or 1 less it.
func ratio(above, below []float64, less bool) measured {
	p := &perImage{above: above, below: below, less: less}
	return measured{value: p.all(), each: p}
}

// bootstrap is how images are drawn anew.
func (s *session) bootstrap() eval.BootstrapOptions {
	o := eval.DefaultBootstrapOptions()
	o.Resamples = s.eval.Resamples
	return o
}

// intervalOf is a bootstrap's interval of what is drawn; "" stands for images.
func intervalOf(of string, b eval.BootstrapInterval) *Interval {
	if of == "" {
		of = "images"
	}
	return &Interval{Low: b.Low, High: b.High, Level: b.Level, Method: "percentile bootstrap over " + of,
		Of: b.Images, Resamples: b.Resamples}
}

// interval draws a number's images anew.
func (s *session) interval(p *perImage) (*Interval, error) {
	if p.below == nil {
		b, err := eval.BootstrapMean(p.above, s.bootstrap())
		return intervalOf(p.of, b), err
	}
	b, err := eval.BootstrapRatio(p.above, p.below, s.bootstrap())
	if p.less && b.Low.Defined {
		b.Low, b.High = eval.Defined(1-b.High.Number), eval.Defined(1-b.Low.Number)
	}
	return intervalOf(p.of, b), err
}

// difference is a less b, on the same images.
func (s *session) difference(a, b measured) (*Difference, error) {
	d := &Difference{Value: minus(a.value, b.value)}
	if a.each == nil || b.each == nil || len(a.each.above) != len(b.each.above) {
		return d, nil
	}
	if a.each.below == nil {
		found, err := eval.BootstrapDifference(a.each.above, b.each.above, s.bootstrap())
		d.Interval = intervalOf(a.each.of, found.Interval)
		return d, err
	}
	found, err := eval.Bootstrap(len(a.each.above), func(drawn []int) eval.Value {
		return minus(a.each.at(drawn), b.each.at(drawn))
	}, s.bootstrap())
	d.Interval = intervalOf(a.each.of, found)
	return d, err
}

func minus(a, b eval.Value) eval.Value {
	if !a.Defined || !b.Defined {
		return eval.Value{}
	}
	return eval.Defined(a.Number - b.Number)
}

// found is what a measure found: [subject][output].
type found [][]measured

// each measures every output of every subject.
func each[T any](s *session, do func(subject, output int) (T, error)) ([][]T, error) {
	all := make([][]T, len(s.subjects))
	for i, sub := range s.subjects {
		if err := s.ctx.Err(); err != nil {
			return nil, interrupted()
		}
		for o := range sub.index {
			if sub.name == Pixels && o > 0 { // its one output stands for all
				all[i] = append(all[i], all[i][0])
				continue
			}
			one, err := do(i, o)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], one)
		}
	}
	return all, nil
}

// pick takes a number out of what was measured together.
func pick[T any](all [][]T, of func(T) measured) found {
	f := make(found, len(all))
	for i, outputs := range all {
		for _, one := range outputs {
			f[i] = append(f[i], of(one))
		}
	}
	return f
}

// add makes metrics of what a measure found, one for every output. m says what they have in common.
func (s *session) add(m Metric, f found) error {
	for o, name := range s.outputs {
		m, own := m, f[0][o]
		m.Output, m.Value, m.Details = name, own.value, own.details
		if own.chance != nil {
			m.References.Chance = *own.chance
		}
		m.Curve = nil
		for g, v := range own.curve {
			m.Curve = append(m.Curve, Point{Scale: m.Protocol.Scales[g], Value: v})
		}
		var err error
		if p := own.each; p != nil && own.value.Defined {
			if m.Interval, err = s.interval(p); err != nil {
				return err
			}
		}
		for i, sub := range s.subjects {
			if err := s.refer(&m, sub.name, own, f[i][o]); err != nil {
				return err
			}
		}
		s.result.Metrics = append(s.result.Metrics, m)
	}
	return nil
}

// refer adds what a reference has.
func (s *session) refer(m *Metric, reference string, own, other measured) (err error) {
	switch reference {
	case Untrained:
		m.References.Untrained = other.value
		m.Gain, err = s.difference(own, other)
	case Pixels:
		m.References.Pixels = other.value
	case Against:
		m.References.Against = other.value
		m.Against, err = s.difference(own, other)
	}
	for g := range m.Curve {
		switch {
		case g >= len(other.curve):
		case reference == Untrained:
			m.Curve[g].Untrained = other.curve[g]
		case reference == Pixels:
			m.Curve[g].Pixels = other.curve[g]
		}
	}
	return err
}
