package tracker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ordo/models/fault"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
	"ordo/runner/tracker/tensorboard"
)

// TestServerInTrouble: whatever the server does, it has every number once in the end, the run is done before it has
// answered, and there is one warning at most.
func TestServerInTrouble(t *testing.T) {
	answer := func(w http.ResponseWriter, status int) bool {
		w.WriteHeader(status)
		return true
	}
	for _, c := range []struct {
		name    string
		disturb func(w http.ResponseWriter, n int, path string, done bool) bool
		warns   string // "": nothing
	}{
		{"none", func(http.ResponseWriter, int, string, bool) bool { return false }, ""},
		{"fails at first", func(w http.ResponseWriter, n int, _ string, done bool) bool {
			return !done && n <= 4 && answer(w, http.StatusInternalServerError)
		}, "500 Internal Server Error"},
		{"has enough", func(w http.ResponseWriter, n int, _ string, done bool) bool {
			w.Header().Set("Retry-After", "1000")
			return !done && n%3 == 0 && answer(w, http.StatusTooManyRequests)
		}, "429 Too Many Requests"},
		{"is killed before each work", func(_ http.ResponseWriter, n int, _ string, done bool) bool {
			if !done && n%3 == 0 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, "can't be reached"},
		{"is killed after each work", func(_ http.ResponseWriter, n int, _ string, done bool) bool {
			if done && n%2 == 0 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, "can't be reached"},
		{"fails at the end", func(w http.ResponseWriter, n int, path string, done bool) bool {
			return !done && path == "runs/update" && n%2 == 0 && answer(w, http.StatusBadGateway)
		}, "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{disturb: c.disturb}
			server := serve(t, f, "")
			folder := openFolder(t, runDir(t))
			told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+server.URL))
			folder.write(1, 15, 0)
			told.Stop(nil)
			r := f.check(t, 15, mlflow.Finished)
			if c.name == "none" {
				for m, n := range r.Points {
					if n > 1 {
						t.Errorf("%v was sent %d times", m, n)
					}
				}
			}
			notes := told.TakeNotes()
			said := strings.Join(notes, "")
			if len(notes) > 1 || c.warns == "" && said != "" || c.warns != "?" && !strings.Contains(said, c.warns) {
				t.Errorf("notes %q, want one with %q", notes, c.warns)
			}
			if len(notes) > 0 && (!strings.HasPrefix(notes[0], track.Warning) || !strings.Contains(notes[0], server.URL)) {
				t.Errorf("note %q", notes[0])
			}
		})
	}
}

// TestSlowServer: the run goes on while the server thinks.
func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	f := &fake{disturb: func(http.ResponseWriter, int, string, bool) bool {
		<-release
		return false
	}}
	server := serve(t, f, "")
	folder := openFolder(t, runDir(t))
	told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+server.URL))
	folder.write(1, 20, 0) // no answer comes before all is written
	close(release)
	told.Stop(nil)
	f.check(t, 20, mlflow.Finished)
	if notes := told.TakeNotes(); len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
}

// TestServerComesLate: it isn't there at first, it is killed, and it comes back.
func TestServerComesLate(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	address := server.URL
	server.Close()
	folder := openFolder(t, runDir(t))
	told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+address))
	folder.write(1, 6, 0)
	for len(told.TakeNotes()) == 0 {
		time.Sleep(time.Millisecond)
	}
	server = serve(t, f, address)
	for {
		f.mutex.Lock()
		done := len(f.runs) == 1 && len(f.runs[0].told("loss")) > 0
		f.mutex.Unlock()
		if done {
			break
		}
		time.Sleep(time.Millisecond)
	}
	server.CloseClientConnections()
	server.Close()
	folder.write(7, 12, 0)
	serve(t, f, address)
	told.Stop(fault.New(fault.Interrupted, "x"))
	f.check(t, 12, mlflow.Killed)
	if notes := told.TakeNotes(); len(notes) > 0 {
		t.Errorf("warned more than once: %q", notes)
	}
}

// TestRefused: a wrong token is said once, and not tried again.
func TestRefused(t *testing.T) {
	f := &fake{disturb: func(w http.ResponseWriter, _ int, _ string, _ bool) bool {
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}}
	server := serve(t, f, "")
	folder := openFolder(t, runDir(t))
	told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+server.URL, "track.tensorboard=true"))
	folder.write(1, 15, 0)
	told.Stop(errors.New("x"))
	notes := told.TakeNotes()
	if len(f.asked) != 1 || len(notes) != 1 || !strings.Contains(notes[0], "401 Unauthorized") ||
		!strings.Contains(notes[0], "MLFLOW_TRACKING_TOKEN") {
		t.Errorf("%d requests, notes %q", len(f.asked), notes)
	}
	checkBoard(t, folder.Dir(), 15) // somebody else is told all the same
}

// TestDeadServer: the end comes after a bounded time, and what was not told then can be sent afterwards.
func TestDeadServer(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	address := server.URL
	server.Close()
	dir := runDir(t)
	folder := openFolder(t, dir)
	p := quick
	p.patience = 10 * time.Millisecond
	told := begin(t, folder, p, experiment(t, "track.mlflow.uri="+address))
	folder.write(1, 12, 0)
	told.Stop(nil)
	// What it says depends on whether the first try took longer than there was patience.
	if notes := told.TakeNotes(); len(notes) != 1 || !strings.Contains(notes[0], "is not told of the run") {
		t.Errorf("notes %q", notes)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	var heard []string
	o := SendOptions{Dir: dir, URI: address, Note: func(text string) { heard = append(heard, text) }}
	few := pace{first: time.Millisecond, most: time.Millisecond, tries: 3}
	if _, err := send(t.Context(), o, few); err == nil || !strings.Contains(err.Error(), "can't be reached") ||
		len(heard) != 1 {
		t.Errorf("error %v, heard %q", err, heard)
	}
	serve(t, f, address)
	for range 2 { // the second finds nothing to send
		if said, err := send(t.Context(), o, few); err != nil || !strings.Contains(said, "run r0") {
			t.Errorf("said %q, %v", said, err)
		}
	}
	r := f.check(t, 12, mlflow.Killed) // there is no result
	for m, n := range r.Points {
		want := ended.Add(time.Duration(2*m.Step) * time.Second).UnixMilli()
		if n > 1 || m.Step <= 10 && m.Timestamp != want {
			t.Errorf("%v was sent %d times, want once at %d", m, n, want)
		}
	}
}

// TestResume: a run that goes on from its checkpoint writes lines again, with other numbers. Those who were told have
// each step once, as they were told first, and none is left out.
func TestResume(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	e := experiment(t, "track.mlflow.uri="+server.URL, "track.tensorboard=true")
	dir := runDir(t)
	folder := openFolder(t, dir)
	told := begin(t, folder, quick, e)
	folder.write(1, 5, 0)
	checkpoint := folder.Extents()
	folder.write(6, 12, 0)
	told.Stop(fault.New(fault.Interrupted, "x"))
	f.check(t, 12, mlflow.Killed)
	checkBoard(t, dir, 12)
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}

	folder = openFolder(t, dir)
	if err := folder.Rewind(checkpoint); err != nil {
		t.Fatal(err)
	}
	told = begin(t, folder, quick, e)
	folder.write(6, 12, 0.25)
	folder.write(13, 15, 0)
	told.Stop(nil)
	f.check(t, 15, mlflow.Finished)
	checkBoard(t, dir, 15)
	if notes := told.TakeNotes(); len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
}

// checkBoard compares the event file with what write writes.
func checkBoard(t *testing.T, dir string, last int) {
	t.Helper()
	events, _, err := tensorboard.Parse([]byte(content(t, filepath.Join(track.TensorBoardDir(dir), tensorboard.FileName))))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range events {
		for _, s := range e.Scalars {
			got[s.Tag] = append(got[s.Tag], fmt.Sprintf("%d=%v", e.Step, s.Value))
		}
	}
	for name, want := range tables(last) {
		if tag := strings.Replace(name, ".", "/", 1); strings.Join(got[tag], " ") != want {
			t.Errorf("%s is %v, want %s", tag, got[tag], want)
		}
	}
}

// TestKilledWhileSending: the process ends before the answer comes. The next one sends the same again, and the server
// knows that it has it.
func TestKilledWhileSending(t *testing.T) {
	var once sync.Once
	ctx, kill := context.WithCancel(t.Context())
	f := &fake{disturb: func(_ http.ResponseWriter, _ int, path string, done bool) bool {
		if path == "runs/log-batch" && done {
			kill()
			once.Do(func() { panic(http.ErrAbortHandler) })
		}
		return false
	}}
	server := serve(t, f, "")
	folder := openFolder(t, runDir(t))
	folder.write(1, 3, 0)
	client, err := mlflow.New(server.URL, mlflow.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAbout(folder.Dir(), folder.Began(), experiment(t))
	if err != nil {
		t.Fatal(err)
	}
	first := newServer(client, "", a)
	h, err := track.ReadHistory(folder.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.read(); err != nil {
		t.Fatal(err)
	}
	first.at.Params = nil // the metrics are the first that is logged
	if err := first.send(ctx, clock{}.rows(h, time.Unix(1, 0))); err == nil {
		t.Fatal("the first process was not killed")
	}

	told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+server.URL))
	folder.write(4, 5, 0)
	told.Stop(nil)
	f.mutex.Lock()
	defer f.mutex.Unlock()
	r := f.runs[0]
	if got := r.told("loss"); len(f.runs) != 1 || got != tables(5)["loss"] {
		t.Errorf("%d runs, loss %s", len(f.runs), got)
	}
	for m, n := range r.Points {
		if m.Step <= 3 && (n != 2 || m.Timestamp != 1000) {
			t.Errorf("%v was sent %d times", m, n)
		}
	}
}

// TestRunIsGone: somebody removed it from the server.
func TestRunIsGone(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	folder := openFolder(t, runDir(t))
	e := experiment(t, "track.mlflow.uri="+server.URL)
	told := begin(t, folder, quick, e)
	folder.write(1, 2, 0)
	told.Stop(fault.New(fault.Interrupted, "x"))
	f.mutex.Lock()
	f.runs = nil
	f.mutex.Unlock()
	told = begin(t, folder, quick, e)
	folder.write(3, 4, 0)
	told.Stop(nil)
	do := "remove " + track.MLflowFile(folder.Dir())
	if notes := told.TakeNotes(); len(notes) != 1 || !strings.Contains(notes[0], do) {
		t.Errorf("notes %q", notes)
	}
}

// TestDamagedState: what is known of a server was changed. Nothing is sent then.
func TestDamagedState(t *testing.T) {
	f := &fake{}
	server := serve(t, f, "")
	folder := openFolder(t, runDir(t))
	file := track.MLflowFile(folder.Dir())
	if err := os.WriteFile(file, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := begin(t, folder, quick, experiment(t, "track.mlflow.uri="+server.URL))
	folder.write(1, 5, 0)
	told.Stop(nil)
	notes := told.TakeNotes()
	if len(f.asked) > 0 || len(notes) != 1 || !strings.Contains(notes[0], file) ||
		!strings.Contains(notes[0], "remove it;") {
		t.Errorf("asked %q, notes %q", f.asked, notes)
	}
}

func TestNew(t *testing.T) {
	e := experiment(t, "track.mlflow.uri=env")
	if _, err := New(e, mlflow.Environment{}); fault.KindOf(err) != fault.Config {
		t.Errorf("without the variable: %v", err)
	}
	if _, err := New(e, mlflow.Environment{URI: "sqlite:///x"}); fault.KindOf(err) != fault.Config {
		t.Errorf("with one of no server: %v", err)
	}
	told, err := New(e, mlflow.Environment{URI: "http://user:secret@localhost:1/base/"})
	if err != nil || told.client.Address() != "http://localhost:1/base" {
		t.Errorf("%v, %v", told, err)
	}
	if told, err = New(experiment(t), mlflow.Environment{URI: "http://localhost:1"}); err != nil || told.client != nil {
		t.Errorf("a variable alone names a server: %v, %v", told, err)
	}
	told.Stop(nil)
}
