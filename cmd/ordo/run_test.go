package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ordo/models/ort/install"
	"ordo/models/ort/orttest"
	"ordo/runner/track"
)

const tiny = `
data: {image_size: 16, images: 24, test_images: 24}
model: {backbone: convnet, width: 4, projector: [8]}
augment: {ordered: [{family: rotate, levels: 2}]}
train: {epochs: 2, batch_size: 12}
eval: {knn: {k: 3}, order: {levels: 4}}
`

// experiment writes an experiment file.
func experiment(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tiny.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRunAndEmbed(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")

	r := ordo(t, "run", file, "seed=5", "--out", out, "--json")
	r.check(t, exitOK, "step 2 of 4", "kNN", "order of rotate")
	var result track.Result
	if err := json.Unmarshal([]byte(r.stdout), &result); err != nil {
		t.Fatalf("stdout %q: %v", r.stdout, err)
	}
	if result.Seed != 5 || result.Steps != 4 || result.Run != out || result.Name != "tiny" || result.PeakMemoryBytes == 0 {
		t.Errorf("result %+v", result)
	}
	if !strings.HasPrefix(r.stderr, "run folder: "+out+"/\n") {
		t.Errorf("stderr %q does not begin with the folder", r.stderr)
	}
	again := ordo(t, "run", file, "seed=5", "--out", out)
	again.check(t, exitOK, "tiny finished on 20", "nothing was trained")
	for _, s := range []string{"weighted 3-NN", "order, rotate", "ONNX Runtime", "run folder: " + out} {
		if !strings.Contains(again.stdout, s) {
			t.Errorf("%q is missing in\n%s", s, again.stdout)
		}
	}

	npz := filepath.Join(t.TempDir(), "x.npz")
	e := ordo(t, "embed", out, "--split", "all", "--out", npz)
	e.check(t, exitOK)
	if !strings.Contains(e.stdout, "48 of 48 images (split all), features [48, 64], embedding [48, 8]") {
		t.Errorf("stdout %q", e.stdout)
	}
	if _, err := os.Stat(npz); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"x.npy", "x.parquet", "x.csv"} {
		file := filepath.Join(filepath.Dir(npz), name)
		e := ordo(t, "embed", out, "--outputs", "embedding", "--out", file)
		e.check(t, exitOK)
		if !strings.HasSuffix(e.stdout, "), embedding [24, 8]\n") {
			t.Errorf("stdout %q", e.stdout)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	ordo(t, "embed", out, "--outputs", "features,embedding", "--out", "x.npy").check(t, exitUsage, "holds one output")
	t.Chdir(t.TempDir())
	d := ordo(t, "run", file, "train.epochs=1")
	d.check(t, exitOK)
	if found, _ := filepath.Glob("runs/tiny-*/result.json"); len(found) != 1 {
		t.Errorf("the default run folder is not runs/NAME-HASH: %v", found)
	}
}

// pictures makes a folder of two classes with a good picture each, and then whatever spoil does to it.
func pictures(t *testing.T, spoil func(dir string) error) string {
	t.Helper()
	dir := t.TempDir()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, picture.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := spoil(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRunRefuses(t *testing.T) {
	real := orttest.Path(t)
	empty := t.TempDir()
	cut := pictures(t, func(dir string) error {
		file := filepath.Join(dir, "train/a/1.png")
		data, err := os.ReadFile(file)
		return errors.Join(err, os.WriteFile(file, data[:len(data)/2], 0o600))
	})
	text := pictures(t, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, "train/a/1.png"), []byte("dear diary"), 0o600)
	})
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"unknown key", []string{"train.batchsize=3"}, exitConfig, []string{"train.batchsize", "train.batch_size"}},
		{"wrong type", []string{"train.epochs=many"}, exitConfig, []string{"train.epochs", "many"}},
		{"out of range", []string{"augment.ordered.0.max=999"}, exitConfig, []string{"augment.ordered", "999"}},
		{"not an override", []string{"whatever"}, exitConfig, []string{"whatever"}},
		{"image smaller than the backbone takes", []string{"data.image_size=12"}, exitConfig,
			[]string{"data.image_size", "16"}},
		{"one base view", []string{"augment.base_views=1"}, exitConfig, []string{"augment.base_views", "ntxent"}},
		{"weight decay", []string{"train.weight_decay=3"}, exitConfig, []string{"train.weight_decay"}},
		{"nothing to learn", []string{"loss.invariance.kind=none", "augment.roles.rotate=absent"}, exitConfig,
			[]string{"loss"}},
		{"batch larger than the data", []string{"train.batch_size=25"}, exitConfig,
			[]string{"train.batch_size", "24 training images"}},
		{"missing folder", []string{"data.source=folder", "data.root=" + filepath.Join(empty, "none")}, exitData,
			[]string{"none"}},
		{"empty folder", []string{"data.source=folder", "data.root=" + empty}, exitData, []string{empty}},
		{"image cut off", []string{"data.source=folder", "data.root=" + cut}, exitData, []string{"train/a/1.png"}},
		{"not an image", []string{"data.source=folder", "data.root=" + text}, exitData, []string{"train/a/1.png"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(install.EnvLibrary, real)
			out := filepath.Join(t.TempDir(), "run")
			r := ordo(t, append([]string{"run", experiment(t, tiny), "--out", out}, c.args...)...)
			r.check(t, c.code, c.says...)
			if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the run folder is there: %v", err)
			}
		})
	}
	ordo(t, "run").check(t, exitUsage, "an experiment file is missing")
	ordo(t, "embed").check(t, exitUsage, "a run folder or an ONNX file is missing")
	ordo(t, "embed", empty).check(t, exitUsage, "--out is missing")
	ordo(t, "embed", empty, "--out", "x.npz", "--split", "valid").check(t, exitUsage, "train, test, all")
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(install.EnvLibrary, real)
	ordo(t, "run", experiment(t, tiny), "--out", file).check(t, exitFailure, file+" is a file", "--out")
	for _, args := range []string{
		"embed " + empty + " --out x.txt", "embed " + empty + " --out x", "embed " + empty + " --out x.npz --format csv",
		"views x.yaml --out x.jpg",
		"data info x.yaml --sheet x.jpg", "eval x --out x.csv", "artifacts inspect x.onnx --svg x.png",
	} {
		ordo(t, strings.Fields(args)...).check(t, exitUsage, "end the name in ")
	}
	ordo(t, "embed", empty, "train.epochs=3", "--out", "x").check(t, exitUsage, "data.KEY=VALUE")
	ordo(t, "embed", empty, "--out", filepath.Join(empty, "x.npz")).check(t, exitData, "no finished run in "+empty)
	ordo(t, "run", filepath.Join(empty, "none.yaml")).check(t, exitConfig, "none.yaml")
	ordo(t, "run", experiment(t, "train: {epochs: 1")).check(t, exitConfig, "tiny.yaml")
}

func TestRunWithoutAFitLibrary(t *testing.T) {
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")
	t.Setenv(install.EnvLibrary, "")
	t.Setenv(install.EnvCache, t.TempDir())
	ordo(t, "run", file, "--out", out).check(t, exitLibrary, "run `ordo runtime install`")

	t.Setenv(install.EnvLibrary, untrained(t))
	r := ordo(t, "run", file, "--out", out)
	r.check(t, exitLibrary, "without the training API", "ordo runtime install")
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run folder is there: %v", err)
	}
}

// untrained compiles a library that says it is ONNX Runtime without the training API.
func untrained(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "stub.c")
	err := os.WriteFile(source, []byte(`
static void *none(unsigned version) { return 0; }
static void *make(int level, const char *id, void **it) { *it = 0; return 0; }
static void *memory(int a, int m, void **it) { *it = 0; return 0; }
static void *allocator(void **it) { *it = 0; return 0; }
static void *table[400];
static void *api(unsigned version) {
  table[3] = make; table[69] = memory; table[78] = allocator; table[219] = none;
  return table;
}
static const char *version(void) { return "1.28.0"; }
static struct { void *(*get)(unsigned); const char *(*version)(void); } base = {api, version};
void *OrtGetApiBase(void) { return &base; }
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(dir, "libonnxruntime.so.1")
	if text, err := exec.Command("cc", "-shared", "-fPIC", "-w", "-o", lib, source).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, text)
	}
	return lib
}

// A real signal stops a run after its step; the same command goes on and ends where an uninterrupted run ends.
func TestInterruptedRun(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")
	args := []string{"run", file, "train.epochs=100", "--out", out}
	// Tests that were started by nohup ignore it, and ordo would, too.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for _, c := range []struct {
		signal syscall.Signal
		code   int
	}{
		{syscall.SIGINT, exitInterrupted}, {syscall.SIGTERM, exitStopped}, {syscall.SIGHUP, exitStopped},
		{syscall.SIGUSR1, exitStopped},
	} {
		r := ordoInterrupted(t, c.signal, ": step ", args...)
		r.check(t, c.code, "interrupted after step", "run the same command again", "\nrun folder: "+out)
		if _, err := os.Stat(filepath.Join(out, "last.ckpt")); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(out, "result.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an interrupted run has a result: %v", err)
		}
	}
	ordo(t, args...).check(t, exitOK, "going on after step")
	ordo(t, "run", file, "train.epochs=3", "--out", out).check(t, exitFailure, "another experiment", "--out")
}

// TestRunOfARunFolder: it goes on with the run, shows its result, or trains a longer one.
func TestRunOfARunFolder(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	dir := t.TempDir()
	file, out := experiment(t, tiny), filepath.Join(dir, "run")
	ordoInterrupted(t, syscall.SIGINT, ": step 2", "run", file, "train.epochs=4", "--out", out)
	ordo(t, "run", out).check(t, exitOK, "going on after step")
	before := read(t, filepath.Join(out, "result.json"))
	if r := ordo(t, "run", out, "eval.knn.k=5"); r.code != exitOK || read(t, filepath.Join(out, "result.json")) != before {
		t.Errorf("a finished run was trained again: %s", r.stderr)
	}
	longer := filepath.Join(dir, "longer")
	r := ordo(t, "run", out, "train.epochs=6", "train.lr=1e-3", "--out", longer, "--json")
	r.check(t, exitOK, "goes on from "+out, "epoch 4")
	record, err := track.ReadRecord(longer)
	if err != nil || record.Parent == nil || record.Parent.Epoch != 4 {
		t.Errorf("lineage %+v, %v", record.Parent, err)
	}
	longest := filepath.Join(dir, "longest")
	ordo(t, "run", longer, "train.epochs=7", "--out", longest).check(t, exitOK, "goes on from "+longer, "epoch 6")
	ordo(t, "run", out, "train.epochs=6", "model.weights="+out, "--out", filepath.Join(dir, "x")).
		check(t, exitConfig, "model is not what it was")
	ordo(t, "run", file, "seed=3", "model.weights="+out, "--out", filepath.Join(dir, "y")).
		check(t, exitOK, "parameters taken")
	ordo(t, "run", dir).check(t, exitConfig, "no run in the folder")
	ordo(t, "run", out, "--check").check(t, exitUsage, "needs an experiment file")
	ordo(t, "run", file, "train.from="+dir).check(t, exitConfig, "train.from", "last.ckpt")
}

// TestClosedPipe: a run whose progress nobody reads any more goes on.
func TestClosedPipe(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	out := filepath.Join(t.TempDir(), "run")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run", experiment(t, tiny), "train.epochs=20", "--out", out)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = reader.Read(make([]byte, 1))
	if err := errors.Join(err, writer.Close(), reader.Close(), cmd.Wait()); err != nil {
		t.Errorf("the run ended with %v", err)
	}
	if err := track.CheckFiles(out); err != nil {
		t.Error(err)
	}
}

// TestReplayCommand: the error of a run that diverges names the command, which names the operator.
func TestReplayCommand(t *testing.T) {
	t.Setenv(install.EnvLibrary, orttest.Path(t))
	file, out := experiment(t, tiny), filepath.Join(t.TempDir(), "run")
	ordo(t, "run", file, "augment.std=[1e-38, 1e-38, 1e-38]", "--out", out).check(t, exitNumeric, "`ordo replay "+out+"`")
	r := ordo(t, "replay", out)
	if r.check(t, exitOK); !strings.Contains(r.stdout, "node bn1, in the forward pass") {
		t.Errorf("says %s", r.stdout)
	}
	var found map[string]any
	if r = ordo(t, "replay", out, "--json"); json.Unmarshal([]byte(r.stdout), &found) != nil || found["found"] == nil {
		t.Errorf("JSON %s", r.stdout)
	}
	ordo(t, "replay").check(t, exitUsage, "a run folder is missing")
	ordo(t, "replay", t.TempDir()).check(t, exitConfig, "experiment.yaml")
}

// TestProgressOfImages: where no bar can be drawn, there is a line now and then.
func TestProgressOfImages(t *testing.T) {
	var stderr strings.Builder
	g := &global{stderr: &stderr}
	now := time.Unix(0, 0)
	for _, r := range []*reading{newReading(g), newEncoding(g)} {
		r.now = func() time.Time { return now }
		for done := 128; done <= 512; done += 128 {
			r.image(done, 512)
			now = now.Add(20 * time.Second)
		}
	}
	if got, want := stderr.String(), "384 of 512 images decoded\n384 of 512 images encoded\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
