package neighbours_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/embed"
	"ordo/runner/neighbours"
)

// angles are images of the given directions in degrees, the last of which are of the test split.
func angles(test int, degrees ...float64) neighbours.Options {
	t := &embed.Table{Outputs: []embed.Output{{Name: "z", Columns: 2}}, Classes: []string{"even", "odd"}}
	for i, d := range degrees {
		sin, cos := math.Sincos(d * math.Pi / 180)
		t.Outputs[0].Values = append(t.Outputs[0].Values, float32(cos), float32(sin))
		t.IDs = append(t.IDs, string(rune('a'+i)))
		t.Labels = append(t.Labels, i%2)
		t.Test = append(t.Test, i >= len(degrees)-test)
	}
	return neighbours.Options{File: "x.npz", Table: t, K: 2}
}

func ids(near []neighbours.Near) string {
	var all []string
	for _, n := range near {
		all = append(all, n.ID)
	}
	return strings.Join(all, " ")
}

func TestFind(t *testing.T) {
	o := angles(2, 0, 10, 25, 90, 12)
	r, err := neighbours.Find(t.Context(), o, "")
	if err != nil || len(r.Neighbours) != 5 || r.Output != "z" {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, want := range []string{"b e", "e a", "e b", "c e", "b a"} {
		if got := r.Neighbours[i]; ids(got.Near) != want || got.Row != i {
			t.Errorf("%s is near %s, want %s", got.ID, ids(got.Near), want)
		}
	}
	if d := r.Neighbours[0].Near[0]; math.Abs(d.Distance-(1-math.Cos(math.Pi/18))) > 1e-7 || d.Class != "odd" ||
		d.Split != "train" {
		t.Errorf("%+v", d)
	}
	one, err := neighbours.Find(t.Context(), o, "d")
	if err != nil || len(one.Neighbours) != 1 || ids(one.Neighbours[0].Near) != "c e" {
		t.Errorf("%+v, %v", one, err)
	}
	o.Table.IDs = nil
	if one, err = neighbours.Find(t.Context(), o, "3"); err != nil || ids(one.Neighbours[0].Near) != "2 4" {
		t.Errorf("without ids: %+v, %v", one, err)
	}
	var text bytes.Buffer
	if err := r.WriteTable(&text); err != nil || strings.Count(text.String(), "\n") != 11 {
		t.Errorf("%s, %v", &text, err)
	}
}

func TestFindOutliers(t *testing.T) {
	r, err := neighbours.FindOutliers(t.Context(), angles(0, 0, 10, 25, 90, 12), 2)
	if err != nil || len(r.Outliers) != 2 || r.Outliers[0].ID != "d" || r.Outliers[1].ID != "c" {
		t.Fatalf("%+v, %v", r.Outliers, err)
	}
	if want := (2 - math.Cos(65*math.Pi/180) - math.Cos(78*math.Pi/180)) / 2; math.Abs(r.Outliers[0].Mean-want) > 1e-7 {
		t.Errorf("the mean is %g, want %g", r.Outliers[0].Mean, want)
	}
}

func TestFindDuplicates(t *testing.T) {
	near := 1 - math.Cos(2.5*math.Pi/180) // a little more than two degrees
	for _, c := range []struct {
		test  int
		pairs string
	}{{2, "d-b"}, {0, "b-d"}} { // e is near c, but both are test images or farther than the threshold
		r, err := neighbours.FindDuplicates(t.Context(), angles(c.test, 0, 10, 30, 12, 60), near)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range r.Duplicates.Pairs {
			got = append(got, p.Image.ID+"-"+p.Near.ID)
		}
		if strings.Join(got, " ") != c.pairs || r.Duplicates.Median == 0 {
			t.Errorf("%d test images: pairs %q, %+v", c.test, got, r.Duplicates)
		}
		var text bytes.Buffer
		if err := r.WriteTable(&text); err != nil || !strings.HasPrefix(text.String(), "1 pairs of ") {
			t.Errorf("%s, %v", &text, err)
		}
	}
}

// TestSheet: pictures are found by their ids, and the sheet is the same bytes again.
func TestSheet(t *testing.T) {
	o := data.DefaultOptions()
	o.Images, o.TestImages, o.ImageSize = 12, 12, 0
	sized := o
	sized.ImageSize = 32
	sets, err := data.List(t.Context(), sized)
	if err != nil {
		t.Fatal(err)
	}
	a := angles(1, 0, 10, 25)
	a.Table.IDs = []string{sets.Train.ID(0), sets.Train.ID(5), sets.Test.ID(1)}
	r, err := neighbours.Find(t.Context(), a, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Sheet(t.Context(), o)
	if err != nil || len(s.Groups[0].Rows) != 3 || len(s.Groups[0].Rows[0].Cells) != 3 {
		t.Fatalf("%+v, %v", s.Groups, err)
	}
	if _, err := s.Draw(); err != nil {
		t.Error(err)
	}
	r.Neighbours[1].ID = "another"
	_, err = r.Sheet(t.Context(), o)
	if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "no image another") {
		t.Errorf("got %v", err)
	}
}

func TestRefuses(t *testing.T) {
	good := angles(0, 0, 10)
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := neighbours.Find(ended, good, ""); !errors.Is(err, fault.Interrupted) {
		t.Errorf("got %v", err)
	}
	if _, err := neighbours.Find(t.Context(), good, "z"); !errors.Is(err, fault.Config) {
		t.Errorf("got %v", err)
	}
	if _, err := neighbours.Find(t.Context(), angles(0, 0), ""); !errors.Is(err, fault.Data) {
		t.Errorf("got %v", err)
	}
	good.Output = "features"
	if _, err := neighbours.Find(t.Context(), good, ""); !errors.Is(err, fault.Config) {
		t.Errorf("got %v", err)
	}
}
