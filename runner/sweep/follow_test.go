package sweep

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"ordo/runner/track"
)

// TestFollow: what runs is seen by its folder, with what is left by how long its epochs took.
func TestFollow(t *testing.T) {
	b := newBench(t, "base: base.yaml\nmethod: grid\nparameters: {train.lr: {values: [0.1, 0.2, 0.3]}, "+
		"train.epochs: {value: 4}}\nseeds: 2\njobs: 2\n")
	p := b.plan()
	b.found(p, `{"status": "finished", "knn_top1": 0.5, "seconds": 60}`)
	if err := p.Trials[1].tried(b.out, Attempt{Failure: Failure{Exit: 1, Lines: []string{"before"}}}); err != nil {
		t.Fatal(err)
	}
	f, err := p.Follow(b.out, 0)
	if err != nil {
		t.Fatal(err)
	}
	running, err := track.Open(filepath.Join(b.out, p.Trials[2].Folder), track.Record{Hash: p.Trials[2].Hash},
		[]byte("train: {epochs: 4}\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	l, err := f.Look()
	if err != nil || len(l.Running) != 1 || l.Running[0].Left != 0 || l.Running[0].Epochs != 4 || len(l.Failed) != 0 ||
		l.Counts[Pending] != 3 || l.Ended() != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	// An epoch of 5 steps takes 10 s: three of four are left. Three wait and take 60 s each, as the finished one did.
	err = nil
	for i := 1; i <= 5; i++ {
		err = errors.Join(err, running.Step(track.Step{Step: i, Epoch: float64(i) / 5, Loss: 1}))
	}
	err = errors.Join(err, running.Eval(track.EvalLine{Step: 5, Epoch: 1, Evaluation: track.Evaluation{
		Metrics: map[string]float64{"knn.features": 0.75}}}), running.Timing(track.Timing{Step: 5, Steps: 5, Seconds: 10}),
		p.Trials[3].tried(b.out, Attempt{Failure: Failure{Exit: 4, Lines: []string{"trouble"}}}))
	if err != nil {
		t.Fatal(err)
	}
	l, err = f.Look()
	if err != nil || len(l.Running) != 1 || l.Running[0].Left != 30*time.Second || *l.Running[0].Number != 0.75 ||
		l.Running[0].Epoch != 1 || l.Left != (30+2*60)*time.Second/2 {
		t.Errorf("%+v, %v", l, err)
	}
	if len(l.Failed) != 1 || l.Failed[0].Failure.Lines[0] != "trouble" {
		t.Errorf("failed: %+v", l.Failed)
	}
	if l, err = f.Look(); err != nil || len(l.Failed) != 0 {
		t.Errorf("failures are told twice: %+v, %v", l.Failed, err)
	}
}

func TestOver(t *testing.T) {
	var h track.History
	for i := 1; i <= 5; i++ {
		h.Steps = append(h.Steps, track.Step{Step: i, Epoch: float64(i) / 2, Loss: float64(i)})
	}
	h.Evals = []track.EvalLine{{Epoch: 2, Evaluation: track.Evaluation{Metrics: map[string]float64{
		"knn.features": 0.5, "rotate.order_accuracy.embedding": 0.75, "x.y": 1}}}}
	for name, want := range map[string][]float64{
		"loss": {1.5, 3.5, 5}, "knn_top1": {0.5}, "order_accuracy.rotate.embedding": {0.75}, "evaluation.x.y": {1},
		"order_accuracy.rotate": nil, "seconds": nil, "order_accuracy.hue.embedding": nil,
	} {
		epochs, values := Metric{Name: name}.Over(h)
		if len(values) != len(want) || len(epochs) != len(want) {
			t.Errorf("%s: %v at %v, want %v", name, values, epochs, want)
			continue
		}
		for i, x := range want {
			if values[i] != x {
				t.Errorf("%s: %v, want %v", name, values, want)
			}
		}
	}
}

// TestAxes: what a key's values are, by the file and, in a folder, by the trials.
func TestAxes(t *testing.T) {
	b := newBench(t, `base: base.yaml
method: random
run_cap: 40
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-1}
  train.epochs: {min: 3, max: 9}
  train.weight_decay: {distribution: normal, mu: 0.5, sigma: 0.01}
  augment.framing: {values: [none, circle]}
  train.batch_size: {values: [8, 16, 32]}
seeds: 2
`)
	p := b.plan()
	b.found(p)
	folder, err := Open(b.out)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*Plan{"file": p, "folder": folder} {
		all := p.Axes()
		if len(all) != 5 || !all[0].Log || all[0].Kind != 2 || all[1].Log || all[2].Log || all[2].Kind != 2 ||
			all[2].Low < 0.4 || all[2].High > 0.6 || all[3].Kind != 0 || all[4].Kind != 1 || all[4].Log {
			t.Errorf("%s: %+v", name, all)
		}
		if name == "file" && (all[1].Step != 1 || all[1].Low != 3 || all[1].High != 9 || all[0].High != 0.1) {
			t.Errorf("%+v", all[:2])
		}
	}
}
