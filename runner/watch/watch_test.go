package watch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
)

// begun makes the folder of a run that has taken a step, and stays open until the test ends.
func begun(t *testing.T, dir string) *track.Folder {
	t.Helper()
	e := config.Default()
	e.Name = "some"
	text, err := e.YAML()
	if err != nil {
		t.Fatal(err)
	}
	f, err := track.Open(dir, track.Record{Name: e.Name, Hash: e.Hash(), Seed: e.Seed}, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // nothing is lost
	step(t, f, 1)
	return f
}

func step(t *testing.T, f *track.Folder, n int) {
	t.Helper()
	if err := f.Step(track.Step{Step: n, Epoch: float64(n) / 4, Loss: 3}); err != nil {
		t.Fatal(err)
	}
}

// ask asks a handler.
func ask(h http.Handler, method, path, host, version string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	r.Header.Set("If-None-Match", version)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const host = "127.0.0.1:80"

func TestWhatIsAnswered(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "runs")
	begun(t, filepath.Join(dir, "sub", "a&b"))
	begun(t, filepath.Join(root, "outside"))
	for name, text := range map[string]string{"report.html": "whole", "secret.txt": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, "sub", "a&b", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := newHandler(dir, 80)
	for _, c := range []struct {
		method, path, host string
		code               int
		says               string
	}{
		{"GET", "/", host, 200, "1 running."},
		{"HEAD", "/", "localhost:80", 200, ""},
		{"GET", "/", host, 200, `<a href="/run/?folder=sub%2Fa%26b">some</a>`},
		{"GET", "/run/?folder=sub%2Fa%26b", host, 200, `<a href="/whole/?folder=sub%2Fa%26b">`},
		{"GET", "/run/?folder=sub%2Fa%26b", host, 200, "running, epoch 0.25"},
		{"GET", "/whole/?folder=sub%2Fa%26b", host, 200, "whole"},
		{"GET", "/", "evil.example", 421, ""},
		{"GET", "/", "evil.example:80", 421, ""},
		{"GET", "/", "127.0.0.1:81", 421, ""},
		{"GET", "/", "", 421, ""},
		{"POST", "/", host, 405, ""},
		{"DELETE", "/run/?folder=sub%2Fa%26b", host, 405, ""},
		{"GET", "/run/?folder=sub", host, 404, ""},
		{"GET", "/run/?folder=../outside", host, 404, ""},
		{"GET", "/run/?folder=" + filepath.Join(root, "outside"), host, 404, ""},
		{"GET", "/whole/?folder=../outside", host, 404, ""},
		{"GET", "/run/", host, 404, ""},
		{"GET", "/sub/a&b/secret.txt", host, 404, ""},
		{"GET", "/favicon.ico", host, 404, ""},
	} {
		w := ask(h, c.method, c.path, c.host, "")
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s of %s: %d, %.400s", c.method, c.path, c.host, w.Code, w.Body)
		}
	}
}

// TestFollows: a page is another one when the run goes on, and only then.
func TestFollows(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f := begun(t, dir)
	h := newHandler(dir, 80)
	first := ask(h, "GET", "/", host, "")
	version := first.Header().Get("ETag")
	if first.Code != 200 || version == "" || !strings.Contains(first.Body.String(), "data-live") ||
		strings.Contains(first.Body.String(), "all runs") {
		t.Fatalf("%d, %q, %.300s", first.Code, version, first.Body)
	}
	if same := ask(h, "GET", "/", host, version); same.Code != http.StatusNotModified || same.Body.Len() > 0 {
		t.Errorf("nothing happened: %d", same.Code)
	}
	if same := ask(h, "GET", "/", host, ""); same.Body.String() != first.Body.String() {
		t.Error("nothing happened, and there is another page")
	}
	step(t, f, 2)
	next := ask(h, "GET", "/", host, version)
	if next.Code != 200 || next.Header().Get("ETag") == version || !strings.Contains(next.Body.String(), "epoch 0.5") {
		t.Errorf("after a step: %d, %.300s", next.Code, next.Body)
	}
	if empty := ask(newHandler(t.TempDir(), 80), "GET", "/", host, ""); !strings.Contains(empty.Body.String(),
		"There are no runs yet.") {
		t.Errorf("an empty folder: %d, %.300s", empty.Code, empty.Body)
	}
}

func TestServe(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	var address string
	err := Serve(ctx, Options{Dir: t.TempDir(), Listening: func(a string) { address = a; end() }})
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Errorf("%q, %v", address, err)
	}
	if err := Serve(ctx, Options{Dir: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fault.Data) {
		t.Errorf("no folder: %v", err)
	}
}
