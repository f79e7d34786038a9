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
// most depthBlock terms, which also keeps a tile's rows in the first-level cache while they meet colBlock columns,
// which in turn stay in the second-level cache until the last row has met them.
const (
	tileRows   = 8
	tileCols   = 32
	depthBlock = 256
	colBlock   = 512
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
	var copied [depthBlock * tileRows]T // rows of a, where they are not as the kernel needs them
	var whole [tileRows * tileCols]T    // a tile that is not whole in dst
	for k := 0; k < a.Cols; k += depthBlock {
		depth := min(depthBlock, a.Cols-k)
		add := add || k > 0
		for block := 0; block < b.cols; block += colBlock {
			end := min(block+colBlock, b.cols)
			for i := 0; i < a.Rows; i += tileRows {
				// The last tile begins among the rows of the one before if there are too few left.
				from := max(0, min(i, a.Rows-tileRows))
				left, down, right := a.Data[from*a.RowStride+k*a.ColStride:], a.RowStride, a.ColStride
				if right != 1 || a.Rows < tileRows {
					copyRows(copied[:], a.Part(from, k, min(tileRows, a.Rows), depth))
					left, down, right = copied[:], 1, tileRows
				}
				for j := block; j < end; j += tileCols {
					panel := b.panels[j/tileCols*b.stride+k*tileCols:][:depth*tileCols]
					rows, cols := min(tileRows, a.Rows-i), min(tileCols, b.cols-j)
					to := dst.Data[i*dst.RowStride+j:]
					if rows == tileRows && cols == tileCols {
						tile(to, dst.RowStride, left, down, right, panel, depth, add)
						continue
					}
					tile(whole[:], tileCols, left, down, right, panel, depth, false)
					putPart(dst.Part(i, j, rows, cols), whole[(i-from)*tileCols:], add)
				}
			}
		}
	}
}

// copyRows copies the rows of a, at most as many as a tile has, to [a.Cols, tileRows].
func copyRows[T Float](to []T, a Matrix[T]) {
	if a.RowStride == 1 && a.Rows == tileRows {
		for k := range a.Cols {
			*(*[tileRows]T)(to[k*tileRows:]) = *(*[tileRows]T)(a.Data[k*a.ColStride:])
		}
		return
	}
	for k := range a.Cols {
		for i := range a.Rows {
			to[k*tileRows+i] = a.Data[i*a.RowStride+k*a.ColStride]
		}
	}
}

// putPart sets dst to a part of a tile, or adds it.
func putPart[T Float](dst Matrix[T], tile []T, add bool) {
	for i := range dst.Rows {
		line, sums := dst.Data[i*dst.RowStride:][:dst.Cols], tile[i*tileCols:]
		if !add {
			copy(line, sums)
			continue
		}
		for j := range line {
			line[j] += sums[j]
		}
	}
}
