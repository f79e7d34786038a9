package onnxgraph

import (
	"math"
	"slices"
	"strconv"
)

// The arithmetic on known integers. A free size takes part as k·name, k ≥ 1, which is all that the shapes of a network
// with a free batch need: 64·batch windows, divided by 64 again. Every function says whether its result is known.

// factor is k of a dimension k·name, and the number itself where there is no name.
func (d Dim) factor() int64 {
	if d.Param != "" {
		return max(d.Size, 1)
	}
	return d.Size
}

// times makes k·name.
func times(k int64, name string) Dim {
	switch {
	case name == "" || k == 0:
		return Dim{Size: k}
	case k == 1:
		return Dim{Param: name}
	}
	return Dim{Size: k, Param: name}
}

func number(v int64) (Dim, bool) { return Dim{Size: v}, true }

func truth(b bool) (Dim, bool) {
	if b {
		return number(1)
	}
	return number(0)
}

func addDims(a, b Dim) (Dim, bool) {
	sum := a.factor() + b.factor()
	overflow := (sum > a.factor()) != (b.factor() > 0)
	switch {
	case b == Dim{}:
		return a, true
	case a == Dim{}:
		return b, true
	case a.Param != b.Param || overflow:
		return Dim{}, false
	}
	return times(sum, a.Param), true
}

func subtractDims(a, b Dim) (Dim, bool) {
	switch k := a.factor() - b.factor(); {
	case b == Dim{}:
		return a, true
	case a.Param != b.Param || b.factor() == math.MinInt64 || (k < a.factor()) != (b.factor() > 0):
		return Dim{}, false
	case k < 0 && a.Param != "":
		return Dim{}, false
	default:
		return times(k, a.Param), true
	}
}

func multiplyDims(a, b Dim) (Dim, bool) {
	k, l := a.factor(), b.factor()
	switch {
	case k == 0 || l == 0:
		return Dim{}, true
	case a.Param != "" && b.Param != "" || abs(k) > math.MaxInt32 || abs(l) > math.MaxInt32:
		return Dim{}, false
	case k*l < 0 && a.Param+b.Param != "":
		return Dim{}, false
	}
	return times(k*l, a.Param+b.Param), true
}

func abs(v int64) int64 {
	if v < 0 {
		return -max(v, -math.MaxInt64)
	}
	return v
}

// divideDims rounds towards zero, as ONNX does on integers.
func divideDims(a, b Dim) (Dim, bool) {
	switch k, l := a.factor(), b.factor(); {
	case l == 0 || l == -1 && k == math.MinInt64:
		return Dim{}, false
	case a.Param == b.Param:
		return Dim{Size: k / l}, true
	case b.Param == "" && l > 0 && k%l == 0:
		return times(k/l, a.Param), true
	}
	return Dim{}, false
}

// modDims has the sign of the divisor.
func modDims(a, b Dim) (Dim, bool) {
	switch k, l := a.factor(), b.factor(); {
	case l == 0 || b.Param != "" || l == -1 && k == math.MinInt64:
		return Dim{}, false
	case k%l == 0:
		return Dim{}, true
	case a.Param != "":
		return Dim{}, false
	case (k < 0) != (l < 0):
		return Dim{Size: k%l + l}, true
	default:
		return Dim{Size: k % l}, true
	}
}

// compareDims is -1, 0 or 1 as a is less than, equal to or more than b. A named size is at least its factor.
func compareDims(a, b Dim) (int, bool) {
	switch k, l := a.factor(), b.factor(); {
	case a.Param == b.Param:
		return compare(k, l), true
	case b.Param == "" && l < k:
		return 1, true
	case a.Param == "" && k < l:
		return -1, true
	}
	return 0, false
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// intOperation maps the operators on integers and truth values (0 and 1) to what they compute of their operands.
func intOperation(op string) func(v []Dim) (Dim, bool) {
	two := func(f func(a, b Dim) (Dim, bool)) func([]Dim) (Dim, bool) {
		return func(v []Dim) (Dim, bool) {
			if len(v) != 2 {
				return Dim{}, false
			}
			return f(v[0], v[1])
		}
	}
	order := func(is func(c int) bool) func([]Dim) (Dim, bool) {
		return two(func(a, b Dim) (Dim, bool) {
			c, known := compareDims(a, b)
			if !known {
				return Dim{}, false
			}
			return truth(is(c))
		})
	}
	extreme := func(sign int) func([]Dim) (Dim, bool) {
		return func(v []Dim) (Dim, bool) {
			best := v[0]
			for _, d := range v[1:] {
				c, known := compareDims(d, best)
				if !known {
					return Dim{}, false
				}
				if c == sign {
					best = d
				}
			}
			return best, true
		}
	}
	switch op {
	case "Add":
		return two(addDims)
	case "Sub":
		return two(subtractDims)
	case "Mul":
		return two(multiplyDims)
	case "Div":
		return two(divideDims)
	case "Mod":
		return two(modDims)
	case "Neg":
		return func(v []Dim) (Dim, bool) { return subtractDims(Dim{}, v[0]) }
	case "Not":
		return func(v []Dim) (Dim, bool) { return truth(v[0] == Dim{}) }
	case "And":
		return two(func(a, b Dim) (Dim, bool) { return truth(a != Dim{} && b != Dim{}) })
	case "Or":
		return two(func(a, b Dim) (Dim, bool) { return truth(a != Dim{} || b != Dim{}) })
	case "Xor":
		return two(func(a, b Dim) (Dim, bool) { return truth(a != b) })
	case "Equal":
		return order(func(c int) bool { return c == 0 })
	case "Less":
		return order(func(c int) bool { return c < 0 })
	case "LessOrEqual":
		return order(func(c int) bool { return c <= 0 })
	case "Greater":
		return order(func(c int) bool { return c > 0 })
	case "GreaterOrEqual":
		return order(func(c int) bool { return c >= 0 })
	case "Max":
		return extreme(1)
	case "Min":
		return extreme(-1)
	case "Identity":
		return func(v []Dim) (Dim, bool) { return v[0], true }
	}
	return nil
}

// floatOperation is intOperation for floats; operators that give truth values are left out.
func floatOperation(op string) func(v []float32) (float32, bool) {
	two := func(f func(a, b float64) float64) func([]float32) (float32, bool) {
		return func(v []float32) (float32, bool) {
			if len(v) != 2 {
				return 0, false
			}
			return float32(f(float64(v[0]), float64(v[1]))), true
		}
	}
	one := func(f func(a float64) float64) func([]float32) (float32, bool) {
		return func(v []float32) (float32, bool) { return float32(f(float64(v[0]))), len(v) == 1 }
	}
	switch op {
	case "Add":
		return two(func(a, b float64) float64 { return a + b })
	case "Sub":
		return two(func(a, b float64) float64 { return a - b })
	case "Mul":
		return two(func(a, b float64) float64 { return a * b })
	case "Div":
		return two(func(a, b float64) float64 { return a / b })
	case "Pow":
		return two(math.Pow)
	case "Neg":
		return one(func(a float64) float64 { return -a })
	case "Sqrt":
		return one(math.Sqrt)
	case "Reciprocal":
		return one(func(a float64) float64 { return 1 / a })
	case "Exp":
		return one(math.Exp)
	case "Log":
		return one(math.Log)
	case "Floor":
		return one(math.Floor)
	case "Ceil":
		return one(math.Ceil)
	case "Round":
		return one(math.RoundToEven)
	case "Max":
		return func(v []float32) (float32, bool) { return slices.Max(v), true }
	case "Min":
		return func(v []float32) (float32, bool) { return slices.Min(v), true }
	case "Identity":
		return func(v []float32) (float32, bool) { return v[0], true }
	}
	return nil
}

// fold notes the elements of the result of an element-wise operator where those of its operands are known, and says
// whether they are.
func (t *typing) fold(n *Node, in []TensorType, out Shape) bool {
	count, ok := out.Elements()
	if !ok || count > maxShapeElements {
		return false
	}
	index := make([][]int, len(in))
	for i, x := range in {
		if n.In(i) == "" || len(x.Shape) > len(out) {
			return false
		}
		index[i] = broadcastIndex(out, x.Shape)
	}
	known := false
	if ints, ok := gather(t.Values, n.GetInput(), index); ok {
		if v, ok := apply(intOperation(n.GetOpType()), ints, int(count)); ok {
			t.Values[n.Out(0)] = v
			known = true
		}
	}
	if floats, ok := gather(t.Floats, n.GetInput(), index); ok {
		if v, ok := apply(floatOperation(n.GetOpType()), floats, int(count)); ok {
			t.Floats[n.Out(0)] = v
			known = true
		}
	}
	return known
}

// broadcastIndex lists, for each element of the result, which element of an operand goes into it.
func broadcastIndex(out, in Shape) []int {
	count, _ := out.Elements()
	index := make([]int, count)
	lead := len(out) - len(in)
	for e := range index {
		rest, position, stride := e, 0, 1
		for i := len(out) - 1; i >= lead; i-- {
			at := rest % int(out[i].Size)
			rest /= int(out[i].Size)
			if in[i-lead].Size != 1 {
				position += at * stride
				stride *= int(in[i-lead].Size)
			}
		}
		index[e] = position
	}
	return index
}

// gather lists the operands of each element of a result.
func gather[T any](known map[string][]T, inputs []string, index [][]int) ([][]T, bool) {
	operands := make([][]T, len(inputs))
	for i, name := range inputs {
		v, ok := known[name]
		if !ok {
			return nil, false
		}
		for _, k := range index[i] {
			if k >= len(v) {
				return nil, false
			}
			operands[i] = append(operands[i], v[k])
		}
	}
	return operands, true
}

func apply[T any](f func([]T) (T, bool), operands [][]T, count int) ([]T, bool) {
	if f == nil || len(operands) == 0 {
		return nil, false
	}
	result := make([]T, count)
	v := make([]T, len(operands))
	for e := range result {
		for i := range operands {
			v[i] = operands[i][e]
		}
		var ok bool
		if result[e], ok = f(v); !ok {
			return nil, false
		}
	}
	return result, true
}

// move notes the elements of a result of which each is an element of the node's first input: place gives its
// coordinates there from those in the result.
func (t *typing) move(out string, to Shape, from string, in Shape, place func(at []int) []int) {
	count, ok := to.Elements()
	if _, known := in.Elements(); !ok || !known || count > maxShapeElements {
		return
	}
	index := make([]int, count)
	at := make([]int, len(to))
	for e := range index {
		for i, rest := len(to)-1, e; i >= 0; i-- {
			at[i] = rest % int(to[i].Size)
			rest /= int(to[i].Size)
		}
		for i, k := range place(at) {
			index[e] = index[e]*int(in[i].Size) + k
		}
	}
	t.pick(out, from, index)
}

// pick notes the elements of a value as elements of another.
func (t *typing) pick(out, from string, index []int) {
	if v, ok := t.Values[from]; ok {
		if picked, ok := pickFrom(v, index); ok {
			t.Values[out] = picked
		}
	}
	if v, ok := t.Floats[from]; ok {
		if picked, ok := pickFrom(v, index); ok {
			t.Floats[out] = picked
		}
	}
}

func pickFrom[T any](v []T, index []int) ([]T, bool) {
	picked := make([]T, len(index))
	for i, k := range index {
		if k < 0 || k >= len(v) {
			return nil, false
		}
		picked[i] = v[k]
	}
	return picked, true
}

// monomial is a product of sizes: a number times names.
func monomial(s Shape) (k int64, names []string, ok bool) {
	k = 1
	for _, d := range s {
		f := d.factor()
		if d == Unknown || f < 0 || f > maxDim || f > 0 && k > math.MaxInt64/f {
			return 0, nil, false
		}
		k *= f
		if d.Param != "" {
			names = append(names, d.Param)
		}
	}
	slices.Sort(names)
	return k, names, true
}

// Product is the size of several dimensions as one.
func Product(s Shape) Dim {
	k, names, ok := monomial(s)
	return dimension(k, names, ok)
}

func dimension(k int64, names []string, ok bool) Dim {
	switch {
	case !ok || k > maxDim || len(names) > 1:
		return Unknown
	case len(names) == 0:
		return Dim{Size: k}
	}
	return times(k, names[0])
}

// quotient is the dimension that is left of a shape when others are taken out of it. A number that doesn't divide the
// factors divides the name: what is left of [batch, 64] beside [5, 64] is the size "batch/5".
func quotient(s, others Shape) Dim {
	k, names, ok := monomial(s)
	l, taken, known := monomial(others)
	if !ok || !known || l == 0 {
		return Unknown
	}
	if k%l != 0 {
		d := gcd(k, l)
		if len(names) != 1 || len(taken) > 0 {
			return Unknown
		}
		return times(k/d, names[0]+"/"+strconv.FormatInt(l/d, 10))
	}
	for _, name := range taken {
		i := slices.Index(names, name)
		if i < 0 {
			return Unknown
		}
		names = slices.Delete(names, i, i+1)
	}
	return dimension(k/l, names, true)
}

// gcd is the greatest common divisor of two numbers above 0.
func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
