package loss

import (
	"math"
	"slices"

	"ordo/loss/matrix"
)

// contrastBlock is how many anchors are compared with all rows at a time.
const contrastBlock = 64

// rankNContrast holds the buffers of runRankNContrast. The M rows are the members of all images, member-major; the anchors
// come first.
type rankNContrast struct {
	temperature float64

	rows    distanceRows
	own     []float64              // [M] factor of a row in the gradient by itself
	scale   []float64              // [M]
	sorted  []int                  // [M] rows by scale, around the circle if the family is cyclic
	place   []int                  // [M] where sorted has them
	squares []float64              // [M] of the rows' norms
	lines   []float64              // [contrastBlock, M] of a block of anchors: first distances, then the factors of the rows' differences
	packed  matrix.Packed[float64] // the rows
	columns matrix.Packed[float64] // the rows transposed
	block   matrix.Packed[float64] // the anchors at hand

	// For one anchor, all other rows, the nearest by scale first.
	other  []int
	apart  []float64
	from   []int     // where the list of those begins that are at least as far
	suffix []float64 // logarithm of the sum of exp(-d/temperature) over the rest of the list
}

// runRankNContrast returns the sum over the summands and their number, and adds weight times the gradient of their mean
// to grad, unless that is nil. The members of family f have been gathered.
//
// It takes the anchors in blocks and computes the distances of a block to all rows, so its memory is O(M·D); its time is
// O(A·M·D) for A anchors.
func runRankNContrast[T float](k *order, grad, z []T, v Views, f, dim int, weight float64) (sum float64, summands int) {
	c := k.contrast
	m := len(k.members) * v.Images
	anchors := k.anchors(v) * v.Images
	c.rows.reset(k.distance, m, dim)
	c.own = grow(c.own, m)
	c.scale = c.scale[:0]
	at := func(row int) int { return (k.members[row/v.Images]*v.Images + row%v.Images) * dim }
	for row := range m {
		c.scale = append(c.scale, v.Scale[at(row)/dim])
		loadRow(&c.rows, row, z[at(row):][:dim])
	}
	c.sort(v.period(f))
	c.pack()

	ordered := 0
	for i := 0; i < anchors; i += contrastBlock {
		block := min(contrastBlock, anchors-i)
		c.measure(i, block)
		for a := range block {
			line := c.lines[a*m:][:m]
			if !c.order(i+a, v.period(f)) {
				clear(line)
				continue
			}
			ordered++
			sum += c.rank(i+a, line)
		}
		c.scatter(i, block)
	}
	if ordered == 0 {
		return 0, 0
	}
	summands = ordered * (m - 1)
	if grad == nil {
		return sum, summands
	}
	weight /= float64(summands)
	for row := range m {
		if k.distance != DistanceCosine {
			g, x := c.rows.grad[row*dim:][:dim], c.rows.row[row*dim:][:dim]
			for p := range g {
				g[p] += c.own[row] * x[p]
			}
		}
		storeRow(&c.rows, row, grad[at(row):][:dim], weight)
	}
	return sum, summands
}

// sort sorts the rows by scale.
func (c *rankNContrast) sort(period float64) {
	turn := func(s float64) float64 {
		if period > 0 {
			if s = math.Mod(s, period); s < 0 {
				s += period
			}
		}
		return s
	}
	c.sorted = c.sorted[:0]
	for row := range c.scale {
		c.sorted = append(c.sorted, row)
	}
	slices.SortStableFunc(c.sorted, func(a, b int) int {
		switch x, y := turn(c.scale[a]), turn(c.scale[b]); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	c.place = append(c.place[:0], c.sorted...)
	for i, row := range c.sorted {
		c.place[row] = i
	}
}

// order fills other, apart and from for an anchor, going out from its place to both sides. It returns whether there is
// an order: not all rows are equally far.
func (c *rankNContrast) order(anchor int, period float64) bool {
	m := len(c.sorted)
	c.other, c.apart, c.from = c.other[:0], c.apart[:0], c.from[:0]
	look := func(place int) (row int, apart float64) {
		if period > 0 {
			place = (place + m) % m
		} else if place < 0 || place >= m {
			return -1, math.Inf(1)
		}
		row = c.sorted[place]
		return row, scaleDifference(c.scale[anchor], c.scale[row], period)
	}
	left, right := c.place[anchor]-1, c.place[anchor]+1
	leftRow, leftApart := look(left)
	rightRow, rightApart := look(right)
	begin := 0
	for len(c.other) < m-1 {
		apart := leftApart
		if leftApart <= rightApart {
			c.other = append(c.other, leftRow)
			left--
			leftRow, leftApart = look(left)
		} else {
			apart = rightApart
			c.other = append(c.other, rightRow)
			right++
			rightRow, rightApart = look(right)
		}
		c.apart = append(c.apart, apart)
		for c.apart[begin] < apart-scaleTie {
			begin++
		}
		c.from = append(c.from, begin)
	}
	return begin > 0
}

// rank returns the sum of an anchor's summands, and replaces its distances by the factors of the difference of the rows
// in the gradient of that sum.
func (c *rankNContrast) rank(anchor int, line []float64) float64 {
	n := len(c.other)
	c.suffix = sized(c.suffix, n)
	kind := c.rows.kind
	equal := 0.0 // the distance of equal rows
	if kind == DistanceEuclidean {
		equal = math.Sqrt(euclideanEps)
	}
	score := func(i int) float64 { return -line[c.other[i]] / c.temperature }

	// The sum of exponentials and its maximum go along with the list, from its end.
	most, all := math.Inf(-1), 0.0
	for i := n - 1; i >= 0; i-- {
		if u := score(i); u > most {
			all = all*math.Exp(most-u) + 1
			most = u
		} else {
			all += math.Exp(u - most)
		}
		c.suffix[i] = most + math.Log(all)
	}
	var sum float64
	for i, from := range c.from {
		sum += c.suffix[from] - score(i)
	}

	// Row i stands in the lists that begin up to i: its factor there is exp(score - suffix), summed with a maximum too.
	most, all = math.Inf(-1), 0
	next := 0
	for i, row := range c.other {
		for ; next < n && c.from[next] <= i; next++ {
			if u := -c.suffix[c.from[next]]; u > most {
				all = all*math.Exp(most-u) + 1
				most = u
			} else {
				all += math.Exp(u - most)
			}
		}
		pull := (1 - math.Exp(score(i)+most)*all) / c.temperature
		switch d := line[row]; {
		case kind == DistanceCosine:
			line[row] = pull
		case d <= equal:
			line[row] = 0 // so that nothing is left of rounding
		default:
			line[row] = pull * distanceSlope(kind, d)
		}
	}
	line[anchor] = 0
	return sum
}

// pack prepares the rows for products.
func (c *rankNContrast) pack() {
	m, dim := len(c.scale), c.rows.dim
	rows := matrix.Of(c.rows.row, m, dim)
	c.packed.Pack(rows)
	c.columns.Pack(rows.T())
	c.lines = sized(c.lines, contrastBlock*m)
	c.squares = c.squares[:0]
	// Squares of norms, by the same sums as all other products: so the distance of equal rows is 0.
	for j := 0; j < m; j += contrastBlock {
		n := min(contrastBlock, m-j)
		columns := c.columns.Part(0, j, dim, n)
		matrix.Mul(matrix.Of(c.lines, n, n), rows.Part(j, 0, n, dim), &columns)
		for b := range n {
			c.squares = append(c.squares, c.lines[b*n+b])
		}
	}
}

// measure fills lines with the distances of the block of anchors that begins at row i.
func (c *rankNContrast) measure(i, block int) {
	m, dim := len(c.scale), c.rows.dim
	rows := matrix.Of(c.rows.row, m, dim)
	matrix.Mul(matrix.Of(c.lines, block, m), rows.Part(i, 0, block, dim), &c.columns)
	for a := range block {
		line := c.lines[a*m:][:m]
		for b, x := range line {
			switch c.rows.kind {
			case DistanceCosine:
				line[b] = 1 - x
			case DistanceEuclidean:
				line[b] = math.Sqrt(c.square(i+a, b, x) + euclideanEps)
			default:
				line[b] = c.square(i+a, b, x)
			}
		}
	}
}

// square is the squared distance of two rows, by their product.
func (c *rankNContrast) square(a, b int, product float64) float64 {
	return math.Max(0, c.squares[a]+c.squares[b]-2*product)
}

// scatter adds the gradient that follows from the factors in lines: factor*(a-b) to that of anchor a, factor*(b-a) to
// that of row b; for the cosine, whose distance is 1 - a·b, without the rows themselves.
func (c *rankNContrast) scatter(i, block int) {
	m, dim := len(c.scale), c.rows.dim
	for a := range block {
		line := c.lines[a*m:][:m]
		var sum float64
		for b, x := range line {
			sum += x
			c.own[b] += x
			line[b] = -x
		}
		c.own[i+a] += sum
	}
	rows, grad, factor := matrix.Of(c.rows.row, m, dim), matrix.Of(c.rows.grad, m, dim), matrix.Of(c.lines, block, m)
	matrix.AddMul(grad.Part(i, 0, block, dim), factor, &c.packed)
	c.block.Pack(rows.Part(i, 0, block, dim))
	matrix.AddMul(grad, factor.T(), &c.block)
}
