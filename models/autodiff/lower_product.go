package autodiff

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/onnxgraph"
)

// lowerMatMul makes a product with a vector one with a matrix of one row or column. Other products stay.
func lowerMatMul(f *network, n *onnxgraph.Node) error {
	a, b := n.In(0), n.In(1)
	row, column := len(f.types.Of[a].Shape) == 1, len(f.types.Of[b].Shape) == 1
	if !row && !column {
		f.nodes = append(f.nodes, n)
		return nil
	}
	var err error
	last := int64(len(f.types.Of[n.Out(0)].Shape))
	var drop []int64
	if column {
		if b, err = f.op("Unsqueeze", b+"/column", []string{b, f.ints(1)}); err != nil {
			return err
		}
		drop = append(drop, last)
	}
	if row {
		if a, err = f.op("Unsqueeze", a+"/row", []string{a, f.ints(0)}); err != nil {
			return err
		}
		drop = append(drop, last-1)
	}
	if row && column {
		drop = []int64{0, 1}
	}
	product, err := f.op("MatMul", n.Out(0)+"/matrix", []string{a, b})
	if err != nil {
		return err
	}
	f.result(n, "Squeeze", []string{product, f.ints(drop...)})
	return nil
}

// ints stores a list of integers of a lowering.
func (f *network) ints(values ...int64) string { return f.store(onnxgraph.NewInts("/ints", values...)) }

// lowerEinsum makes a sum of products of two tensors one matrix product. The letters of its equation are of four kinds:
// in both operands and the result (the batch of the product), in both operands only (summed by the product), in one
// operand and the result (rows of the left, columns of the right); and those in one operand alone are summed before.
//
//	left  → [batch…, rows, summed],  right → [batch…, summed, columns],  product → [batch…, rows…, columns…] → result
func lowerEinsum(f *network, n *onnxgraph.Node) error {
	ranks := make([]int, len(n.GetInput()))
	for i, in := range n.GetInput() {
		ranks[i] = len(f.types.Of[in].Shape)
	}
	e, err := onnxgraph.ParseEquation(n, ranks)
	if err != nil {
		return err
	}
	l := &einsum{f: f, n: n, result: e.Result}
	for i, term := range e.Operands {
		if repeated(term) {
			return fmt.Errorf("the equation takes a diagonal (%q), which is not supported", term)
		}
		l.operands = append(l.operands, labelled{n.In(i), term})
	}
	switch len(l.operands) {
	case 1:
		return l.single()
	case 2:
		return l.pair()
	}
	return fmt.Errorf("%d operands, 1 or 2 are supported", len(ranks))
}

func repeated(letters string) bool {
	for i, letter := range letters {
		if strings.ContainsRune(letters[:i], letter) {
			return true
		}
	}
	return false
}

// labelled is a tensor with a letter for each dimension.
type labelled struct{ name, letters string }

type einsum struct {
	f        *network
	n        *onnxgraph.Node
	operands []labelled
	result   string
}

func (l *einsum) op(op string, inputs []string, a ...*onnxgraph.Attribute) (string, error) {
	return l.f.op(op, l.n.Out(0)+"/"+strings.ToLower(op), inputs, a...)
}

// single: sums and a new order of dimensions.
func (l *einsum) single() error {
	x, err := l.sum(l.operands[0], l.result)
	if err != nil {
		return err
	}
	l.arrange(x.name, x.letters)
	return nil
}

// arrange makes the result of a tensor whose dimensions only have to be put in order.
func (l *einsum) arrange(x, letters string) {
	if letters == l.result {
		l.f.result(l.n, "Identity", []string{x})
		return
	}
	l.f.result(l.n, "Transpose", []string{x}, onnxgraph.IntsAttr("perm", order(letters, l.result)...))
}

// sum sums over the letters that are not among those kept.
func (l *einsum) sum(x labelled, kept string) (labelled, error) {
	var axes []int64
	left := ""
	for i, letter := range x.letters {
		if strings.ContainsRune(kept, letter) {
			left += string(letter)
		} else {
			axes = append(axes, int64(i))
		}
	}
	if len(axes) == 0 {
		return x, nil
	}
	name, err := l.op("ReduceSum", []string{x.name, l.f.ints(axes...)}, onnxgraph.IntAttr("keepdims", 0))
	return labelled{name, left}, err
}

// order is the permutation that brings letters into another order.
func order(from, to string) []int64 {
	perm := make([]int64, len(to))
	for i := range to {
		perm[i] = int64(strings.IndexByte(from, to[i]))
	}
	return perm
}

func (l *einsum) pair() error {
	var err error
	for i := range l.operands {
		if l.operands[i], err = l.sum(l.operands[i], l.result+l.operands[1-i].letters); err != nil {
			return err
		}
	}
	a, b := l.operands[0], l.operands[1]
	in := func(x string) func(rune) bool { return func(r rune) bool { return strings.ContainsRune(x, r) } }
	both := keep(a.letters, in(b.letters))
	batch, summed := keep(both, in(l.result)), drop(both, in(l.result))
	rows, columns := drop(a.letters, in(both)), drop(b.letters, in(both))
	sizes := map[byte]onnxgraph.Dim{}
	for _, x := range l.operands {
		for i, d := range l.f.types.Of[x.name].Shape {
			if was, ok := sizes[x.letters[i]]; ok && was != d {
				return fmt.Errorf("%c is %v and %v: broadcasting within an equation is not supported", x.letters[i],
					was, d)
			}
			sizes[x.letters[i]] = d
		}
	}
	left, err := l.matrix(a, sizes, batch, rows, summed)
	if err != nil {
		return err
	}
	right, err := l.matrix(b, sizes, batch, summed, columns)
	if err != nil {
		return err
	}
	product, err := l.op("MatMul", []string{left, right})
	if err != nil {
		return err
	}
	all := batch + rows + columns
	if len(rows) != 1 || len(columns) != 1 {
		if product, err = l.reshape(product, shapeOf(all, sizes)); err != nil {
			return err
		}
	}
	l.arrange(product, all)
	return nil
}

func keep(letters string, is func(rune) bool) string {
	return string(slices.DeleteFunc([]rune(letters), func(r rune) bool { return !is(r) }))
}

func drop(letters string, is func(rune) bool) string {
	return string(slices.DeleteFunc([]rune(letters), is))
}

func shapeOf(letters string, sizes map[byte]onnxgraph.Dim) onnxgraph.Shape {
	s := make(onnxgraph.Shape, len(letters))
	for i := range letters {
		s[i] = sizes[letters[i]]
	}
	return s
}

// matrix brings an operand into the form [batch…, first, second], the letters of each of the two joined in one
// dimension.
func (l *einsum) matrix(x labelled, sizes map[byte]onnxgraph.Dim, batch, first, second string) (string, error) {
	name := x.name
	letters := batch + first + second
	var err error
	if letters != x.letters {
		if name, err = l.op("Transpose", []string{name}, onnxgraph.IntsAttr("perm",
			order(x.letters, letters)...)); err != nil {
			return "", err
		}
	}
	if len(first) == 1 && len(second) == 1 {
		return name, nil
	}
	shape := append(shapeOf(batch, sizes), onnxgraph.Product(shapeOf(first, sizes)),
		onnxgraph.Product(shapeOf(second, sizes)))
	return l.reshape(name, shape)
}

func (l *einsum) reshape(x string, shape onnxgraph.Shape) (string, error) {
	target, ok := reshapeTarget(shape)
	if !ok {
		return "", fmt.Errorf("more than one free size in %v", shape)
	}
	return l.op("Reshape", []string{x, l.f.ints(target...)})
}
