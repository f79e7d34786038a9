package autodiff

import (
	"math"
	"slices"
)

// cut finds the smallest cut of a directed graph: the edges of least capacity in all without which nothing flows from
// one vertex to another (Dinic 1970).
type cut struct {
	edges []edge
	out   [][]int // the edges of each vertex
}

// edge has its reverse beside it: edge i's is i^1.
type edge struct {
	to   int
	left int64 // capacity
}

// unlimited is a capacity that no cut contains.
const unlimited = math.MaxInt64 / 4

func newCut(vertices int) *cut { return &cut{out: make([][]int, vertices)} }

// vertex adds a vertex.
func (c *cut) vertex() int {
	c.out = append(c.out, nil)
	return len(c.out) - 1
}

func (c *cut) connect(from, to int, capacity int64) {
	if from == to {
		return
	}
	c.out[from] = append(c.out[from], len(c.edges))
	c.out[to] = append(c.out[to], len(c.edges)+1)
	c.edges = append(c.edges, edge{to, capacity}, edge{from, 0})
}

// values are what the vertices of a cut make and use.
type values struct {
	*cut
	made  map[string]int
	users map[string][]int
	names []string // of those with users, in order
}

func (c *cut) values() *values {
	return &values{cut: c, made: map[string]int{}, users: map[string][]int{}}
}

// use says that a vertex uses a value.
func (v *values) use(name string, vertex int) {
	if v.users[name] == nil {
		v.names = append(v.names, name)
	}
	v.users[name] = append(v.users[name], vertex)
}

// copies lets users on the other side than the maker have a copy, which costs as much for all of them as for a single
// one: it stands between them. What no vertex makes lies on the sink's side.
func (v *values) copies(sink int, cost func(name string) int64) {
	for _, name := range v.names {
		maker, ok := v.made[name]
		if !ok {
			maker = sink
		}
		size := cost(name)
		toSink, toSource := v.vertex(), v.vertex()
		v.connect(maker, toSink, size)
		v.connect(toSource, maker, size)
		for _, u := range v.users[name] {
			v.connect(toSink, u, unlimited)
			v.connect(u, toSource, unlimited)
		}
	}
}

// source returns which vertices lie on the source's side of the smallest cut; of several, the one where these are
// fewest.
func (c *cut) source(source, sink int) []bool {
	for {
		level := c.levels(source)
		if level[sink] < 0 {
			side := make([]bool, len(level))
			for v, l := range level {
				side[v] = l >= 0
			}
			return side
		}
		next := make([]int, len(c.out))
		for pushed := int64(1); pushed > 0; {
			pushed = c.push(source, sink, unlimited, level, next)
		}
	}
}

// levels are the vertices' distances from the source, -1 for those that nothing flows to.
func (c *cut) levels(source int) []int {
	level := slices.Repeat([]int{-1}, len(c.out))
	level[source] = 0
	queue := []int{source}
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, e := range c.out[v] {
			if to := c.edges[e].to; c.edges[e].left > 0 && level[to] < 0 {
				level[to] = level[v] + 1
				queue = append(queue, to)
			}
		}
	}
	return level
}

// push sends what it can from v towards the sink along one way.
func (c *cut) push(v, sink int, flow int64, level, next []int) int64 {
	if v == sink {
		return flow
	}
	for ; next[v] < len(c.out[v]); next[v]++ {
		e := c.out[v][next[v]]
		to := c.edges[e].to
		if c.edges[e].left == 0 || level[to] != level[v]+1 {
			continue
		}
		if sent := c.push(to, sink, min(flow, c.edges[e].left), level, next); sent > 0 {
			c.edges[e].left -= sent
			c.edges[e^1].left += sent
			return sent
		}
	}
	return 0
}
