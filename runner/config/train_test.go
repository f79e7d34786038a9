package config

import (
	"math"
	"strings"
	"testing"

	"ordo/models/optimizer"
)

func TestRate(t *testing.T) {
	cosine := Train{Epochs: 5, LR: 2, Schedule: ScheduleCosine, WarmupEpochs: 1}
	constant := Train{Epochs: 5, LR: 2, Schedule: ScheduleConstant, WarmupEpochs: 0.5}
	fraction := Train{Epochs: 1, LR: 1, Schedule: ScheduleCosine, WarmupEpochs: 0.25}
	warm := Train{Epochs: 1, LR: 1, Schedule: ScheduleCosine, WarmupEpochs: 1}
	cold := Train{Epochs: 1, LR: 1, Schedule: ScheduleCosine}
	for _, c := range []struct {
		name       string
		train      Train
		step, per  int
		want       float64
		derivation string
	}{
		{"first warm-up step", cosine, 0, 4, 0.5, "2 · 1/4"},
		{"last warm-up step", cosine, 3, 4, 2, "2 · 4/4"},
		{"cosine starts", cosine, 4, 4, 2, "2 · ½(1+cos 0)"},
		{"a quarter of the cosine", cosine, 8, 4, 1 + math.Sqrt2/2, "2 · ½(1+cos π/4)"},
		{"half of the cosine", cosine, 12, 4, 1, "2 · ½(1+cos π/2)"},
		{"cosine ends", cosine, 20, 4, 0, "step T"},
		{"after the end", cosine, 1000, 4, 0, "step > T"},
		{"constant, warm-up", constant, 0, 4, 1, "2 · 1/2"},
		{"constant", constant, 19, 4, 2, "lr"},
		{"a warm-up of part of a step", fraction, 0, 2, 1, "min(1, 1/½)"},
		{"after half a step of warm-up", fraction, 1, 2, 0.75, "½(1+cos(π·½/1½))"},
		{"warm-up until the end", warm, 1, 2, 1, "2/2"},
		{"after that", warm, 2, 2, 0, "step T"},
		{"no warm-up", cold, 0, 4, 1, "cos 0"},
	} {
		if got := c.train.Rate(c.step, c.per); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%s: Rate(%d, %d) = %v, want %v = %s", c.name, c.step, c.per, got, c.want, c.derivation)
		}
	}
}

func TestTrainValidate(t *testing.T) {
	if err := DefaultTrain().Validate(); err != nil {
		t.Fatal(err)
	}
	bad := optimizer.DefaultOptions()
	bad.Optimizer, bad.WeightDecay = "adam", -1
	all := Train{Epochs: 0, BatchSize: 1, LR: math.NaN(), Schedule: "step",
		WarmupEpochs: math.NaN(), Workers: -1, GuardImages: 15, StopOnCollapse: true,
		CheckpointMinutes: -1, Options: bad}.Validate()
	if all == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(all.Error(), "\n")
	for i, key := range []string{"epochs", "batch_size", "optimizer", "weight_decay", "lr", "schedule", "warmup_epochs",
		"guard_images", "stop_on_collapse", "checkpoint_minutes", "keep_checkpoints", "from_schedule", "workers"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], key+": must be ") {
			t.Errorf("fault %d of %q is not about %s", i, lines, key)
		}
	}
}
