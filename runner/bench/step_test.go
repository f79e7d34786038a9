package bench

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/models/ort/orttest"
)

func TestStepEndsWithItsContext(t *testing.T) {
	o := Options{Experiment: experiment(t), Libraries: libraries(t), Steps: 1000}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Step(ctx, o); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("error %v", err)
	}
}

func TestStepLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := Options{Experiment: experiment(t), Libraries: libraries(t), Steps: 2, Warmup: 1, Profile: true}
	r, err := Step(context.Background(), o)
	if err != nil || len(r.Ops) == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if l := r.Limits; l == nil || l.MultiplyAdd < 0.1 || l.MatrixProduct < 0.01 || l.Memory < 0.001 ||
		r.Share != r.GFLOPS/l.MultiplyAdd {
		t.Errorf("limits %+v, share %v", l, r.Share)
	}
	if r.Drift != nil {
		t.Errorf("the tenth of 2 steps: %+v", r.Drift)
	}
	operations := 0.0
	for _, op := range r.Ops {
		operations += op.Operations
	}
	want := r.GFLOPS * 1e9 * r.TimeShare.ONNXRuntime * float64(r.BatchSize) / r.ImagesPerSec
	if operations < want*0.999 || operations > want*1.001 {
		t.Errorf("the profile has %v operations a step, the graph %v", operations, want)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	o.Steps = 0
	if _, err := Step(context.Background(), o); err == nil {
		t.Error("no error for 0 steps")
	}
	o.Steps, o.Experiment.Train.LR = 1, -1
	if _, err := Step(context.Background(), o); !errors.Is(err, fault.Config) {
		t.Errorf("error %v", err)
	}
}

func TestDrift(t *testing.T) {
	o := Options{Experiment: experiment(t), Libraries: libraries(t), Steps: minDrift}
	r, err := Step(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Drift; d == nil || d.First <= 0 || d.Last <= 0 || d.Resident < 1<<20 || d.ResidentWarm < 1<<20 ||
		r.PeakMemory < d.Resident/2 { // Linux's counts are off by some pages a core
		t.Errorf("%+v, peak %d", d, r.PeakMemory)
	}
	steps := make([]time.Duration, 30)
	for i := range steps {
		steps[i] = time.Duration(i+1) * time.Second
	}
	if first, last := drift(steps, 4); first != 4*3/6.0 || last != 4*3/87.0 {
		t.Errorf("the first tenth has %v images/s, the last %v", first, last)
	}
}

func TestOperators(t *testing.T) {
	l := &Limits{MultiplyAdd: 100, Memory: 10}
	for _, c := range []struct {
		op     models.OpTime
		limits *Limits
		want   Op
	}{
		{
			models.OpTime{Op: "Conv", Time: 4 * time.Second, Calls: 6, Operations: 200e9, Bytes: 10e9}, l,
			Op{"Conv", 3, 2, 0.5, 100e9, 5e9, 50, 2.5, LimitCompute, 0.5},
		},
		{
			models.OpTime{Op: "Relu", Time: 2 * time.Second, Calls: 2, Bytes: 5e9}, l,
			Op{"Relu", 1, 1, 0.25, 0, 2.5e9, 0, 2.5, LimitMemory, 0.25},
		},
		{
			models.OpTime{Op: "Relu", Time: 2 * time.Second, Calls: 2, Bytes: 5e9}, nil,
			Op{"Relu", 1, 1, 0.25, 0, 2.5e9, 0, 2.5, "", 0},
		},
	} {
		if got := newOp(c.op, 2, 8*time.Second, c.limits); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestStepShowsTheTarget(t *testing.T) {
	e := experiment(t, "loss.invariance.kind=byol", "loss.invariance.temperature=0", "train.micro_batch=6")
	r, err := Step(context.Background(), Options{Experiment: e, Libraries: libraries(t), Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := r.TimeShare
	if !(s.Target > 0 && s.Loss > 0 && s.ONNXRuntime > 0 && s.Rest >= 0) ||
		s.Target+s.Loss+s.ONNXRuntime+s.DataWait > 1.0001 {
		t.Errorf("shares %+v", s)
	}
}

func libraries(t testing.TB) models.Libraries {
	t.Helper()
	return models.Libraries{ONNXRuntime: orttest.Path(t)}
}
