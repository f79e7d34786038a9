package guard

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/eval"
)

// reading is one of 200 images, of the embedding alone.
func reading(deviation, clustering, rank float64) Reading {
	var r Reading
	r.Add(200, "embedding", Spread{eval.Defined(deviation), eval.Defined(clustering),
		eval.EffectiveRank{Rank: eval.Defined(rank), Attainable: 64, Share: eval.Defined(rank / 64)}})
	return r
}

// TestWatch: readings of real trainings, rounded, and of what could be taken for a collapse and is none.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name     string
		readings []Reading // the first is that of the untrained network
		found    string    // number, since and seen
	}{
		{"sound", []Reading{reading(0.84, 0.09, 52), reading(0.55, 0.47, 21), reading(0.82, 0.18, 23),
			reading(0.94, 0.13, 26)}, ""},
		{"sound, few directions of many", []Reading{reading(0.82, 0.1, 134), reading(0.84, 0.34, 33),
			reading(0.8, 0.29, 14.2), reading(0.81, 0.25, 14)}, ""},
		{"sound from a start where all is one", []Reading{reading(0.064, 0.99, 1.7), reading(0.09, 0.98, 2),
			reading(0.16, 0.93, 2.2), reading(0.37, 0.67, 2.9)}, ""},
		{"onto one vector", []Reading{reading(0.85, 0.08, 52), reading(0.53, 0.51, 19), reading(0.26, 0.7, 16),
			reading(0.16, 0.75, 16), reading(0.15, 0.75, 16)}, "deviation 3 4"},
		{"onto one direction", []Reading{reading(0.85, 0.08, 52), reading(0.53, 0.51, 19), reading(0.4, 0.86, 16),
			reading(0.3, 0.94, 14)}, "clustering 2 3"},
		{"onto few directions", []Reading{reading(0.85, 0.08, 52), reading(0.98, 0.5, 7), reading(0.99, 0.5, 4.7),
			reading(0.99, 0.5, 4.6)}, "rank 2 3"},
		{"from the beginning", []Reading{reading(0.85, 0.08, 52), reading(0.02, 1, 1.4), reading(0.02, 1, 1.4)},
			"deviation 1 2, clustering 1 2, rank 1 2"},
		{"from a peak", []Reading{reading(0.06, 0.99, 1.7), reading(0.8, 0.3, 20), reading(0.8, 0.3, 20),
			reading(0.1, 0.5, 12), reading(0.1, 0.5, 12)}, "deviation 3 4"},
		{"once only", []Reading{reading(0.85, 0.08, 52), reading(0.02, 1, 1.4), reading(0.8, 0.3, 20),
			reading(0.02, 1, 1.4), reading(0.8, 0.3, 20)}, ""},
		{"at the limits", []Reading{reading(0.8, 0.2, 32), reading(0.2, 0.8, 4), reading(0.2, 0.8, 4)},
			"deviation 1 2, clustering 1 2, rank 1 2"},
		{"above them", []Reading{reading(0.8, 0.2, 32), reading(0.201, 0.799, 4.01), reading(0.201, 0.799, 4.01)}, ""},
		{"untrained alone", []Reading{reading(0.8, 0.2, 32)}, ""},
		{"nothing", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w Watch
			var now []Finding
			for epoch, r := range c.readings {
				now = append(now, w.See(epoch, r)...)
			}
			var all []string
			for _, f := range now {
				all = append(all, fmt.Sprintf("%s %d %d", f.Number, f.Since, f.Seen))
			}
			if got := strings.Join(all, ", "); got != c.found {
				t.Errorf("found %q, want %q", got, c.found)
			}
			if kept := w.Findings(); len(kept) != len(now) || len(w.Collapsed()) != len(now) {
				t.Errorf("kept %v, of which stand %v, want %v", kept, w.Collapsed(), now)
			}
		})
	}
}

// TestFindingsAreSaidOnce: also where the training comes back and collapses again.
func TestFindingsAreSaidOnce(t *testing.T) {
	good, bad := reading(0.8, 0.2, 32), reading(0.1, 0.3, 20)
	var w Watch
	said := 0
	for epoch, r := range []Reading{good, good, bad, bad, bad, good, good} {
		said += len(w.See(epoch, r))
	}
	want := []Finding{{Output: "embedding", Number: "deviation", Since: 2, Seen: 3, Value: 0.1, Best: 0.8, Last: 0.8}}
	if got := w.Findings(); said != 1 || !reflect.DeepEqual(got, want) || len(w.Collapsed()) != 0 {
		t.Errorf("said %d times: %+v, want %+v", said, got, want)
	}
	for epoch, r := range []Reading{bad, bad} {
		said += len(w.See(7+epoch, r))
	}
	if got := w.Collapsed(); said != 1 || len(got) != 1 || got[0].Last != 0.1 || !got[0].Stands {
		t.Errorf("said %d times: %+v", said, got)
	}
}

// TestOtherNumberOfImagesBeginsAnew: fewer images have a lower rank whatever the network.
func TestOtherNumberOfImagesBeginsAnew(t *testing.T) {
	var w Watch
	good, bad := reading(0.8, 0.2, 32), reading(0.1, 0.3, 20)
	w.See(0, good)
	w.See(1, bad)
	w.See(2, bad)
	good.Images, bad.Images = 50, 50
	for epoch, r := range []Reading{bad, bad, good, bad, bad} {
		if found := w.See(3+epoch, r); len(found) > 0 {
			t.Errorf("said again: %v", found)
		}
	}
	if got := w.Findings(); len(got) != 1 || got[0].Since != 1 || !got[0].Stands {
		t.Errorf("findings %+v", got)
	}
}

// TestReadingsRestoreTheWatch: what a run has written says the same as what it has seen.
func TestReadingsRestoreTheWatch(t *testing.T) {
	var one, other Watch
	for epoch, r := range []Reading{reading(0.85, 0.08, 52), reading(0.53, 0.51, 19), reading(0.1, 0.99, 1),
		reading(0, 1, 1), {Images: 200, Outputs: map[string]Spread{"embedding": {Deviation: eval.Defined(0)}}}} {
		one.See(epoch, r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Reading
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		other.See(epoch, again)
	}
	if !reflect.DeepEqual(one, other) || len(one.Findings()) != 3 {
		t.Errorf("%+v and %+v", one, other)
	}
}

func TestMeasure(t *testing.T) {
	even := eval.Rows{Dim: 2, Data: []float32{1, 0, 0, 1, -1, 0, 0, -1}}
	one := eval.Rows{Dim: 2, Data: []float32{3, 4, 6, 8, 3, 4}}
	for _, c := range []struct {
		name                              string
		rows                              eval.Rows
		deviation, clustering, rank, most float64
	}{
		{"even", even, 1, -1. / 3, 2, 2}, // Σ cos² is 8: (8 - 4 - 6) / (16 - 4 - 6)
		{"one direction", one, 0, 1, 1, 2},
	} {
		s, err := Measure(c.rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []struct{ got, want float64 }{{s.Deviation.Number, c.deviation},
			{s.Clustering.Number, c.clustering}, {s.Rank.Rank.Number, c.rank}, {float64(s.Rank.Attainable), c.most}} {
			if math.Abs(n.got-n.want) > 1e-5 {
				t.Errorf("%s: %+v, want %v", c.name, s, c)
			}
		}
	}
	zero, err := Measure(eval.Rows{Dim: 2, Data: make([]float32, 6)})
	if err != nil || !zero.Deviation.Defined || zero.Deviation.Number != 0 || zero.Clustering.Defined ||
		zero.Rank.Rank.Defined {
		t.Errorf("rows of zeros: %+v, %v", zero, err)
	}
	_, err = Measure(eval.Rows{Dim: 2, Data: []float32{1, float32(math.NaN())}})
	if fault.KindOf(err) != fault.Numeric {
		t.Errorf("NaN: %v", err)
	}
}

func ExampleWatch() {
	var w Watch
	for epoch, deviation := range []float64{0.85, 0.53, 0.2, 0.12} { // the first is of the untrained network
		var r Reading
		r.Add(200, "embedding", Spread{Deviation: eval.Defined(deviation)})
		if found := w.See(epoch, r); len(found) > 0 {
			fmt.Println("the training collapses,", Describe(found))
		}
	}
	// Output:
	// the training collapses, since epoch 2: the embedding's normalised deviation is 0.12 (0.85 untrained)
}
