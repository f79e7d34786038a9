package augment

import (
	"math"

	"ordo/augment/kernel"
)

// border says what lies outside an image.
type border int

const (
	borderReflect border = iota // the image mirrored at its edges, edge pixels repeated
	borderZero                  // 0
)

// geometry composes the geometric transformations of a view into one map from its coordinates to the image's:
//
//	x = xx*u + xy*v + x0
//	y = yx*u + yy*v + y0
//
// Coordinates are continuous: pixel i covers [i, i+1), its centre is at i+1/2. A transformation is composed at the
// view's end of the map, so the calls come in the order in which an image would meet the transformations.
type geometry struct {
	xx, xy, x0    float64
	yx, yy, y0    float64
	width, height float64 // of the frame so far, what the next transformation takes for the image

	// While the map only crops, resizes and flips (whole is true), filters see nothing outside of the box
	// [left, right) x [top, bottom) of the image, as if it had been cut out; after that they see the image and
	// its border.
	whole                    bool
	left, top, right, bottom int
	border                   border
	filter                   kernel.Interpolation // of maps along the axes, and of the reduction before others
}

// start makes the map the identity on img.
func (g *geometry) start(img Image) {
	*g = geometry{
		xx: 1, yy: 1, width: float64(img.Width), height: float64(img.Height),
		whole: true, right: img.Width, bottom: img.Height,
	}
}

// compose appends a transformation, given by its inverse.
func (g *geometry) compose(xx, xy, x0, yx, yy, y0 float64) {
	h := *g
	g.xx, g.xy, g.x0 = h.xx*xx+h.xy*yx, h.xx*xy+h.xy*yy, h.xx*x0+h.xy*y0+h.x0
	g.yx, g.yy, g.y0 = h.yx*xx+h.yy*yx, h.yx*xy+h.yy*yy, h.yx*x0+h.yy*y0+h.y0
}

// crop cuts the box at (x, y) of w x h out and resizes it to size x size. Nothing outside the box is seen.
func (g *geometry) crop(x, y, w, h float64, size int) {
	if g.whole {
		ax, bx := g.xx*x+g.x0, g.xx*(x+w)+g.x0
		ay, by := g.yy*y+g.y0, g.yy*(y+h)+g.y0
		g.left, g.right = int(math.Round(min(ax, bx))), int(math.Round(max(ax, bx)))
		g.top, g.bottom = int(math.Round(min(ay, by))), int(math.Round(max(ay, by)))
	}
	g.compose(w/float64(size), 0, x, 0, h/float64(size), y)
	g.width, g.height = float64(size), float64(size)
}

// centreCrop resizes the image so that its short side is size and cuts the square in the middle out (torchvision
// resize, then center_crop): the resizing filter sees the whole image. As there, the long side is rounded down to
// pixels, and the square's place to the nearest pixel.
func (g *geometry) centreCrop(size int) {
	short := min(g.width, g.height)
	place := func(side float64) (start, step float64) {
		n := math.Floor(float64(size) * side / short)
		step = side / n
		return math.RoundToEven((n-float64(size))/2) * step, step
	}
	x, sx := place(g.width)
	y, sy := place(g.height)
	g.compose(sx, 0, x, 0, sy, y)
	g.width, g.height = float64(size), float64(size)
}

// flip mirrors left and right.
func (g *geometry) flip() { g.compose(-1, 0, g.width, 0, 1, 0) }

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
func (g *geometry) zoom(factor float64) {
	k := 1 / factor
	g.compose(k, 0, (1-k)*g.width/2, 0, k, (1-k)*g.height/2)
	g.whole = false
}

// translate moves the content to the right and down, by parts of the frame's sides.
func (g *geometry) translate(right, down float64) {
	g.compose(1, 0, -right*g.width, 0, 1, -down*g.height)
	g.whole = false
}

// upright says whether rows and columns of the view are rows and columns of the image.
func (g *geometry) upright() bool { return g.xy == 0 && g.yx == 0 }

// footprint returns how far apart, along the image's x and y, neighbouring pixels of the view lie.
func (g *geometry) footprint() (x, y float64) { return math.Hypot(g.xx, g.xy), math.Hypot(g.yx, g.yy) }
