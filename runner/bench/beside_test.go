package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/zoo"
	"ordo/runner/bench/script"
	"ordo/runner/config"
)

// asBackbone makes the test binary the process that Beside starts for ordo's side.
const asBackbone = "ORDO_TEST_AS_BACKBONE"

func TestMain(m *testing.M) {
	if os.Getenv(asBackbone) != "" {
		if err := BackboneSteps(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// experiment is a small one.
func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(`
name: small
data: {source: orchard, image_size: 16, images: 48, test_images: 24}
model: {backbone: convnet, width: 4, projector: [16, 8]}
augment:
  invariant: [horizontal_flip, color_jitter]
  ordered: [{family: rotate, levels: 2}, {family: hue, levels: 1}]
train: {epochs: 3, batch_size: 12, warmup_epochs: 1}
`), overrides, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fakePython writes a script that answers as torch_step.py does.
func fakePython(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// besideOptions compare a small network with a script that says it has so many parameters, and where images are plain
// takes 9 s for steps, else 8.
func besideOptions(t *testing.T, parameters int64, threads int) BesideOptions {
	t.Helper()
	t.Setenv(asBackbone, "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e := experiment(t, "model.backbone=resnet18", "model.stem=small", "model.width=4", "model.threads=2")
	return BesideOptions{
		Bench: Options{Experiment: e, Libraries: libraries(t)},
		Ordo:  []string{program}, Rounds: 3, Steps: 2,
		Python: fakePython(t, fmt.Sprintf(`
read o
case "$o" in *'"channels_last":true'*) s=8;; *) s=9;; esac
echo '{"python": "3", "torch": "2", "parameters": %d, "threads": %d, "before": 5}'
while read q; do echo "{\"seconds\": $s, \"peak\": $s$OMP_NUM_THREADS}"; done`, parameters, threads)),
	}
}

func TestBeside(t *testing.T) {
	t.Setenv("OMP_NUM_THREADS", "7")
	e := experiment(t, "model.backbone=resnet18", "model.width=4", "model.projector=[]")
	info, err := zoo.Describe(e.Model.Options, e.Data.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	o := besideOptions(t, info.Parameters, 2)
	r, err := Beside(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Torch != "2" || r.Python != "3" || r.Threads != 2 || int64(r.Parameters) != info.Parameters ||
		len(r.Sides) != 3 || r.Best != "torch, channels last" {
		t.Fatalf("%+v", r)
	}
	rows := float64(2 * r.Batch)
	own, plain, last := r.Sides[0], r.Sides[1], r.Sides[2]
	if own.Name != "ordo" || len(own.Speed) != 3 || own.Ratio != nil || own.MemoryBefore < 1<<20 ||
		own.PeakMemory <= own.MemoryBefore {
		t.Errorf("ordo's side: %+v", own)
	}
	if !slices.Equal(plain.Speed, []float64{rows / 9, rows / 9, rows / 9}) || plain.PeakMemory != 9 ||
		last.PeakMemory != 8 || last.MemoryBefore != 5 {
		t.Errorf("torch's sides: %+v, %+v", plain, last)
	}
	near := func(got, want float64) bool { return got > want*0.999 && got < want*1.001 }
	want := Median(own.Speed) * 8 / rows
	if !near(r.Ratio, want) || !near(last.Ratio.Median, want) || !near(plain.Ratio.Median, want*9/8) ||
		!near(last.Ratio.Min, slices.Min(own.Speed)*8/rows) || !near(last.Ratio.Max, slices.Max(own.Speed)*8/rows) ||
		!near(last.Ratio.Best, last.Ratio.Max) {
		t.Errorf("ratios %v, %+v and %+v of %v", r.Ratio, last.Ratio, plain.Ratio, own.Speed)
	}

	for name, o := range map[string]BesideOptions{
		"it isn't the same": besideOptions(t, info.Parameters+1, 2),
		"3 threads":         besideOptions(t, info.Parameters, 3),
	} {
		refuses(t, o, name)
	}
}

// refuses fails if there is a comparison, or if the error doesn't say a word.
func refuses(t *testing.T, o BesideOptions, word string) {
	t.Helper()
	_, err := Beside(context.Background(), o)
	if !errors.Is(err, script.ErrNoComparison) || !strings.Contains(err.Error(), word) {
		t.Errorf("%s: %v", word, err)
	}
}

func TestBesideRefuses(t *testing.T) {
	o := besideOptions(t, 0, 0)
	for says, python := range map[string]string{
		"name a Python":   filepath.Join(t.TempDir(), "none"),
		"no module torch": fakePython(t, "echo 'no module torch' >&2; exit 1"),
	} {
		o.Python = python
		refuses(t, o, says)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Beside(ctx, o); !errors.Is(err, fault.Interrupted) {
		t.Errorf("interrupted: %v", err)
	}
	o.Bench.Libraries.ONNXRuntime = filepath.Join(t.TempDir(), "none.so")
	refuses(t, o, "none.so")
	o.Bench.Experiment = experiment(t)
	refuses(t, o, "convnet") // torchvision lacks it
}
