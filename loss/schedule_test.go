package loss

import (
	"math"
	"testing"
)

func TestRamp(t *testing.T) {
	for _, c := range []struct {
		schedule                 string
		warmup, progress, factor float64
	}{
		{ScheduleConstant, 0, 0, 1},
		{ScheduleConstant, 0, 1, 1},
		{ScheduleLinear, 0.2, 0, 0},
		{ScheduleLinear, 0.2, 0.05, 0.25},
		{ScheduleLinear, 0.2, 0.2, 1},
		{ScheduleLinear, 0.2, 0.9, 1},
		{ScheduleCosine, 0.5, 0, 0},
		{ScheduleCosine, 0.5, 0.125, (1 - math.Sqrt2/2) / 2},
		{ScheduleCosine, 0.5, 0.25, 0.5},
		{ScheduleCosine, 0.5, 0.5, 1},
		{ScheduleCosine, 1, 1, 1},
	} {
		if got := ramp(c.schedule, c.warmup, c.progress); math.Abs(got-c.factor) > 1e-15 {
			t.Errorf("%s, warmup %g, at %g: %g, want %g", c.schedule, c.warmup, c.progress, got, c.factor)
		}
	}
}

func TestTargetMomentum(t *testing.T) {
	for _, c := range []struct {
		o              TargetOptions
		progress, want float64
	}{
		{TargetOptions{0.999, ScheduleConstant}, 0.7, 0.999},
		{TargetOptions{0.99, ScheduleCosine}, 0, 0.99},
		{TargetOptions{0.99, ScheduleCosine}, 0.5, 0.995},
		{TargetOptions{0.99, ScheduleCosine}, 1, 1},
		{TargetOptions{0.996, ScheduleCosine}, 0, 0.996},
		{TargetOptions{0.996, ScheduleCosine}, 0.5, 0.998},
		{TargetOptions{0.996, ScheduleCosine}, 1, 1},
	} {
		if got := c.o.At(c.progress); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%+v at %g: %g, want %g", c.o, c.progress, got, c.want)
		}
	}
}

// TestScheduleOfWeight: value and gradient of a term are those of its weight at the time.
func TestScheduleOfWeight(t *testing.T) {
	v := orderedViews(1, 4, 2, 3)
	run := func(progress float64, change func(o *Options)) (Values, []float32) {
		o := DefaultOptions()
		change(&o)
		v.Progress = progress
		out := randomOutput("embedding", v, 4, 1)
		got, err := mustNew(t, o).Compute(v, []Output{out})
		if err != nil {
			t.Fatal(err)
		}
		return got, out.Grad
	}
	got, grad := run(0.05, func(o *Options) { o.Order.Schedule, o.Order.Weight = ScheduleLinear, 8 }) // up to 0.1
	want, wantGrad := run(0.5, func(o *Options) { o.Order.Weight = 4 })
	if got.Terms[1].Weight != 4 || got.Total != want.Total {
		t.Errorf("got %+v, want %+v", got, want)
	}
	compare(t, "gradient", 1, 1, convert[float64](grad), convert[float64](wantGrad), 0)
	if got, _ := run(0, func(o *Options) {
		o.Order.Schedule, o.Order.Weight = ScheduleCosine,
			8
	}); got.Total != got.Terms[0].Value {
		t.Errorf("at the beginning the total is %g, want the invariance's %g", got.Total, got.Terms[0].Value)
	}
}
