package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
)

const rolesText = `base: base.yaml
method: grid
metric: {name: knn_top1, goal: maximize}
parameters:
  augment.roles.rotate: {values: [absent, ordered]}
  seed: {values: [1, 2, 3]}
  train.epochs: {value: 3}
`

func TestPlan(t *testing.T) {
	b := newBench(t, rolesText)
	p := b.plan()
	var got []string
	for _, trial := range p.Trials {
		got = append(got, fmt.Sprint(trial.Number, " ", trial.Folder, " ", strings.Join(trial.Overrides, " ")))
	}
	want := []string{
		"1 001-rotate-absent-seed-1 augment.roles.rotate=absent seed=1 train.epochs=3",
		"2 002-rotate-absent-seed-2 augment.roles.rotate=absent seed=2 train.epochs=3",
		"3 003-rotate-absent-seed-3 augment.roles.rotate=absent seed=3 train.epochs=3",
		"4 004-rotate-ordered-seed-1 augment.roles.rotate=ordered seed=1 train.epochs=3",
		"5 005-rotate-ordered-seed-2 augment.roles.rotate=ordered seed=2 train.epochs=3",
		"6 006-rotate-ordered-seed-3 augment.roles.rotate=ordered seed=3 train.epochs=3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	with := b.plan("train.lr=1", "data.seed=2")
	if got, want := strings.Join(
		with.Trials[0].Overrides,
		" ",
	), "train.lr=1 data.seed=2 augment.roles.rotate=absent seed=1 train.epochs=3"; got != want {
		t.Errorf("with overrides: got %s, want %s", got, want)
	}
	if with.Hash == p.Hash || with.Trials[0].Folder != p.Trials[0].Folder {
		t.Error("overrides don't change the hash, or do change the folders' names")
	}
	e, err := config.Parse("base.yaml", []byte(baseText), p.Trials[3].Overrides, nil)
	if err != nil || p.Trials[3].Hash != e.Hash() {
		t.Errorf("trial 4 has the hash %s, its experiment %s, %v", p.Trials[3].Hash, e.Hash(), err)
	}
	if want := filepath.Join("runs", "roles-"+p.Hash); p.Dir() != want || len(p.Hash) != hashDigits {
		t.Errorf("Dir() = %s, want %s", p.Dir(), want)
	}
}

// TestPlanHash: what changes the trials, and nothing else, is another sweep.
func TestPlanHash(t *testing.T) {
	b := newBench(t, rolesText)
	hash := b.plan().Hash
	for _, c := range []struct {
		name, old, new string
		same           bool
	}{
		{"jobs", "method:", "jobs: 2\nmethod:", true},
		{"metric", "maximize", "minimize", true},
		{"layout", "train.epochs: {value: 3}", "train: {parameters: {epochs: {values: [3]}}}", true},
		{"a seed", "[1, 2, 3]", "[1, 2]", false},
		{"order", "[1, 2, 3]", "[1, 3, 2]", false},
		{"a value", "value: 3", "value: 4", false},
	} {
		b.write("roles.yaml", strings.Replace(rolesText, c.old, c.new, 1))
		if got := b.plan().Hash; (got == hash) != c.same {
			t.Errorf("%s: the hash is %s, it was %s", c.name, got, hash)
		}
	}
	b.write("roles.yaml", rolesText)
	b.write("base.yaml", baseText+"# a comment\n")
	if got := b.plan().Hash; got != hash {
		t.Error("a comment in the base changes the hash")
	}
	t.Setenv("ORDO_TRAIN_LR", "1e-3")
	if got := b.plan().Hash; got == hash {
		t.Error("the environment doesn't change the hash")
	}
}

// TestPlanBases: several experiment files are one more dimension of the grid.
func TestPlanBases(t *testing.T) {
	b := newBench(t, "base: [base.yaml, other.yaml]\nmethod: grid\nparameters: {seed: {values: [1, 2]}}\n")
	b.write("other.yaml", "data: {seed: 7}\n"+baseText)
	p := b.plan()
	var got []string
	for _, trial := range p.Trials {
		got = append(got, fmt.Sprint(trial.Folder, " ", trial.Base, " ", strings.Join(trial.Overrides, " ")))
	}
	want := []string{
		"001-base-base-seed-1 base.yaml seed=1", "002-base-base-seed-2 base.yaml seed=2",
		"003-base-other-seed-1 other.yaml seed=1", "004-base-other-seed-2 other.yaml seed=2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if e, err := config.Parse("other.yaml", []byte("data: {seed: 7}\n"+baseText), []string{"seed=1"}, nil); err != nil ||
		p.Trials[2].Hash != e.Hash() {
		t.Errorf("trial 3 has the hash %s, its experiment %s, %v", p.Trials[2].Hash, e.Hash(), err)
	}
	b.write("roles.yaml", "base: [base.yaml, sub/base.yaml]\nmethod: grid\nparameters: {seed: {values: [1, 2]}}\n")
	if _, err := NewPlan(b.file, nil, nil); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "two files are called base") {
		t.Errorf("two bases of one name: %v", err)
	}
}

func TestPlanDuplicates(t *testing.T) {
	b := newBench(
		t,
		"base: base.yaml\nmethod: grid\nparameters:\n  train.lr: {values: [0.1, 1e-1, 0.2]}\n"+
			"  train.workers: {values: [1, 2]}\n",
	)
	p := b.plan()
	if len(p.Trials) != 4 || p.Duplicates != 2 || p.Trials[3].Number != 4 || p.Trials[2].Overrides[0] != "train.lr=0.2" {
		t.Errorf("got %d trials and %d duplicates, want 4 and 2: %v", len(p.Trials), p.Duplicates, p.Trials)
	}
}

func TestPlanFolderNames(t *testing.T) {
	b := newBench(t, `base: base.yaml
method: grid
parameters:
  augment.mean: {values: [[0, 0, 0], [0.1, 0.2, 0.3]]}
  data.root: {values: [../a b, /x]}
  data.source: {value: idx}
`)
	if got, want := b.plan().Trials[0].Folder, "001-mean-0__0__0-root-.._a_b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	joint := newBench(
		t,
		"base: base.yaml\nmethod: grid\nparameters:\n  loss.order.families.rotate+blur: "+
			"{values: [{weight: 1}, {weight: 2}]}\n",
	)
	if got, want := joint.plan().Trials[1].Folder, "002-rotate_blur-weight__2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.write(
		"roles.yaml",
		"base: base.yaml\nmethod: grid\nparameters:\n  data.source: {value: idx}\n  data.root: {values: [a, "+strings.Repeat(
			"x",
			100,
		)+"]}\n",
	)
	long := b.plan().Trials[1]
	if want := "002-" + long.Hash; long.Folder != want {
		t.Errorf("got %s, want %s", long.Folder, want)
	}
}

func TestPlanFaults(t *testing.T) {
	b := newBench(t, "")
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"an unknown key", "parameters:\n  train.epoch: {values: [1, 2]}",
			[]string{"roles.yaml:4: train.epoch: unknown key; did you mean train.epochs?"}},
		{"one bad value among good ones",
			"parameters:\n  train.lr:\n    values:\n      - 1\n      - fast\n  seed: {values: [1, 2]}",
			[]string{`roles.yaml:7: train.lr: must be a number, found the text "fast"`}},
		{"a bad combination", "parameters:\n  train.epochs: {values: [1, 3]}\n  train.warmup_epochs: {values: [1, 2]}",
			[]string{"roles.yaml:5: train.warmup_epochs: must be in [0, train.epochs], got 2 of 1"}},
		{"too many",
			"parameters:\n  seed: {values: [" + strings.Repeat("1, ", 101) + "]}\n  data.seed: {values: [" +
				strings.Repeat("1, ", 100) + "]}",
			[]string{"roles.yaml: parameters: more than 10000 combinations"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.write("roles.yaml", "base: base.yaml\nmethod: grid\n"+c.text+"\n")
			_, err := NewPlan(b.file, nil, nil)
			if !errors.Is(err, fault.Config) {
				t.Fatalf("got %v, want a fault of kind Config", err)
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), b.dir+"/", ""), "\n")
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	b.write("roles.yaml", rolesText)
	_, err := NewPlan(b.file, []string{"seed=4", "train.lr=fast"}, nil)
	if !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "override seed=4: seed is a parameter of the sweep") ||
		strings.Count(err.Error(), "override train.lr=fast: train.lr: must be a number") != 1 {
		t.Errorf("got %v", err)
	}
	b.write("roles.yaml", "base: nowhere.yaml\nmethod: grid\nparameters: {seed: {value: 1}}")
	for _, file := range []string{b.file, filepath.Join(b.dir, "no.yaml")} {
		if _, err := NewPlan(file, nil, nil); !errors.Is(err, fault.Config) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want a fault of kind Config that says what is missing", file, err)
		}
	}
}

func TestParseFile(t *testing.T) {
	got, err := parseFile("dir/roles.yaml", []byte(`
base: ../b.yaml
method: grid
metric: {name: order_accuracy.rotate.embedding, goal: minimize}
jobs: 2
parameters:
  train:
    parameters:
      lr: {values: [1e-3, 0.10, 010]}
      schedule: {value: cosine}
  name: {values: ["a", '1', "1e3", "", "a #b", "a: b", "two\nlines", "null"]}
  model.projector:
    values:
      - &more [128, 64]
      - []
      - *more
  augment.ordered: {value: [{family: rotate, max: 90}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := sweepFile{
		Name: "roles", Base: []string{"../b.yaml"}, Jobs: 2, SearchSeed: 1,
		Metric: Metric{Name: "order_accuracy.rotate.embedding", Goal: minimize},
		Parameters: []parameter{
			{Key: "train.lr", Values: []string{"1e-3", "0.10", "010"}, Lines: []int{9, 9, 9}},
			{Key: "train.schedule", Values: []string{"cosine"}, Lines: []int{10}},
			{
				Key:    "name",
				Values: []string{"a", `"1"`, `"1e3"`, `""`, `"a #b"`, `"a: b"`, `"two\nlines"`, `"null"`},
				Lines:  []int{11, 11, 11, 11, 11, 11, 11, 11},
			},
			{Key: "model.projector", Values: []string{"[128, 64]", "[]", "[128, 64]"}, Lines: []int{14, 15, 16}},
			{Key: "augment.ordered", Values: []string{"[{family: rotate, max: 90}]"}, Lines: []int{17}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseFileFaults(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"s.yaml: is empty; a sweep has the keys base, method and parameters"}},
		{"no YAML", "a: [", []string{"s.yaml: is not YAML: "}},
		{"a key twice", "base: a\nbase: b",
			[]string{"s.yaml: is not YAML: line 2: mapping key \"base\" already defined at line 1"}},
		{"a list", "- 1",
			[]string{"s.yaml:1: must be a map with the keys name, base, method, metric, columns, parameters, seeds"}},
		{"all missing", "jobs: 1", []string{"s.yaml: lacks base, method, parameters, which a sweep must have"}},
		{"top level", "base: [1]\nmethods: grid\nmethod: bayes\njobs: 0\nname: a/b\nprogram: x\nparameters: {}", []string{
			"s.yaml: name: becomes a folder's name",
			"s.yaml:1: base[0]: must be text",
			`s.yaml:2: "methods" is no key here; did you mean method?`,
			`s.yaml:3: method: bayes is tpe here`,
			"s.yaml:4: jobs: must be a whole number in [1, 256]",
			`s.yaml:6: "program" is no key here; the keys are name, base, `,
			"s.yaml:7: parameters: must be a map of an experiment's keys",
		}},
		{"metric", "base: a\nmethod: grid\nparameters: {seed: {value: 1}}\nmetric: {goal: most, nam: x}", []string{
			`s.yaml:4: metric.goal: must be maximize or minimize, got "most"`,
			`s.yaml:4: metric: "nam" is no key here; did you mean name?`,
			"s.yaml:4: metric: needs both",
		}},
		{"misspelt metrics", "base: a\nmethod: grid\nparameters: {seed: {value: 1}}\n" +
			"metric: {name: knn_top_1, goal: maximize}\ncolumns: [loss, order_accuracy.rotat.embedding]", []string{
			`s.yaml:4: metric.name: "knn_top_1" is no number of a result; did you mean knn_top1?`,
			`s.yaml:5: columns[1]: "order_accuracy.rotat.embedding" is no number of a result; did you mean order_acc`,
		}},
		{"parameters", `base: a
method: grid
parameters:
  a: 1
  b: {value: 1, values: [2]}
  c: {values: 1}
  d: {values: []}
  e: {distribution: uniform}
  f: {value: }
  g: {values: [1, ~]}
  h: {parameters: {i: {values: {}}}}
  j.k: {value: 1}
  j: {parameters: {k: {value: 2}}}`, []string{
			"s.yaml:4: a: must be one of {value: …}, {values: [ … ]}, {min: …, max: …} and {parameters: { … }}",
			"s.yaml:5: b: must be one of",
			"s.yaml:6: c.values: must be a list of at least one value",
			"s.yaml:7: d.values: must be a list of at least one value",
			"s.yaml:8: e: uniform needs min below max",
			"s.yaml:8: e: is drawn, and method is grid",
			"s.yaml:9: f: has no value",
			"s.yaml:10: g: has no value",
			"s.yaml:11: h.i.values: must be a list",
			"s.yaml:13: j.k: is there twice, with dots and nested; keep one",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseFile("s.yaml", []byte(c.text))
			if !errors.Is(err, fault.Config) {
				t.Fatalf("got %v, want a fault of kind Config", err)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// FuzzParseFile: any text fails with a fault of kind Config or gives overrides of one line each.
func FuzzParseFile(f *testing.F) {
	f.Add(rolesText)
	f.Add("base: &a b\nmethod: grid\nparameters: {x: {values: [*a, [1, {y: z}], !!binary aGk=, 2001-01-01, .inf]}}")
	f.Add("parameters: &p {a: {parameters: {b: {parameters: {c: {value: 'x\n\n  y'}}}}}}\nmetric: {<<: *p}")
	f.Add(tpeText + "early_terminate: {type: asha, min_epochs: 2, eta: 4}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseFile("s.yaml", []byte(text))
		if err != nil {
			if !errors.Is(err, fault.Config) || err.Error() == "" {
				t.Fatalf("%v is no fault of kind Config", err)
			}
			return
		}
		for _, p := range file.Parameters {
			if p.drawn != nil && len(p.Values) == 0 && len(p.Lines) == 1 {
				continue
			}
			if len(p.Values) == 0 || len(p.Values) != len(p.Lines) {
				t.Fatalf("%+v has no values, or values without lines", p)
			}
			for _, v := range p.Values {
				if v == "" || strings.ContainsAny(v, "\n\r") {
					t.Fatalf("%s: %q is no value of a command line", p.Key, v)
				}
			}
		}
	})
}

func TestExperimentFileIsNoSweep(t *testing.T) {
	for text, hints := range map[string]int{
		"seed: 1": 1, "name: x\ndata: {source: orchard}": 1, "name: x": 0, "base: a.yaml\nseed: 1": 0, "bananas: 1": 0,
	} {
		_, err := parseFile("x.yaml", []byte(text))
		if !errors.Is(err, fault.Config) || len(fault.Hints(err)) != hints {
			t.Errorf("%q: %v with %d hints, want %d", text, err, len(fault.Hints(err)), hints)
		}
	}
}
