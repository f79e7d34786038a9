package importance

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestReference: the numbers are Optuna's.
func TestReference(t *testing.T) {
	var reference struct {
		Sweeps []struct {
			Minimize   bool
			Trials     []Trial
			Importance map[string]float64
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	keys := []Key{
		{Name: "role"}, {Name: "steps", Kind: Steps}, {Name: "uniform", Kind: Numbers, Low: -1, High: 3},
		{Name: "log", Kind: Numbers, Low: 1e-4, High: 1e-1, Log: true},
		{Name: "whole", Kind: Numbers, Low: 10, High: 40, Step: 1},
		{Name: "stepped", Kind: Numbers, Low: 0, High: 1, Step: 0.25},
	}
	if len(reference.Sweeps) != 3 {
		t.Fatalf("%d sweeps", len(reference.Sweeps))
	}
	for n, s := range reference.Sweeps {
		r := Of(keys, s.Trials, s.Minimize)
		if r.Note != "" || len(r.Keys) != len(keys) {
			t.Fatalf("%d: %+v", n, r)
		}
		shares := 0.
		for i, w := range r.Keys {
			want := s.Importance[w.Key]
			if math.Abs(w.Value-want) > 1e-9*max(1, want) {
				t.Errorf("sweep %d, %s: %.12g, want %.12g", n, w.Key, w.Value, want)
			}
			if i > 0 && w.Value > r.Keys[i-1].Value {
				t.Errorf("sweep %d: %s stands behind less important ones", n, w.Key)
			}
			shares += w.Share
		}
		if math.Abs(shares-1) > 1e-12 {
			t.Errorf("sweep %d: shares sum to %g", n, shares)
		}
	}
}

// made are trials of a key that decides and one that means nothing.
func made(n int) (keys []Key, trials []Trial) {
	draw := rand.New(rand.NewPCG(1, 2))
	for range n {
		x := draw.Float64()
		trials = append(trials, Trial{Result: x, Values: []string{strconv.FormatFloat(x, 'g', 6, 64),
			[]string{"a", "b"}[draw.IntN(2)]}})
	}
	return []Key{{Name: "nothing"}, {Name: "decides", Kind: Numbers, High: 1}}, trials
}

// TestSure: what decides is told from what means nothing.
func TestSure(t *testing.T) {
	keys, trials := made(50)
	for i := range trials { // the keys' order is the values'
		trials[i].Values[0], trials[i].Values[1] = trials[i].Values[1], trials[i].Values[0]
	}
	r := Of(keys, trials, false)
	if r.Top != 5 || r.Keys[0].Key != "decides" || !r.Keys[0].Told() || r.Keys[1].Told() || r.Keys[0].Share < 0.5 {
		t.Errorf("%+v", r)
	}
	if from, to, ok := strings.Cut(r.Keys[0].Best, " to "); !ok || parsed(from) < 0.8 || parsed(to) < parsed(from) {
		t.Errorf("the best have %s", r.Keys[0].Best)
	}
	text := r.Text()
	for _, want := range []string{"best 5 of 50", "decides", "not told from chance"} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " "), want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
	// The other way round the lowest are the best.
	low := Of(keys, trials, true)
	if _, to, _ := strings.Cut(low.Keys[0].Best, " to "); low.Keys[0].Key != "decides" || parsed(to) > 0.2 {
		t.Errorf("%+v", low)
	}
	if again := Of(keys, trials, false); *again.Keys[1].P != *r.Keys[1].P {
		t.Error("the same trials have another p")
	}
}

// TestChance: of keys that mean nothing about as many are told as the level says.
func TestChance(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	told := 0
	const sweeps = 100
	for range sweeps {
		var trials []Trial
		for range 40 {
			trials = append(trials, Trial{Values: []string{strconv.Itoa(draw.IntN(30))}, Result: draw.Float64()})
		}
		if Of([]Key{{Name: "x", Kind: Numbers, High: 29, Step: 1}}, trials, false).Keys[0].Told() {
			told++
		}
	}
	if told > 12 { // 5 are expected; 13 or more come once in 700 times
		t.Errorf("%d of %d keys that mean nothing are told", told, sweeps)
	}
}

// TestTooFew: with few trials, or equal ones, there is a sentence and no number.
func TestTooFew(t *testing.T) {
	keys, trials := made(LeastTrials - 1)
	keys[0], keys[1] = keys[1], keys[0]
	if r := Of(keys, trials, false); !strings.Contains(r.Note, "19 finished") || len(r.Keys) > 0 ||
		!strings.Contains(r.Text(), "can't be told") {
		t.Errorf("%+v", r)
	}
	if r := Of(keys, nil, false); r.Note == "" {
		t.Errorf("%+v", r)
	}
	_, trials = made(30)
	for i := range trials {
		trials[i].Result = 1
	}
	if r := Of(keys, trials, false); !strings.Contains(r.Note, "the same") {
		t.Errorf("%+v", r)
	}
	// A key that few trials have set.
	_, trials = made(30)
	for i := range trials[:15] {
		trials[i].Values[1] = ""
	}
	for _, w := range Of(keys, trials, false).Keys {
		if few := w.Key == "nothing"; few != (w.P == nil) || few != (w.Share == 0) || few && w.Trials != 15 {
			t.Errorf("%+v", w)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	keys, trials := made(1000)
	keys[0], keys[1] = keys[1], keys[0]
	for b.Loop() {
		if r := Of(keys, trials, false); r.Note != "" {
			b.Fatal(r.Note)
		}
	}
	b.ReportMetric(float64(len(trials)), "trials/op")
}
