package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"ordo/augment"
	"ordo/loss"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/ort/orttest"
	"ordo/runner/config"
	"ordo/runner/data"
)

// experiment is a small one, of four steps an epoch.
func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(`
name: small
data: {source: orchard, image_size: 16, images: 48, test_images: 24}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment:
  invariant: [horizontal_flip, color_jitter]
  ordered: [{family: rotate, levels: 2}, {family: hue, levels: 1}]
train: {epochs: 3, batch_size: 12, warmup_epochs: 1}
`), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// open prepares an experiment and opens its stepper with one thread.
func open(t testing.TB, e config.Experiment) *Stepper {
	t.Helper()
	rt := orttest.Open(t)
	setup, err := Prepare(e)
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := setup.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(rt, setup, a, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// unreadable fails at a call.
type unreadable struct {
	data.Dataset
	calls *atomic.Int64
	at    int64
}

func (u unreadable) Image(i int) (augment.Image, error) {
	if u.calls.Add(1) == u.at {
		return augment.Image{}, fs.ErrPermission
	}
	return u.Dataset.Image(i)
}

// state is all that a checkpoint would take.
func state(t *testing.T, s *Stepper) string {
	t.Helper()
	weights, err := s.Trainer().CopyParameters(false)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(weights, s.target.average.Values()) + string(s.setup.Loss.State())
}

// TestStepThatBreaksOffLeavesEverything: whether a step breaks off before, between or behind the micro-batches, what a
// checkpoint would take is as it was before the step.
func TestStepThatBreaksOffLeavesEverything(t *testing.T) {
	for _, at := range []int64{13, 17, 25, 29, 35} { // 12 images a pass
		e := experiment(t, "loss.invariance.kind=moco", "loss.invariance.temperature=0", "train.micro_batch=3",
			"train.workers=1")
		splits, err := data.Open(context.Background(), e.Data)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, e)
		if err := s.Feed(context.Background(), unreadable{splits.Train, new(atomic.Int64), 24 + at}, 0); err != nil {
			t.Fatal(err)
		}
		var kept []string
		for step := range 4 {
			_, err = s.Take(float64(step)/4, float32(e.Train.Rate(step, 4)))
			now := state(t, s)
			if err != nil {
				if !errors.Is(err, fs.ErrPermission) || step == 0 || now != kept[step-1] {
					t.Errorf("call %d, step %d: %v, or the step left something behind", at, step, err)
				}
				break
			}
			kept = append(kept, now)
			if step > 0 && now == kept[step-1] {
				t.Errorf("step %d did nothing", step)
			}
		}
		if err == nil {
			t.Errorf("call %d: no step broke off", at)
		}
	}
}

func TestTimes(t *testing.T) {
	e := experiment(t, "loss.invariance.kind=byol", "loss.invariance.temperature=0")
	splits, err := data.Open(context.Background(), e.Data)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, e)
	if err := s.Feed(context.Background(), splits.Train, 0); err != nil {
		t.Fatal(err)
	}
	var all Times
	if all.Share().ONNXRuntime != 0 || all.ImagesPerSecond(12) != 0 {
		t.Errorf("no steps have %+v", all.Share())
	}
	for range 2 {
		step, err := s.Take(0, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		if !(step.GradNorm > 0) || step.Loss.Total == 0 || step.Times.Steps != 1 {
			t.Errorf("step %+v", step)
		}
		all.Add(step.Times)
	}
	share := all.Share()
	if sum := share.ONNXRuntime + share.DataWait + share.Loss + share.Target + share.Rest; sum < 0.999 || sum > 1.001 ||
		!(share.Target > 0 && share.Loss > 0 && share.Rest >= 0) {
		t.Errorf("shares %+v", share)
	}
	if got, want := all.ImagesPerSecond(12), 24/all.Total.Seconds(); got != want || all.Steps != 2 {
		t.Errorf("%v images/s in %d steps, want %v", got, all.Steps, want)
	}
}

func TestDivergenceIsASentence(t *testing.T) {
	for _, cause := range []error{models.ErrNonFinite, loss.ErrNonFinite} {
		err := Diverged(7, fmt.Errorf("wrapped: %w", cause))
		if !errors.Is(err, fault.Numeric) || !NonFinite(err) || !strings.Contains(err.Error(), "step 7") ||
			!strings.Contains(err.Error(), "train.lr") {
			t.Errorf("error %v", err)
		}
	}
	if err := Diverged(7, fs.ErrClosed); err != fs.ErrClosed { //nolint:errorlint // it must be the same
		t.Errorf("error %v", err)
	}
	if err := Diverged(7, nil); err != nil {
		t.Errorf("error %v of none", err)
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		overrides        []string
		threads, workers int
	}{
		{[]string{"model.threads=9"}, 9, 2},
		{[]string{"model.threads=1"}, 1, 1},
		{[]string{"model.threads=2", "train.workers=3"}, 2, 3},
	} {
		e := experiment(t, c.overrides...)
		if Threads(e) != c.threads || Workers(e) != c.workers {
			t.Errorf("%v: %d threads and %d workers", c.overrides, Threads(e), Workers(e))
		}
	}
	if e := experiment(t); Threads(e) < 1 || Workers(e) < 1 {
		t.Errorf("%d threads and %d workers", Threads(e), Workers(e))
	}
}

func TestPrepare(t *testing.T) {
	s, err := Prepare(experiment(t, "loss.invariance.kind=byol", "loss.invariance.temperature=0"))
	if err != nil {
		t.Fatal(err)
	}
	list := s.Model.Options().Heads
	if len(s.Plan.Views()) != 5 || len(list) != 1 || list[0].Name != "predictor" {
		t.Errorf("%d views, heads %v", len(s.Plan.Views()), list)
	}
	if of := s.Model.Fingerprint(); of != "" {
		t.Errorf("fingerprint %q", of)
	}
	_, notes, err := s.Build(nil)
	if err != nil || len(notes) == 0 || !strings.Contains(notes[len(notes)-1], "predictor") {
		t.Errorf("notes %q, %v", notes, err)
	}
	bad := experiment(t)
	bad.Train.LR = -1
	if _, err := Prepare(bad); !errors.Is(err, fault.Config) {
		t.Errorf("error %v", err)
	}
}

func TestNothingIsNeededForNothing(t *testing.T) {
	if list := neededHeads(nil, map[string]int{models.Features: 4, models.Embedding: 2}); len(list) != 0 {
		t.Errorf("%v for nothing", list)
	}
}
