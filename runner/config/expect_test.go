package config_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
)

// parseExpect reads a section; the faults are LINE: SENTENCE.
func parseExpect(t *testing.T, text string, groups bool) (config.Expect, []string) {
	t.Helper()
	root, _, err := config.Document([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var faults []string
	x := config.ParseExpect(root, groups, func(line int, text string) {
		faults = append(faults, fmt.Sprintf("%d: %s", line, text))
	})
	return x, faults
}

func TestParseExpect(t *testing.T) {
	got, faults := parseExpect(t, `
minutes: 1.5
seeds: 3
knn_top1: [0.9, 1]
evaluation.rotate+blur.order_spearman.features: [null, -0.5]
rotate=ordered:
  order_accuracy.rotate.embedding: [0.9, null]
"lr=1e-3, shape=[1, 2]": {loss: [3, 3]}
`, true)
	inf := math.Inf(1)
	want := config.Expect{
		Minutes: 1.5, Seeds: 3,
		Ranges: []config.Range{{Metric: "knn_top1", Low: 0.9, High: 1},
			{Metric: "evaluation.rotate+blur.order_spearman.features", Low: -inf, High: -0.5}},
		Groups: []config.Group{
			{Name: "rotate=ordered", Line: 6,
				Ranges: []config.Range{{Metric: "order_accuracy.rotate.embedding", Low: 0.9, High: inf}}},
			{Name: "lr=1e-3, shape=[1, 2]", Line: 8, Ranges: []config.Range{{Metric: "loss", Low: 3, High: 3}}},
		},
	}
	if len(faults) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and %q, want %+v", got, faults, want)
	}
}

func TestParseExpectRefuses(t *testing.T) {
	for _, c := range []struct {
		text   string
		groups bool
		want   []string // words of each fault, after its line
	}{
		{"3", true, []string{"1: expect: must be a map"}},
		{"{}", true, []string{"1: expect: names no metric"}},
		{"{minutes: 2, seeds: 3}", false, []string{"1: expect: names no metric"}},
		{"knn_top: [0, 1]", false, []string{"did you mean knn_top1?"}},
		{"loss: [0, 1]\norder_accuracy.rotat.embedding: [0, 1]", false,
			[]string{"2: expect.order_accuracy.rotat.embedding: is no number of a result; did you mean order_accuracy.rotate."}},
		{"loss: [0, 1]\norder_accuracy.rotate.pixels: [0, 1]", false, []string{"2: "}},
		{"loss: [0, 1]\nprotocols: [0, 1]", false, []string{"2: "}},
		{"loss: [1, 0]", false, []string{"found 1 above 0"}},
		{"loss: [null, ~]", false, []string{"on one side at least"}},
		{"loss: 3", false, []string{"must be [low, high]"}},
		{"loss: [1]", false, []string{"must be [low, high]"}},
		{"loss: [1, 2, 3]", false, []string{"must be [low, high]"}},
		{"loss: [low, 2]", false, []string{"must be [low, high]"}},
		{"loss: [.nan, 2]", false, []string{"must be [low, high]"}},
		{"loss: [-.inf, 2]", false, []string{"must be [low, high]"}},
		{"loss: [[1], 2]", false, []string{"must be [low, high]"}},
		{"{loss: [0, 1], minutes: 0}", false, []string{"expect.minutes: must be a number in (0"}},
		{"{loss: [0, 1], minutes: .nan}", false, []string{"expect.minutes: "}},
		{"{loss: [0, 1], seeds: 0.5}", false, []string{"expect.seeds: must be a whole number"}},
		{"{loss: [0, 1], seeds: many}", false, []string{"expect.seeds: "}},
		{"{loss: [0, 1], rotate=ordered: {loss: [0, 1]}}", false, []string{"only a sweep file has groups"}},
		{"rotate=ordered: {a=b: {}}", true, []string{"no group has groups"}},
		{"rotate=ordered: {}", true, []string{"expect.rotate=ordered: names no metric"}},
		{"rotate=ordered: {loss: [0, 1], seeds: 3}", true, []string{"expect.rotate=ordered.seeds: is no number"}},
		{"rotate=ordered: [0, 1]", true, []string{"expect.rotate=ordered: must be a map"}},
	} {
		_, faults := parseExpect(t, c.text, c.groups)
		ok := len(faults) == len(c.want)
		for i := range faults {
			ok = ok && strings.Contains(faults[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.text, faults, c.want)
		}
	}
}

// TestExpectDecidesNothing: an experiment file with the section is the same experiment, and its mistakes are told with
// all others.
func TestExpectDecidesNothing(t *testing.T) {
	plain := parse(t, design)
	got := parse(t, design+"\nexpect: {seeds: 3, order_accuracy.rotate.embedding: [0.9, 1]}")
	if !reflect.DeepEqual(got, plain) {
		t.Errorf("expect makes it %+v", got)
	}
	_, err := config.Parse("x.yaml", []byte("expect: {knn_top1: [2, 1]}\ntrain: {epoch: 3}"), nil, nil)
	if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "x.yaml:1: expect.knn_top1") ||
		!strings.Contains(err.Error(), "x.yaml:2: train.epoch") {
		t.Errorf("%v", err)
	}
	for _, text := range []string{"expect:", "expect: [1]"} {
		if _, err := config.Parse("x.yaml", []byte(text+"\nseed: 1"), nil, nil); !errors.Is(err, fault.Config) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err = config.Parse("x.yaml", []byte("expct: {knn_top1: [0, 1]}"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "did you mean expect?") {
		t.Errorf("%v", err)
	}
	_, err = config.Parse("x.yaml", []byte("seed: 1"), []string{"expect.knn_top1=[0, 1]"}, nil)
	if !errors.Is(err, fault.Config) {
		t.Errorf("an override: %v", err)
	}
}

func TestLoadExpect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yaml")
	for _, c := range []struct {
		text   string
		ranges int // -1: an error; 0: no section
	}{
		{"seed: 1", 0}, {"", 0}, {"[1]", 0},
		{"expect: {knn_top1: [0, 1], loss: [0, 1]}", 2},
		{"a: &a {knn_top1: [0, 1]}\nexpect: *a", 1},
		{"expect: {knn_top1: [1, 0]}", -1}, {"expect: {", -1},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := config.LoadExpect(file)
		switch {
		case c.ranges < 0:
			if !errors.Is(err, fault.Config) {
				t.Errorf("%q: %v", c.text, err)
			}
		case err != nil, (x == nil) != (c.ranges == 0), x != nil && len(x.Ranges) != c.ranges:
			t.Errorf("%q: %+v, %v", c.text, x, err)
		}
	}
	if _, err := config.LoadExpect(file + "x"); !errors.Is(err, fault.Config) {
		t.Errorf("no file: %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.yaml")
	for _, c := range []struct {
		text, fault string
		want        []config.Verdict
	}{
		{"{hue: [ordered, leave out], rotate+blur: [undecided]}", "", []config.Verdict{
			{Family: "hue", Any: []string{"ordered", "leave out"}}, {Family: "rotate+blur", Any: []string{"undecided"}},
		}},
		{"{hue: []}", "must be a list of verdicts", nil},
		{"{hue: ordered}", "must be a list of verdicts", nil},
		{"[hue]", "must be a map of families", nil},
		{"{}", "must be a map of families", nil},
		{"{hue: [absent]}", `must be some of ordered, invariant, leave out, undecided, got "absent"`, nil},
		{"{hu: [ordered]}", `no family is called "hu"`, nil},
	} {
		if err := os.WriteFile(file, []byte("expect: {minutes: 3, verdicts: "+c.text+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := config.LoadExpect(file)
		switch {
		case c.fault != "":
			if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %v", c.text, err)
			}
		case err != nil || !reflect.DeepEqual(x.Verdicts, c.want) || x.Minutes != 3:
			t.Errorf("%s: %+v, %v", c.text, x, err)
		default:
			if err := config.CheckVerdicts(x.Verdicts, []string{"hue"}); !errors.Is(err, fault.Config) ||
				!strings.Contains(err.Error(), "rotate+blur") || strings.Contains(err.Error(), "hue") {
				t.Errorf("families: %v", err)
			}
		}
	}
}

func TestCheckFamilies(t *testing.T) {
	ranges := []config.Range{
		{Metric: "knn_top1"}, {Metric: "order_accuracy.rotate.embedding"}, {Metric: "order_accuracy.hue.features"},
		{Metric: "evaluation.rotate+blur.order_spearman.features"}, {Metric: "evaluation.zoom.scale_r2.features"},
	}
	families, err := parse(t, design, "augment.ordered=[{family: rotate}, {family: rotate, with: [{family: blur}]}]",
		"augment.invariant=[{family: zoom}]").FamilyNames()
	if err != nil {
		t.Fatal(err)
	}
	err = config.CheckFamilies(ranges, families)
	if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "hue") ||
		strings.Contains(err.Error(), "rotate") || strings.Contains(err.Error(), "zoom") {
		t.Errorf("%v", err)
	}
}

func TestOutcome(t *testing.T) {
	base := parse(t, design).Outcome()
	for _, same := range []string{"name=other", "train.workers=3", "model.threads=2"} {
		if parse(t, design, same).Outcome() != base {
			t.Errorf("%s changes the outcome", same)
		}
	}
	for _, other := range []string{"seed=2", "eval.knn.k=5", "data.per_class=3"} {
		if parse(t, design, other).Outcome() == base {
			t.Errorf("%s doesn't change the outcome", other)
		}
	}
}

// FuzzParseExpect: any map is refused or gives ranges that a number can be in.
func FuzzParseExpect(f *testing.F) {
	f.Add("{minutes: 2, knn_top1: [0.9, null], 'rotate=ordered, lr=1': {loss: [0, 1]}}", true)
	f.Add("loss: [1, 0]", false)
	f.Add("a: &a [1, 2]\nloss: *a\n<<: {seeds: 1}", true)
	f.Add("? [x]\n: 1\n=: {}", true)
	f.Fuzz(func(t *testing.T, text string, groups bool) {
		root, _, err := config.Document([]byte(text))
		if err != nil || root == nil {
			return
		}
		faults := 0
		x := config.ParseExpect(root, groups, func(_ int, text string) {
			faults++
			if text == "" {
				t.Error("a fault without words")
			}
		})
		if faults > 0 {
			return
		}
		all := x.Ranges
		for _, g := range x.Groups {
			all = append(all, g.Ranges...)
		}
		for _, r := range all {
			if !(r.Low <= r.High) || math.IsInf(r.Low, 1) || math.IsInf(r.High, -1) || r.Metric == "" {
				t.Errorf("%+v", r)
			}
		}
		if len(x.Ranges)+len(x.Groups) == 0 || !groups && len(x.Groups) > 0 {
			t.Errorf("%+v", x)
		}
	})
}
