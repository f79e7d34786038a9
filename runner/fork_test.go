package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/track"
)

// TestForkIsTheLongerRun: with a constant rate, a run of one epoch that goes on for two more is the run of three,
// whether it is interrupted or not.
func TestForkIsTheLongerRun(t *testing.T) {
	with := func(keys ...string) []string {
		return slices.Concat([]string{"train.schedule=constant", "train.warmup_epochs=0"}, keys)
	}
	long := filepath.Join(t.TempDir(), "long")
	want := mustRun(t, long, with("train.epochs=3")...)
	short := filepath.Join(t.TempDir(), "short")
	first := mustRun(t, short, with("train.epochs=1")...)
	longer := with("train.epochs=3", "train.from="+short)
	dir := filepath.Join(t.TempDir(), "fork")
	interrupt(t, options(t, dir, longer...), first.Steps+1)
	got := mustRun(t, dir, longer...)
	if got.ParametersHash != want.ParametersHash || got.Steps != want.Steps || got.Hash == want.Hash ||
		got.Hash == first.Hash {
		t.Errorf("the fork has %d steps and hash %s, parameters equal: %v", got.Steps, got.Hash,
			got.ParametersHash == want.ParametersHash)
	}
	for i, s := range history(t, dir).Steps {
		if w := history(t, long).Steps[i]; s.Loss != w.Loss || s.Step != w.Step || s.Rate != w.Rate {
			t.Errorf("step %d is %+v, want %+v", i+1, s, w)
		}
	}
	record, err := track.ReadRecord(dir)
	if err != nil || record.Parent == nil || record.Parent.Hash != first.Hash || record.Parent.Step != first.Steps ||
		record.Parent.Epoch != 1 || record.Parent.Run != short {
		t.Fatalf("lineage %+v, %v", record.Parent, err)
	}
	// The parent may go; what the fork began with is its own.
	if err := errors.Join(os.RemoveAll(short), os.Remove(filepath.Join(dir, "result.json"))); err != nil {
		t.Fatal(err)
	}
	o := options(t, dir, append(longer, "train.from_checkpoint="+record.Parent.Checkpoint[:16])...)
	if again, err := Run(context.Background(), o); err != nil || again.ParametersHash != want.ParametersHash {
		t.Errorf("without its parent: %v", err)
	}
}

// TestForkSchedules: stretched, the rate goes on where all epochs have it; anew, it warms up and falls once more.
func TestForkSchedules(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	mustRun(t, short, "train.epochs=2")
	for schedule, rising := range map[string]bool{"stretched": false, "anew": true} {
		dir := filepath.Join(t.TempDir(), schedule)
		mustRun(t, dir, "train.epochs=4", "train.from="+short, "train.from_schedule="+schedule)
		all := history(t, dir).Steps
		per := len(all) / 4
		if after := all[2*per : 3*per]; (after[per-1].Rate > after[0].Rate) != rising {
			t.Errorf("%s: the rate goes from %g to %g in the third epoch", schedule, after[0].Rate, after[per-1].Rate)
		}
		if last := all[len(all)-1].Rate; last > all[2*per].Rate {
			t.Errorf("%s: the rate ends at %g", schedule, last)
		}
	}
}

func TestForksThatMakeNoSense(t *testing.T) {
	short, stopped := filepath.Join(t.TempDir(), "short"), filepath.Join(t.TempDir(), "stopped")
	mustRun(t, short, "train.epochs=2")
	interrupt(t, options(t, stopped), 5)
	for _, c := range []struct {
		name string
		keys []string
		says string
	}{
		{"no more epochs", []string{"train.epochs=2", "train.from=" + short}, "has done 2 epochs"},
		{"within an epoch", []string{"train.epochs=9", "train.from=" + stopped}, "within an epoch"},
		{"another network", []string{"train.epochs=4", "model.width=8", "train.from=" + short}, "model is not what it was"},
		{"another seed", []string{"train.epochs=4", "seed=7", "train.from=" + short}, "seed is not"},
		{"another head", []string{"train.epochs=4", "loss.invariance.kind=byol", "train.from=" + short},
			"network is not that of"},
		{"another optimizer", []string{"train.epochs=4", "train.optimizer=sgd", "train.from=" + short}, "train.optimizer"},
		{"another checkpoint", []string{"train.epochs=4", "train.from=" + short, "train.from_checkpoint=0123456789abcdef"},
			"no longer the checkpoint"},
		{"warm-up", []string{"train.epochs=3", "train.from=" + short, "train.from_schedule=anew", "train.warmup_epochs=2"},
			"train.warmup_epochs is 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "fork")
			_, err := Run(context.Background(), options(t, dir, c.keys...))
			if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("a folder was left behind")
			}
		})
	}
	// A damaged checkpoint is none to go on from.
	flip(t, filepath.Join(short, "last.ckpt"))
	_, err := Run(context.Background(), options(t, filepath.Join(t.TempDir(), "x"), "train.epochs=4", "train.from="+short))
	if !errors.Is(err, fault.Data) || !strings.Contains(err.Error(), "last.ckpt") {
		t.Errorf("a damaged checkpoint: %v", err)
	}
}
