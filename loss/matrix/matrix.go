package matrix

import "fmt"

// Float is what matrices hold.
type Float interface{ float32 | float64 }

// Matrix is a view of numbers in memory: element (i, j) is Data[i*RowStride+j*ColStride].
type Matrix[T Float] struct {
	Data                 []T
	Rows, Cols           int
	RowStride, ColStride int
}

// Of returns the row-major matrix [rows, cols] in data.
func Of[T Float](data []T, rows, cols int) Matrix[T] {
	return Matrix[T]{Data: data[:rows*cols], Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}

// T returns the transposed matrix, in the same memory.
func (m Matrix[T]) T() Matrix[T] {
	return Matrix[T]{Data: m.Data, Rows: m.Cols, Cols: m.Rows, RowStride: m.ColStride, ColStride: m.RowStride}
}

// Part returns the [rows, cols] elements from (row, col) on, in the same memory.
func (m Matrix[T]) Part(row, col, rows, cols int) Matrix[T] {
	if row < 0 || col < 0 || rows < 0 || cols < 0 || row+rows > m.Rows || col+cols > m.Cols {
		panic(fmt.Sprintf("matrix: part [%d+%d, %d+%d] of [%d, %d]", row, rows, col, cols, m.Rows, m.Cols))
	}
	m.Rows, m.Cols = rows, cols
	if rows == 0 || cols == 0 {
		m.Data = nil
		return m
	}
	m.Data = m.Data[row*m.RowStride+col*m.ColStride:]
	return m
}

// check panics unless all elements are in memory.
func (m Matrix[T]) check() {
	if m.Rows > 0 && m.Cols > 0 {
		_ = m.Data[(m.Rows-1)*m.RowStride+(m.Cols-1)*m.ColStride]
	}
}

// The tile is what a kernel computes at once; packed panels are as wide as a tile. Products are summed in chains of at
// most depthBlock terms, which also keeps a panel's part in the first-level cache. rowBlock rows of the left factor
// meet all panels before the next ones do, and stay in the second-level cache meanwhile.
const (
	tileRows   = 8
	tileCols   = 32
	depthBlock = 256
	rowBlock   = 128
)

// Packed is a right factor [depth, cols] in the order in which products read it: panels of tileCols columns, the last
// one filled up with zeros, each row after row. The zero value is empty; Pack uses its memory again. Any number of
// goroutines may read one.
type Packed[T Float] struct {
	panels      []T
	depth, cols int
	stride      int // from panel to panel
}

// Pack copies m.
func (p *Packed[T]) Pack(m Matrix[T]) {
	m.check()
	panels := (m.Cols + tileCols - 1) / tileCols
	p.depth, p.cols, p.stride = m.Rows, m.Cols, m.Rows*tileCols
	if n := panels * p.stride; cap(p.panels) < n {
		p.panels = make([]T, n)
	} else {
		p.panels = p.panels[:n]
	}
	for j := 0; j < m.Cols; j += tileCols {
		panel := p.panels[j/tileCols*p.stride:][:p.stride]
		cols := min(tileCols, m.Cols-j)
		if m.ColStride == 1 {
			for k := range m.Rows {
				n := copy(panel[k*tileCols:][:cols], m.Data[k*m.RowStride+j:])
				clear(panel[k*tileCols+n:][:tileCols-n])
			}
			continue
		}
		if cols < tileCols {
			clear(panel)
		}
		for c := range cols {
			column := m.Data[(j+c)*m.ColStride:]
			for k, at := 0, 0; k < m.Rows; k, at = k+1, at+m.RowStride {
				panel[k*tileCols+c] = column[at]
			}
		}
	}
}

// Part returns the [depth, cols] elements from (row, col) on, in the same memory. col must be a multiple of 32.
func (p *Packed[T]) Part(row, col, depth, cols int) Packed[T] {
	if row < 0 || col < 0 || depth < 0 || cols < 0 || row+depth > p.depth || col+cols > p.cols || col%tileCols != 0 {
		panic(fmt.Sprintf("matrix: part [%d+%d, %d+%d] of packed [%d, %d]", row, depth, col, cols, p.depth, p.cols))
	}
	part := Packed[T]{depth: depth, cols: cols, stride: p.stride}
	if depth > 0 && cols > 0 {
		part.panels = p.panels[col/tileCols*p.stride+row*tileCols:]
	}
	return part
}

// Mul sets dst to a·b: dst is [a.Rows, b's columns] with ColStride 1 and overlaps neither factor.
func Mul[T Float](dst, a Matrix[T], b *Packed[T]) { product(dst, a, b, false) }

// AddMul adds a·b to dst: dst is [a.Rows, b's columns] with ColStride 1 and overlaps neither factor.
func AddMul[T Float](dst, a Matrix[T], b *Packed[T]) { product(dst, a, b, true) }

func product[T Float](dst, a Matrix[T], b *Packed[T], add bool) {
	if dst.Rows != a.Rows || a.Cols != b.depth || dst.Cols != b.cols || dst.ColStride != 1 {
		panic(fmt.Sprintf("matrix: product of [%d, %d] and [%d, %d] into [%d, %d] (column stride %d)",
			a.Rows, a.Cols, b.depth, b.cols, dst.Rows, dst.Cols, dst.ColStride))
	}
	dst.check()
	a.check()
	if a.Cols == 0 && !add {
		for i := range dst.Rows {
			clear(dst.Data[i*dst.RowStride:][:dst.Cols])
		}
	}
	for k := 0; k < a.Cols; k += depthBlock {
		depth := min(depthBlock, a.Cols-k)
		panels := b.Part(k, 0, depth, b.cols)
		if left := a.Part(0, k, a.Rows, depth); a.Rows < tileRows {
			fewRows(dst, left, &panels, add || k > 0)
		} else {
			tiles(dst, left, &panels, add || k > 0)
		}
	}
}

// fewRows is tiles for less rows than a tile has: it fills them up with zeros.
func fewRows[T Float](dst, a Matrix[T], b *Packed[T], add bool) {
	var filled [tileRows * depthBlock]T
	for i := range a.Rows {
		for k := range a.Cols {
			filled[i*depthBlock+k] = a.Data[i*a.RowStride+k*a.ColStride]
		}
	}
	tiles(dst, Matrix[T]{Data: filled[:], Rows: tileRows, Cols: a.Cols, RowStride: depthBlock, ColStride: 1}, b, add)
}

// tiles adds a·b to dst, or sets dst to it, tile by tile. a has dst's rows, or whole tiles if those are more.
func tiles[T Float](dst, a Matrix[T], b *Packed[T], add bool) {
	var whole [tileRows * tileCols]T // for a tile that is not whole in dst
	for top := 0; top < dst.Rows; top += rowBlock {
		bottom := min(top+rowBlock, dst.Rows)
		for j := 0; j < b.cols; j += tileCols {
			panel := b.panels[j/tileCols*b.stride:][:b.depth*tileCols]
			cols := min(tileCols, b.cols-j)
			for i := top; i < bottom; i += tileRows {
				// The last tile begins among the rows of the one before if there are too few left.
				from, rows := min(i, a.Rows-tileRows), min(tileRows, bottom-i)
				left, to := a.Data[from*a.RowStride:], dst.Data[i*dst.RowStride+j:]
				if rows == tileRows && cols == tileCols {
					tile(to, dst.RowStride, left, a.RowStride, a.ColStride, panel, b.depth, add)
					continue
				}
				tile(whole[:], tileCols, left, a.RowStride, a.ColStride, panel, b.depth, false)
				for r := range rows {
					line, sums := to[r*dst.RowStride:][:cols], whole[(i-from+r)*tileCols:]
					if !add {
						copy(line, sums)
						continue
					}
					for c := range line {
						line[c] += sums[c]
					}
				}
			}
		}
	}
}
