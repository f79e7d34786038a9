package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ordo/models/fault"
	"ordo/runner/catalogue"
	"ordo/runner/evaluation"
	"ordo/runner/page"
	"ordo/runner/track"
)

// Options say what is watched.
type Options struct {
	Dir  string // a run folder, or one that has some below it
	Port int    // 0: a free one
	// Listening hears the server's address when it answers.
	Listening func(address string)
}

// Serve shows the runs until the context ends, which is no error. Faults are of kind Data (there is no such folder) and
// Other (the port is taken).
func Serve(ctx context.Context, o Options) error {
	if info, err := os.Stat(o.Dir); err != nil {
		return fault.Reading(fault.Data, o.Dir, err)
	} else if !info.IsDir() {
		return fault.New(fault.Data, "%s is no folder", o.Dir).Advise("name the folder of a run, or one with runs below it")
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(o.Port)))
	if err != nil {
		return fault.New(fault.Other, "port %d can't be listened on: %w", o.Port, err).Advise("choose another").
			With(fault.Option{Name: "port"})
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
	server := &http.Server{Handler: newHandler(o.Dir, port), ReadHeaderTimeout: patience,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	o.Listening("http://" + listener.Addr().String() + "/")
	select {
	case err = <-ended:
	case <-ctx.Done():
		if err = server.Close(); err == nil {
			err = <-ended
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("watch: %w", err)
}

// loopback is where the server is: nobody else can reach it.
const loopback = "127.0.0.1"

// patience is how long a request's head may take.
const patience = 10 * time.Second

// handler answers requests.
type handler struct {
	dir   string
	hosts []string // that requests may name

	mutex sync.Mutex      // one page is made at a time
	made  map[string]made // by folder
}

// made is a page that was made of folders in some state.
type made struct {
	state string
	html  []byte
}

func newHandler(dir string, port int) http.Handler {
	at := strconv.Itoa(port)
	return &handler{dir: filepath.Clean(dir), made: map[string]made{},
		hosts: []string{net.JoinHostPort(loopback, at), net.JoinHostPort("localhost", at)}}
}

// ServeHTTP answers a request: 421 where it names another host, 405 where it wants to change something.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	switch {
	case !slices.Contains(h.hosts, r.Host):
		http.Error(w, "this server is not called that", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "this server only shows", http.StatusMethodNotAllowed)
	default:
		h.show(w, r)
	}
}

// show answers with a page.
func (h *handler) show(w http.ResponseWriter, r *http.Request) {
	one := isRun(h.dir)
	var run string
	switch r.URL.Path {
	case "/":
		if run = h.dir; !one {
			h.list(w, r)
			return
		}
	case runPath, wholePath:
		if run = h.below(r); run == "" {
			http.NotFound(w, r)
			return
		}
	default:
		http.NotFound(w, r)
		return
	}
	if r.URL.Path == wholePath {
		http.ServeFile(w, r, filepath.Join(run, page.FileName))
		return
	}
	live := page.Live{}
	if !one {
		live.Up = "/"
	}
	if _, err := os.Stat(filepath.Join(run, page.FileName)); err == nil {
		live.Whole = h.link(wholePath, run)
	}
	h.answer(w, r, run, state(run), func() (page.Made, error) {
		return page.Make(r.Context(), page.Options{Runs: []string{run}, Live: &live})
	})
}

// The paths of a run's pages; the folder's name is a query's value, so that it may be any.
const (
	runPath   = "/run/"
	wholePath = "/whole/"
)

func (h *handler) link(path, run string) string {
	below, err := filepath.Rel(h.dir, run)
	if err != nil {
		return "/" // it is no run of the list, then
	}
	return path + "?folder=" + url.QueryEscape(filepath.ToSlash(below))
}

// below is the run that a request names, or "": only what lies below the folder, and is a run, is shown.
func (h *handler) below(r *http.Request) string {
	name := r.URL.Query().Get("folder")
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return ""
	}
	if run := filepath.Join(h.dir, filepath.FromSlash(name)); isRun(run) {
		return run
	}
	return ""
}

// isRun says whether a folder is a run's.
func isRun(dir string) bool {
	_, err := track.ReadRecord(dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// list answers with the runs below the folder.
func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	runs, err := catalogue.List(r.Context(), h.dir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var folders []string
	for _, run := range runs {
		folders = append(folders, run.Folder)
	}
	h.answer(w, r, h.dir, state(folders...), func() (page.Made, error) {
		return page.List(r.Context(), page.ListOptions{Root: h.dir, Link: func(run string) string {
			return h.link(runPath, run)
		}})
	})
}

// answer makes the page of a folder unless it was made in this state, or the browser has it.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, of, state string, do func() (page.Made, error)) {
	w.Header().Set("ETag", `"`+state+`"`)
	if r.Header.Get("If-None-Match") == `"`+state+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	now := h.made[of]
	if now.state != state {
		p, err := do()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		now = made{state, p.HTML}
		h.made[of] = now
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(now.html) // a browser that has gone needs none
}

// state tells what is in run folders from what was.
func state(runs ...string) string {
	sum := sha256.New()
	for _, run := range runs {
		fmt.Fprintf(sum, "%q %v\n", run, track.InUse(run)) // a hash takes everything
		files(sum, run)
		files(sum, filepath.Join(run, evaluation.Dir))
	}
	return hex.EncodeToString(sum.Sum(nil))[:32]
}

// files writes the sizes and times of a folder's files.
func files(sum hash.Hash, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // there is none
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			fmt.Fprintf(sum, "%q %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
}
