package sweep

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// planOf is the plan of a sweep file beside the base.
func planOf(t *testing.T, text string) *Plan {
	t.Helper()
	return newBench(t, "base: base.yaml\n"+text).plan()
}

func overrides(p *Plan) (all []string) {
	for _, t := range p.Trials {
		all = append(all, strings.Join(t.Overrides, " "))
	}
	return all
}

func TestExcludeAndWhen(t *testing.T) {
	p := planOf(t, `method: grid
parameters:
  augment.roles.rotate: {values: [absent, ordered]}
  loss.order.weight: {values: [1, 10], when: {augment.roles.rotate: ordered}}
  train.lr: {values: [0.1, 0.2]}
exclude:
  - {train.lr: 0.2, loss.order.weight: [10]}
`)
	want := []string{
		"augment.roles.rotate=absent train.lr=0.1",
		"augment.roles.rotate=absent train.lr=0.2",
		"augment.roles.rotate=ordered loss.order.weight=1 train.lr=0.1",
		"augment.roles.rotate=ordered loss.order.weight=1 train.lr=0.2",
		"augment.roles.rotate=ordered loss.order.weight=10 train.lr=0.1",
	}
	if got := overrides(p); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if name := p.Trials[0].Folder; name != "001-rotate-absent-lr-0.1" {
		t.Errorf("folder %s", name)
	}
	if row := p.row(p.Trials[0]); !slices.Equal(row, []string{"absent", "–", "0.1"}) {
		t.Errorf("row %q", row)
	}
}

// TestRandomSearch: draws lie where they should, are the same every time, and no other parameter moves them.
func TestRandomSearch(t *testing.T) {
	text := `method: random
run_cap: 200
parameters:
  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  train.epochs: {min: 2, max: 5}
  loss.order.temperature: {min: 0.05, max: 0.5}
  loss.order.weight: {distribution: q_uniform, min: 0, max: 10, q: 2.5}
  loss.invariance.temperature: {distribution: normal, mu: 0.5, sigma: 0.01}
  augment.roles.rotate: {values: [absent, ordered], probabilities: [0.2, 0.8]}
`
	p, again := planOf(t, text), planOf(t, text+"  train.weight_decay: {min: 0.001, max: 0.1}\n")
	if len(p.Trials) != 200 {
		t.Fatalf("%d trials", len(p.Trials))
	}
	numbers := make([][]float64, 5)
	ordered := 0
	for i, trial := range p.Trials {
		for k, v := range trial.Values[:5] {
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers[k] = append(numbers[k], x)
			if other := again.Trials[i].Values[k]; other != v {
				t.Errorf("trial %d has %s, with one more parameter %s", i, v, other)
			}
		}
		if trial.Values[5] == "ordered" {
			ordered++
		}
	}
	for k, c := range []struct{ low, high, mean, off float64 }{
		{math.Log(1e-4), 0, math.Log(1e-2), 1}, {2, 5, 3.5, 0.4}, {0.05, 0.5, 0.275, 0.05}, {0, 10, 5, 1}, {0.4, 0.6, 0.5,
			0.01},
	} {
		mean := 0.
		for _, x := range numbers[k] {
			if k == 0 {
				x = math.Log(x)
			}
			if x < c.low-1e-9 || x > c.high+1e-9 || k == 1 && x != math.Trunc(x) || k == 3 && math.Mod(x, 2.5) != 0 {
				t.Errorf("parameter %d is %g", k, x)
			}
			mean += x / 200
		}
		if math.Abs(mean-c.mean) > c.off {
			t.Errorf("the mean of parameter %d is %g, want about %g", k, mean, c.mean)
		}
	}
	if ordered < 135 || ordered > 185 {
		t.Errorf("%d of 200 are ordered, with a probability of 0.8", ordered)
	}
	if other := planOf(t, "search_seed: 2\n"+text); slices.Equal(overrides(other), overrides(p)) {
		t.Error("another search seed draws the same")
	}
	if seeds := planOf(t, strings.Replace(text, "200", "3", 1)+"seeds: 2\n"); len(seeds.Trials) != 6 ||
		!slices.Equal(seeds.Trials[0].Values[:6], seeds.Trials[1].Values[:6]) {
		t.Errorf("trials %q", overrides(seeds))
	}
}

func TestRunCap(t *testing.T) {
	if p := planOf(t, "method: grid\nrun_cap: 2\nparameters: {seed: {values: [1, 2, 3]}}\n"); len(p.Trials) != 2 {
		t.Errorf("%d trials", len(p.Trials))
	}
}

func TestParameterFaults(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"drawn in a grid", "method: grid\nparameters: {train.lr: {min: 1, max: 2}}", "method is grid"},
		{"no cap", "method: random\nparameters: {train.lr: {min: 1, max: 2}}", "run_cap: is missing"},
		{"bounds", "method: random\nrun_cap: 2\nparameters: {train.lr: {min: 2, max: 1}}", "needs min below max"},
		{"one bound", "method: random\nrun_cap: 2\nparameters: {train.lr: {min: 2}}", "needs min below max"},
		{"logarithm", "method: random\nrun_cap: 2\nparameters: {train.lr: {distribution: log_uniform_values, min: 0, max: " +
			"1}}",
			"needs min above 0"},
		{"unknown", "method: random\nrun_cap: 2\nparameters: {train.lr: {distribution: beta, min: 0, max: 1}}",
			"must be one of"},
		{"step", "method: random\nrun_cap: 2\nparameters: {train.lr: {min: 0, max: 1, q: 2}}", "begins with q_"},
		{"moments", "method: random\nrun_cap: 2\nparameters: {train.lr: {distribution: normal, mu: 0}}",
			"needs mu, and sigma"},
		{"probabilities", "method: random\nrun_cap: 2\nparameters: {train.lr: {values: [1, 2], probabilities: [1, 1]}}",
			"1 together"},
		{"condition", "method: grid\nparameters: {train.lr: {values: [1, 2], when: {seed: 1}}, seed: {values: [1]}}",
			"no parameter that stands before"},
		{"nothing left", "method: grid\nparameters: {seed: {values: [1]}}\nexclude: [{seed: 1}]", "leaves nothing"},
		{"seeds twice", "method: grid\nparameters: {seed: {values: [1]}}\nseeds: 2", "keep one"},
		{"no seeds", "method: grid\nparameters: {train.lr: {values: [1]}}\nseeds: {a: 1}", "seeds: must be a list"},
		{"baseline of the seed", "method: grid\nparameters: {seed: {values: [1, 2]}}\nbaseline: {seed: 1}",
			"none for the seed"},
		{"baseline of one value", "method: grid\nparameters: {train.lr: {value: 1}}\nbaseline: {train.lr: 1}",
			"one value only"},
		{"retries", "method: grid\nparameters: {seed: {values: [1, 2]}}\nretries: -1", "retries: must be"},
		{"a drawn value that can't be", "method: random\nrun_cap: 1\nparameters: {train.epochs: {min: 0.1, max: 0.2}}",
			"roles.yaml:4"},
	} {
		b := newBench(t, "base: base.yaml\n"+c.text+"\n")
		if _, err := NewPlan(b.file, nil, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}
