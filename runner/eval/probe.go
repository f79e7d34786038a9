package eval

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"ordo/loss/matrix"
)

// ProbeOptions sets the linear probe.
type ProbeOptions struct {
	Penalties     []float64 `yaml:"penalties"`      // to choose from; default 1e-4, 1e-3, 1e-2, 0.1, 1; each in (0, 1e12]
	HoldOut       float64   `yaml:"hold_out"`       // share of the training rows that choose; default 0.2, range (0, 1)
	Standardise   bool      `yaml:"standardise"`    // the features, by the training rows; default true
	Seed          uint64    `yaml:"seed"`           // draws the rows that are held out; default 1
	MaxIterations int       `yaml:"max_iterations"` // of L-BFGS; default 1000, range [1, 100000]
	Tolerance     float64   `yaml:"tolerance"`      // of the gradient's largest value; default 1e-5, range (0, 1]
}

// DefaultProbeOptions returns the defaults.
func DefaultProbeOptions() ProbeOptions {
	return ProbeOptions{Penalties: []float64{1e-4, 1e-3, 1e-2, 0.1, 1}, HoldOut: 0.2, Standardise: true, Seed: 1,
		MaxIterations: 1000, Tolerance: 1e-5}
}

// Validate returns all faults of the options, joined.
func (o ProbeOptions) Validate() error {
	faults := penaltyFaults(o.Penalties, o.HoldOut)
	if o.MaxIterations < 1 || o.MaxIterations > 100000 {
		faults = append(faults, fmt.Errorf("max_iterations: must be in [1, 100000], got %d", o.MaxIterations))
	}
	if !(o.Tolerance > 0 && o.Tolerance <= 1) {
		faults = append(faults, fmt.Errorf("tolerance: must be in (0, 1], got %g", o.Tolerance))
	}
	return invalid(faults)
}

// Probe is a linear classifier of frozen features.
type Probe struct {
	Choice               // of the penalty
	Iterations int       // of L-BFGS on all training rows
	Converged  bool      // or the iterations ran out
	Classes    []int     // that the training rows have, rising
	scaler     scaler    // of the features
	weights    []float64 // [len(Classes), dim], of the scaled features
	bias       []float64 // [len(Classes)]
}

// FitProbe fits multinomial logistic regression to frozen features, the linear evaluation of the field (Kornblith et
// al. 2019, "Do Better ImageNet Models Transfer Better?", section A.5.2): with n training rows it minimises
//
//	(1/n) Σ_i -log softmax(W·x_i + b)[y_i] + (λ/2) ‖W‖²
//
// by L-BFGS; the bias b is not penalised. It is scikit-learn's LogisticRegression with C = 1/(λ·n). For two classes
// scikit-learn penalises the difference of the classes' weights; so does this, with the same C. Standardised features
// have mean 0 and population deviation 1 over the rows that are fitted; one that is constant is 0.
//
// λ is chosen on a part of the training rows that is held out of every class, by accuracy, of equals the largest λ;
// with it all training rows are fitted. Test rows take no part. λ belongs to the mean loss, so that it means the same
// for the part and for all. The fits go from the largest λ to the least, each from where the last one ended, which
// saves time: the objective has one minimum only.
//
// Classes without training rows are never predicted. Errors: rows that are not finite (fault.Numeric), nothing to
// hold out where there are several penalties (fault.Data), options out of range (fault.Config).
func FitProbe(train Rows, o ProbeOptions) (*Probe, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := train.checkLabelled("linear probe: training rows"); err != nil {
		return nil, err
	}
	penalties := slices.Clone(o.Penalties)
	choice := Choice{Penalty: penalties[0]}
	if len(penalties) > 1 {
		fit, held := holdOutByClass(train.Labels, o.HoldOut, o.Seed)
		if len(held) == 0 {
			return nil, nothingHeldOut("linear probe", train.Len())
		}
		path, err := fitPath(train.Select(fit), penalties, o)
		if err != nil {
			return nil, err
		}
		part := train.Select(held)
		scores, best := make([]float64, len(penalties)), 0
		for i, p := range path {
			scores[i] = share(p.Predict(part), part.Labels)
			if scores[i] > scores[best] || scores[i] == scores[best] && penalties[i] > penalties[best] {
				best = i
			}
		}
		choice = newChoice(penalties, scores, best, len(held))
	}
	all, err := fitPath(train, []float64{choice.Penalty}, o)
	if err != nil {
		return nil, err
	}
	all[0].Choice = choice
	return all[0], nil
}

// fitPath fits a probe for every penalty.
func fitPath(train Rows, penalties []float64, o ProbeOptions) ([]*Probe, error) {
	classes := slices.Compact(slices.Sorted(slices.Values(train.Labels)))
	index := map[int]int{}
	for i, c := range classes {
		index[c] = i
	}
	labels := make([]int, len(train.Labels))
	for i, c := range train.Labels {
		labels[i] = index[c]
	}
	s := newScaler(train, o.Standardise)
	factor := 1.0
	if len(classes) == 2 {
		factor = 2 // ‖w‖²/2 of the difference w is the sum of both classes' squares
	}
	objective := newLogistic(s.apply(train), labels, train.Dim, len(classes))
	order := make([]int, len(penalties))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(penalties[b], penalties[a]) })
	probes := make([]*Probe, len(penalties))
	var start []float64
	for _, i := range order {
		m, err := objective.minimise(start, factor*penalties[i], o.Tolerance, o.MaxIterations)
		if err != nil {
			return nil, fmt.Errorf("linear probe: %w", err)
		}
		start = m.params
		probes[i] = &Probe{Choice: Choice{Penalty: penalties[i]}, Iterations: m.iterations, Converged: m.converged,
			Classes: classes, scaler: s, weights: m.params[:len(classes)*train.Dim], bias: m.params[len(classes)*train.Dim:]}
	}
	return probes, nil
}

// Predict returns the class of every row; of classes with equal logits the lowest. Rows must be as wide as the training
// rows.
func (p *Probe) Predict(rows Rows) []int {
	x := p.scaler.apply(rows)
	n, classes := rows.Len(), len(p.Classes)
	var right matrix.Packed[float64]
	right.Pack(matrix.Of(p.weights, classes, rows.Dim).T())
	logits := make([]float64, n*classes)
	multiplyPacked(matrix.Of(logits, n, classes), matrix.Of(x, n, rows.Dim), &right)
	predicted := make([]int, n)
	for i := range predicted {
		best, most := 0, math.Inf(-1)
		for k, v := range logits[i*classes:][:classes] {
			if v += p.bias[k]; v > most {
				best, most = k, v
			}
		}
		predicted[i] = p.Classes[best]
	}
	return predicted
}

// Classify predicts test rows and says how often that is right. Errors: rows that are not finite (fault.Numeric).
func (p *Probe) Classify(test Rows) (Classification, error) {
	if err := test.checkLabelled("linear probe: test rows"); err != nil {
		return Classification{}, err
	}
	if test.Dim != len(p.scaler.mean) {
		return Classification{}, fmt.Errorf("eval: linear probe of %d features on rows of %d", len(p.scaler.mean), test.Dim)
	}
	return Grade(p.Predict(test), test.Labels), nil
}

// Classification is how often a predicted class is the label.
type Classification struct {
	Top1    float64   `json:"top1"`
	Rows    int       `json:"rows"`
	Correct []float64 `json:"-"` // [Rows] 1 or 0, for intervals, differences and classes
}

// Grade compares predicted classes with labels, which are as many and at least one.
func Grade(predicted, labels []int) Classification {
	c := Classification{Rows: len(labels), Correct: make([]float64, len(labels))}
	for i, label := range labels {
		if predicted[i] == label {
			c.Correct[i] = 1
		}
	}
	c.Top1 = mean(c.Correct)
	return c
}

func share(predicted, labels []int) float64 { return Grade(predicted, labels).Top1 }

// Majority is the share of test rows that have the training rows' most frequent label, of equals the lowest: what a
// classifier that sees nothing gets.
func Majority(train, test []int) float64 {
	count := map[int]int{}
	for _, c := range train {
		count[c]++
	}
	best := -1
	for _, c := range slices.Sorted(maps.Keys(count)) {
		if best < 0 || count[c] > count[best] {
			best = c
		}
	}
	right := 0
	for _, c := range test {
		if c == best {
			right++
		}
	}
	return float64(right) / float64(max(1, len(test)))
}
