package inspect

import (
	"cmp"
	"math"
	"slices"
)

// place is a box's centre and size; a place without a block is where a long edge passes a layer.
type place struct {
	block         int // -1: none
	x, y          float64
	width, height float64
	up, down      []int // places that it is joined with in the layers before and behind
}

// layout puts the blocks into layers (each below all that it takes values of), so that edges cross seldom and are
// short: layers by longest path, order within a layer by repeated averages of the neighbours (Sugiyama 1981), positions
// likewise.
type layout struct {
	places []place
	layers [][]int
	// edges lists for each edge between blocks the places that it runs through.
	edges         [][]int
	width, height float64
}

const (
	gapX, gapY = 28.0, 30.0
	margin     = 24.0
	sweeps     = 8
	thread     = 14.0 // width that a passing edge takes
)

// arrange lays blocks of the given sizes out. They are in topological order.
func arrange(blocks []block, size func(block) (width, height float64)) *layout {
	l := &layout{}
	layer := make([]int, len(blocks))
	deepest := 0
	for i, b := range blocks {
		for _, f := range b.from {
			layer[i] = max(layer[i], layer[f]+1)
		}
		deepest = max(deepest, layer[i])
	}
	l.layers = make([][]int, deepest+1)
	for i, b := range blocks {
		w, h := size(b)
		l.add(layer[i], place{block: i, width: w, height: h})
	}
	for i, b := range blocks {
		for _, f := range b.from {
			edge := []int{f}
			for k := layer[f] + 1; k < layer[i]; k++ {
				edge = append(edge, l.add(k, place{block: -1, width: thread}))
			}
			edge = append(edge, i)
			l.edges = append(l.edges, edge)
			for k := range len(edge) - 1 {
				a, b := edge[k], edge[k+1]
				l.places[a].down = append(l.places[a].down, b)
				l.places[b].up = append(l.places[b].up, a)
			}
		}
	}
	l.order()
	l.position()
	return l
}

func (l *layout) add(layer int, p place) int {
	l.places = append(l.places, p)
	l.layers[layer] = append(l.layers[layer], len(l.places)-1)
	return len(l.places) - 1
}

// order sorts each layer by where its neighbours stand.
func (l *layout) order() {
	rank := make([]float64, len(l.places))
	number := func(layer []int) {
		for i, p := range layer {
			rank[p] = float64(i) - float64(len(layer))/2
		}
	}
	for _, layer := range l.layers {
		number(layer)
	}
	for sweep := range sweeps {
		for k := range l.layers {
			layer, next := l.layers[k], func(p int) []int { return l.places[p].up }
			if sweep%2 == 1 {
				layer, next = l.layers[len(l.layers)-1-k], func(p int) []int { return l.places[p].down }
			}
			wish := map[int]float64{}
			for _, p := range layer {
				wish[p] = mean(next(p), rank, rank[p])
			}
			slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(wish[a], wish[b]) })
			number(layer)
		}
	}
}

func mean(list []int, of []float64, none float64) float64 {
	if len(list) == 0 {
		return none
	}
	sum := 0.0
	for _, p := range list {
		sum += of[p]
	}
	return sum / float64(len(list))
}

// position gives every place its coordinates.
func (l *layout) position() {
	x := make([]float64, len(l.places))
	for _, layer := range l.layers {
		at := 0.0
		for _, p := range layer {
			x[p] = at + l.places[p].width/2
			at += l.places[p].width + gapX
		}
		for _, p := range layer {
			x[p] -= at / 2
		}
	}
	for sweep := range 4 * sweeps {
		for k := range l.layers {
			layer, next := l.layers[k], func(p int) []int { return l.places[p].up }
			if sweep%2 == 1 {
				layer, next = l.layers[len(l.layers)-1-k], func(p int) []int { return l.places[p].down }
			}
			l.settle(layer, next, x)
		}
	}
	left, right := math.Inf(1), math.Inf(-1)
	for i, p := range l.places {
		left, right = min(left, x[i]-p.width/2), max(right, x[i]+p.width/2)
	}
	y := margin
	for _, layer := range l.layers {
		tallest := 0.0
		for _, p := range layer {
			tallest = max(tallest, l.places[p].height)
		}
		for _, p := range layer {
			l.places[p].x = x[p] - left + margin
			l.places[p].y = y + tallest/2
		}
		y += tallest + gapY
	}
	l.width, l.height = right-left+2*margin, y-gapY+margin
}

// settle moves a layer's places to where their neighbours are, in their order and without overlap: places that want to
// stand in each other's way share the middle of what they want.
func (l *layout) settle(layer []int, next func(int) []int, x []float64) {
	type group struct {
		places []int
		offset []float64 // of each place from the group's left end
		width  float64
		want   float64 // sum of the left ends that the places want
	}
	var groups []group
	for _, p := range layer {
		w := l.places[p].width
		wish := mean(next(p), x, x[p])
		g := group{places: []int{p}, offset: []float64{w / 2}, width: w, want: wish - w/2}
		for len(groups) > 0 {
			before := groups[len(groups)-1]
			left := before.want / float64(len(before.places))
			if left+before.width+gapX <= g.want/float64(len(g.places)) {
				break
			}
			shift := before.width + gapX
			for i, q := range g.places {
				before.places = append(before.places, q)
				before.offset = append(before.offset, g.offset[i]+shift)
			}
			before.want += g.want - shift*float64(len(g.places))
			before.width += gapX + g.width
			g = before
			groups = groups[:len(groups)-1]
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		left := g.want / float64(len(g.places))
		for i, p := range g.places {
			x[p] = left + g.offset[i]
		}
	}
}
