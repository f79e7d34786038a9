package embed

import (
	"context"
	"path/filepath"
	"sync"

	"ordo/runner/data"
	"ordo/runner/data/source"
	"ordo/runner/eval"
	"ordo/runner/plane"
)

// rows are what is written, and where the numbers are.
type rows struct {
	outputs  []OutputShape
	classes  []string
	pages    []page
	perImage int       // rows
	scales   []float64 // of an image's rows; nil: there is no column of them
	half     bool      // numbers are written as float16
	// read appends the numbers of a page, [rows, width], to dst; nil: only what the rows are of is wanted.
	read func(page int, dst []float32) ([]float32, error)
	// describe opens what is known of the images' files, and search finds neighbours of a group of rows, whose numbers are
	// values and the first of which is number from. Both may be nil.
	describe func() (*described, error)
	search   func(of []record, values []float32, from int) error
	plane    *plane.Principal // gives rows a place; nil: they have none
}

// page is a batch of images that follow each other.
type page struct {
	set     data.Dataset
	split   string
	from, n int
}

// record is a row.
type record struct {
	id            string
	label         int // -1: none
	split         string
	scale         float64
	path          string // below the root, with slashes; "": it has none
	width, height int    // of the picture; 0: not known
	neighbours    []eval.Neighbour
	x, y          float64     // on the rows' plane
	values        [][]float32 // of each output; nil: they are not wanted
}

// width is how many numbers a row has.
func (r *rows) width() int {
	sum := 0
	for _, o := range r.outputs {
		sum += o.Columns
	}
	return sum
}

// images is how many images there are.
func (r *rows) images() int { return r.before(len(r.pages)) }

// before is how many images are in the first pages.
func (r *rows) before(pages int) int {
	n := 0
	for _, p := range r.pages[:pages] {
		n += p.n
	}
	return n
}

func (r *rows) len() int { return r.images() * r.perImage }

// group is how many pages are held at once: those that look for their neighbours together.
const group = 16

// each hears every row in its order. A record is only good until do returns.
func (r *rows) each(do func(*record) error) error {
	var files *described
	if r.describe != nil {
		var err error
		if files, err = r.describe(); err != nil {
			return err
		}
	}
	var values []float32
	for from := 0; from < len(r.pages); from += group {
		values = values[:0]
		var some []record
		for i := from; i < min(from+group, len(r.pages)); i++ {
			if r.read != nil {
				var err error
				if values, err = r.read(i, values); err != nil {
					return err
				}
			}
			some = r.records(some, r.pages[i], files)
		}
		for i := range some {
			at := values[min(i*r.width(), len(values)):]
			for _, o := range r.outputs {
				some[i].values, at = append(some[i].values, at[:o.Columns]), at[o.Columns:]
			}
			if r.plane != nil && r.read != nil {
				some[i].x, some[i].y = r.plane.At(some[i].values[0])
			}
		}
		if r.search != nil && r.read != nil {
			if err := r.search(some, values, r.before(from)); err != nil {
				return err
			}
		}
		for i := range some {
			if err := do(&some[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// records appends the rows of a page, without numbers.
func (r *rows) records(dst []record, p page, files *described) []record {
	some := make([]record, p.n)
	for k := range some {
		i := p.from + k
		some[k] = record{id: p.set.ID(i), label: p.set.Label(i), split: p.split}
	}
	if files != nil {
		files.fill(some)
	}
	for _, rec := range some {
		for s := range r.perImage {
			if r.scales != nil {
				rec.scale = r.scales[s]
			}
			dst = append(dst, rec)
		}
	}
	return dst
}

// described tells what is known of the images' files, in the order of the sets.
type described struct {
	root string
	sets map[string]source.Set // of each split
	at   map[string]int        // the next item of each
}

func describe(ctx context.Context, o data.Options) (*described, error) {
	sets, err := data.List(ctx, o)
	if err != nil {
		return nil, err
	}
	d := &described{root: o.Root, sets: map[string]source.Set{SplitTrain: sets.Train, SplitTest: sets.Test},
		at: map[string]int{}}
	if filepath.Ext(o.Root) != "" && o.Source == data.SourceList {
		d.root = filepath.Dir(o.Root) // a table's paths are beside it
	}
	return d, nil
}

// fill adds the paths and sizes of the images that the records name, a page of them. Images come in the order of their
// set, in which those are that were left out. Their files are asked at once: of a network's, each takes its time.
func (d *described) fill(some []record) {
	var asked sync.WaitGroup
	defer asked.Wait()
	for k := range some {
		rec := &some[k]
		set := d.sets[rec.split]
		i := d.at[rec.split]
		for i < set.Len() && set.ID(i) != rec.id {
			i++
		}
		if i == set.Len() {
			continue
		}
		d.at[rec.split] = i + 1
		if s, ok := set.(interface{ File(i int) string }); ok && s.File(i) != "" {
			if path, err := filepath.Rel(d.root, s.File(i)); err == nil {
				rec.path = filepath.ToSlash(path)
			}
		}
		if s, ok := set.(source.Inspector); ok {
			asked.Go(func() {
				if h, err := s.Inspect(i); err == nil { // a file that is gone has no size
					rec.width, rec.height = h.Width, h.Height
				}
			})
		}
	}
}
