package loss

import (
	"math"
	"runtime"
	"slices"
	"sync"

	"ordo/loss/matrix"
)

const (
	// contrastBlock is how many anchors are compared with all rows at a time.
	contrastBlock = 128

	// Rows whose squared distance is below this share of their squared norms, both taken relative to the mean row, are
	// near: as a product of float32 the distance would lose too many digits, and is computed from the rows themselves.
	contrastNear = 1. / 256
	// So are all below this distance, squared and relative to the longest row: 1/distance must not be beyond float32.
	contrastNearest = 1e-12

	// contrastRange is how far the exponents of an anchor may be apart for plain sums of exponentials in float64 (such a
	// sum is one that logProduct takes), and how large they may be for distances by products of float32.
	contrastRange = 300
)

// rankNContrast holds the buffers of run. The M rows are the members of all images, sorted by scale (around
// the circle if the family is cyclic); rows of equal scale are a level.
type rankNContrast[T float] struct {
	temperature float64

	source  []int            // [M] which row of the output each is
	scale   []float64        // [M] of the rows of the output that are looked at; cyclic ones in [0, period]
	begin   []int            // [L+1] where the levels begin
	line    []float64        // scales of the levels, for steps to both sides: see setLevels
	level   []int32          // which level each of line is
	middle  int              // where line has level 0
	rows    distanceRows     // [M, D], and the part of the gradient that comes of near rows
	mean    []float64        // [D] mean row
	centred []T              // [M, D] the rows relative to it, times unit
	unit    float64          // a power of 2 that brings the longest of them near 1; 1 for the cosine
	offset  []float64        // [M] squared norms of the centred rows; for the cosine what each of two rows adds to cos-1
	columns matrix.Packed[T] // [D, M] centred as right factor of the distances
	packed  matrix.Packed[T] // [M, D] centred as right factor of the gradient
	factor  []T              // [contrastBlock, M] of a block of anchors: products, then factors of the rows' differences
	grad    []T              // [M, D] sum of factors times centred rows
	own     []float64        // [M] sum of a row's factors, as anchor and as another anchor's row
	sums    []float64        // [contrastBlock] by anchor: the sum of its summands
	workers []contrastWorker
}

// contrastWorker holds what one goroutine needs.
type contrastWorker struct {
	// The walk from an anchor's level through all others, the nearest first: where the list of those begins that are at
	// least as far. It is the same for all anchors of a level.
	walked  int // the level, or -1
	order   []int32
	apart   []float64
	from    []int32
	ordered bool // not all are equally far

	distance []float64 // [M] from the anchor at hand
	exp      []float64 // [M] exp(-distance/temperature), then the gradient by distance
	suffix   []float64 // [L] sums of exp over the rest of the walk
	near     []int32   // rows near the anchor at hand
	pulls    []contrastPull
	anchors  int // that count
}

// contrastPull is what two near rows add to the gradient: factor times their difference.
type contrastPull struct {
	a, b   int32
	factor float64
}

// run is wholeLoss's.
//
// Seen from an anchor, the denominators are sums over all rows from some difference of scale on: sums along a walk that
// begins at the anchor's place among the sorted scales. So an anchor costs O(M), beside the products. Those are of type
// T and relative to the mean row, all else is float64; where they would not be exact enough the rows themselves are
// looked at. Anchors are taken in blocks: memory is O(M·D + contrastBlock·M).
//
// The result does not depend on the number of processors.
func (c *rankNContrast[T]) run(k *order[T], b batch[T], v Views, f int) (sum float64, summands int) {
	m, anchors := len(k.members)*v.Images, k.anchors(v)*v.Images
	if anchors == 0 {
		return 0, 0
	}
	c.sort(k.members, v, v.period(f))
	first := 0
	if !k.allAnchors { // the base views: all have scale 0, and they were first before the rows were sorted
		first = slices.Index(c.source, k.members[0]*v.Images)
	}
	c.load(b, k.distance)
	count := max(1, min(runtime.GOMAXPROCS(0), min(anchors, contrastBlock)/8))
	for len(c.workers) < count {
		c.workers = append(c.workers, contrastWorker{})
	}
	workers := c.workers[:count]
	for i := range workers {
		workers[i].reset(m, len(c.begin)-1)
	}
	for i := 0; i < anchors; i += contrastBlock {
		n := min(contrastBlock, anchors-i)
		if count == 1 {
			c.anchors(0, 1, first+i, n)
			c.others(0, 1, first+i, n)
		} else {
			c.share(count, first+i, n)
		}
		for _, s := range c.sums[:n] {
			sum += s
		}
	}
	ordered := 0
	for i := range workers {
		ordered += workers[i].anchors
	}
	if ordered == 0 {
		return 0, 0
	}
	summands = ordered * (m - 1)
	if b.grad != nil {
		c.store(b.grad, b.weight/float64(summands))
	}
	return sum, summands
}

// sort sorts the members' rows by scale.
func (c *rankNContrast[T]) sort(members []int, v Views, period float64) {
	c.source, c.scale = c.source[:0], append(c.scale[:0], v.Scale...)
	for _, view := range members {
		for n := range v.Images {
			c.source = append(c.source, view*v.Images+n)
		}
	}
	if period > 0 {
		for i, s := range c.scale {
			if s = math.Mod(s, period); s < 0 {
				s += period
			}
			c.scale[i] = s
		}
	}
	slices.SortStableFunc(c.source, func(a, b int) int {
		switch x, y := c.scale[a], c.scale[b]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	c.setLevels(period)
}

// setLevels finds the levels. Their scales go to line, and so do the scales of the turns before and after if the family
// is cyclic; else line has an end on both sides that is infinitely far.
func (c *rankNContrast[T]) setLevels(period float64) {
	c.begin, c.line, c.level = c.begin[:0], c.line[:0], c.level[:0]
	for i, row := range c.source {
		if i == 0 || c.scale[row] != c.scale[c.source[i-1]] {
			c.begin = append(c.begin, i)
		}
	}
	levels := len(c.begin)
	c.begin = append(c.begin, len(c.source))
	turns := 0
	if period > 0 {
		turns = 1
	} else {
		c.line, c.level = append(c.line, math.Inf(-1)), append(c.level, 0)
	}
	c.middle = len(c.line) + turns*levels
	for turn := -turns; turn <= turns; turn++ {
		for l, at := range c.begin[:levels] {
			c.line = append(c.line, c.scale[c.source[at]]+float64(turn)*period)
			c.level = append(c.level, int32(l))
		}
	}
	c.line, c.level = append(c.line, math.Inf(1)), append(c.level, 0)
}

// load fills what depends on the rows alone.
func (c *rankNContrast[T]) load(b batch[T], distance string) {
	m, dim := len(c.source), b.dim
	c.rows.reset(distance, m, dim)
	c.mean = grow(c.mean, dim)
	for i, at := range c.source {
		loadRow(&c.rows, i, b.data[at*dim:][:dim])
		matrix.AddScaled(c.mean, 1, c.rows.row[i*dim:][:dim])
	}
	for p := range c.mean {
		c.mean[p] /= float64(m)
	}
	c.centred, c.offset, c.unit = sized(c.centred, m*dim), sized(c.offset, m), 1
	if distance != DistanceCosine {
		var longest float64
		for i := range m {
			longest = math.Max(longest, squaredDistance(c.rows.row[i*dim:][:dim], c.mean))
		}
		_, exponent := math.Frexp(math.Sqrt(longest))
		c.unit = math.Ldexp(1, -exponent)
	}
	rest := (1 + dot(c.mean, c.mean)) / 2
	for i := range m {
		row, centred := c.rows.row[i*dim:][:dim], c.centred[i*dim:][:dim]
		for p, x := range row {
			centred[p] = T((x - c.mean[p]) * c.unit)
		}
		if distance == DistanceCosine {
			c.offset[i] = dot(row, c.mean) - rest
		} else {
			c.offset[i] = matrix.Dot(centred, centred)
		}
	}
	centred := matrix.Of(c.centred, m, dim)
	c.columns.Pack(centred.T())
	c.packed.Pack(centred)
	c.factor, c.sums = sized(c.factor, contrastBlock*m), sized(c.sums, contrastBlock)
	c.grad, c.own = sized(c.grad, m*dim), grow(c.own, m)
	clear(c.grad)
}

// store adds weight times the gradient by all rows to grad.
func (c *rankNContrast[T]) store(grad []T, weight float64) {
	dim := c.rows.dim
	unit := 1.0 // of the centred rows, beside the unit of the factors
	if c.rows.kind == DistanceSqEuclidean {
		unit = 1 / c.unit
	}
	for i, at := range c.source {
		g, sum, own := c.rows.grad[i*dim:][:dim], c.grad[i*dim:][:dim], c.own[i]
		if c.rows.kind == DistanceCosine { // 1 - a·b has the gradient of the difference, without the row itself
			for p, x := range c.mean {
				g[p] -= float64(sum[p]) + own*x
			}
		} else {
			for p, x := range c.centred[i*dim:][:dim] {
				g[p] += (own*float64(x) - float64(sum[p])) * unit
			}
		}
		storeRow(&c.rows, i, grad[at*dim:][:dim], weight)
	}
}

// share does a block of anchors in count goroutines.
func (c *rankNContrast[T]) share(count, first, n int) {
	var all sync.WaitGroup
	for w := range count {
		all.Go(func() { c.anchors(w, count, first, n) })
	}
	all.Wait()
	for w := range count {
		all.Go(func() { c.others(w, count, first, n) })
	}
	all.Wait()
}

// anchors does worker w's share of a block of anchors: sums, factors and the gradient by the anchors.
func (c *rankNContrast[T]) anchors(w, count, first, n int) {
	m, dim, worker := len(c.source), c.rows.dim, &c.workers[w]
	worker.pulls = worker.pulls[:0]
	low, high := w*n/count, (w+1)*n/count
	factor := matrix.Of(c.factor[low*m:], high-low, m)
	matrix.Mul(factor, matrix.Of(c.centred[(first+low)*dim:], high-low, dim), &c.columns)
	level, found := slices.BinarySearch(c.begin, first+low)
	if !found {
		level--
	}
	for i := low; i < high; i++ {
		for c.begin[level+1] <= first+i {
			level++
		}
		c.sums[i] = c.anchor(worker, level, first+i, c.factor[i*m:][:m])
	}
	matrix.AddMul(matrix.Of(c.grad[(first+low)*dim:], high-low, dim), factor, &c.packed)
}

// others does worker w's share of all rows: the gradient by them from a block of anchors.
func (c *rankNContrast[T]) others(w, count, first, n int) {
	m, dim := len(c.source), c.rows.dim
	low, high := w*m/count, (w+1)*m/count
	for i := range n {
		own := c.own[low:high]
		for b, x := range c.factor[i*m+low:][:len(own)] {
			own[b] += float64(x)
		}
	}
	factor, right := matrix.Of(c.factor, n, m).Part(0, low, n, high-low), c.packed.Part(first, 0, n, dim)
	matrix.AddMul(matrix.Of(c.grad[low*dim:], high-low, dim), factor.T(), &right)
	for i := range c.workers[:count] {
		for _, p := range c.workers[i].pulls {
			a, b := int(p.a), int(p.b)
			x, y := c.rows.row[a*dim:][:dim], c.rows.row[b*dim:][:dim]
			if a >= low && a < high {
				addDifference(c.rows.grad[a*dim:][:dim], p.factor, x, y)
			}
			if b >= low && b < high {
				addDifference(c.rows.grad[b*dim:][:dim], p.factor, y, x)
			}
		}
	}
}

// addDifference adds factor*(a-b) to sum.
func addDifference(sum []float64, factor float64, a, b []float64) {
	a, b = a[:len(sum)], b[:len(sum)]
	for p := range sum {
		sum[p] += factor * (a[p] - b[p])
	}
}

// anchor returns the sum of the summands of the anchor in row a, and turns the products in line into the factors of the
// differences of rows in its gradient.
func (c *rankNContrast[T]) anchor(w *contrastWorker, level, a int, line []T) (sum float64) {
	c.walk(w, level)
	if !w.ordered {
		clear(line)
		return 0
	}
	w.anchors++
	low, high := c.measure(w, a, line)
	if high/c.temperature > contrastRange {
		low, high = c.measureAll(w, a)
	}
	if (high-low)/c.temperature <= contrastRange {
		sum = c.rank(w, level, a, low)
	} else {
		sum = c.rankFar(w, level, a, low)
	}

	pull, distance := w.exp, w.distance[:len(w.exp)]
	line = line[:len(pull)]
	switch scale := 1 / c.temperature; c.rows.kind {
	case DistanceCosine:
		for b, x := range pull {
			line[b] = T(x * scale)
		}
	case DistanceEuclidean:
		scale /= c.unit
		for b, x := range pull {
			line[b] = T(x * scale / distance[b])
		}
	default:
		scale *= 2
		for b, x := range pull {
			line[b] = T(x * scale)
		}
	}
	for _, b := range w.near {
		line[b] = 0
		factor := pull[b] / c.temperature * distanceSlope(c.rows.kind, distance[b])
		w.pulls = append(w.pulls, contrastPull{int32(a), b, factor})
	}
	line[a] = 0
	c.own[a] += matrix.Sum(line)
	return sum
}

// measure fills distance from the products in line and lists the rows that are near. It returns the bounds of the
// distances; the distance of the anchor to itself, which is not needed, becomes the lower one.
func (c *rankNContrast[T]) measure(w *contrastWorker, a int, line []T) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	w.near = w.near[:0]
	distance, offset := w.distance[:len(line)], c.offset[:len(line)]
	own := offset[a]
	if c.rows.kind == DistanceCosine {
		for b, x := range line {
			d := -(float64(x) + offset[b] + own)
			distance[b] = d
			if b != a {
				low, high = min(low, d), max(high, d)
			}
		}
		distance[a] = low
		return low, high
	}
	root := c.rows.kind == DistanceEuclidean
	unit := 1 / (c.unit * c.unit)
	for b, x := range line {
		squares := own + offset[b]
		d := squares - 2*float64(x)
		if d < max(contrastNear*squares, contrastNearest) {
			if b == a {
				continue
			}
			w.near = append(w.near, int32(b))
			d = c.rows.between(a, b)
		} else if d *= unit; root {
			d = math.Sqrt(d + euclideanEps)
		}
		distance[b] = d
		if d < low {
			low = d
		}
		if d > high {
			high = d
		}
	}
	distance[a] = low
	return low, high
}

// measureAll does what measure does, but from the rows themselves.
func (c *rankNContrast[T]) measureAll(w *contrastWorker, a int) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for b := range w.distance {
		if b != a {
			d := c.rows.between(a, b)
			w.distance[b] = d
			low, high = min(low, d), max(high, d)
		}
	}
	w.distance[a] = low
	return low, high
}

// rank returns the sum of the anchor's summands and fills exp with the gradient by distance, times the temperature.
func (c *rankNContrast[T]) rank(w *contrastWorker, level, a int, low float64) (sum float64) {
	matrix.Exp(w.exp, w.distance, -1/c.temperature, low)
	w.exp[a] = 0
	sum = sumAbove(w.distance, low) / c.temperature

	var all float64
	for i := len(w.order) - 1; i >= 0; i-- {
		l := w.order[i]
		for _, e := range w.exp[c.begin[l]:c.begin[l+1]] {
			all += e
		}
		w.suffix[i] = all
	}

	// A row stands in the lists that begin up to it: they share 1/suffix.
	logs := logProduct{mantissa: 1}
	var share float64
	next := 0
	for i, l := range w.order {
		for ; next < len(w.order) && int(w.from[next]) <= i; next++ {
			s := w.suffix[w.from[next]]
			if n := c.count(int(w.order[next]), level); n == 1 {
				logs.multiply(s)
				share += 1 / s
			} else {
				sum += float64(n) * math.Log(s)
				share += float64(n) / s
			}
		}
		rows := w.exp[c.begin[l]:c.begin[l+1]]
		for b, e := range rows {
			rows[b] = 1 - e*share
		}
	}
	return sum + logs.log()
}

// rankFar does what rank does where exponents are too far apart for it: every sum has a maximum of its own.
func (c *rankNContrast[T]) rankFar(w *contrastWorker, level, a int, low float64) (sum float64) {
	rest := logSum{most: math.Inf(-1)}
	for i := len(w.order) - 1; i >= 0; i-- {
		l := w.order[i]
		for b := c.begin[l]; b < c.begin[l+1]; b++ {
			if b != a {
				rest.add((low-w.distance[b])/c.temperature, 1)
			}
		}
		w.suffix[i] = rest.log()
	}
	share := logSum{most: math.Inf(-1)}
	next := 0
	for i, l := range w.order {
		for ; next < len(w.order) && int(w.from[next]) <= i; next++ {
			share.add(-w.suffix[w.from[next]], float64(c.count(int(w.order[next]), level)))
		}
		for b := c.begin[l]; b < c.begin[l+1]; b++ {
			if b != a {
				score := (low - w.distance[b]) / c.temperature
				sum += w.suffix[w.from[i]] - score
				w.exp[b] = 1 - math.Exp(score+share.most)*share.all
			}
		}
	}
	return sum
}

// count returns how many rows a level has beside the anchor, which is in level own.
func (c *rankNContrast[T]) count(level, own int) int {
	n := c.begin[level+1] - c.begin[level]
	if level == own {
		n--
	}
	return n
}

// reset makes room for the rows and levels, and forgets the walk.
func (w *contrastWorker) reset(rows, levels int) {
	w.walked, w.anchors = -1, 0
	w.order, w.apart, w.from = sized(w.order, levels), sized(w.apart, levels), sized(w.from, levels)
	w.distance, w.exp, w.suffix = sized(w.distance, rows), sized(w.exp, rows), sized(w.suffix, levels)
}

// walk goes from a level through all that have rows beside the anchor, unless that was the last walk.
func (c *rankNContrast[T]) walk(w *contrastWorker, level int) {
	if w.walked == level {
		return
	}
	w.walked = level
	levels := len(c.begin) - 1
	at := c.middle + level
	own, left, right := c.line[at], at-1, at+1
	n, first := levels-1, 0
	if c.count(level, level) > 0 {
		n, first = levels, 1
	}
	order, apart, from := w.order[:n], w.apart[:n], w.from[:n]
	if first == 1 {
		order[0], apart[0] = int32(level), 0
	}
	for i := first; i < n; i++ {
		l, r := own-c.line[left], c.line[right]-own
		if l <= r {
			order[i], apart[i] = c.level[left], l
			left--
		} else {
			order[i], apart[i] = c.level[right], r
			right++
		}
	}
	begin := 0
	for i, x := range apart {
		for apart[begin] < x-scaleTie {
			begin++
		}
		from[i] = int32(begin)
	}
	w.order, w.apart, w.from, w.ordered = order, apart, from, begin > 0
}

// sumAbove returns the sum of x[i]-low.
func sumAbove(x []float64, low float64) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+3 < len(x); i += 4 {
		s0 += x[i] - low
		s1 += x[i+1] - low
		s2 += x[i+2] - low
		s3 += x[i+3] - low
	}
	for ; i < len(x); i++ {
		s0 += x[i] - low
	}
	return s0 + s1 + (s2 + s3)
}

// logProduct is a product of which only the logarithm is wanted, however far from 1 it is.
type logProduct struct {
	mantissa float64
	exponent int
}

// multiply takes an x between 2⁻⁵⁰⁰ and 2⁵⁰⁰.
func (p *logProduct) multiply(x float64) {
	p.mantissa *= x
	if p.mantissa > 0x1p500 || p.mantissa < 0x1p-500 {
		p.carry()
	}
}

func (p *logProduct) carry() {
	mantissa, exponent := math.Frexp(p.mantissa)
	p.mantissa, p.exponent = mantissa, p.exponent+exponent
}

func (p *logProduct) log() float64 { return math.Log(p.mantissa) + float64(p.exponent)*math.Ln2 }

// logSum is all*exp(most), a sum of exponentials of which most is the largest exponent.
type logSum struct{ most, all float64 }

// add adds n*exp(x).
func (s *logSum) add(x, n float64) {
	if x > s.most {
		s.all = s.all*math.Exp(s.most-x) + n
		s.most = x
	} else {
		s.all += n * math.Exp(x-s.most)
	}
}

func (s *logSum) log() float64 { return s.most + math.Log(s.all) }
