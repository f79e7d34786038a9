package page

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"ordo/runner/embed"
	"ordo/runner/eval"
	"ordo/runner/neighbours"
	"ordo/runner/plane"
)

// mapView are maps of some sets of images, one of which is shown at a time.
type mapView struct {
	ID      int
	Run     string // "": there is one only
	Outputs []string
	Sets    []*mapSet
}

// mapSet is a set of images, at their origin or at the scales of a family, with their places.
type mapSet struct {
	Name    string    `json:"name"`
	Sprite  int       `json:"sprite"`
	Columns int       `json:"columns"` // of the sprite
	Images  int       `json:"images"`
	Scales  []number  `json:"scales"`
	Labels  []int     `json:"labels"` // of each image, -1: none
	Classes []string  `json:"classes"`
	IDs     []string  `json:"ids"`
	Places  []*placed `json:"places"`
}

// placed are the places of a set's points, scale by scale.
type placed struct {
	Output string   `json:"output"`
	Method string   `json:"method"`
	X      []number `json:"x"`
	Y      []number `json:"y"`
}

// The ways in which points get their places.
const (
	methodPCA  = "PCA"
	methodTSNE = "t-SNE"
)

// maps gives all that was seen its places, several maps at once.
func (s *seen) maps(ctx context.Context, seed uint64) (*mapView, error) {
	m := &mapView{Outputs: s.outputs}
	type job struct {
		rows    []float32
		columns int
		into    *placed
	}
	var jobs []job
	for _, v := range append([]shown{s.origin}, s.families...) {
		set := &mapSet{Name: "test images", Sprite: v.sprite.id, Columns: v.sprite.columns, Images: len(v.images),
			Scales: numbers(v.scales), Classes: s.set.Classes()}
		if v.name != "" {
			set.Name = v.axis
		}
		for _, image := range v.images {
			set.Labels, set.IDs = append(set.Labels, s.set.Label(image)), append(set.IDs, s.set.ID(image))
		}
		for k, output := range s.outputs {
			points := len(v.images) * len(v.scales)
			for _, method := range []string{methodPCA, methodTSNE} {
				if method == methodTSNE && points < plane.LeastRows {
					continue
				}
				p := &placed{Output: output, Method: method}
				set.Places = append(set.Places, p)
				jobs = append(jobs, job{v.rows[k], len(v.rows[k]) / points, p})
			}
		}
		m.Sets = append(m.Sets, set)
	}
	errs := make([]error, len(jobs))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, j := range jobs {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = j.into.place(ctx, j.rows, j.columns, seed)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// place gives rows their places.
func (p *placed) place(ctx context.Context, rows []float32, columns int, seed uint64) error {
	var points []plane.Point
	var err error
	if p.Method == methodPCA {
		points, err = plane.PCA(rows, columns)
	} else {
		o := plane.DefaultTSNEOptions()
		o.Seed = seed
		points, err = plane.TSNE(ctx, rows, columns, o)
	}
	for _, at := range points {
		p.X, p.Y = append(p.X, number(at.X)), append(p.Y, number(at.Y))
	}
	return err
}

// Table has the places of a set's points.
func (m *mapSet) Table() table {
	t := table{Head: []string{"image", "class", "scale"}}
	for _, p := range m.Places {
		t.Head = append(t.Head, p.Output+" "+p.Method+" x", "y")
	}
	for i := range m.Images * len(m.Scales) {
		image, class := i%m.Images, ""
		if label := m.Labels[image]; label >= 0 && label < len(m.Classes) {
			class = m.Classes[label]
		}
		cells := []string{m.IDs[image], class, text(float64(m.Scales[i/m.Images]))}
		for _, p := range m.Places {
			cells = append(cells, text(float64(p.X[i])), text(float64(p.Y[i])))
		}
		t.add(cells...)
	}
	return t
}

// pathImages is how many images' ways over scale are shown.
const pathImages = 4

// paths are the ways of some images over the scales of every family, with how far each view is from the origin.
func (s *seen) paths() ([]block, error) {
	var all []block
	for _, v := range s.families {
		var distances [][][]float64 // [output][scale][image]
		for k := range s.outputs {
			dim := len(v.rows[k]) / (len(v.images) * len(v.scales))
			found, err := eval.OrderOfImages(eval.Orbit{Data: v.rows[k], Scales: v.scales, Images: len(v.images), Dim: dim})
			if err != nil {
				return nil, fmt.Errorf("the way over %s: %w", v.name, err)
			}
			distances = append(distances, found.Distance)
		}
		b := block{Title: v.axis}
		for _, i := range spread(len(v.images), pathImages) {
			of := strip{Label: s.words(v.images[i])}
			for g, scale := range v.scales {
				lines := []string{fmt.Sprintf("%.2g", scale)}
				for k, output := range s.outputs {
					lines = append(lines, fmt.Sprintf("%c %.3f", output[0], distances[k][g][i]))
				}
				of.Pictures = append(of.Pictures, v.sprite.picture(g*len(v.images)+i, "scale "+lines[0], lines...))
			}
			b.Strips = append(b.Strips, of)
		}
		all = append(all, b)
	}
	return all, nil
}

// How many images' neighbours are shown, and how many each.
const (
	asked      = 10
	neighbourK = 6
)

// neighbours are the nearest of some images among all, by each output.
func (s *seen) neighbours(ctx context.Context, name string) ([]block, error) {
	v := s.origin
	if len(v.images) < 2 {
		return nil, nil
	}
	t := &embed.Table{Test: slices.Repeat([]bool{true}, len(v.images))}
	for k, output := range s.outputs {
		t.Outputs = append(t.Outputs, embed.Output{Name: output, Columns: len(v.rows[k]) / len(v.images), Values: v.rows[k]})
	}
	var all []block
	for _, output := range s.outputs {
		found, err := neighbours.Find(ctx, neighbours.Options{File: name, Table: t, Output: output, K: neighbourK}, "")
		if err != nil {
			return nil, err
		}
		b := block{Title: output}
		for _, i := range spread(len(v.images), asked) {
			of := strip{Label: s.words(v.images[i])}
			add := func(at int, note string) {
				of.Pictures = append(of.Pictures, v.sprite.picture(at, s.words(v.images[at]), note, s.class(v.images[at])))
			}
			add(i, "image")
			for _, near := range found.Neighbours[i].Near {
				add(near.Row, fmt.Sprintf("%.3f", near.Distance))
			}
			b.Strips = append(b.Strips, of)
		}
		all = append(all, b)
	}
	return all, nil
}
