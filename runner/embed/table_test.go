package embed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
)

// small is a table of two images.
func small() *Table {
	return &Table{
		Outputs: []Output{{"features", 3, []float32{1, 2, 3, 4, 5, 6}}, {"embedding", 1, []float32{7, 8}}},
		IDs:     []string{"a", "b"}, Labels: []int{0, 1}, Classes: []string{"x", "y"}, Test: []bool{false, true},
	}
}

func TestTableNoticesWhatDoesNotFit(t *testing.T) {
	if err := small().check(); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(t *Table){
		"3 images have 2 ids":   func(t *Table) { t.Test = append(t.Test, true) },
		"1 labels":              func(t *Table) { t.Labels = t.Labels[1:] },
		"features has 5 values": func(t *Table) { t.Outputs[0].Values = t.Outputs[0].Values[1:] },
		"of 0 columns":          func(t *Table) { t.Outputs[0] = Output{Name: "features"} },
		"no rows":               func(t *Table) { t.Outputs = nil },
		"label 2":               func(t *Table) { t.Labels[0] = 2 },
	} {
		x := small()
		change(x)
		if err := x.check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

func TestUnique(t *testing.T) {
	if err := unique([]string{"b", "a", "c"}); err != nil {
		t.Error(err)
	}
	if err := unique([]string{"b", "a", "b"}); err == nil || !strings.Contains(err.Error(), "two images have the id b") {
		t.Errorf("got %v", err)
	}
}

func TestJoin(t *testing.T) {
	train, test := small(), small()
	test.Outputs, test.Classes, test.Labels = test.Outputs[:1], []string{"y", "z"}, []int{1, -1}
	both, err := Join(train, test)
	if err != nil {
		t.Fatal(err)
	}
	if err := both.check(); err != nil {
		t.Error(err)
	}
	if len(both.Outputs) != 1 || both.Len() != 4 || !slices.Equal(both.Test, []bool{false, false, true, true}) ||
		!slices.Equal(both.Labels, []int{0, 1, 2, -1}) || !slices.Equal(both.Classes, []string{"x", "y", "z"}) {
		t.Errorf("%+v", both)
	}
	for says, change := range map[string]func(t *Table){
		"no output of one name": func(t *Table) { t.Outputs[0].Name = "z" },
		"columns":               func(t *Table) { t.Outputs[0].Columns, t.Outputs[0].Values = 1, []float32{1, 2} },
		"no class in common":    func(t *Table) { t.Classes = []string{"1", "2"} },
	} {
		test := small()
		test.Outputs = test.Outputs[:1]
		change(test)
		if _, err := Join(train, test); !errors.Is(err, fault.Data) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
	test.Labels = nil
	if both, err = Join(train, test); err != nil || both.Labels != nil {
		t.Errorf("without labels: %+v, %v", both, err)
	}
}

func TestLike(t *testing.T) {
	one, other := small(), small()
	slices.Reverse(other.IDs)
	same, err := other.Like(one)
	if err != nil || !slices.Equal(same.Outputs[0].Values, []float32{4, 5, 6, 1, 2, 3}) ||
		!slices.Equal(same.Test, one.Test) {
		t.Errorf("%+v, %v", same, err)
	}
	for says, change := range map[string]func(t *Table){
		"no array ids": func(t *Table) { t.IDs = nil },
		`two images`:   func(t *Table) { t.IDs[0] = t.IDs[1] },
		`"a"`:          func(t *Table) { t.IDs = []string{"b", "c"} },
		"in one only":  func(t *Table) { *t = *threeOf(t) },
	} {
		x := small()
		change(x)
		if _, err := x.Like(one); !errors.Is(err, fault.Data) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// threeOf is a table with one image more.
func threeOf(t *Table) *Table {
	return &Table{IDs: append(t.IDs, "c"), Test: append(t.Test, true), Outputs: nil}
}
