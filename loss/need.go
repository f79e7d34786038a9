package loss

import (
	"fmt"
	"math"
)

// Need is a model output that the loss looks at.
type Need struct {
	Output string
	Dim    int // values in a row; 0: any, or the embedding's for NeedPredictor, NeedTarget and NeedConditioned
	Kind   NeedKind
}

// NeedKind says what makes an output. V are all views, B the base views, N the images of a batch.
type NeedKind int

// The kinds of outputs.
const (
	NeedFeatures    NeedKind = iota // [V*N, any]: the backbone's
	NeedEmbedding                   // [V*N, any]: the projector's
	NeedPredictor                   // [V*N, D]: of a predictor on the embedding
	NeedTarget                      // [V*N, D]: the embedding by averaged weights (Loss.Target); takes no gradient
	NeedClassifier                  // [V*N, Dim]: class logits of a head on the features
	NeedPair                        // [2*N, Dim]: of a head on pairs of features, of base views 0 and 1, then 1 and 0
	NeedConditioned                 // [B*N, D]: base views' embeddings from the plain view's and what was drawn for them
	NeedOwn                         // [V*N, any]: of a head of the term's or the family's own on the features
	NeedLinear                      // [V*N, Dim]: of a linear head on the features
)

// rows is how many rows an output has.
func (k NeedKind) rows(v Views) int {
	switch k {
	case NeedPair:
		return 2 * v.Images
	case NeedConditioned:
		return v.base() * v.Images
	default:
		return len(v.Family) * v.Images
	}
}

// outputNeed is the need of an output that an option names.
func outputNeed(output string) Need {
	if output == OutputFeatures {
		return Need{Output: output, Kind: NeedFeatures}
	}
	return Need{Output: output, Kind: NeedEmbedding}
}

// TargetOptions says how the target, a network of averaged weights, follows the trained one: after every step
// target = m*target + (1-m)*trained.
type TargetOptions struct {
	Momentum float64 // m at the beginning, in [0, 1]
	Schedule string  // constant, or cosine: m goes to 1 (Grill et al. 2020)
}

// At returns m when a share in [0, 1] of the training is done: for cosine 1 - (1-Momentum)*(cos(π*progress)+1)/2.
func (o TargetOptions) At(progress float64) float64 {
	if o.Schedule != ScheduleCosine {
		return o.Momentum
	}
	return 1 - (1-o.Momentum)*(math.Cos(math.Pi*progress)+1)/2
}

// addNeed appends a need, or merges it with the need of the same output.
func addNeed(to []Need, n Need) ([]Need, error) {
	for i := range to {
		if to[i].Output != n.Output {
			continue
		}
		if to[i].Dim != 0 && n.Dim != 0 && to[i].Dim != n.Dim {
			return to, fmt.Errorf("two terms want output %q, one with %d values in a row and one with %d",
				n.Output, to[i].Dim, n.Dim)
		}
		to[i].Dim = max(to[i].Dim, n.Dim)
		return to, nil
	}
	return append(to, n), nil
}
