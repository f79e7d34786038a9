package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ordo/models/fault"
)

// Heads of few-shot episodes.
const (
	HeadCosine   = "cosine"   // the class mean of the rows' directions with the largest cosine
	HeadEuclid   = "euclid"   // the nearest class mean: Snell et al. 2017, "Prototypical Networks for Few-shot Learning"
	HeadLogistic = "logistic" // multinomial logistic regression, C = 1 as scikit-learn's default
)

// FewShotOptions sets the episodes.
type FewShotOptions struct {
	Ways     int    `yaml:"ways"`     // classes of an episode; default 5, range [2, 1000]
	Shots    int    `yaml:"shots"`    // labelled rows of each; default 1, range [1, 1000]
	Queries  int    `yaml:"queries"`  // rows of each to classify; default 16, range [1, 1000]
	Episodes int    `yaml:"episodes"` // default 2000, range [2, 1000000]
	Head     string `yaml:"head"`     // cosine, euclid or logistic; default cosine
	Seed     uint64 `yaml:"seed"`     // draws the episodes; default 1
}

// DefaultFewShotOptions returns the defaults: 5-way 1-shot with 16 queries a class over 2,000 episodes.
func DefaultFewShotOptions() FewShotOptions {
	return FewShotOptions{Ways: 5, Shots: 1, Queries: 16, Episodes: 2000, Head: HeadCosine, Seed: 1}
}

// Validate returns all faults of the options, joined.
func (o FewShotOptions) Validate() error {
	var faults []error
	for _, r := range []struct {
		name             string
		got, least, most int
	}{
		{"ways", o.Ways, 2, 1000}, {"shots", o.Shots, 1, 1000},
		{"queries", o.Queries, 1, 1000}, {"episodes", o.Episodes, 2, 1000000},
	} {
		if r.got < r.least || r.got > r.most {
			faults = append(faults, fmt.Errorf("%s: must be in [%d, %d], got %d", r.name, r.least, r.most, r.got))
		}
	}
	if !slices.Contains([]string{HeadCosine, HeadEuclid, HeadLogistic}, o.Head) {
		faults = append(faults, fmt.Errorf("head: must be %s, %s or %s, got %q",
			HeadCosine, HeadEuclid, HeadLogistic, o.Head))
	}
	return invalid(faults)
}

// FewShotResult is the accuracy over episodes. Its interval is that of the mean over episodes drawn from these
// images: the episodes share the images, so that it does not say how other images would do.
type FewShotResult struct {
	Accuracy  float64   `json:"accuracy"`   // mean over the episodes; chance is 1/ways
	HalfWidth float64   `json:"half_width"` // of the 95 % interval over episodes, 1.96 · deviation / √episodes
	Deviation float64   `json:"deviation"`  // of the sample of episodes
	Episodes  int       `json:"episodes"`
	Classes   int       `json:"classes"` // that have images enough to be drawn
	Each      []float64 `json:"-"`       // [Episodes] accuracies
}

// FewShot draws episodes of o.Ways classes: o.Shots labelled images of each, the support, and o.Queries others of
// each to be told by them. The accuracy is the share of queries that are. The protocol is AugSelf's (Lee et al.
// 2021), which has one-against-rest logistic regression as head; its 5-way 1-shot and 5-shot are the usual two.
//
// Row i of queries is another view of the image that row i of support is, or the same: given the same rows twice it
// measures them, given transformed images as queries, how robust they are. An episode's images are distinct, and it
// depends on the seed, its number and the labels only, so that all views are asked in the same episodes.
//
// Classes with fewer than o.Shots + o.Queries images are not drawn. Equal scores go to the lower class. Errors: rows
// that are not finite (fault.Numeric), too few classes (fault.Data), options out of range (fault.Config).
func FewShot(support Rows, queries Rows, o FewShotOptions) (FewShotResult, error) {
	if err := o.Validate(); err != nil {
		return FewShotResult{}, err
	}
	if err := support.checkLabelled("few-shot: support rows"); err != nil {
		return FewShotResult{}, err
	}
	if err := queries.checkValues("few-shot: query rows"); err != nil {
		return FewShotResult{}, err
	}
	if queries.Len() != support.Len() || queries.Dim != support.Dim {
		return FewShotResult{}, fmt.Errorf("eval: few-shot: queries of %d rows of %d for a support of %d rows of %d",
			queries.Len(), queries.Dim, support.Len(), support.Dim)
	}
	pool := classPool(support.Labels, o.Shots+o.Queries)
	if len(pool) < o.Ways {
		return FewShotResult{}, fault.New(fault.Data,
			"few-shot: %d-way episodes take %d classes with %d + %d images each, and %d have them",
			o.Ways, o.Ways, o.Shots, o.Queries, len(pool)).Advise("set fewer ways, shots or queries")
	}
	r := FewShotResult{Episodes: o.Episodes, Classes: len(pool), Each: make([]float64, o.Episodes)}
	faults := make([]error, o.Episodes)
	parallel(o.Episodes, func(i int) {
		r.Each[i], faults[i] = drawEpisode(pool, o, uint64(i)).accuracy(support, queries, o.Head)
	})
	for _, err := range faults {
		if err != nil {
			return FewShotResult{}, err
		}
	}
	r.Accuracy = mean(r.Each)
	r.Deviation = sampleDeviation(r.Each, r.Accuracy)
	r.HalfWidth = 1.96 * r.Deviation / math.Sqrt(float64(o.Episodes))
	return r, nil
}

// classPool is the rows of every class that has enough, classes and rows rising.
func classPool(labels []int, enough int) [][]int {
	var pool [][]int
	of := map[int]int{}
	for _, c := range slices.Compact(slices.Sorted(slices.Values(labels))) {
		of[c] = len(pool)
		pool = append(pool, nil)
	}
	for i, c := range labels {
		pool[of[c]] = append(pool[of[c]], i)
	}
	return slices.DeleteFunc(pool, func(rows []int) bool { return len(rows) < enough })
}

// episode is the rows that take part, by class.
type episode struct{ support, queries [][]int }

func drawEpisode(pool [][]int, o FewShotOptions, number uint64) episode {
	r := draws(o.Seed, number)
	classes := firstOf(r, len(pool), o.Ways)
	slices.Sort(classes)
	var e episode
	for _, c := range classes {
		rows := pick(pool[c], firstOf(r, len(pool[c]), o.Shots+o.Queries))
		e.support = append(e.support, rows[:o.Shots])
		e.queries = append(e.queries, rows[o.Shots:])
	}
	return e
}

// firstOf draws count of the numbers in [0, n), in the order drawn.
func firstOf(r *rand.Rand, n, count int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	for i := range count {
		j := i + r.IntN(n-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:count]
}

// accuracy is the share of queries whose class the head tells.
func (e episode) accuracy(support, queries Rows, head string) (float64, error) {
	if head == HeadLogistic {
		return e.logistic(support, queries)
	}
	means := make([][]float64, len(e.support))
	row := make([]float64, support.Dim)
	for c, rows := range e.support {
		means[c] = make([]float64, support.Dim)
		for _, i := range rows {
			e.read(row, support.Row(i), head)
			for j, x := range row {
				means[c][j] += x / float64(len(rows))
			}
		}
		if norm := math.Sqrt(dot(means[c], means[c])); head == HeadCosine && norm >= normEps {
			for j := range means[c] {
				means[c][j] /= norm
			}
		}
	}
	right, all := 0, 0
	for c, rows := range e.queries {
		for _, i := range rows {
			e.read(row, queries.Row(i), head)
			if nearestMean(row, means, head) == c {
				right++
			}
			all++
		}
	}
	return float64(right) / float64(all), nil
}

// read takes a row as it is, or its direction.
func (e episode) read(dst []float64, row []float32, head string) {
	if head == HeadCosine {
		normalize(dst, row)
		return
	}
	for j, x := range row {
		dst[j] = float64(x)
	}
}

func nearestMean(row []float64, means [][]float64, head string) int {
	best, least := 0, math.Inf(1)
	for c, m := range means {
		var distance float64
		if head == HeadCosine {
			distance = -dot(row, m)
		} else {
			for j, x := range row {
				distance += (x - m[j]) * (x - m[j])
			}
		}
		if distance < least {
			best, least = c, distance
		}
	}
	return best
}

// logistic fits the probe's objective to the support as it is.
func (e episode) logistic(support, queries Rows) (float64, error) {
	of := func(parts [][]int) (rows, labels []int) {
		for c, part := range parts {
			rows = append(rows, part...)
			labels = append(labels, slices.Repeat([]int{c}, len(part))...)
		}
		return rows, labels
	}
	rows, labels := of(e.support)
	o := DefaultProbeOptions()
	o.Standardise = false
	train := support.Select(rows)
	train.Labels = labels
	probes, err := fitPath(train, []float64{1 / float64(len(rows))}, o)
	if err != nil {
		return 0, fmt.Errorf("few-shot: %w", err)
	}
	asked, answers := of(e.queries)
	return share(probes[0].Predict(queries.Select(asked)), answers), nil
}
