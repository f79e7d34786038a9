package neighbours

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/data"
	"ordo/runner/data/source"
	"ordo/runner/sheet"
)

// WriteTable writes what was found as a table: a line a pair of images.
func (r Result) WriteTable(to io.Writer) error {
	var rows [][]string
	add := func(first string, n Near) {
		rows = append(rows, []string{first, fmt.Sprintf("%.4f", n.Distance), n.ID, n.Class, n.Split})
	}
	head := []string{"image", "distance", "near", "class", "split"}
	said := ""
	switch {
	case r.Duplicates != nil:
		d := r.Duplicates
		said = table.Wrap(fmt.Sprintf("%d pairs of %s within %g (1 - cosine of %s); the median to the nearest is %.4f",
			len(d.Pairs), d.Between, d.Threshold, r.Output, d.Median), 0) + "\n"
		for _, p := range d.Pairs {
			add(p.Image.ID, p.Near)
		}
	case r.Outliers != nil:
		head = []string{"outlier", "mean distance", "class", "split", "nearest"}
		for _, o := range r.Outliers {
			rows = append(rows, []string{o.ID, fmt.Sprintf("%.4f", o.Mean), o.Class, o.Split, o.Near[0].ID})
		}
	default:
		for _, of := range r.Neighbours {
			for _, n := range of.Near {
				add(of.ID, n)
			}
		}
	}
	if r.Duplicates == nil || len(rows) > 0 {
		said += table.Left(append([][]string{head}, rows...), 0)
	}
	_, err := io.WriteString(to, said)
	return err
}

// maxRows is how many rows of pictures a sheet has.
const maxRows = 40

// row is an image and others beside it.
type row struct {
	of   Image
	note string
	near []Near
}

// rows are what a sheet shows: of all images' neighbours some, evenly chosen, and of the other lists the first.
func (r Result) rows() (title string, rows []row) {
	switch {
	case r.Duplicates != nil:
		for _, p := range r.Duplicates.Pairs {
			rows = append(rows, row{p.Image, "", []Near{p.Near}})
		}
		title = fmt.Sprintf("%d pairs of %s within %g", len(rows), r.Duplicates.Between, r.Duplicates.Threshold)
	case r.Outliers != nil:
		title = fmt.Sprintf("%d outliers and their neighbours", len(r.Outliers))
		for _, o := range r.Outliers {
			rows = append(rows, row{o.Image, fmt.Sprintf("%.3f", o.Mean), o.Near})
		}
	default:
		title = "Nearest images"
		n := len(r.Neighbours)
		shown := min(n, maxRows)
		for i := range shown {
			of := r.Neighbours[i*n/shown]
			rows = append(rows, row{of.Image, "", of.Near})
		}
	}
	return title, rows[:min(len(rows), maxRows)]
}

// Sheet shows what was found as pictures: a row an image, itself first. The pictures are those of an image set, found
// by their ids; data.Options need no image size.
func (r Result) Sheet(ctx context.Context, o data.Options) (sheet.Sheet, error) {
	if o.ImageSize == 0 {
		o.ImageSize = data.DefaultOptions().ImageSize
	}
	sets, err := data.List(ctx, o.Few())
	if err != nil {
		return sheet.Sheet{}, err
	}
	p := pictures{at: map[string]picture{}, root: o.Root}
	for _, set := range []source.Set{sets.Train, sets.Test} {
		for i := range set.Len() {
			p.at[set.ID(i)] = picture{set, i}
		}
	}
	title, rows := r.rows()
	s := sheet.Sheet{Title: title, Note: fmt.Sprintf("%s: 1 - cosine of %s, %d images", r.File, r.Output, r.Images)}
	group := sheet.Group{}
	for _, of := range rows {
		m, err := p.image(of.of.ID)
		if err != nil {
			return s, err
		}
		line := sheet.Row{Label: of.of.ID, Cells: []sheet.Cell{{Image: m, Label: join(of.note, of.of.Class)}}}
		for _, n := range of.near {
			if m, err = p.image(n.ID); err != nil {
				return s, err
			}
			line.Cells = append(line.Cells, sheet.Cell{Image: m, Label: join(fmt.Sprintf("%.3f", n.Distance), n.Class)})
		}
		group.Rows = append(group.Rows, line)
	}
	s.Groups = []sheet.Group{group}
	return s, nil
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// pictures finds images by their ids.
type pictures struct {
	root string
	at   map[string]picture
}

type picture struct {
	set  source.Set
	item int
}

func (p pictures) image(id string) (augment.Image, error) {
	of, there := p.at[id]
	if !there {
		return augment.Image{}, fault.New(fault.Data, "there is no image %s in %s", id, cmp.Or(p.root, "the run's images")).
			Advise("name the images that the embeddings are of")
	}
	return of.set.Image(of.item)
}
