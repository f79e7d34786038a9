package sweep

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/expect"
)

const expectText = `base: base.yaml
method: grid
columns: [loss]
parameters:
  train.lr: {values: [1e-3, 2e-3]}
  augment.roles.rotate: {values: [invariant, ordered]}
  seed: {values: [1, 2]}
expect:
  seeds: 2
  knn_top1: [0.1, null]
  lr=1e-3:
    order_accuracy.rotate.embedding: [0, 0.001]
  rotate=ordered:
    knn_top1: [null, 0.01]
  train.lr=2e-3, rotate=ordered:
    loss: [3, 4]
`

func TestExpect(t *testing.T) {
	b := newBench(t, expectText)
	p := b.plan()
	if err := p.CheckExpect(); err != nil {
		t.Fatal(err)
	}
	table, err := p.Run(t.Context(), options(b.out))
	if err != nil {
		t.Fatal(err)
	}
	// The fake's kNN is the rate and a hundredth of the seed, its loss the seed: means 0.016 or 0.017, and 1.5.
	type check struct{ group, metric, status string }
	want := []check{
		{"lr=1e-3, rotate=invariant", "knn_top1", expect.Outside},
		{"lr=1e-3, rotate=invariant", "order_accuracy.rotate.embedding", expect.OK},
		{"lr=1e-3, rotate=ordered", "knn_top1", expect.Outside},
		{"lr=1e-3, rotate=ordered", "order_accuracy.rotate.embedding", expect.OK},
		{"lr=2e-3, rotate=invariant", "knn_top1", expect.Outside},
		{"lr=2e-3, rotate=ordered", "knn_top1", expect.Outside},
		{"lr=2e-3, rotate=ordered", "loss", expect.Outside},
	}
	r := p.Compare(table)
	var got []check
	for _, c := range r.Checks {
		got = append(got, check{c.Group, c.Metric, c.Status})
	}
	if !slices.Equal(got, want) || r.Failed != 5 || r.Seeds != 2 {
		t.Errorf("%+v, %d failed, want %+v", got, r.Failed, want)
	}
	if c := r.Checks[2]; c.Low != nil || *c.High != 0.01 || *c.Value < 0.0159 || *c.Value > 0.0161 {
		t.Errorf("the group's range does not stand in place of that of all: %+v", c)
	}
	if slices.Contains(table.Metrics, "order_accuracy.rotate.embedding") {
		t.Errorf("what is expected is a column: %q", table.Metrics)
	}
	text, err := json.Marshal(table)
	if err != nil || strings.Contains(string(text), "order_accuracy") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestExpectUnfinished: a mean of some seeds is not compared.
func TestExpectUnfinished(t *testing.T) {
	b := newBench(t, expectText)
	p := b.plan()
	t.Setenv(failVariable, "seed=2")
	table, err := p.Run(t.Context(), options(b.out))
	if err == nil {
		t.Fatal("no trial failed")
	}
	r := p.Compare(table)
	if r.Failed != 7 || r.Checks[0].Status != expect.Unfinished {
		t.Errorf("%+v", r)
	}
}

func TestExpectIsNoTrial(t *testing.T) {
	b := newBench(t, expectText)
	with := b.plan()
	nothing, _, _ := strings.Cut(expectText, "expect:")
	b.write("roles.yaml", nothing)
	b.write("base.yaml", baseText+"expect: {knn_top1: [0, 1]}\n")
	without := b.plan()
	if with.Hash != without.Hash || without.Expect != nil {
		t.Errorf("hash %s, without the section %s", with.Hash, without.Hash)
	}
	b.write("only.yaml", "expect: {knn_top1: [0, 1]}\nseed: 1")
	_, err := NewPlan(b.dir+string(os.PathSeparator)+"only.yaml", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "is an experiment file") {
		t.Errorf("%v", err)
	}
}

func TestExpectRefuses(t *testing.T) {
	for _, c := range []struct{ section, want string }{
		{"expect: {knn_top2: [0, 1]}", "roles.yaml:7: expect.knn_top2: is no number of a result; did you mean knn_top1?"},
		{"expect: {knn_top1: [1, 0]}", "roles.yaml:7: expect.knn_top1"},
		{"expect: {rotate=absent: {loss: [0, 1]}}", "roles.yaml:7: expect.rotate=absent: no trial has these values"},
		{"expect: {hue=ordered: {loss: [0, 1]}}", "hue is no parameter that this sweep varies"},
		{"expect: {seed=1: {loss: [0, 1]}}", "seed is no parameter that this sweep varies"},
		{"expect: {'rotate=ordered, x': {loss: [0, 1]}}", "must be KEY=VALUE"},
	} {
		b := newBench(t, `base: base.yaml
method: grid
parameters:
  augment.roles.rotate: {values: [invariant, ordered]}
  seed: {values: [1, 2]}

`+c.section)
		_, err := NewPlan(b.file, nil, nil)
		if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.section, err)
		}
	}
	b := newBench(t, strings.Replace(expectText, "loss: [3", "order_accuracy.hue.embedding: [3", 1))
	err := b.plan().CheckExpect()
	if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "lr=2e-3, rotate=ordered") {
		t.Errorf("a family that no trial has: %v", err)
	}
}

func TestGroups(t *testing.T) {
	keys := []string{"base", "train.lr", "loss.order.kind", "loss.invariance.kind", "model.projector"}
	for _, c := range []struct {
		name string
		want []condition // nil: refused
	}{
		{"base=mnist-essl", []condition{{0, "mnist-essl"}}},
		{"lr=1e-3", []condition{{1, "1e-3"}}},
		{"train.lr=1e-3", []condition{{1, "1e-3"}}},
		{"order.kind=chain", nil},
		{"kind=chain", nil}, // of which?
		{"loss.order.kind=chain, projector=[256, 64] , lr=2", []condition{{2, "chain"}, {4, "[256, 64]"}, {1, "2"}}},
		{`base="a,b=c"`, []condition{{0, `"a,b=c"`}}},
		{"lr=1,", nil},
		{"=", nil},
	} {
		got, err := conditions(c.name, keys)
		if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

// FuzzGroups: any name is taken apart without loss.
func FuzzGroups(f *testing.F) {
	f.Add("rotate=ordered, projector=[256, 64]")
	f.Add(`base="a,b`)
	f.Add("]],,[={")
	f.Fuzz(func(t *testing.T, name string) {
		if got := strings.Join(splitGroup(name), ","); got != name {
			t.Errorf("%q became %q", name, got)
		}
		keys := []string{"base", "augment.roles.rotate"}
		all, err := conditions(name, keys)
		if err != nil {
			return
		}
		for _, c := range all {
			if c.key < 0 || c.key >= len(keys) {
				t.Errorf("%q: %+v", name, c)
			}
		}
	})
}
