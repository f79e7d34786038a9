package onnxgraph

import (
	"fmt"
	"slices"
	"strings"
)

// matMulShape: a vector is a matrix of one row at the left, of one column at the right; that row or column is not in
// the result.
func matMulShape(t *typing, _ *Node, in []TensorType) ([]TensorType, error) {
	a, b := in[0].Shape, in[1].Shape
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("a product of shapes %v and %v", a, b)
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = Shape{{Size: 1}, a[0]}
	}
	if column {
		b = Shape{b[0], {Size: 1}}
	}
	k, l := a[len(a)-1], b[len(b)-2]
	if t.differ(k, l) {
		return nil, fmt.Errorf("matrices of shapes %v and %v", a, b)
	}
	s, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return nil, err
	}
	s = slices.Clone(s)
	if !row {
		s = append(s, a[len(a)-2])
	}
	if !column {
		s = append(s, b[len(b)-1])
	}
	return one(in[0].Elem, s)
}

// differ says that two sizes that should be one are not: two numbers, or, where the batch shall be free, a number and a
// multiple of the batch.
func (t *typing) differ(a, b Dim) bool {
	return a != b && a != Unknown && b != Unknown && (a.Static() && b.Static() || t.batch != 0)
}

// Equation is what an Einsum computes: each operand's dimensions have letters, and the sum goes over those that the
// result doesn't have. The dots of an operand are the capital letters from its last dot backwards: Z, Y, …
type Equation struct {
	Operands []string
	Result   string
}

// ParseEquation reads the equation of an Einsum node for operands of the given numbers of dimensions.
func ParseEquation(n *Node, ranks []int) (Equation, error) {
	text := strings.ReplaceAll(n.Str("equation", ""), " ", "")
	left, right, explicit := strings.Cut(text, "->")
	e := Equation{Operands: strings.Split(left, ",")}
	if len(e.Operands) != len(ranks) {
		return e, fmt.Errorf("equation %q for %d operands", text, len(ranks))
	}
	dots := 0
	for i, term := range e.Operands {
		letters := strings.ReplaceAll(term, "...", "")
		hidden := ranks[i] - len(letters)
		if strings.Trim(letters, "abcdefghijklmnopqrstuvwxyz") != "" || len(term)-len(letters) > 3 ||
			hidden < 0 || hidden > 0 && len(term) == len(letters) || hidden > 16 {
			return e, fmt.Errorf("equation %q: term %q for %d dimensions; small letters and dots are supported", text,
				term, ranks[i])
		}
		dots = max(dots, hidden)
		e.Operands[i] = strings.Replace(term, "...", capitals(hidden), 1)
	}
	if !explicit {
		right = "..." + implicitResult(e.Operands)
	}
	e.Result = strings.Replace(right, "...", capitals(dots), 1)
	all := strings.Join(e.Operands, "")
	for i, letter := range e.Result {
		if !strings.ContainsRune(all, letter) || strings.ContainsRune(e.Result[:i], letter) {
			return e, fmt.Errorf("equation %q: the result's letter %q", text, letter)
		}
	}
	return e, nil
}

// capitals are the letters of n hidden dimensions.
func capitals(n int) string {
	letters := make([]byte, n)
	for i := range letters {
		letters[n-1-i] = byte('Z' - i)
	}
	return string(letters)
}

// implicitResult has the small letters that occur once, sorted.
func implicitResult(operands []string) string {
	all := strings.Join(operands, "")
	var once []rune
	for _, letter := range all {
		if letter >= 'a' && strings.Count(all, string(letter)) == 1 {
			once = append(once, letter)
		}
	}
	slices.Sort(once)
	return string(once)
}

func einsumShape(_ *typing, n *Node, in []TensorType) ([]TensorType, error) {
	ranks := make([]int, len(in))
	for i, x := range in {
		ranks[i] = len(x.Shape)
	}
	e, err := ParseEquation(n, ranks)
	if err != nil {
		return nil, err
	}
	sizes := map[byte]Dim{}
	for i, x := range in {
		for k, d := range x.Shape {
			letter := e.Operands[i][k]
			was, ok := sizes[letter]
			switch {
			case !ok || was == Dim{Size: 1}:
				sizes[letter] = d
			case was.Static() && d.Static() && was != d && d != Dim{Size: 1}:
				return nil, fmt.Errorf("equation %q: %c is %v and %v", n.Str("equation", ""), letter, was, d)
			}
		}
	}
	s := make(Shape, len(e.Result))
	for i := range e.Result {
		s[i] = sizes[e.Result[i]]
	}
	return one(in[0].Elem, s)
}
