package sweep

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ordo/runner/track"
)

// many is a sweep of 1,000 trials.
func many(b *testing.B) *Plan {
	b.Helper()
	dir := b.TempDir()
	file := filepath.Join(dir, "many.yaml")
	for name, text := range map[string]string{
		"base.yaml": baseText,
		"many.yaml": "base: base.yaml\nmethod: grid\nparameters: {train.lr: {value: 0.1}}\nseeds: 1000\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	p, err := NewPlan(file, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkStatus is `ordo sweep status` of 1,000 finished trials, and then the table of them.
func BenchmarkStatus(b *testing.B) {
	p, dir := many(b), b.TempDir()
	if err := p.freeze(dir); err != nil {
		b.Fatal(err)
	}
	for _, t := range p.Trials {
		f, err := track.Open(filepath.Join(dir, t.Folder), track.Record{Hash: t.Hash}, []byte("name: x\n"))
		if err != nil {
			b.Fatal(err)
		}
		r := track.Result{Status: track.Finished, Hash: t.Hash, Steps: 1, Seconds: 2}
		if _, err := f.Finish(r, nil, nil); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("status", func(b *testing.B) {
		for b.Loop() {
			s, err := p.Status(dir)
			if err != nil || s.Counts[Finished] != 1000 {
				b.Fatal(s.Counts, err)
			}
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			if t, err := p.Table(dir); err != nil || t.Status != Finished {
				b.Fatal(t.Status, err)
			}
		}
	})
}

// BenchmarkTrials is what a sweep takes for a trial beside the trial: its process does nothing and fails.
func BenchmarkTrials(b *testing.B) {
	p := many(b)
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "sweep")
		if _, err := p.Run(b.Context(), Options{Dir: dir, Jobs: 2, Command: []string{"/bin/false"}}); err == nil {
			b.Fatal("the trials did not fail")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(p.Trials)), "ms/trial")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkChoose is what a search by tpe takes to choose a trial when it has run 1,000.
func BenchmarkChoose(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "many.yaml")
	for name, text := range map[string]string{
		"base.yaml": epochsText, "many.yaml": strings.Replace(tpeText, "run_cap: 14", "run_cap: 1001", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	p, err := NewPlan(file, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	p.Trials = p.Trials[:1000]
	j := &journal{}
	for i, t := range p.Trials {
		rate, err := strconv.ParseFloat(t.Values[0], 64)
		value := -rate
		for _, e := range []entry{
			{What: begins, Trial: i + 1, Values: t.Values}, {What: finishes, Trial: i + 1, Value: &value},
		} {
			err = cmp.Or(err, j.add(e))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := p.choose(j); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/trial")
}
