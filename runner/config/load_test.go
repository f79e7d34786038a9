package config_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/config"
)

// design is the example that the design document gives.
const design = `name: mnist-rotation
seed: 1
data:    {source: idx, root: data/mnist5k, image_size: 32}
model:   {backbone: convnet, projector: [256, 64]}
augment:
  invariant:
    - random_resized_crop: {scale: [0.6, 1.0]}
    - color_jitter: {brightness: 0.4, contrast: 0.4, p: 0.8}
  ordered:
    - {family: rotate, max: 180, levels: 3}
loss:
  invariance: {kind: ntxent, temperature: 0.2}
  order: {kind: ranknet, distance: cosine, temperature: 0.1, weight: 10}
train:   {epochs: 15, batch_size: 200, optimizer: adamw, lr: 2e-3, schedule: cosine, warmup_epochs: 1}
eval:    {knn: {k: 20}, every_epochs: 5}
`

func parse(t *testing.T, text string, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("x.yaml", []byte(text), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDesignFile(t *testing.T) {
	got := parse(t, design)
	want := config.Default()
	want.Name = "mnist-rotation"
	want.Data.Source, want.Data.Root = "idx", "data/mnist5k"
	crop, _ := augment.DefaultTransformation("random_resized_crop")
	crop.RandomResizedCrop.Scale = [2]float64{0.6, 1}
	jitter := augment.Transformation{ColorJitter: &augment.ColorJitter{Brightness: 0.4, Contrast: 0.4, P: 0.8}}
	want.Augment.Invariant = []augment.Transformation{crop, jitter}
	want.Augment.Ordered = []augment.Family{{Family: "rotate", Max: 180, Levels: 3}}
	want.Loss.Invariance.Temperature = 0.2
	want.Loss.Order.Weight = 10
	want.Loss = want.Loss.Resolved()
	want.Eval.EveryEpochs = 5
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestColorJitter: the bare name has the recipe's values; settings by name are all that there is then.
func TestColorJitter(t *testing.T) {
	recipe := augment.ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1, P: 0.8}
	bright := augment.ColorJitter{Brightness: 0.4, P: 1}
	half := recipe
	half.Hue = 0.05
	for _, c := range []struct {
		name, written, override string
		want                    augment.ColorJitter
	}{
		{"bare", "color_jitter", "", recipe},
		{"no settings", "{color_jitter: }", "", recipe},
		{"one setting", "{color_jitter: {brightness: 0.4}}", "", bright},
		{"its own probability", "{color_jitter: {hue: 0.1, p: 0.5}}", "", augment.ColorJitter{Hue: 0.1, P: 0.5}},
		{"a setting of the bare name", "color_jitter", "augment.invariant.0.color_jitter.hue=0.05", half},
		{"a setting of none", "{color_jitter: }", "augment.invariant.0.color_jitter.hue=0.05", half},
		{"a setting of settings", "{color_jitter: {hue: 0.1}}", "augment.invariant.0.color_jitter.p=0.5",
			augment.ColorJitter{Hue: 0.1, P: 0.5}},
		{"beside views", "{color_jitter: {brightness: 0.4}, views: [0]}", "", bright},
	} {
		var overrides []string
		if c.override != "" {
			overrides = append(overrides, c.override)
		}
		e := parse(t, "augment: {invariant: ["+c.written+"]}", overrides...)
		if got := *e.Augment.Invariant[0].ColorJitter; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	for _, idle := range []string{"{p: 0.5}", "{}"} {
		_, err := config.Parse("x.yaml", []byte("augment: {invariant: [{color_jitter: "+idle+"}]}"), nil, nil)
		if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), "write color_jitter alone") {
			t.Errorf("%s: %v", idle, err)
		}
	}
}

func TestPrecedence(t *testing.T) {
	file, environ, override := "train: {epochs: 2}", "ORDO_TRAIN_EPOCHS=3", "train.epochs=4"
	for _, c := range []struct {
		name      string
		text      string
		environ   []string
		overrides []string
		want      int
	}{
		{"default", "seed: 1", nil, nil, config.Default().Train.Epochs},
		{"file over default", file, nil, nil, 2},
		{"environment over default", "seed: 1", []string{environ}, nil, 3},
		{"environment over file", file, []string{environ}, nil, 3},
		{"override over file", file, nil, []string{override}, 4},
		{"override over environment", file, []string{environ}, []string{override}, 4},
		{"later override", file, nil, []string{override, "train.epochs=5"}, 5},
		{"later section", file, nil, []string{override, "train={epochs: 5}"}, 5},
		{"section leaves other keys", file, nil, []string{override, "train={lr: 1}"}, 4},
		{"empty variable is none", file, []string{"ORDO_TRAIN_EPOCHS="}, nil, 2},
		{"other variables", file, []string{"ORDO_ONNXRUNTIME=x", "ORDO_CACHE=x", "TRAIN_EPOCHS=9", "junk"}, nil, 2},
		{"empty section", "train:", nil, nil, 15},
		{"an alias", "eval: {every_epochs: &n 6}\ntrain: {epochs: *n}", nil, nil, 6},
		{"a merge key", "eval: &e {every_epochs: 1}\ntrain: {epochs: 7}", nil, nil, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := config.Parse("x.yaml", []byte(c.text), c.overrides, c.environ)
			if err != nil {
				t.Fatal(err)
			}
			if e.Train.Epochs != c.want {
				t.Errorf("train.epochs = %d, want %d", e.Train.Epochs, c.want)
			}
		})
	}
}

func TestOverrides(t *testing.T) {
	steps := func(e config.Experiment) []string {
		var names []string
		for _, s := range e.Augment.Invariant {
			names = append(names, s.Name())
		}
		return names
	}
	for _, c := range []struct {
		override string
		got      func(config.Experiment) any
		want     any
		note     string
	}{
		{"train.lr=1e-4", func(e config.Experiment) any { return e.Train.LR }, 1e-4, ""},
		{"train.lr=1", func(e config.Experiment) any { return e.Train.LR }, 1.0, ""},
		{"train.epochs=3.0", func(e config.Experiment) any { return e.Train.Epochs }, 3, ""},
		{"train.batch_size=2e2", func(e config.Experiment) any { return e.Train.BatchSize }, 200, ""},
		{"train.batch_size=010", func(e config.Experiment) any { return e.Train.BatchSize }, 8, "octal"},
		{"seed=18446744073709551615", func(e config.Experiment) any { return e.Seed }, uint64(math.MaxUint64), ""},
		{"name=2024", func(e config.Experiment) any { return e.Name }, "2024", "text as it stands"},
		{"name='2024'", func(e config.Experiment) any { return e.Name }, "2024", "or quoted"},
		{"data.root=a: #b=c", func(e config.Experiment) any { return e.Data.Root }, "a: #b=c", ""},
		{"model.projector=[128,64]", func(e config.Experiment) any { return e.Model.Projector }, []int{128, 64}, ""},
		{"model.projector=[]", func(e config.Experiment) any { return e.Model.Projector }, []int(nil), ""},
		{"model.projector.1=32", func(e config.Experiment) any { return e.Model.Projector }, []int{256, 32},
			"a default list"},
		{"model.width=8", func(e config.Experiment) any { return e.Model.Width }, 8, "an inline struct"},
		{"augment.mean=[0, 1, 0.5]", func(e config.Experiment) any { return e.Augment.Mean }, [3]float64{0, 1, 0.5}, ""},
		{"augment.std.2=1", func(e config.Experiment) any { return e.Augment.Std }, [3]float64{0.5, 0.5, 1}, ""},
		{"augment.roles.rotate=invariant", func(e config.Experiment) any { return e.Augment.Roles },
			map[string]string{"rotate": "invariant"}, ""},
		{"augment.roles={rotate: absent}", func(e config.Experiment) any { return e.Augment.Roles },
			map[string]string{"rotate": "absent"}, ""},
		{"augment.ordered.0.max=90", func(e config.Experiment) any { return e.Augment.Ordered },
			[]augment.Family{{Family: "rotate", Max: 90, Levels: 3}}, ""},
		{"augment.ordered=[{family: hue}]", func(e config.Experiment) any { return e.Augment.Ordered },
			[]augment.Family{{Family: "hue", Max: 0.5, Levels: 3}}, ""},
		{"augment.invariant.0.random_resized_crop.scale.0=0.5",
			func(e config.Experiment) any { return e.Augment.Invariant[0].RandomResizedCrop.Scale }, [2]float64{0.5, 1}, ""},
		{"augment.invariant=[horizontal_flip, rotate, {grayscale: }, {family: blur, max: 1}]",
			func(e config.Experiment) any { return steps(e) },
			[]string{"horizontal_flip", "rotate", "grayscale", "blur"}, "bare names"},
		{"augment.invariant=[grayscale, {family: grayscale}]", func(e config.Experiment) any {
			return [2]bool{e.Augment.Invariant[0].Grayscale != nil, e.Augment.Invariant[1].Family != nil}
		}, [2]bool{true, true}, "a name of both kinds is the transformation"},
		{"augment.invariant=[{gaussian_blur: {p: 1}, views: [0]}, {family: hue, views: [1]}, {solarize: , views: [1]}]",
			func(e config.Experiment) any {
				i := e.Augment.Invariant
				return [][]int{i[0].Views, i[1].Views, i[2].Views, {len(i), int(i[0].GaussianBlur.P)}}
			}, [][]int{{0}, {1}, {1}, {3, 1}}, ""},
		{"augment.invariant.0.views=[1]", func(e config.Experiment) any { return e.Augment.Invariant[0].Views }, []int{1},
			""},
		{"augment.invariant=[{random_affine: {degrees: [0, 0], translate: [0.1, 0.2]}}]",
			func(e config.Experiment) any { return *e.Augment.Invariant[0].RandomAffine },
			augment.RandomAffine{Translate: [2]float64{0.1, 0.2}, Scale: [2]float64{1, 1}}, ""},
		{"augment.invariant.0.random_resized_crop.interpolation=bicubic",
			func(e config.Experiment) any { return e.Augment.Invariant[0].RandomResizedCrop.Interpolation }, "bicubic", ""},
		{"augment.local_views={count: 6}", func(e config.Experiment) any { return e.Augment.LocalViews },
			augment.LocalViews{Count: 6, Scale: [2]float64{0.05, 0.14}}, ""},
		{"augment.ordered.0.sampling=grid", func(e config.Experiment) any { return e.Augment.Ordered[0].Sampling }, "grid",
			""},
		{"augment.invariant=[{family: blur, max: 1}]",
			func(e config.Experiment) any { return *e.Augment.Invariant[0].Family }, augment.Family{Family: "blur", Max: 1},
			"no levels"},
	} {
		t.Run(c.override, func(t *testing.T) {
			if got := c.got(parse(t, design, c.override)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v %s", got, c.want, c.note)
			}
		})
	}
	e := parse(t, "augment: {invariant: [gaussian_blur]}", "augment.invariant.0.gaussian_blur.p=0.1")
	if p := e.Augment.Invariant[0].GaussianBlur.P; p != 0.1 {
		t.Errorf("an override below a bare name gave p = %v, want 0.1", p)
	}
}

// TestEveryVariable sets each key that has a variable to its own default.
func TestEveryVariable(t *testing.T) {
	seen := map[string]string{}
	for _, k := range config.Keys() {
		v := k.Variable()
		if v == "" {
			continue
		}
		if seen[v] != "" {
			t.Errorf("%s is the variable of %s and of %s", v, seen[v], k.Path)
		}
		seen[v] = k.Path
		if k.Default == `""` {
			continue
		}
		if _, err := config.Parse("x.yaml", []byte("seed: 1"), nil, []string{v + "=" + k.Default}); err != nil {
			t.Errorf("%s=%s: %v", v, k.Default, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name      string
		text      string
		overrides []string
		environ   []string
		want      []string // the lines of the error, each by its beginning
	}{
		{name: "empty", text: "# nothing\n", want: []string{"x.yaml: is empty"}},
		{name: "no map", text: "- 1", want: []string{"x.yaml: must be a map of keys such as `seed: 1`, found a list of 1"}},
		{name: "text", text: "hello",
			want: []string{`x.yaml: must be a map of keys such as ` + "`seed: 1`" + `, found the text "hello"`}},
		{name: "tab", text: "train:\n\tepochs: 1",
			want: []string{"x.yaml: is not YAML: line 2: found character that cannot start any token; " +
				"line 2 is indented by a tab"}},
		{name: "twice", text: "seed: 1\nseed: 2",
			want: []string{`x.yaml: is not YAML: line 2: mapping key "seed" already defined at line 1`}},
		{name: "two documents", text: "seed: 1\n---\nseed: 2", want: []string{"x.yaml: holds more than one YAML document"}},
		{name: "upper case", text: "seed: 1\nTrain: {}", want: []string{`x.yaml:2: "Train": keys are lower_snake_case`}},
		{name: "dots", text: "train.lr: 1", want: []string{"x.yaml:1: train.lr: no key has a dot"}},
		{name: "number as key", text: "1: 1", want: []string{`x.yaml:1: "1": keys are lower_snake_case`}},
		{name: "unknown key", text: "train:\n  batchsize: 1",
			want: []string{"x.yaml:2: train.batchsize: unknown key; did you mean train.batch_size?"}},
		{name: "wrong section", text: "batch_size: 1",
			want: []string{"x.yaml:1: batch_size: unknown key; did you mean train.batch_size?"}},
		{name: "unknown section", text: "trian: {lr: 1}",
			want: []string{"x.yaml:1: trian: unknown key; did you mean train?"}},
		{name: "nothing near", text: "eval: {frobnicate: 1}",
			want: []string{"x.yaml:1: eval.frobnicate: unknown key; eval holds eval.knn, "}},
		{name: "scalar for a section", text: "train: 5", overrides: []string{"train.lr=1"},
			want: []string{"x.yaml:1: train: must be a map of keys, found the number 5"}},
		{name: "map for a scalar", text: "train: {lr: {}}",
			want: []string{"x.yaml:1: train.lr: must be a number, found an empty map"}},
		{name: "no value", text: "train:\n  lr:", want: []string{"x.yaml:2: train.lr: must be a number, found no value"}},
		{name: "types",
			text: "seed: -1\nname: 010\ntrain:\n  epochs: 1.5\n  lr: fast\n  workers: on\n  warmup_epochs: .nan\n" +
				"  weight_decay: .inf\nmodel:\n  projector: [1, x]\n  width: [1]\n  backbone: 2024-01-01", want: []string{
				"x.yaml:1: seed: must be a whole number, not negative, found the number -1",
				"x.yaml:2: name: must be text, found the number 8; put it in quotes",
				"x.yaml:4: train.epochs: must be a whole number, found the number 1.5",
				`x.yaml:5: train.lr: must be a number, found the text "fast"`,
				`x.yaml:6: train.workers: must be a whole number, found the text "on"`,
				"x.yaml:7: train.warmup_epochs: must be a number, found the number NaN",
				"x.yaml:8: train.weight_decay: must be a number, found the number +Inf",
				`x.yaml:10: model.projector[1]: must be a whole number, found the text "x"`,
				"x.yaml:11: model.width: must be a whole number, found a list of 1",
				"x.yaml:12: model.backbone: must be text, found 2024-01-01 00:00:00 +0000 UTC; put it in quotes",
			}},
		{name: "list entries",
			text: "augment:\n  mean: [1, 2]\n  ordered:\n    - {family: rotat}\n    - {family: hue, maxx: 1}\n    - {max: 1}\n" +
				"    - hue\n    - {family: blur, max: }\n  invariant:\n    - color_jiter: {p: 1}\n    - color_jitter:\n" +
				"      p: 1\n    - rotate: {max: 1}\n    - {family: rotate, levels: 2}\n    - color_jitter: {q: 1}\n    - 5\n" +
				"    -\n    - flip\n    - grayscale: 1\n  roles: {rotat: absent}", want: []string{
				"x.yaml:2: augment.mean: must be a list of 3, each entry a number, found 2",
				`x.yaml:4: augment.ordered[0].family: must be one of rotate, quarter_turn, zoom, crop, translate, translate_x, ` +
					`translate_y, shear_x, shear_y, perspective, elastic, blur, sharpness, noise, jpeg, posterize, solarize, ` +
					`downscale, brightness, contrast, saturation, gamma, hue, grayscale, erase, got "rotat"; did you mean rotate?`,
				"x.yaml:5: augment.ordered[1].maxx: unknown key; did you mean max?",
				"x.yaml:6: augment.ordered[2]: must name a family, like {family: rotate}, found a map with max",
				`x.yaml:7: augment.ordered[3]: must be a family, like {family: rotate}, found the text "hue"`,
				"x.yaml:8: augment.ordered[4].max: must be a number, found no value",
				`x.yaml:10: augment.invariant[0]: no transformation is called "color_jiter"; did you mean color_jitter?`,
				"x.yaml:11: augment.invariant[1]: must be one transformation, like `- horizontal_flip: {p: 0.5}`, found a map " +
					"with color_jitter, p; are the settings indented",
				"x.yaml:13: augment.invariant[2]: rotate is a family; write {family: rotate, max: …}",
				"x.yaml:14: augment.invariant[3].levels: an invariant family adds no views",
				"x.yaml:15: augment.invariant[4].color_jitter.q: unknown key; did you mean p?",
				"x.yaml:16: augment.invariant[5]: must be a transformation, like `- horizontal_flip: {p: 0.5}`, found the number 5",
				"x.yaml:17: augment.invariant[6]: must be a transformation, like `- horizontal_flip: {p: 0.5}`, found no value",
				`x.yaml:18: augment.invariant[7]: no transformation is called "flip"`,
				"x.yaml:19: augment.invariant[8].grayscale: must be a map of keys, found the number 1",
				"x.yaml:20: augment.roles.rotat: unknown key; did you mean augment.roles.rotate?",
			}},
		{name: "views",
			text: "augment:\n  invariant:\n    - {grayscale: {p: 1}, views: 1}\n    - {grayscale: {p: 1}, vews: [1]}\n" +
				"    - {views: [0]}\n    - {family: hue, sampling: 1, views: [x]}", want: []string{
				"x.yaml:3: augment.invariant[0].views: must be a list, each entry a whole number, found the number 1",
				"x.yaml:4: augment.invariant[1]: must be one transformation, like `- horizontal_flip: {p: 0.5}`, found a map " +
					"with grayscale, vews",
				"x.yaml:5: augment.invariant[2]: must be one transformation",
				"x.yaml:6: augment.invariant[3].sampling: must be text, found the number 1",
				`x.yaml:6: augment.invariant[3].views[0]: must be a whole number, found the text "x"`,
			}},
		{name: "presets", text: "augment:\n  preset: simcrl\n  base_views: 3", want: []string{
			"x.yaml:2: augment.preset: must be one of simclr, byol, vicreg, swav, weak, none, got \"simcrl\"",
		}},
		{name: "preset and steps", text: "augment:\n  preset: byol\n  invariant: [grayscale]", want: []string{
			"x.yaml:2: augment.preset: byol stands in the place of invariant, which has 1 entries",
		}},
		{name: "values", text: "train:\n  lr: 0\nname: ../x\nmodel:\n  projector: [0]", overrides: []string{"train.epochs=0"},
			want: []string{
				"x.yaml:2: train.lr: must be in (0, 100], got 0",
				"x.yaml:3: name: becomes a folder's name",
				"x.yaml:5: model.projector[0]: must be in ",
				"override train.epochs=0: train.epochs: must be in ",
				"x.yaml:1: train.warmup_epochs",
			}},
		{name: "overrides", text: "augment: {ordered: [{family: hue}]}",
			overrides: []string{"lr", "=1", "train.lr=", "train.lr=fast", "trian.lr=1", "model.projector.0.x=1",
				"augment.ordered.0.maxx=1", "augment.ordered.0.max.1=1",
				"train=1", "train.lr.x=1", "augment.ordered.1.max=1", "augment.ordered.x=1", "augment.ordered.0.max.x=1",
				"Train.lr=1", "train={LR: 1}", "train.lr=[", "train.epochs={lr: 1}", "seed=1\n---\n2"}, want: []string{
				"override lr: must be KEY=VALUE, such as train.epochs=3",
				"override =1: must be KEY=VALUE",
				"override train.lr=: train.lr: must be a number, found no value",
				`override train.lr=fast: train.lr: must be a number, found the text "fast"`,
				"override trian.lr=1: trian.lr: unknown key; did you mean train.lr?",
				"override train=1: train: must be a map of keys, found the number 1",
				"override train.lr.x=1: train.lr.x: unknown key; did you mean train.lr?",
				`override augment.ordered.1.max=1: augment.ordered.1.max: "1" is no index of a list of 1 entries, counted from 0`,
				`override augment.ordered.x=1: augment.ordered.x: "x" is no index`,
				"override augment.ordered.0.max.x=1: augment.ordered.0.max.x: unknown key; did you mean augment.ordered.0.max?",
				"override augment.ordered.0.maxx=1: augment.ordered.0.maxx: unknown key; did you mean augment.ordered.0.max?",
				"override augment.ordered.0.max.1=1: augment.ordered.0.max.1: unknown key; did you mean augment.ordered.0.max?",
				"override model.projector.0.x=1: model.projector.0.x: unknown key",
				"override Train.lr=1: Train.lr: unknown key; did you mean train.lr?",
				`override train={LR: 1}: train: "LR": keys are lower_snake_case`,
				"override train.lr=[: train.lr: its value is not YAML: ",
				"override train.epochs={lr: 1}: train.epochs: must be a whole number, found a map with lr",
				`override "seed=1\n---\n2": seed: its value holds more than one YAML document`,
			}},
		{name: "environment", text: "seed: 1",
			environ: []string{"ORDO_TRAIN_EPOCH=1", "ORDO_TRAIN_LR=fast", "ORDO_DATA_IMAGE_SIZE=1"}, want: []string{
				"ORDO_TRAIN_EPOCH: no key has this variable; did you mean ORDO_TRAIN_EPOCHS?",
				`ORDO_TRAIN_LR: train.lr: must be a number, found the text "fast"`,
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Parse("x.yaml", []byte(c.text), c.overrides, c.environ)
			if !errors.Is(err, fault.Config) {
				t.Fatalf("got %v, want a fault of kind Config", err)
			}
			lines := strings.Split(err.Error(), "\n")
			for _, want := range c.want {
				if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
					t.Errorf("no line begins %q", want)
				}
			}
			if t.Failed() || len(lines) < len(c.want) {
				t.Errorf("got %d lines, want %d:\n%s", len(lines), len(c.want), err)
			}
		})
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "my-run.yaml")
	_, err := config.Load(file, nil, nil)
	if !errors.Is(err, fault.Config) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("a missing file gave %v", err)
	}
	if _, err := config.Load(dir, nil, nil); !errors.Is(err, fault.Config) ||
		!strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder gave %v", err)
	}
	if err := os.WriteFile(file, []byte("\ufeffseed: 3\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := config.Load(file, nil, nil)
	if err != nil || e.Name != "my-run" || e.Seed != 3 {
		t.Errorf("got %q, %d, %v, want my-run, 3", e.Name, e.Seed, err)
	}
	large := "seed: 1 #" + strings.Repeat("x", 1<<20)
	if _, err := config.Parse(file, []byte(large), nil, nil); !errors.Is(err, fault.Config) {
		t.Errorf("a file of more than a megabyte gave %v", err)
	}
}

func TestSweepFileIsNoExperiment(t *testing.T) {
	_, err := config.Parse("s.yaml", []byte("base: a.yaml\nmethod: grid\nparameters: {seed: {values: [1, 2]}}"), nil, nil)
	want := fault.OtherCommand{Sweep: true, File: "s.yaml"}
	if hints := fault.Hints(err); !errors.Is(err, fault.Config) || len(hints) != 1 || hints[0] != want {
		t.Errorf("%v with hints %v, want %v", err, hints, want)
	}
}
