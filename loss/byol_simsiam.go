package loss

// siameseTerm is SimSiam or BYOL: a prediction from each compared view meets the others' embeddings, which take no
// gradient.
type siameseTerm struct {
	options InvarianceOptions
	with    Need    // whose rows are met
	scale   float64 // the value is offset - scale*(mean cosine)
	offset  float64
	base    []int // the views that are compared
	kernel  siamese
}

func newSimSiam(o InvarianceOptions) term {
	return &siameseTerm{options: o, with: Need{Output: OutputEmbedding, Kind: NeedEmbedding}, scale: 1}
}

func newBYOL(o InvarianceOptions) term {
	return &siameseTerm{options: o, with: Need{Output: outputTarget, Kind: NeedTarget}, scale: 4, offset: 4}
}

func (t *siameseTerm) needs(to []Need, v Views) ([]Need, error) {
	return t.options.comparedNeeds(to, v, Need{Output: outputPrediction, Kind: NeedPredictor}, t.with)
}

func (t *siameseTerm) check(_ Views, outs []Output) error {
	return sameDim(t.options.Kind, outs[0], outs[1])
}

func (t *siameseTerm) compute(v Views, outs []Output, weight float64, d []Diagnostic) (float64, []Diagnostic) {
	t.base = t.options.appendCompared(t.base[:0], v)
	k := &t.kernel
	cosine := runSiamese(k, newBatch(outs[0], v, t.base, -t.scale*weight), outs[1].Data)
	d = append(d, Diagnostic{"positive_similarity", cosine})
	if v.Images > 1 {
		d = append(d, Diagnostic{"negative_similarity", k.negative})
	}
	return t.offset - t.scale*cosine, d
}

// siamese holds the buffers of runSiamese.
type siamese struct {
	unit     []float64 // [B*N, D] normalised predictions
	other    []float64 // [B*N, D] normalised rows that they meet
	inverse  []float64 // [B*N] one over the predictions' norms
	pull     []float64 // [D]
	totals   []float64 // [2, D] sums of unit and other
	negative float64   // mean cosine of a prediction and another image's row
}

// runSiamese returns the mean cosine of the prediction of one base view and the row z of another one of the same image,
// over all images and ordered pairs of base views, of which it needs two. It adds the gradient by the predictions,
// which are the batch's rows. z is like them.
func runSiamese[T float](k *siamese, b batch[T], z []T) float64 {
	images, dim, views := b.images, b.dim, len(b.base)
	k.unit, k.other = grow(k.unit, views*images*dim), grow(k.other, views*images*dim)
	k.inverse, k.pull, k.totals = grow(k.inverse, views*images), grow(k.pull, dim), grow(k.totals, 2*dim)
	var same float64 // of the cosines of rows of one view and image
	for i, v := range b.base {
		for n := range images {
			row, at := i*images+n, b.at(v, n)
			unit, other := k.unit[row*dim:][:dim], k.other[row*dim:][:dim]
			k.inverse[row] = normalize(unit, b.data[at:at+dim], cosineEps)
			normalize(other, z[at:at+dim], cosineEps)
			for j := range unit {
				k.totals[j] += unit[j]
				k.totals[dim+j] += other[j]
			}
			same += dot(unit, other)
		}
	}
	pairs := float64(views * (views - 1) * images)
	var sum float64
	for i, v := range b.base {
		for n := range images {
			clear(k.pull)
			for j := range b.base {
				if j != i {
					for l, x := range k.other[(j*images+n)*dim:][:dim] {
						k.pull[l] += x
					}
				}
			}
			row, at := i*images+n, b.at(v, n)
			unit := k.unit[row*dim:][:dim]
			sum += dot(unit, k.pull)
			addNormalizeGrad(b.grad[at:at+dim], k.pull, unit, k.inverse[row], b.weight/pairs)
		}
	}
	all := dot(k.totals[:dim], k.totals[dim:])
	if images > 1 {
		rows := float64(views * images)
		k.negative = (all - same - sum) / (rows*rows - rows - pairs)
	}
	return sum / pairs
}
