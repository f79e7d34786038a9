package embed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"ordo/models/fault"
)

// Table is what an embeddings file holds: a row an image.
type Table struct {
	Outputs []Output
	IDs     []string // unique names of the images; nil: they have none
	Labels  []int    // numbers in Classes, -1 where there is none; nil: there are no labels
	Classes []string // nil: there are no labels
	Test    []bool   // whether the row is of the test split
}

// Output is a matrix of what an encoder made of the images.
type Output struct {
	Name    string
	Columns int
	Values  []float32 // [images, Columns]
}

// Len is the number of images.
func (t *Table) Len() int { return len(t.Test) }

// Output finds an output by its name; nil: there is none.
func (t *Table) Output(name string) *Output {
	for i := range t.Outputs {
		if t.Outputs[i].Name == name {
			return &t.Outputs[i]
		}
	}
	return nil
}

// Rows are the numbers of a split's rows, in their order.
func (t *Table) Rows(test bool) []int {
	var rows []int
	for i, of := range t.Test {
		if of == test {
			rows = append(rows, i)
		}
	}
	return rows
}

// Fingerprint is 16 hexadecimal digits that tell ids, labels and classes of rows.
func (t *Table) Fingerprint(rows []int) string {
	h := sha256.New()
	fmt.Fprintf(h, "table %q\n", t.Classes)
	for _, i := range rows {
		if t.IDs != nil {
			fmt.Fprintf(h, "%q", t.IDs[i])
		}
		if t.Labels != nil {
			fmt.Fprintf(h, " %d", t.Labels[i])
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Join makes one table of a file with training images and one with test images, whatever splits they name. Outputs that
// only one has are left out; classes are the same where their names are.
func Join(train, test *Table) (*Table, error) {
	t := &Table{Test: append(make([]bool, train.Len()), slices.Repeat([]bool{true}, test.Len())...)}
	for _, o := range test.Outputs {
		other := train.Output(o.Name)
		if other == nil {
			continue
		}
		if other.Columns != o.Columns {
			return nil, fault.New(fault.Data, "%s has %d columns in the training file and %d in the test file", o.Name,
				other.Columns, o.Columns)
		}
		t.Outputs = append(t.Outputs, Output{o.Name, o.Columns, slices.Concat(other.Values, o.Values)})
	}
	if len(t.Outputs) == 0 {
		return nil, fault.New(fault.Data, "the training file and the test file have no output of one name in common")
	}
	if train.IDs != nil && test.IDs != nil {
		t.IDs = slices.Concat(train.IDs, test.IDs)
	}
	if train.Labels == nil || test.Labels == nil {
		return t, nil
	}
	numbers := map[string]int{}
	t.Classes = slices.Clone(train.Classes)
	for i, name := range train.Classes {
		numbers[name] = i
	}
	common := false
	for _, name := range test.Classes {
		if _, known := numbers[name]; known {
			common = true
		} else {
			numbers[name] = len(t.Classes)
			t.Classes = append(t.Classes, name)
		}
	}
	if !common {
		return nil, fault.New(fault.Data, "the training file and the test file have no class in common: %.80q and %.80q",
			train.Classes, test.Classes).Advise("name classes alike in both, by labels that are texts or by the array classes")
	}
	t.Labels = slices.Clone(train.Labels)
	for _, label := range test.Labels {
		if label >= 0 {
			label = numbers[test.Classes[label]]
		}
		t.Labels = append(t.Labels, label)
	}
	return t, nil
}

// Like puts the rows of the table into the order of another's, which must be of the same images by their ids. Labels
// and splits are then those of the other.
func (t *Table) Like(other *Table) (*Table, error) {
	if t.IDs == nil || other.IDs == nil {
		return nil, fault.New(fault.Data, "images are paired by their ids, and one of the files has no array ids")
	}
	at := make(map[string]int, t.Len())
	for i, id := range t.IDs {
		if _, there := at[id]; there {
			return nil, fault.New(fault.Data, "two images have the id %q, so that they can't be paired", id)
		}
		at[id] = i
	}
	rows := make([]int, other.Len())
	for i, id := range other.IDs {
		row, there := at[id]
		if !there {
			return nil, fault.New(fault.Data, "the image %q is not in both files, or twice in one", id)
		}
		delete(at, id)
		rows[i] = row
	}
	for id := range at {
		return nil, fault.New(fault.Data, "the files have %d and %d images, and %q is in one only", t.Len(), other.Len(), id)
	}
	same := &Table{IDs: other.IDs, Labels: other.Labels, Classes: other.Classes, Test: other.Test}
	for _, o := range t.Outputs {
		same.Outputs = append(same.Outputs, Output{o.Name, o.Columns, o.Select(nil, rows)})
	}
	return same, nil
}

// Select appends rows to dst.
func (o Output) Select(dst []float32, rows []int) []float32 {
	for _, i := range rows {
		dst = append(dst, o.Values[i*o.Columns:(i+1)*o.Columns]...)
	}
	return dst
}

// check makes sure that what the table holds belongs together.
func (t *Table) check() error {
	n := t.Len()
	if n == 0 || len(t.Outputs) == 0 {
		return fault.New(fault.Data, "there are no rows")
	}
	if t.IDs != nil && len(t.IDs) != n || t.Labels != nil && len(t.Labels) != n {
		return fault.New(fault.Data, "%d images have %d ids and %d labels", n, len(t.IDs), len(t.Labels))
	}
	for _, label := range t.Labels {
		if label < -1 || label >= len(t.Classes) {
			return fault.New(fault.Data, "the label %d is none of %d classes, nor -1, which stands for none", label,
				len(t.Classes))
		}
	}
	for _, o := range t.Outputs {
		if len(o.Values) != n*o.Columns || o.Columns == 0 {
			return fault.New(fault.Data, "%s has %d values of %d columns for %d images", o.Name, len(o.Values), o.Columns, n)
		}
	}
	return nil
}

// finite makes sure that the outputs are numbers.
func (t *Table) finite() error {
	for _, o := range t.Outputs {
		for i, v := range o.Values {
			if v-v != 0 {
				return fault.New(fault.Numeric, "%s holds %g in row %d, column %d", o.Name, v, i/o.Columns, i%o.Columns)
			}
		}
	}
	return nil
}
