package pipeline

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/config"
)

// pythonVariable makes this test binary a Python: MODE.
const pythonVariable = "ORDO_PIPELINE_TEST_PYTHON"

func TestMain(m *testing.M) {
	if mode := os.Getenv(pythonVariable); mode != "" {
		os.Exit(fakePython(mode))
	}
	os.Exit(m.Run())
}

// fakePython answers as the script does. Its torchvision does 50 views in a second; it has no blur.
func fakePython(mode string) int {
	var images [][]any
	index, err := os.ReadFile("images.json")
	if err == nil {
		err = json.Unmarshal(index, &images)
	}
	if err != nil || len(os.Args) != 2 || os.Args[1] != transformsFile {
		fmt.Fprintln(os.Stderr, "called wrongly:", os.Args, err)
		return 1
	}
	for _, m := range images {
		info, err := os.Stat(m[0].(string))
		if err != nil || float64(info.Size()) != 3*m[1].(float64)*m[2].(float64) {
			fmt.Fprintln(os.Stderr, "not the pixels of an image:", m, err)
			return 1
		}
	}
	if mode == "no numpy" {
		fmt.Fprintln(os.Stderr, "Traceback\nModuleNotFoundError: No module named 'numpy'")
		return 1
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var request struct {
			Hello     bool
			Library   string
			Operation struct {
				Name  string
				Views [][]map[string]any
				Size  int
				Mean  []float64
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		op := request.Operation
		switch {
		case request.Hello && mode == "nothing":
			fmt.Println(`{"python": "3.99", "torchvision": null, "albumentations": null}`)
		case request.Hello:
			fmt.Println(`{"python": "3.99", "torchvision": "9.9", "albumentations": null}`)
		case mode == "crashes":
			fmt.Fprintln(os.Stderr, "MemoryError")
			return 1
		case op.Size != 16 || len(op.Mean) != 3 || len(op.Views) == 0 || request.Library != "torchvision":
			fmt.Fprintln(os.Stderr, "asked wrongly:", lines.Text())
			return 1
		case op.Name == "blur":
			fmt.Println(`{"missing": "no blur"}`)
		default:
			fmt.Println(`{"views": 100, "seconds": 2}`)
		}
	}
	return 0
}

func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(`
data: {image_size: 16, images: 48, test_images: 24}
augment:
  invariant:
    - color_jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, p: 0.2}
    - horizontal_flip
    - {family: blur}
  ordered: [{family: rotate, levels: 2}, {family: blur, levels: 1}]
`), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func measured(t testing.TB, change func(o *Options), overrides ...string) (Result, error) {
	t.Helper()
	o := Options{Experiment: experiment(t, overrides...), Round: 2 * time.Millisecond, Rounds: 2}
	if change != nil {
		change(&o)
	}
	return Run(t.Context(), o)
}

func names(r Result) []string {
	var names []string
	for _, op := range r.Operations {
		names = append(names, op.Name)
	}
	return names
}

func TestRun(t *testing.T) {
	var doing []string
	r, err := measured(t, func(o *Options) {
		o.Operations = []string{"zoom", "grayscale", "rotate"}
		o.Doing = func(what string) { doing = append(doing, what) }
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"none", "color_jitter", "horizontal_flip", "random blur", "rotate", "blur", "zoom", "grayscale", "plan",
	}
	if got := names(r); !slices.Equal(got, want) || !slices.Equal(doing[len(doing)-len(want):], want) {
		t.Errorf("operations %q, heard of %q", got, doing)
	}
	for name, v := range map[string]float64{
		"decode": r.Decode.One, "decode all": r.Decode.All, "pack": r.Pack.One, "pack all": r.Pack.All,
		"read": r.Read.One, "read all": r.Read.All, "GB": r.ReadBytes.One, "GB all": r.ReadBytes.All,
		"open": r.Open, "epoch": r.FirstEpoch, "memory": float64(r.Memory),
	} {
		if !(v > 0) {
			t.Errorf("%s is %v", name, v)
		}
	}
	for _, op := range r.Operations {
		if !(op.Views.One > 0) || !(op.Views.All > 0) || op.Beside != nil || op.Microseconds < 0 {
			t.Errorf("%+v", op)
		}
	}
	if r.Name != "small" || r.Images != 48 || r.Kept != "memory" || r.Packed != "" || r.ImageSize != 16 ||
		r.Source != "orchard" {
		t.Errorf("%+v", r)
	}
}

func TestRunPacked(t *testing.T) {
	dir := t.TempDir()
	r, err := measured(t, nil, "data.cache.kind=packed", "data.cache.dir="+dir)
	if err != nil || r.Kept != "packed" || filepath.Dir(r.Packed) != dir || r.Bytes < 48*3*16*16 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRunRefuses(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	o := Options{Experiment: experiment(t), Round: time.Millisecond, Rounds: 1}
	if _, err := Run(cancelled, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for name, change := range map[string]func(o *Options){
		"no such operation": func(o *Options) { o.Operations = []string{"sharpen it"} },
		"no such size":      func(o *Options) { o.Experiment.Data.ImageSize = 3 },
	} {
		if _, err := measured(t, change); !errors.Is(err, fault.Config) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := measured(t, func(o *Options) { o.Rounds = 0 }); err == nil {
		t.Error("no rounds")
	}
}

func TestBeside(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	python := func(o *Options) { o.Beside = exe }
	t.Setenv(pythonVariable, "all is well")
	r, err := measured(t, python)
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Beside; b == nil || *b != (Libraries{Python: "3.99", Torchvision: "9.9"}) {
		t.Errorf("%+v", r.Beside)
	}
	for _, op := range r.Operations {
		other := op.Beside["torchvision"]
		if op.Name == "blur" {
			if other != (Other{Missing: "no blur"}) {
				t.Errorf("blur: %+v", other)
			}
			continue
		}
		if other.Views != 50 || !(other.Ratio > 0) || other.Missing != "" || len(op.Beside) != 1 {
			t.Errorf("%s: %+v", op.Name, op.Beside)
		}
	}

	t.Setenv(pythonVariable, "crashes")
	if _, err = measured(t, python); err == nil || !strings.Contains(err.Error(), "MemoryError") {
		t.Errorf("a script that crashes: %v", err)
	}
	// Without a comparison there is the rest.
	for mode, says := range map[string]string{
		"nothing": "neither torchvision nor Albumentations", "no numpy": "No module named 'numpy'",
	} {
		t.Setenv(pythonVariable, mode)
		r, err = measured(t, python)
		if err != nil || !strings.Contains(r.Beside.Missing, says) || len(r.Operations) != 7 {
			t.Errorf("%s: %+v, %v", mode, r.Beside, err)
		}
	}
	r, err = measured(t, func(o *Options) { o.Beside = filepath.Join(t.TempDir(), "python3") })
	if err != nil || !strings.Contains(r.Beside.Missing, "can't be started") {
		t.Errorf("no Python: %+v, %v", r.Beside, err)
	}
}

// TestScriptKnowsEveryName holds that the script was extended along with augment.
func TestScriptKnowsEveryName(t *testing.T) {
	for _, name := range slices.Concat(augment.TransformationNames(), augment.FamilyNames()) {
		if !strings.Contains(string(transforms), `"`+name+`"`) {
			t.Errorf("the script has no %s", name)
		}
	}
}

func TestOperations(t *testing.T) {
	e := experiment(t, "augment.roles.rotate=invariant")
	ops, err := operations(e.Augment, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]operation{}
	for _, op := range ops {
		byName[op.name] = op
	}
	jitter := byName["color_jitter"].steps[0][0].(map[string]any)["color_jitter"].(map[string]any)
	if fmt.Sprint(jitter["p"]) != "1" || e.Augment.Invariant[0].ColorJitter.P != 0.2 {
		t.Errorf("color_jitter alone is %v, in the experiment %v", jitter, e.Augment.Invariant[0].ColorJitter)
	}
	if op := byName["rotate"]; len(op.views) != 2 || len(op.steps[1]) != 1 {
		t.Errorf("rotate alone has views %v of %v", op.views, op.steps)
	}
	// Two base views and one blurred one; rotation is one of four random steps.
	if op := byName[plan]; len(op.views) != 3 || len(op.steps[0]) != 4 || len(op.steps[2]) != 5 {
		t.Errorf("the plan has views %v of %v", op.views, op.steps)
	}
}

// TestPreset times a preset whose two views have different steps.
func TestPreset(t *testing.T) {
	e := experiment(t, "augment.invariant=[]", "augment.preset=byol")
	ops, err := operations(e.Augment, 16, []string{"simclr", "none"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	steps := map[string]string{}
	for _, op := range ops {
		names = append(names, op.name)
		for _, view := range op.steps {
			for _, s := range view {
				for name := range s.(map[string]any) {
					steps[op.name] += name + " "
				}
			}
			steps[op.name] += "| "
		}
	}
	want := []string{
		"none", "random_resized_crop", "horizontal_flip", "color_jitter", "grayscale", "gaussian_blur", "solarize",
		"rotate", "blur", "simclr", plan,
	}
	if !slices.Equal(names, want) {
		t.Errorf("operations %q", names)
	}
	const base = "random_resized_crop horizontal_flip color_jitter grayscale gaussian_blur "
	if steps["simclr"] != base+"| "+base+"| " || steps["solarize"] != "solarize | " ||
		!strings.HasPrefix(steps[plan], base+"| "+base+"solarize | "+base) {
		t.Errorf("steps %q", steps)
	}
}

func ExampleRun() {
	e := config.Default()
	e.Name, e.Data.Images, e.Data.TestImages = "quick", 24, 12
	r, err := Run(context.Background(), Options{Experiment: e, Round: time.Millisecond, Rounds: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Images, r.Kept, r.Operations[0].Name, r.Operations[0].Views.One > 0)
	// Output: 24 memory none true
}
