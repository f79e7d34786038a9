package augment

import "math"

// border says what lies outside an image.
type border int

const (
	borderReflect border = iota // the image mirrored at its edges, edge pixels repeated
	borderZero                  // 0
)

// matrix is a projective map of the plane: (u, v) goes to
//
//	x = (xx*u + xy*v + x0) / z
//	y = (yx*u + yy*v + y0) / z      z = zx*u + zy*v + zz
//
// It is affine where zx and zy are 0 and zz is 1.
type matrix struct {
	xx, xy, x0 float64
	yx, yy, y0 float64
	zx, zy, zz float64
}

func identity() matrix { return matrix{xx: 1, yy: 1, zz: 1} }

func (m *matrix) affine() bool { return m.zx == 0 && m.zy == 0 && m.zz == 1 }

// times is the map that applies n first, then m.
func (m *matrix) times(n *matrix) matrix {
	return matrix{
		xx: m.xx*n.xx + m.xy*n.yx + m.x0*n.zx, xy: m.xx*n.xy + m.xy*n.yy + m.x0*n.zy, x0: m.xx*n.x0 + m.xy*n.y0 + m.x0*n.zz,
		yx: m.yx*n.xx + m.yy*n.yx + m.y0*n.zx, yy: m.yx*n.xy + m.yy*n.yy + m.y0*n.zy, y0: m.yx*n.x0 + m.yy*n.y0 + m.y0*n.zz,
		zx: m.zx*n.xx + m.zy*n.yx + m.zz*n.zx, zy: m.zx*n.xy + m.zy*n.yy + m.zz*n.zy, zz: m.zx*n.x0 + m.zy*n.y0 + m.zz*n.zz,
	}
}

// at applies the map. Behind the horizon, where z has the other sign, it stays on this side.
func (m *matrix) at(u, v float64) (x, y float64) {
	x, y = m.xx*u+m.xy*v+m.x0, m.yx*u+m.yy*v+m.y0
	if m.affine() {
		return x, y
	}
	const horizon = 1e-6
	z := max(m.zx*u+m.zy*v+m.zz, horizon)
	return x / z, y / z
}

// bend is an elastic displacement: a point p of the frame that it was composed on goes to before(p + field(p)).
type bend struct {
	before        matrix
	key           uint64  // the field's draws
	amplitude     float64 // of the displacement, as a share of the frame's sides
	width, height float64 // of that frame
}

// maxBends is how many elastic displacements a view can have: one of the invariant list and one of the ordered family,
// or of an entry whose role is invariant.
const maxBends = 2

// geometry composes the geometric transformations of a view into one map from its coordinates to the image's, see
// matrix; with elastic displacements it is a chain: the matrix, then the bends, the last of them first.
//
// Coordinates are continuous: pixel i covers [i, i+1), its centre is at i+1/2. A transformation is composed at the
// view's end of the map, so the calls come in the order in which an image would meet the transformations.
type geometry struct {
	matrix
	bends         [maxBends]bend
	bent          int     // how many of bends there are
	width, height float64 // of the frame so far, what the next transformation takes for the image

	// While the map only crops, resizes, flips and makes quarter turns (whole is true), filters see nothing outside
	// of the box [left, right) x [top, bottom) of the image, as if it had been cut out; after that they see the image
	// and its border.
	whole                    bool
	left, top, right, bottom int
	border                   border
	cubic                    bool // the resize filter is the cubic one; only maps along the axes have it
}

// start makes the map the identity on img.
func (g *geometry) start(img Image) {
	*g = geometry{
		matrix: identity(), width: float64(img.Width), height: float64(img.Height),
		whole: true, right: img.Width, bottom: img.Height,
	}
}

// compose appends an affine transformation, given by its inverse.
func (g *geometry) compose(xx, xy, x0, yx, yy, y0 float64) {
	m := matrix{xx, xy, x0, yx, yy, y0, 0, 0, 1}
	g.matrix = g.times(&m)
}

// crop cuts the box at (x, y) of w x h out and resizes it to size x size. Nothing outside the box is seen.
func (g *geometry) crop(x, y, w, h float64, size int) {
	g.restrict(x, y, w, h)
	g.compose(w/float64(size), 0, x, 0, h/float64(size), y)
	g.width, g.height = float64(size), float64(size)
}

// restrict keeps filters inside the box at (x, y) of w x h, if nothing before looked outside.
func (g *geometry) restrict(x, y, w, h float64) {
	if !g.whole {
		return
	}
	ax, ay := g.at(x, y)
	bx, by := g.at(x+w, y+h)
	g.left, g.right = int(math.Round(min(ax, bx))), int(math.Round(max(ax, bx)))
	g.top, g.bottom = int(math.Round(min(ay, by))), int(math.Round(max(ay, by)))
}

// resize scales the frame so that its short side is size pixels; the long side is rounded down to pixels (torchvision
// resize).
func (g *geometry) resize(size int) {
	short := min(g.width, g.height)
	w, h := math.Floor(float64(size)*g.width/short), math.Floor(float64(size)*g.height/short)
	g.compose(g.width/w, 0, 0, 0, g.height/h, 0)
	g.width, g.height = w, h
}

// cutCentre cuts the square of size pixels in the frame's middle out, at whole pixels (torchvision center_crop). What
// it needs beyond the frame is the border's.
func (g *geometry) cutCentre(size int) {
	n := float64(size)
	x, y := math.RoundToEven((g.width-n)/2), math.RoundToEven((g.height-n)/2)
	switch {
	case x < 0 || y < 0:
		g.whole = false
	case math.Abs(g.xx)+math.Abs(g.xy) == 1 && math.Abs(g.yx)+math.Abs(g.yy) == 1:
		g.restrict(x, y, n, n) // nothing is resized yet: this is a cut that a later resize must not look across
	}
	g.compose(1, 0, x, 0, 1, y)
	g.width, g.height = n, n
}

// centreCrop resizes the frame so that its short side is size and cuts the square in the middle out (torchvision
// resize and center_crop, in one resampling).
func (g *geometry) centreCrop(size int) {
	g.resize(size)
	g.cutCentre(size)
}

// mirror turns left and right around.
func (g *geometry) mirror() { g.compose(-1, 0, g.width, 0, 1, 0) }

// upend turns top and bottom around.
func (g *geometry) upend() { g.compose(1, 0, 0, 0, -1, g.height) }

// quarterTurn turns the frame by 90 degrees, counter-clockwise. It moves pixels and changes none.
func (g *geometry) quarterTurn() {
	g.compose(0, -1, g.width, 1, 0, 0)
	g.width, g.height = g.height, g.width
}

// rotate turns the frame about its centre, counter-clockwise as one looks at it (torchvision rotate). Multiples of
// 90 degrees are exact.
func (g *geometry) rotate(degrees float64) {
	sin, cos := math.Sincos(degrees * (math.Pi / 180))
	if quarter := degrees / 90; quarter == math.Trunc(quarter) {
		sin, cos = math.Round(sin), math.Round(cos)
	}
	cx, cy := g.width/2, g.height/2
	g.compose(cos, -sin, cx-cos*cx+sin*cy, sin, cos, cy-sin*cx-cos*cy)
	g.whole = false
}

// zoom magnifies the frame about its centre.
func (g *geometry) zoom(factor float64) { g.zoomAt(factor, 0.5, 0.5) }

// zoomAt magnifies the frame about the point at the given shares of its sides, which stays in place.
func (g *geometry) zoomAt(factor, x, y float64) {
	k := 1 / factor
	g.compose(k, 0, (1-k)*g.width*x, 0, k, (1-k)*g.height*y)
	g.whole = false
}

// translate moves the content to the right and down, by parts of the frame's sides.
func (g *geometry) translate(right, down float64) {
	g.compose(1, 0, -right*g.width, 0, 1, -down*g.height)
	g.whole = false
}

// warp is torchvision's affine: about the centre it shears (in x, then in y), scales and turns (degrees, clockwise),
// then it moves the content by pixels.
func (g *geometry) warp(degrees, right, down, scale, shearX, shearY float64) {
	const rad = math.Pi / 180
	turn, sx, sy := degrees*rad, shearX*rad, shearY*rad
	a := math.Cos(turn-sy) / math.Cos(sy)
	b := -a*math.Tan(sx) - math.Sin(turn)
	c := math.Sin(turn-sy) / math.Cos(sy)
	d := -c*math.Tan(sx) + math.Cos(turn)
	a, b, c, d = d/scale, -b/scale, -c/scale, a/scale
	cx, cy := g.width/2, g.height/2
	g.compose(a, b, cx-a*(cx+right)-b*(cy+down), c, d, cy-c*(cx+right)-d*(cy+down))
	g.whole = false
}

// quad is four corners: left above, right above, right below, left below, as (x, y).
type quad [4][2]float64

// perspective moves the corners of the rectangle [0, w] x [0, h] of the frame to those of a quad, which has to be
// convex (torchvision perspective, which takes w and h a pixel smaller than the frame).
func (g *geometry) perspective(w, h float64, to quad) {
	// The map from the unit square to the quad (Heckbert 1989, section 2.2.3), from there the other way round.
	x, y := [4]float64{}, [4]float64{}
	for i, p := range to {
		x[i], y[i] = p[0], p[1]
	}
	sx, sy := x[0]-x[1]+x[2]-x[3], y[0]-y[1]+y[2]-y[3]
	dx1, dx2, dy1, dy2 := x[1]-x[2], x[3]-x[2], y[1]-y[2], y[3]-y[2]
	det := dx1*dy2 - dx2*dy1
	zx, zy := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	square := matrix{
		xx: (x[1] - x[0] + zx*x[1]) / w, xy: (x[3] - x[0] + zy*x[3]) / h, x0: x[0],
		yx: (y[1] - y[0] + zx*y[1]) / w, yy: (y[3] - y[0] + zy*y[3]) / h, y0: y[0],
		zx: zx / w, zy: zy / h, zz: 1,
	}
	back := square.inverse()
	// Any multiple of a matrix is the same map. Let z be 1 in the middle of the quad, so that it is positive there.
	k := 1 / (back.zx*(x[0]+x[1]+x[2]+x[3])/4 + back.zy*(y[0]+y[1]+y[2]+y[3])/4 + back.zz)
	back = matrix{
		k * back.xx, k * back.xy, k * back.x0, k * back.yx, k * back.yy, k * back.y0, k * back.zx, k * back.zy, k * back.zz,
	}
	g.matrix = g.times(&back)
	g.whole = false
}

// inverse returns the map back, but for a factor.
func (m *matrix) inverse() matrix {
	return matrix{
		xx: m.yy*m.zz - m.y0*m.zy, xy: m.x0*m.zy - m.xy*m.zz, x0: m.xy*m.y0 - m.x0*m.yy,
		yx: m.y0*m.zx - m.yx*m.zz, yy: m.xx*m.zz - m.x0*m.zx, y0: m.x0*m.yx - m.xx*m.y0,
		zx: m.yx*m.zy - m.yy*m.zx, zy: m.xy*m.zx - m.xx*m.zy, zz: m.xx*m.yy - m.xy*m.yx,
	}
}

// elastic displaces the frame's points by a smooth random field, whose root mean square along each axis is the given
// share of the frame's sides, see lattice.
func (g *geometry) elastic(key uint64, amplitude float64) {
	g.bends[g.bent] = bend{before: g.matrix, key: key, amplitude: amplitude, width: g.width, height: g.height}
	g.bent++
	g.matrix = identity()
	g.whole = false
}

// upright says whether rows and columns of the view are rows and columns of the image.
func (g *geometry) upright() bool { return g.xy == 0 && g.yx == 0 && !g.free() }

// transposed says whether rows of the view are columns of the image.
func (g *geometry) transposed() bool { return g.xx == 0 && g.yy == 0 && !g.free() }

// free says whether straight lines at equal distances don't stay so.
func (g *geometry) free() bool { return g.bent > 0 || !g.affine() }

// footprint returns how far apart, along the image's x and y, neighbouring pixels of the view lie.
func (g *geometry) footprint() (x, y float64) { return math.Hypot(g.xx, g.xy), math.Hypot(g.yx, g.yy) }
