package eval

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"ordo/loss/matrix"
	"ordo/models/fault"
)

// EffectiveRank is the exponential of an entropy: how many directions outputs spread over.
type EffectiveRank struct {
	Rank       Value `json:"rank"`       // undefined where there is nothing but zeros: complete collapse
	Attainable int   `json:"attainable"` // the most that so many rows of so many values can have
	Share      Value `json:"share"`      // Rank / Attainable, which is what may be compared between numbers of rows
}

func newEffectiveRank(spectrum []float64, epsilon float64, attainable int) EffectiveRank {
	r := EffectiveRank{Attainable: attainable}
	var sum float64
	for _, s := range spectrum {
		sum += s
	}
	if !(sum > 0) || attainable < 1 {
		return r
	}
	var entropy float64
	for _, s := range spectrum {
		p := s/sum + epsilon
		entropy -= p * math.Log(p)
	}
	r.Rank = Defined(math.Exp(entropy))
	r.Share = ratio(r.Rank.Number, float64(attainable))
	return r
}

// RankMeOptions sets RankMe.
type RankMeOptions struct {
	Centre  bool    `yaml:"centre"`  // subtract the mean row first; default false, as in the paper
	Epsilon float64 `yaml:"epsilon"` // added to every share; default 1e-7, range [1e-15, 1e-3]
}

// DefaultRankMeOptions returns the defaults.
func DefaultRankMeOptions() RankMeOptions { return RankMeOptions{Epsilon: 1e-7} }

// Validate returns all faults of the options, joined.
func (o RankMeOptions) Validate() error { return invalid(epsilonFaults(o.Epsilon)) }

func epsilonFaults(epsilon float64) []error {
	if epsilon >= 1e-15 && epsilon <= 1e-3 {
		return nil
	}
	return []error{fmt.Errorf("epsilon: must be in [1e-15, 1e-3], got %g", epsilon)}
}

// RankMe is exp(-Σ p ln p) with p = σ/Σσ + ε over the min(n, dim) singular values σ of the rows (Garrido et al. 2023,
// "RankMe: Assessing the downstream performance of pretrained self-supervised representations by their rank"). With N
// rows it is at most min(N, dim), centred min(N-1, dim). Not centred it sees collapse onto one vector. Singular
// values below about 1e-7 of the largest, which float32 can't tell from 0, count as 0. Time grows with the cube of the
// smaller of n and dim: to guard a training a thousand rows are enough. Errors: rows that are not finite
// (fault.Numeric), options out of range (fault.Config).
func RankMe(rows Rows, o RankMeOptions) (EffectiveRank, error) {
	if err := o.Validate(); err != nil {
		return EffectiveRank{}, err
	}
	if err := rows.checkValues("RankMe"); err != nil {
		return EffectiveRank{}, err
	}
	n, attainable := rows.Len(), min(rows.Len(), rows.Dim)
	x := widen(rows.Data)
	if o.Centre {
		centre(x, rows.Dim)
		attainable = min(n-1, rows.Dim)
	}
	values, err := spectrum(gram(x, n, rows.Dim))
	if err != nil {
		return EffectiveRank{}, err
	}
	for i, v := range values {
		values[i] = math.Sqrt(v)
	}
	return newEffectiveRank(values, o.Epsilon, attainable), nil
}

// centre subtracts the mean row; of equal rows nothing is left.
func centre(x []float64, dim int) {
	n := len(x) / dim
	for j := range dim {
		first, sum := x[j], 0.0
		for i := range n {
			x[i*dim+j] -= first
			sum += x[i*dim+j]
		}
		for i := range n {
			x[i*dim+j] -= sum / float64(n)
		}
	}
}

// LiDAROptions sets LiDAR.
type LiDAROptions struct {
	Delta   float64 `yaml:"delta"`   // added to the variances within images; default 1e-4, range [1e-12, 1e6]
	Epsilon float64 `yaml:"epsilon"` // added to every share; default 1e-8, range [1e-15, 1e-3]
}

// DefaultLiDAROptions returns the defaults.
func DefaultLiDAROptions() LiDAROptions { return LiDAROptions{Delta: 1e-4, Epsilon: 1e-8} }

// Validate returns all faults of the options, joined.
func (o LiDAROptions) Validate() error {
	faults := epsilonFaults(o.Epsilon)
	if !(o.Delta >= 1e-12 && o.Delta <= 1e6) {
		faults = append(faults, fmt.Errorf("delta: must be in [1e-12, 1e6], got %g", o.Delta))
	}
	return invalid(faults)
}

// LiDAR is the effective rank of what tells images apart (Thilak et al. 2024, "LiDAR: Sensing Linear Probing
// Performance in Joint Embedding SSL Architectures"): with q augmented views of each of n images, S_b the covariance
// of the images' mean rows (by 1/n) and S_w that of the views about them (by 1/(n·q)) plus δI, it is exp(-Σ p ln p)
// with p = λ/Σλ + ε over the eigenvalues λ of S_w^{-1/2} S_b S_w^{-1/2}, at most min(dim, n-1). The views' scales
// don't matter: views is [q, n, dim], view-major, so that the views of an image stay together. Errors: rows that are
// not finite (fault.Numeric), options out of range (fault.Config).
func LiDAR(views Orbit, o LiDAROptions) (EffectiveRank, error) {
	if err := o.Validate(); err != nil {
		return EffectiveRank{}, err
	}
	if err := views.check("LiDAR"); err != nil {
		return EffectiveRank{}, err
	}
	n, q, dim := views.Images, len(views.Scales), views.Dim
	means, within := make([]float64, n*dim), widen(views.Data)
	for i, x := range within {
		means[i%(n*dim)] += x / float64(q)
	}
	for i := range within {
		within[i] -= means[i%(n*dim)]
	}
	centre(means, dim)
	spread := mat.NewSymDense(dim, nil)
	covariance(spread, within, dim)
	for j := range dim {
		spread.SetSym(j, j, spread.At(j, j)+o.Delta)
	}
	var factor mat.Cholesky
	if !factor.Factorize(spread) {
		return EffectiveRank{}, fault.New(fault.Numeric, "LiDAR: delta %g is too small for these views", o.Delta).
			Advise("set a larger one")
	}
	// With S_w = L·Lᵀ the matrix L⁻¹ S_b L⁻ᵀ has the same eigenvalues.
	var lower mat.TriDense
	var whitened mat.Dense
	factor.LTo(&lower)
	_ = lower.SolveTo(&whitened, false, mat.NewDense(n, dim, means).T())
	values, err := spectrum(gram(transposedData(&whitened), n, dim))
	if err != nil {
		return EffectiveRank{}, err
	}
	for len(values) < dim { // of fewer images than columns the others are 0, and have their ε
		values = append(values, 0)
	}
	return newEffectiveRank(values, o.Epsilon, min(dim, n-1)), nil
}

// covariance sets to to xᵀ·x/n of x [n, dim].
func covariance(to *mat.SymDense, x []float64, dim int) {
	n := len(x) / dim
	m := matrix.Of(x, n, dim)
	products := make([]float64, dim*dim)
	multiply(matrix.Of(products, dim, dim), m.T(), m)
	for i := range dim {
		for j := i; j < dim; j++ {
			to.SetSym(i, j, products[i*dim+j]/float64(n))
		}
	}
}

func transposedData(m *mat.Dense) []float64 {
	return mat.DenseCopyOf(m.T()).RawMatrix().Data
}

// SelfClustering is how much more the rows' directions bunch than even ones would: with the n rows' cosines c and
// Q = Σ c² over all ordered pairs, each row with itself among them,
//
//	(Q - n - n(n-1)/dim) / (n² - n - n(n-1)/dim)
//
// 0 where the directions are even, 1 where all are one (and 0 < -1/(dim-1) at the least). It sees collapse onto one
// vector, which centred ranks do not.
type SelfClustering struct {
	Value Value `json:"value"` // undefined of fewer than two rows that are not zero, or of one column
	Zeros int   `json:"zeros"` // rows of zeros, which have no direction and are left out
}

// SelfClusteringOf measures rows. Errors: rows that are not finite (fault.Numeric).
func SelfClusteringOf(rows Rows) (SelfClustering, error) {
	if err := rows.checkValues("self-clustering"); err != nil {
		return SelfClustering{}, err
	}
	unit, zero := units(rows)
	var r SelfClustering
	for _, z := range zero {
		if z {
			r.Zeros++
		}
	}
	n, dim := float64(rows.Len()-r.Zeros), float64(rows.Dim)
	if n < 2 || dim < 2 {
		return r, nil
	}
	// Σ c² over pairs of rows is Σ of the squares of all products of columns; zeros add nothing.
	g := gram(unit, rows.Len(), rows.Dim)
	side := g.SymmetricDim()
	var q float64
	for i := range side {
		for j := i; j < side; j++ {
			p := g.At(i, j) * float64(rows.Len())
			if p *= p; i != j {
				p *= 2
			}
			q += p
		}
	}
	even := n * (n - 1) / dim
	r.Value = ratio(q-n-even, n*n-n-even)
	return r, nil
}

// Deviation is the spread of the rows' directions.
type Deviation struct {
	Normalised float64 `json:"normalised"` // mean over the columns of the population deviation of z/‖z‖
	Share      float64 `json:"share"`      // of 1/√dim, which even directions have
}

// NormalisedDeviation measures rows: 0 is complete collapse (Chen and He 2021, "Exploring Simple Siamese Representation
// Learning", section 4.1); it does not see that only few directions are used. Errors: rows that are not finite
// (fault.Numeric).
func NormalisedDeviation(rows Rows) (Deviation, error) {
	if err := rows.checkValues("normalised deviation"); err != nil {
		return Deviation{}, err
	}
	unit, _ := units(rows)
	centre(unit, rows.Dim)
	square := make([]float64, rows.Dim)
	for i, x := range unit {
		square[i%rows.Dim] += x * x
	}
	var d Deviation
	for _, s := range square {
		d.Normalised += math.Sqrt(s/float64(rows.Len())) / float64(rows.Dim)
	}
	d.Share = d.Normalised * math.Sqrt(float64(rows.Dim))
	return d, nil
}

// AlphaReQOptions is the range of eigenvalues that the slope is fitted to.
type AlphaReQOptions struct {
	First int `yaml:"first"` // the largest is 1; default 1, at least 1
	Last  int `yaml:"last"`  // default 0: the last that is above 0
}

// DefaultAlphaReQOptions returns the defaults.
func DefaultAlphaReQOptions() AlphaReQOptions { return AlphaReQOptions{First: 1} }

// Validate returns all faults of the options, joined.
func (o AlphaReQOptions) Validate() error {
	var faults []error
	if o.First < 1 {
		faults = append(faults, fmt.Errorf("first: must be 1 or more, got %d", o.First))
	}
	if o.Last != 0 && o.Last <= o.First {
		faults = append(faults, fmt.Errorf("last: must be 0 (all) or more than first, got %d", o.Last))
	}
	return invalid(faults)
}

// Decay is how fast a covariance's eigenvalues fall.
type Decay struct {
	Alpha Value `json:"alpha"` // undefined with fewer than two eigenvalues above 0 in the range
	First int   `json:"first"` // of the range that was fitted
	Last  int   `json:"last"`
}

// AlphaReQ fits λ_i ∝ i^-α to the eigenvalues of the rows' covariance, falling, by least squares of ln λ on ln i
// (Agrawal et al. 2022, "α-ReQ: Assessing Representation Quality in Self-Supervised Learning by measuring
// eigenspectrum decay"). The range decides much, even on which side of accuracy α stands: it belongs to the number.
// Errors: rows that are not finite (fault.Numeric), options out of range (fault.Config).
func AlphaReQ(rows Rows, o AlphaReQOptions) (Decay, error) {
	if err := o.Validate(); err != nil {
		return Decay{}, err
	}
	if err := rows.checkValues("alpha-ReQ"); err != nil {
		return Decay{}, err
	}
	x := widen(rows.Data)
	centre(x, rows.Dim)
	values, err := spectrum(gram(x, rows.Len(), rows.Dim))
	if err != nil {
		return Decay{}, err
	}
	positive := 0
	for positive < min(len(values), rows.Len()-1) && values[positive] > 0 {
		positive++
	}
	d := Decay{First: o.First, Last: positive}
	if o.Last > 0 {
		d.Last = min(o.Last, positive)
	}
	if d.Last <= d.First {
		return d, nil
	}
	var sx, sy, sxx, sxy float64
	for i := d.First; i <= d.Last; i++ {
		a, b := math.Log(float64(i)), math.Log(values[i-1])
		sx, sy, sxx, sxy = sx+a, sy+b, sxx+a*a, sxy+a*b
	}
	n := float64(d.Last - d.First + 1)
	d.Alpha = ratio(sx*sy-n*sxy, n*sxx-sx*sx)
	return d, nil
}

// Intrinsic is the local intrinsic dimension of rows.
type Intrinsic struct {
	MeanLog Value     `json:"mean_log"` // mean of |ln LID|; undefined where no row has one
	Rows    int       `json:"rows"`     // that have one
	ByRow   []float64 `json:"-"`        // [Rows] |ln LID|
}

// LocalDimension estimates each row's local intrinsic dimension from the Euclidean distances r_1 <= … <= r_k to its k
// nearest other rows by maximum likelihood (Levina and Bickel 2004; Amsaleg et al. 2015),
//
//	LID = -( 1/k Σ_i ln(r_i / r_k) )^-1
//
// and takes the mean of |ln LID|, which DDA (2024) looks for augmentations to maximise and Huang et al. 2024 ("LDReg")
// raise in training. Rows whose k distances are all equal, or the nearest 0, have none and are left out.
// k is at least 2; of fewer than k+1 rows all others are neighbours. Errors: rows that are not finite (fault.Numeric).
func LocalDimension(rows Rows, k int) (Intrinsic, error) {
	if err := rows.checkValues("local dimension"); err != nil {
		return Intrinsic{}, err
	}
	if k < 2 {
		return Intrinsic{}, fmt.Errorf("eval: local dimension from %d neighbours", k)
	}
	n := rows.Len()
	found := make([]float64, n)
	parallel(n, func(i int) {
		squares := make([]float64, 0, n)
		for j := range n {
			if j == i {
				continue
			}
			sum := 0.
			for c, x := range rows.Row(i) {
				d := float64(x) - float64(rows.Row(j)[c])
				sum += d * d
			}
			squares = append(squares, sum)
		}
		slices.Sort(squares)
		squares = squares[:min(k, len(squares))]
		if len(squares) == 0 || squares[0] == 0 {
			return
		}
		logs := 0.
		for _, s := range squares {
			logs += math.Log(s/squares[len(squares)-1]) / 2
		}
		if logs < 0 {
			found[i] = -float64(len(squares)) / logs
		}
	})
	var r Intrinsic
	for _, dimension := range found {
		if dimension > 0 {
			r.ByRow = append(r.ByRow, math.Abs(math.Log(dimension)))
		}
	}
	if r.Rows = len(r.ByRow); r.Rows > 0 {
		r.MeanLog = Defined(mean(r.ByRow))
	}
	return r, nil
}
