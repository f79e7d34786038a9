package neighbours

import (
	"context"
	"slices"
	"strconv"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/embed"
	"ordo/runner/eval"
)

// Options say what is asked of which rows.
type Options struct {
	File   string       // the rows' name, for the record
	Table  *embed.Table // the rows
	Output string       // which of its outputs; "": features, or else the first
	K      int          // how many neighbours an image has; at least 1
	// Progress hears how many images are compared with the others. May be nil.
	Progress func(done, total int)
}

// Result is what was found, in one of its three lists.
type Result struct {
	File       string      `json:"file"`
	Output     string      `json:"output"`
	Images     int         `json:"images"`
	Distance   string      `json:"distance"` // what distances are
	Neighbours []Nearest   `json:"neighbours,omitempty"`
	Duplicates *Duplicates `json:"duplicates,omitempty"`
	Outliers   []Nearest   `json:"outliers,omitempty"` // the farthest first
}

// Image is a row of the file.
type Image struct {
	Row   int    `json:"row"` // from 0
	ID    string `json:"id"`  // its name, or else its row
	Class string `json:"class,omitempty"`
	Split string `json:"split"`
}

// Near is an image and how far it is.
type Near struct {
	Image
	Distance float64 `json:"distance"`
}

// Nearest is an image with those nearest to it.
type Nearest struct {
	Image
	Mean float64 `json:"mean_distance"` // of its neighbours
	Near []Near  `json:"near"`          // the nearest first
}

// Duplicates are pairs of images that are as near as the threshold says, the nearest first. Where there are both splits
// it is each test image with the training image nearest to it; else each image with the nearest other.
type Duplicates struct {
	Threshold float64 `json:"threshold"`
	Between   string  `json:"between"` // which images are compared
	Median    float64 `json:"median"`  // distance of an image to the nearest one, to judge the threshold by
	Pairs     []Pair  `json:"pairs"`
}

// Pair is two images that may be one.
type Pair struct {
	Image Image `json:"image"` // the test image where there are both splits
	Near  Near  `json:"near"`
}

// search is a question that is being answered.
type search struct {
	Options
	output *embed.Output
}

func (o Options) search() (search, Result, error) {
	s := search{Options: o}
	name := o.Output
	if name == "" {
		name = models.Features
		if o.Table.Output(name) == nil {
			name = o.Table.Outputs[0].Name
		}
	}
	if s.output = o.Table.Output(name); s.output == nil {
		return s, Result{}, fault.New(fault.Config, "%s has no output %s", o.File, name).With(fault.Option{Name: "output"})
	}
	if o.Table.Len() < 2 {
		return s, Result{}, fault.New(fault.Data, "%s has one image, which has no neighbours", o.File)
	}
	return s, Result{File: o.File, Output: name, Images: o.Table.Len(), Distance: "1 - cosine"}, nil
}

func (s search) image(row int) Image {
	t := s.Table
	m := Image{Row: row, ID: strconv.Itoa(row), Split: embed.SplitTrain}
	if t.IDs != nil {
		m.ID = t.IDs[row]
	}
	if t.Labels != nil && t.Labels[row] >= 0 {
		m.Class = t.Classes[t.Labels[row]]
	}
	if t.Test[row] {
		m.Split = embed.SplitTest
	}
	return m
}

// together is how many rows look for their neighbours at once, and part how many they are compared with at once.
const (
	together = 2048
	part     = 8192
)

// find hears the k nearest of each of the rows among the candidates, which is not the row itself.
func (s search) find(
	ctx context.Context, rows, candidates []int, k int, do func(row int, near []eval.Neighbour),
) error {
	done := 0
	for some := range slices.Chunk(rows, together) {
		own := make([]int, len(some))
		for i, row := range some {
			at, there := slices.BinarySearch(candidates, row)
			if own[i] = at; !there {
				own[i] = -1
			}
		}
		found, err := eval.NewSearch(s.output.Select(nil, some), s.output.Columns, k, own)
		if err != nil {
			return err
		}
		var values []float32
		for from := 0; from < len(candidates); from += part {
			if ctx.Err() != nil {
				return fault.New(fault.Interrupted, "interrupted after %d of %d images", done, len(rows))
			}
			values = s.output.Select(values[:0], candidates[from:min(from+part, len(candidates))])
			if err := found.Add(values, from); err != nil {
				return err
			}
		}
		for i, row := range some {
			near := found.Nearest(i)
			for n := range near {
				near[n].Row = candidates[near[n].Row]
			}
			do(row, near)
		}
		if done += len(some); s.Progress != nil {
			s.Progress(done, len(rows))
		}
	}
	return nil
}

// all are the numbers of all rows.
func (s search) all() []int {
	rows := make([]int, s.Table.Len())
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func (s search) near(n eval.Neighbour) Near { return Near{s.image(n.Row), n.Distance} }

// nearest finds the neighbours of rows among all.
func (s search) nearest(ctx context.Context, rows []int) ([]Nearest, error) {
	var list []Nearest
	err := s.find(ctx, rows, s.all(), s.K, func(row int, near []eval.Neighbour) {
		of := Nearest{Image: s.image(row)}
		for _, n := range near {
			of.Near = append(of.Near, s.near(n))
			of.Mean += n.Distance / float64(len(near))
		}
		list = append(list, of)
	})
	return list, err
}

// Find finds the images nearest to the one with an id, or, where that is "", to each.
func Find(ctx context.Context, o Options, id string) (Result, error) {
	s, r, err := o.search()
	if err != nil {
		return r, err
	}
	rows := s.all()
	if id != "" {
		rows = slices.DeleteFunc(rows, func(row int) bool { return s.image(row).ID != id })
		if len(rows) == 0 {
			return r, fault.New(fault.Config, "%s has no image %s; its first is %s", o.File, id, s.image(0).ID)
		}
	}
	r.Neighbours, err = s.nearest(ctx, rows)
	return r, err
}

// FindOutliers finds the n images whose neighbours are farthest in the mean.
func FindOutliers(ctx context.Context, o Options, n int) (Result, error) {
	s, r, err := o.search()
	if err != nil {
		return r, err
	}
	list, err := s.nearest(ctx, s.all())
	if err != nil {
		return r, err
	}
	slices.SortStableFunc(list, func(a, b Nearest) int { return compare(b.Mean, a.Mean) })
	r.Outliers = list[:min(n, len(list))]
	return r, nil
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// FindDuplicates finds images that are at most a threshold apart: see [Duplicates].
func FindDuplicates(ctx context.Context, o Options, threshold float64) (Result, error) {
	s, r, err := o.search()
	if err != nil {
		return r, err
	}
	d := &Duplicates{Threshold: threshold, Between: "test and training images"}
	rows, candidates := s.Table.Rows(true), s.Table.Rows(false)
	within := len(rows) == 0 || len(candidates) == 0
	if within {
		d.Between = "all images"
		rows, candidates = s.all(), s.all()
	}
	var distances []float64
	seen := map[[2]int]bool{}
	err = s.find(ctx, rows, candidates, 1, func(row int, near []eval.Neighbour) {
		n := near[0]
		distances = append(distances, n.Distance)
		pair := [2]int{min(row, n.Row), max(row, n.Row)}
		if n.Distance <= threshold && !seen[pair] {
			seen[pair] = true
			d.Pairs = append(d.Pairs, Pair{s.image(row), s.near(n)})
		}
	})
	if err != nil {
		return r, err
	}
	slices.Sort(distances)
	d.Median = distances[len(distances)/2]
	slices.SortStableFunc(d.Pairs, func(a, b Pair) int { return compare(a.Near.Distance, b.Near.Distance) })
	r.Duplicates = d
	return r, nil
}
