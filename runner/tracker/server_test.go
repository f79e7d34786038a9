package tracker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ordo/runner/config"
	"ordo/runner/guard"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// fake is a server that keeps what it is told as MLflow does: equal points once, and a parameter's first value.
type fake struct {
	mutex       sync.Mutex
	experiments []string
	runs        []*fakeRun
	asked       []string // paths
	refused     []string // requests that MLflow would not take
	// disturb may answer in the place of the server, or after it (done), and says so.
	disturb func(w http.ResponseWriter, request int, path string, done bool) bool
}

type fakeRun struct {
	Name, Experiment, Status string
	Began, Ended             int64
	Params, Tags             map[string]string
	Points                   map[mlflow.Metric]int // times that each was sent
}

// told gives the steps of each key with their values: "1=0.5 2=0.25".
func (r *fakeRun) told(key string) string {
	var points []mlflow.Metric
	for m := range r.Points {
		if m.Key == key {
			points = append(points, m)
		}
	}
	slices.SortFunc(points, func(a, b mlflow.Metric) int { return a.Step - b.Step })
	var texts []string
	for _, p := range points {
		texts = append(texts, fmt.Sprintf("%d=%v", p.Step, p.Value))
	}
	return strings.Join(texts, " ")
}

// fakeRequest has the fields of all requests.
type fakeRequest struct {
	Name         string          `json:"name"`
	RunName      string          `json:"run_name"`
	RunID        string          `json:"run_id"`
	ExperimentID string          `json:"experiment_id"`
	Filter       string          `json:"filter"`
	Status       string          `json:"status"`
	Start        int64           `json:"start_time"`
	End          int64           `json:"end_time"`
	Tags         []mlflow.Text   `json:"tags"`
	Params       []mlflow.Text   `json:"params"`
	Metrics      []mlflow.Metric `json:"metrics"`
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/")
	f.mutex.Lock()
	f.asked = append(f.asked, path)
	n, disturb := len(f.asked), f.disturb
	f.mutex.Unlock()
	if disturb != nil && disturb(w, n, path, false) {
		return
	}
	var q fakeRequest
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			panic(err)
		}
	}
	f.mutex.Lock()
	answer, err := f.answer(path, r.URL.Query().Get("experiment_name"), q)
	if err != nil {
		f.refused = append(f.refused, err.Error())
	}
	f.mutex.Unlock()
	switch {
	case disturb != nil && disturb(w, n, path, true):
	case errors.Is(err, fs.ErrNotExist):
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprintf(w, `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}`)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error_code": "INVALID_PARAMETER_VALUE", "message": %q}`, err)
	default:
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (f *fake) answer(path, experiment string, q fakeRequest) (any, error) {
	type object = map[string]any
	var run *fakeRun
	if q.RunID != "" {
		var i int
		if _, err := fmt.Sscanf(q.RunID, "r%d", &i); err != nil || i >= len(f.runs) {
			return nil, fs.ErrNotExist
		}
		run = f.runs[i]
	}
	switch path {
	case "experiments/get-by-name":
		if i := slices.Index(f.experiments, experiment); i >= 0 {
			return object{"experiment": object{"experiment_id": fmt.Sprint("e", i)}}, nil
		}
		return nil, fs.ErrNotExist
	case "experiments/create":
		f.experiments = append(f.experiments, q.Name)
		return object{"experiment_id": fmt.Sprint("e", len(f.experiments)-1)}, nil
	case "runs/search":
		for i, r := range f.runs {
			if q.Filter == fmt.Sprintf("tags.`ordo.key` = '%s'", r.Tags["ordo.key"]) {
				return object{"runs": []object{{"info": object{"run_id": fmt.Sprint("r", i)}}}}, nil
			}
		}
		return object{}, nil
	case "runs/create":
		run := &fakeRun{Name: q.RunName, Experiment: q.ExperimentID, Status: mlflow.Running, Began: q.Start,
			Params: map[string]string{}, Tags: map[string]string{}, Points: map[mlflow.Metric]int{}}
		f.runs = append(f.runs, run)
		return object{"run": object{"info": object{"run_id": fmt.Sprint("r", len(f.runs)-1)}}}, run.add(q)
	case "runs/log-batch":
		return object{}, run.add(q)
	case "runs/update":
		run.Status, run.Ended = q.Status, q.End
		return object{}, nil
	}
	return nil, fs.ErrNotExist
}

func (r *fakeRun) add(q fakeRequest) error {
	if len(q.Metrics) > 1000 || len(q.Params) > 100 || len(q.Metrics)+len(q.Params)+len(q.Tags) == 0 {
		return fmt.Errorf("%d metrics, %d parameters and %d tags", len(q.Metrics), len(q.Params), len(q.Tags))
	}
	for _, p := range q.Params {
		if was, ok := r.Params[p.Key]; len([]rune(p.Value)) > 500 || ok && was != p.Value {
			return fmt.Errorf("parameter %s", p.Key)
		}
		r.Params[p.Key] = p.Value
	}
	for _, p := range q.Tags {
		r.Tags[p.Key] = p.Value
	}
	for _, m := range q.Metrics {
		if strings.ContainsAny(m.Key, "+") {
			return fmt.Errorf("metric %s", m.Key)
		}
		r.Points[m]++
	}
	return nil
}

// serve lets a fake answer, at an address, or with "" at a new one.
func serve(t *testing.T, f *fake, address string) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(f)
	if address != "" {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = server.Listener.Close()
		server.Listener = listener
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

const small = `
name: small
augment: {ordered: [{family: rotate, levels: 2}]}
train: {epochs: 3}
`

func experiment(t testing.TB, overrides ...string) config.Experiment {
	t.Helper()
	e, err := config.Parse("small.yaml", []byte(small), overrides, []string{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fakeFolder is a run folder in which a test does what a run does.
type fakeFolder struct {
	*track.Folder
	t testing.TB
}

func openFolder(t testing.TB, dir string) *fakeFolder {
	t.Helper()
	e := experiment(t)
	text, err := e.YAML()
	if err != nil {
		t.Fatal(err)
	}
	record := track.Record{Name: e.Name, Hash: e.Hash(), Seed: 7, Ordo: "test", Threads: 2}
	f, err := track.Open(dir, record, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &fakeFolder{f, t}
}

// ended is when the steps of fake folders up to 100 were done.
var ended = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// write writes the lines of steps as a run does, with an epoch every 5 steps. The loss of a step is step + shift.
func (f *fakeFolder) write(first, last int, shift float64) {
	f.t.Helper()
	must := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	for n := first; n <= last; n++ {
		epoch := float64(n) / 5
		must(f.Step(track.Step{Step: n, Epoch: epoch, Rate: 0.001, Loss: float64(n) + shift, GradNorm: 0.5,
			Terms: map[string]float64{"order": shift, "order/value/rotate+blur": 1}}))
		if n%5 > 0 {
			continue
		}
		g := track.GuardLine{Step: n, Epoch: epoch}
		g.Guard.Add(16, "features", guard.Spread{})
		must(f.Guard(g))
		must(f.Timing(track.Timing{Step: n, Steps: 5, Seconds: 10, Ended: ended.Add(time.Duration(2*n) * time.Second)}))
		must(f.Eval(track.EvalLine{Step: n, Epoch: epoch, Evaluation: track.Evaluation{
			Metrics: map[string]float64{"knn.features": shift + 0.5}, Chance: map[string]float64{"knn.features": 0.1}}}))
	}
	must(f.Sync())
}

// tables are the numbers of the lines that write writes, as fakeRun.told says them.
func tables(last int) map[string]string {
	losses, epochs := make([]string, 0, last), []string{}
	for n := 1; n <= last; n++ {
		losses = append(losses, fmt.Sprintf("%d=%d", n, n))
		if n%5 == 0 {
			epochs = append(epochs, fmt.Sprintf("%d=0.5", n))
		}
	}
	return map[string]string{
		"loss": strings.Join(losses, " "), "evaluation.knn.features": strings.Join(epochs, " "),
		"timing.seconds": strings.ReplaceAll(strings.Join(epochs, " "), "=0.5", "=10"),
		"guard.images":   strings.ReplaceAll(strings.Join(epochs, " "), "=0.5", "=16"),
	}
}

// check compares what a server was told with those lines.
func (f *fake) check(t *testing.T, last int, status string) *fakeRun {
	t.Helper()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if len(f.runs) != 1 || len(f.refused) > 1 { // the experiment that wasn't there
		t.Fatalf("%d runs; refused: %q", len(f.runs), f.refused)
	}
	r := f.runs[0]
	want := tables(last)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := r.told(name); got != want[name] {
			t.Errorf("%s is\n%s, want\n%s", name, got, want[name])
		}
	}
	if r.Status != status || r.Name != "small-"+experiment(t).Hash() || f.experiments[0] != "small" {
		t.Errorf("run %s of %v is %s, want %s", r.Name, f.experiments, r.Status, status)
	}
	if r.Params["train.epochs"] != "3" || r.Params["augment.ordered.rotate.levels"] != "2" || r.Tags["ordo.seed"] != "7" {
		t.Errorf("parameters %v, tags %v", r.Params, r.Tags)
	}
	return r
}

// quick is a pace for tests, whose patience is no limit.
var quick = pace{poll: time.Millisecond, first: time.Millisecond, most: 4 * time.Millisecond, patience: time.Hour}

// begin starts trackers of the run in a folder.
func begin(t *testing.T, f *fakeFolder, p pace, e config.Experiment) *Trackers {
	t.Helper()
	told, err := New(e, mlflow.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	told.pace = p
	if err := told.Start(f.Dir(), f.Began()); err != nil {
		t.Fatal(err)
	}
	return told
}

func runDir(t testing.TB) string { return filepath.Join(t.TempDir(), "run") }

// content reads a file.
func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
