package loss

import (
	"errors"
	"fmt"
	"math"
)

// esslParts is how many classes the scale of a family that is not nominal has: E-SSL's fourfold blur and rotation.
const esslParts = 4

// esslTerm is the equivariance term of E-SSL: which class of a nominal family is a view of, or which quarter of its
// range has a family's scale?
type esslTerm struct {
	options BaselineOptions
	kernel  softmax
}

func newESSL(o BaselineOptions) term { return &esslTerm{options: o} }

// family finds the family: the one that is named, or the nominal one.
func (t *esslTerm) family(v Views) (int, error) {
	found := -1
	for f, name := range v.Names {
		switch {
		case t.options.Family != "" && name != t.options.Family || t.options.Family == "" && !v.nominal(f):
		case found >= 0:
			return 0, fmt.Errorf("essl predicts the classes of one nominal family, but %s and %s are both: "+
				"set family to one of them", v.Names[found], name)
		default:
			found = f
		}
	}
	if found >= 0 {
		for _, f := range v.Family {
			if f == found {
				return found, nil
			}
		}
		return 0, fmt.Errorf("essl predicts the classes of %s, but no view is of that family: "+
			"set its levels in augment.ordered", v.Names[found])
	}
	if t.options.Family != "" {
		return 0, fmt.Errorf("essl predicts the classes of %s, which is no ordered family of this experiment: "+
			"add it to augment.ordered", t.options.Family)
	}
	return 0, errors.New("essl predicts the classes of a nominal family, and there is none: " +
		"add {family: quarter_turn} to augment.ordered, or set family to one whose scale is to be told")
}

func (t *esslTerm) needs(to []Need, v Views) ([]Need, error) {
	f, err := t.family(v)
	if err != nil {
		return to, err
	}
	return append(to, Need{Output: outputESSL, Dim: v.esslClasses(f), Kind: NeedClassifier}), nil
}

func (t *esslTerm) check(v Views, _ []Output) error {
	f, err := t.family(v)
	if err != nil {
		return err
	}
	for i, g := range v.Family {
		if g != f {
			continue
		}
		for n, s := range v.Scale[i*v.Images:][:v.Images] {
			if s < 0 && v.nominal(f) || math.Abs(s) > 1 {
				return fmt.Errorf("view %d of image %d has scale %g, which is no class of %s", i, n, s, v.Names[f])
			}
		}
	}
	return nil
}

func (t *esslTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	f, _ := t.family(v) // check has looked at it
	value := runESSL(&t.kernel, newBatch(outs[0], v, nil, weight), v, f)
	return value, append(d, Diagnostic{"accuracy", t.kernel.accuracy})
}

// softmax holds the buffer of runESSL.
type softmax struct {
	share    []float64 // [C] of the classes
	accuracy float64   // share of rows whose class has the largest logit; one of k largest counts 1/k
}

// esslClasses is how many classes are told apart.
func (v Views) esslClasses(f int) int {
	if v.nominal(f) {
		return v.Classes[f]
	}
	return esslParts
}

// esslClass is the class of a scale; of two sides both count alike.
func (v Views) esslClass(f int, scale float64) int {
	if v.nominal(f) {
		return int(math.Round(scale * float64(v.Classes[f]-1)))
	}
	return min(int(math.Abs(scale)*esslParts), esslParts-1)
}

// runESSL returns the mean cross entropy of the rows of the family f and adds its gradient. The batch's rows are
// logits, [V*N, C].
func runESSL[T float](k *softmax, b batch[T], v Views, f int) float64 {
	classes := v.esslClasses(f)
	count := 0
	for _, g := range v.Family {
		if g == f {
			count += v.Images
		}
	}
	k.share, k.accuracy = grow(k.share, classes), 0
	var value float64
	for i, g := range v.Family {
		if g != f {
			continue
		}
		for row := i * v.Images; row < (i+1)*v.Images; row++ {
			label := v.esslClass(f, v.Scale[row])
			line, pull := b.data[row*classes:][:classes], b.grad[row*classes:][:classes]
			largest, equal := math.Inf(-1), 0.0
			for _, x := range line {
				switch x := float64(x); {
				case x > largest:
					largest, equal = x, 1
				case x == largest:
					equal++
				}
			}
			var sum float64
			for c, x := range line {
				k.share[c] = math.Exp(float64(x) - largest)
				sum += k.share[c]
			}
			value += math.Log(sum) + largest - float64(line[label])
			if float64(line[label]) == largest {
				k.accuracy += 1 / equal
			}
			for c, e := range k.share {
				g := e / sum
				if c == label {
					g--
				}
				pull[c] = add(pull[c], b.weight*g/float64(count))
			}
		}
	}
	k.accuracy /= float64(count)
	return value / float64(count)
}
