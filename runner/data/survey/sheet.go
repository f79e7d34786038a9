package survey

import (
	"context"
	"fmt"

	"ordo/runner/data/source"
	"ordo/runner/sheet"
)

const (
	manyClasses = 24  // with more, a class has one picture
	maxClasses  = 200 // that are shown
	aClass      = 8   // pictures of a class
	aLine       = 10  // pictures in a line where a class has one
	unlabelled  = 60  // pictures without a label
	tries       = 5   // how many unreadable images are passed over for a picture
)

// Sheet shows some images of a set by class: spread over the set, each as the file has it.
func Sheet(ctx context.Context, set source.Set, name string) (sheet.Sheet, error) {
	members := make([][]int, len(set.Classes()))
	var loose []int
	for i := range set.Len() {
		if l := set.Label(i); l >= 0 {
			members[l] = append(members[l], i)
		} else {
			loose = append(loose, i)
		}
	}
	out := sheet.Sheet{
		Title: name, Columns: aLine, Size: 96,
		Note: fmt.Sprintf("%d images, %d classes", set.Len(), len(members)),
	}
	var grid []sheet.Cell // a picture a class
	var rows []sheet.Row  // several a class
	for label, class := range set.Classes() {
		if label >= maxClasses {
			out.Note += fmt.Sprintf(", of which the first %d are shown", maxClasses)
			break
		}
		want := aClass
		if len(members) > manyClasses {
			want = 1
		}
		cells, err := pick(ctx, set, members[label], want)
		if err != nil {
			return sheet.Sheet{}, err
		}
		if want == 1 {
			for _, c := range cells {
				c.Label = class
				grid = append(grid, c)
			}
			continue
		}
		rows = append(rows, sheet.Row{Label: class, Cells: cells})
	}
	if len(grid) > 0 {
		rows = append(rows, sheet.Row{Cells: grid})
	}
	if len(rows) > 0 {
		out.Groups = append(out.Groups, sheet.Group{Rows: rows})
	}
	if len(loose) > 0 {
		cells, err := pick(ctx, set, loose, unlabelled)
		if err != nil {
			return sheet.Sheet{}, err
		}
		g := sheet.Group{Rows: []sheet.Row{{Cells: cells}}}
		if len(rows) > 0 {
			g.Heading = "without a label"
		}
		out.Groups = append(out.Groups, g)
	}
	return out, nil
}

// pick decodes up to n of the items, spread evenly.
func pick(ctx context.Context, set source.Set, items []int, n int) ([]sheet.Cell, error) {
	var cells []sheet.Cell
	n = min(n, len(items))
	for k := range n {
		from, end := k*len(items)/n, (k+1)*len(items)/n
		for _, i := range items[from:min(from+tries, end)] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if m, err := set.Image(i); err == nil {
				cells = append(cells, sheet.Cell{Image: m})
				break
			}
		}
	}
	return cells, nil
}
