package install

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"ordo/models/fault"
)

// testLibrary stands for the native library; nothing here loads it.
var testLibrary = bytes.Repeat([]byte("not really ONNX Runtime. "), 4096)

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// jarEntry is one entry of a synthetic jar.
type jarEntry struct {
	name string
	data []byte
	mode fs.FileMode
}

func makeJar(t testing.TB, entries ...jarEntry) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// testPlatform returns a platform with a synthetic jar that holds testLibrary, and the jar.
func testPlatform(t testing.TB) (platform, []byte) {
	t.Helper()
	p := platform{product: onnxRuntime, classifier: "test", library: "libonnxruntime.so.1"}
	jar := makeJar(t,
		jarEntry{name: "META-INF/MANIFEST.MF", data: []byte("Manifest-Version: 1.0\n")},
		jarEntry{name: "org/bytedeco/onnxruntime/test/libonnxruntime_providers_shared.so", data: []byte("unused")},
		jarEntry{name: p.entry(p.library), data: testLibrary})
	p.jarSHA256, p.jarSize = hexSum(jar), int64(len(jar))
	return p, jar
}

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// fakeMaven puts an mvn on an otherwise almost empty PATH. The script's variable $out is the output folder asked for.
func fakeMaven(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for mvn is a shell script")
	}
	bin := t.TempDir()
	head := "#!/bin/sh\nfor a in \"$@\"; do case $a in -DoutputDirectory=*) out=${a#-DoutputDirectory=};; esac; done\n"
	path := write(t, filepath.Join(bin, "mvn"), []byte(head+script+"\n"))
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
}

// tree lists the files below dir by their slash-separated relative names.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

const testSlot = "onnxruntime/" + Version + "-test"

// checkInstalled checks that the cache holds one whole installation of want, and nothing else.
func checkInstalled(t *testing.T, cache string, loc Location, want []byte) {
	t.Helper()
	wantPath := filepath.Join(cache, filepath.FromSlash(testSlot), "libonnxruntime.so.1")
	if loc.Path != wantPath {
		t.Errorf("path %s, want %s", loc.Path, wantPath)
	}
	if loc.SHA256 != hexSum(want) {
		t.Errorf("sha256 %s, want %s", loc.SHA256, hexSum(want))
	}
	got, err := os.ReadFile(loc.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the installed library differs: %d bytes, want %d", len(got), len(want))
	}
	files := tree(t, cache)
	if strings.Join(files, " ") != testSlot+"/libonnxruntime.so.1 "+testSlot+"/manifest.json" {
		t.Errorf("the cache holds %q", files)
	}
}

func TestInstallFrom(t *testing.T) {
	p, jar := testPlatform(t)
	for _, c := range []struct {
		name, from string // from: relative to the folder of the test's files
		files      map[string][]byte
		source     string // suffix of Location.Source
	}{
		{"jar", "some.jar", map[string][]byte{"some.jar": jar}, p.coordinates()},
		{"folder with the jar", "d", map[string][]byte{"d/" + p.jarName(): jar}, p.coordinates()},
		{"library", "libonnxruntime.so.1.28.0", map[string][]byte{"libonnxruntime.so.1.28.0": testLibrary},
			"libonnxruntime.so.1.28.0"},
		{"folder with a library", "d", map[string][]byte{"d/libonnxruntime.so": testLibrary, "d/x.txt": nil},
			"libonnxruntime.so"},
		{"archive layout", "d", map[string][]byte{"d/lib/libonnxruntime.so.1": testLibrary}, "libonnxruntime.so.1"},
		{"folder with pattern characters", "d[1]*", map[string][]byte{"d[1]*/libonnxruntime.so": testLibrary},
			"libonnxruntime.so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, cache := t.TempDir(), t.TempDir()
			for name, data := range c.files {
				write(t, filepath.Join(dir, filepath.FromSlash(name)), data)
			}
			var log strings.Builder
			o := Options{From: filepath.Join(dir, c.from), Cache: cache, Progress: &log}
			loc, err := run(t.Context(), p, o)
			if err != nil {
				t.Fatal(err)
			}
			checkInstalled(t, cache, loc, testLibrary)
			if !strings.HasSuffix(loc.Source, c.source) {
				t.Errorf("source %q, want …%q", loc.Source, c.source)
			}
			before, err := os.Stat(loc.Path)
			if err != nil {
				t.Fatal(err)
			}
			log.Reset()
			if loc, err = run(t.Context(), p, o); err != nil {
				t.Fatalf("second call: %v", err)
			}
			checkInstalled(t, cache, loc, testLibrary)
			after, err := os.Stat(loc.Path)
			if err != nil {
				t.Fatal(err)
			}
			if !os.SameFile(before, after) {
				t.Error("the second call wrote the library again")
			}
			if !strings.Contains(log.String(), "already installed") {
				t.Errorf("the second call says %q", log.String())
			}
		})
	}
}

func TestInstallRefuses(t *testing.T) {
	p, jar := testPlatform(t)
	other := makeJar(t, jarEntry{name: p.entry(p.library), data: []byte("another")})
	dir := t.TempDir()
	write(t, filepath.Join(dir, "other.jar"), other)
	write(t, filepath.Join(dir, "cut.jar"), jar[:len(jar)/2])
	write(t, filepath.Join(dir, "notes.txt"), []byte("hello"))
	write(t, filepath.Join(dir, "empty.so"), nil)
	write(t, filepath.Join(dir, "nothing", "x"), nil)
	if err := os.Truncate(write(t, filepath.Join(dir, "huge.jar"), nil), maxJar+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(write(t, filepath.Join(dir, "huge.so"), nil), maxLibrary+1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, says string }{
		{"missing", "no.jar", "does not exist"},
		{"another jar", "other.jar", "not the pinned release"},
		{"cut off", "cut.jar", "not the pinned release"},
		{"huge jar", "huge.jar", "too many"},
		{"huge library", "huge.so", "too many"},
		{"not a library", "notes.txt", "neither a jar"},
		{"empty library", "empty.so", "is empty"},
		{"empty folder", "nothing", "holds neither"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := t.TempDir()
			_, err := run(t.Context(), p, Options{From: filepath.Join(dir, c.from), Cache: cache})
			if !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want a fault of the library that says %q", err, c.says)
			}
			if files := tree(t, cache); len(files) != 0 {
				t.Errorf("left behind: %q", files)
			}
		})
	}
}

func TestInstallWrongPlatform(t *testing.T) {
	p, jar := testPlatform(t)
	linux := platforms["linux/arm64"]
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	saved := linux
	linux.jarSHA256 = p.jarSHA256
	platforms["linux/arm64"] = linux
	defer func() { platforms["linux/arm64"] = saved }()
	p.jarSHA256 = strings.Repeat("0", 64)
	_, err := run(t.Context(), p, Options{From: path, Cache: t.TempDir()})
	if !errors.Is(err, fault.Library) ||
		!strings.Contains(err.Error(), "is the jar onnxruntime-"+Version+"-linux-arm64.jar") {
		t.Errorf("error %v", err)
	}
}

func TestInstallReplaces(t *testing.T) {
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	own := bytes.Repeat([]byte("own"), 1000)
	ownPath := write(t, filepath.Join(t.TempDir(), "libonnxruntime.so"), own)
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, loc Location)
		found  bool // Find's cheap check passes
	}{
		{"flipped byte", func(t *testing.T, loc Location) {
			b := bytes.Clone(testLibrary)
			b[100] ^= 1
			write(t, loc.Path, b)
		}, true},
		{"cut off", func(t *testing.T, loc Location) { write(t, loc.Path, testLibrary[:100]) }, false},
		{"library gone", func(t *testing.T, loc Location) {
			if err := os.Remove(loc.Path); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"manifest gone", func(t *testing.T, loc Location) {
			if err := os.Remove(filepath.Join(filepath.Dir(loc.Path), manifestName)); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"manifest is not JSON", func(t *testing.T, loc Location) {
			write(t, filepath.Join(filepath.Dir(loc.Path), manifestName), []byte("{"))
		}, false},
		{"another library", func(t *testing.T, loc Location) {
			if _, err := run(t.Context(), p, Options{From: ownPath, Cache: cacheOf(loc)}); err != nil {
				t.Fatal(err)
			}
			checkInstalled(t, cacheOf(loc), loc2(t, loc), own)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := t.TempDir()
			o := Options{From: path, Cache: cache}
			loc, err := run(t.Context(), p, o)
			if err != nil {
				t.Fatal(err)
			}
			c.damage(t, loc)
			_, err = installed(filepath.Dir(loc.Path))
			if (err == nil) != c.found {
				t.Errorf("after the damage: %v", err)
			}
			if err != nil && (!errors.Is(err, fault.Library) || errors.Is(err, fs.ErrNotExist) ||
				!strings.Contains(err.Error(), "is damaged")) {
				t.Errorf("after the damage: %v, want a fault of the library that says so", err)
			}
			if loc, err = run(t.Context(), p, o); err != nil {
				t.Fatal(err)
			}
			checkInstalled(t, cache, loc, testLibrary)
		})
	}
}

func cacheOf(loc Location) string { return filepath.Dir(filepath.Dir(filepath.Dir(loc.Path))) }

// loc2 reads again what is installed where loc is.
func loc2(t *testing.T, loc Location) Location {
	t.Helper()
	now, err := installed(filepath.Dir(loc.Path))
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func TestInstallCheck(t *testing.T) {
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	cache := t.TempDir()
	refusal := fault.New(fault.Library, "cannot train").With(fault.InstallLibrary{})
	_, err := run(t.Context(), p, Options{From: path, Cache: cache, Check: func(lib string) error {
		if got, err := os.ReadFile(lib); err != nil || !bytes.Equal(got, testLibrary) {
			t.Errorf("the check sees %d bytes, %v", len(got), err)
		}
		return refusal
	}})
	if !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), p.coordinates()) ||
		!strings.Contains(err.Error(), refusal.Error()) || len(fault.Hints(err)) != 1 {
		t.Errorf("error %v, want a fault of the library that names the source and asks for another", err)
	}
	if files := tree(t, cache); len(files) != 0 {
		t.Errorf("left behind: %q", files)
	}
}

func TestInstallMaven(t *testing.T) {
	p, jar := testPlatform(t)
	jarPath := write(t, filepath.Join(t.TempDir(), "served.jar"), jar)
	wrong := write(t, filepath.Join(t.TempDir(), "wrong.jar"), []byte("<html>"))
	copyTo := func(file string) string { return "cp '" + file + "' \"$out/" + p.jarName() + `"` }

	t.Run("fetches", func(t *testing.T) {
		fakeMaven(t, copyTo(jarPath)+"; echo \"$@\" >&2; pwd >&2")
		cache := t.TempDir()
		loc, err := run(t.Context(), p, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		checkInstalled(t, cache, loc, testLibrary)
		// From the jar or by mvn, it is the same installation.
		fakeMaven(t, "echo must not run; exit 1")
		var log strings.Builder
		for _, from := range []string{"", jarPath} {
			log.Reset()
			if _, err = run(t.Context(), p, Options{From: from, Cache: cache, Progress: &log}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "already installed") {
				t.Errorf("second call: %q", log.String())
			}
		}
	})
	for _, c := range []struct {
		name, script string
		says         []string
		from         bool // the hint is to give the jar
	}{
		{"no network", `printf '\033[0m\033[0m[ERROR] Plugin could not be resolved: Unknown host repo -> [Help 1]\n'
			echo '[ERROR] '; echo '[ERROR] To see the full stack trace'; exit 1`,
			[]string{"(Plugin could not be resolved: Unknown host repo)"}, true},
		{"no java", `echo 'The JAVA_HOME environment variable is not defined correctly' >&2; exit 1`,
			[]string{"JAVA_HOME"}, true},
		{"fails without a word", "exit 3", []string{"exit status 3"}, true},
		{"gives nothing", "exit 0", []string{"without giving " + p.jarName()}, true},
		{"gives another file", copyTo(wrong), []string{"not the pinned release", ".m2"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeMaven(t, c.script)
			cache := t.TempDir()
			_, err := run(t.Context(), p, Options{Cache: cache})
			if !errors.Is(err, fault.Library) {
				t.Fatalf("error %v, want a fault of the library", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q does not say %q", err, s)
				}
			}
			if hints := fault.Hints(err); c.from != slices.Contains(hints, fault.Hint(fault.InstallLibrary{From: "JAR"})) {
				t.Errorf("error %q has the hints %+v", err, hints)
			}
			if files := tree(t, cache); len(files) != 0 {
				t.Errorf("left behind: %q", files)
			}
		})
	}
	t.Run("no mvn", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := run(t.Context(), p, Options{Cache: t.TempDir()})
		if !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), "install Maven") {
			t.Errorf("error %v", err)
		}
	})
}

func TestInstallCancel(t *testing.T) {
	p, _ := testPlatform(t)
	dir := t.TempDir()
	// The grandchild has the pipe open as long as it lives: it would write into it if cancelling ended only the shell.
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	fakeMaven(t, "(echo started; sleep 60; echo survived) >'"+pipe+"' & wait")
	cache := t.TempDir()
	reason := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	said := make(chan string)
	go func() {
		f, err := os.Open(pipe) // once the other end is open
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		r := bufio.NewReader(f)
		first, _ := r.ReadString('\n') // nothing is no "started"
		cancel(reason)
		rest, _ := io.ReadAll(r) // until the grandchild is gone
		said <- first + string(rest)
	}()
	if _, err := run(ctx, p, Options{Cache: cache}); !errors.Is(err, reason) {
		t.Errorf("error %v, want the cancellation's cause", err)
	}
	if files := tree(t, cache); len(files) != 0 {
		t.Errorf("left behind: %q", files)
	}
	if got := <-said; got != "started\n" {
		t.Errorf("a child of mvn outlived the cancellation, or none began: it said %q", got)
	}
}

func TestInstallCancelledBefore(t *testing.T) {
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "libonnxruntime.so"), jar)
	cache := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run(ctx, p, Options{From: path, Cache: cache}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if files := tree(t, cache); len(files) != 0 {
		t.Errorf("left behind: %q", files)
	}
}

// Many at once, over a damaged installation: every call succeeds and one whole installation is left.
func TestInstallConcurrent(t *testing.T) {
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	cache := t.TempDir()
	slot := filepath.Join(cache, filepath.FromSlash(testSlot))
	write(t, filepath.Join(slot, "junk"), []byte("junk"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := run(t.Context(), p, Options{From: path, Cache: cache}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	loc, err := installed(slot)
	if err != nil {
		t.Fatal(err)
	}
	checkInstalled(t, cache, loc, testLibrary)
}

func TestInstallReadOnlyCache(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	cache := t.TempDir()
	if err := os.Chmod(cache, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err := run(
		t.Context(),
		p,
		Options{From: path, Cache: cache},
	); !errors.Is(err, fs.ErrPermission) ||
		!errors.Is(err, fault.Storage) {
		t.Errorf("error %v, want one of permission", err)
	}
}

func TestInstallCacheIsFile(t *testing.T) {
	p, jar := testPlatform(t)
	path := write(t, filepath.Join(t.TempDir(), "a.jar"), jar)
	cache := write(t, filepath.Join(t.TempDir(), "file"), nil)
	_, err := run(t.Context(), p, Options{From: path, Cache: cache})
	var perr *fs.PathError
	if !errors.As(err, &perr) || !errors.Is(err, fault.Storage) || strings.Count(err.Error(), cache) != 1 {
		t.Errorf("error %v, want one of storage that names the path once", err)
	}
}

func TestRemoveLeftovers(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, ".install-old", "x"), nil)
	write(t, filepath.Join(root, ".install-new", "x"), nil)
	write(t, filepath.Join(root, "other", "x"), nil)
	past := time.Now().Add(-2 * time.Hour)
	for _, d := range []string{".install-old", "other"} {
		if err := os.Chtimes(filepath.Join(root, d), past, past); err != nil {
			t.Fatal(err)
		}
	}
	removeLeftovers(root)
	if got := strings.Join(tree(t, root), " "); got != ".install-new/x other/x" {
		t.Errorf("left: %s", got)
	}
}

func TestFind(t *testing.T) {
	p, err := current(false)
	if err != nil {
		t.Skip(err)
	}
	dir, cache := t.TempDir(), t.TempDir()
	lib := write(t, filepath.Join(dir, "lib", "libonnxruntime.so.1"), testLibrary)
	write(t, filepath.Join(dir, "empty", "readme"), nil)
	link := filepath.Join(dir, "dangling.so")
	if err := os.Symlink(filepath.Join(dir, "gone.so"), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, override, path, says string }{
		{"file", lib, lib, ""},
		{"its folder", filepath.Dir(lib), lib, ""},
		{"the folder above", dir, lib, ""},
		{"missing", filepath.Join(dir, "no.so"), "", "does not exist"},
		{"dangling link", link, "", "does not exist"},
		{"folder without", filepath.Join(dir, "empty"), "", "holds no ONNX Runtime library"},
		{"device", os.DevNull, "", "is not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loc, err := Find(c.override, cache)
			if c.says != "" {
				if !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), c.says) ||
					!strings.Contains(err.Error(), EnvLibrary) {
					t.Errorf("error %v, want a fault of the library that names %s and says %q", err, EnvLibrary, c.says)
				}
				return
			}
			if err != nil || loc.Path != c.path || loc.Source != EnvLibrary {
				t.Errorf("%+v, %v, want %s", loc, err, c.path)
			}
		})
	}
	t.Run("nothing installed", func(t *testing.T) {
		_, err := Find("", cache)
		if !errors.Is(err, ErrNotFound) || !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), cache) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("installed", func(t *testing.T) {
		o := Options{From: lib, Cache: cache}
		loc, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(EnvLibrary, "")
		t.Setenv(EnvCache, cache)
		got, err := Find(os.Getenv(EnvLibrary), os.Getenv(EnvCache))
		if err != nil || got != loc || filepath.Base(got.Path) != p.library {
			t.Errorf("%+v, %v, want %+v", got, err, loc)
		}
		t.Setenv(EnvLibrary, filepath.Join(dir, "no.so"))
		if _, err := Find(os.Getenv(EnvLibrary), os.Getenv(EnvCache)); !errors.Is(err, fault.Library) {
			t.Errorf("error %v: a wrong %s must not fall back to the cache", err, EnvLibrary)
		}
	})
}

func TestUnpackRefuses(t *testing.T) {
	p, good := testPlatform(t)
	entry := p.entry(p.library)
	lib := jarEntry{name: entry, data: testLibrary}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte(entry))+len(entry)+20] ^= 0xff
	for _, c := range []struct {
		name, says string
		jar        []byte
	}{
		{"not a jar", "not a jar", []byte("hello")},
		{"cut off", "cut off", good[:len(good)-30]},
		{"empty", "not a jar", nil},
		{"without the library", "does not hold", makeJar(t, jarEntry{name: "x", data: []byte("x")})},
		{"under another folder", "does not hold", makeJar(t, jarEntry{name: "../" + entry, data: testLibrary},
			jarEntry{name: "/" + entry, data: testLibrary})},
		{"twice", "twice", makeJar(t, lib, lib)},
		{"empty library", "is empty", makeJar(t, jarEntry{name: entry})},
		{"link", "not a plain file",
			makeJar(t, jarEntry{name: entry, data: []byte("/etc/passwd"), mode: fs.ModeSymlink | 0o777})},
		{"flipped bits", "is damaged", flipped},
		{"claims too much", "too many", rawJar(t, entry, maxLibrary+1)},
		{"longer than it says", "is damaged", rawJar(t, entry, 10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			jar := write(t, filepath.Join(dir, "in", "a.jar"), c.jar)
			_, _, err := unpack(t.Context(), filepath.Join(dir, "lib"), jar, entry)
			if !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want a fault of the library that says %q", err, c.says)
			}
		})
	}
}

// rawJar makes a jar whose one entry says it has size bytes, whatever it has.
func rawJar(t *testing.T, name string, size uint64) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	data := []byte("twenty bytes of data")
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// A jar may hold unsafe names; they are neither used nor written.
func TestUnpackIgnoresUnsafeNames(t *testing.T) {
	p, _ := testPlatform(t)
	dir := t.TempDir()
	jar := write(t, filepath.Join(dir, "in", "a.jar"), makeJar(t,
		jarEntry{name: "../../evil.so", data: []byte("evil")},
		jarEntry{name: "/tmp/evil.so", data: []byte("evil")},
		jarEntry{name: p.entry(p.library), data: testLibrary}))
	sum, size, err := unpack(t.Context(), filepath.Join(dir, "out", "..", "lib"), jar, p.entry(p.library))
	if err != nil {
		t.Fatal(err)
	}
	if sum != hexSum(testLibrary) || size != int64(len(testLibrary)) {
		t.Errorf("sum %s size %d", sum, size)
	}
	if got := strings.Join(tree(t, dir), " "); got != "in/a.jar lib" {
		t.Errorf("files: %s", got)
	}
}

func TestCheckJarReportsReadError(t *testing.T) {
	p, _ := testPlatform(t)
	err := checkJar(t.Context(), p, filepath.Join(t.TempDir(), "gone.jar"), 1)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A full disk keeps its error number through all wrapping, for the exit code depends on it.
func TestErrorNumberSurvives(t *testing.T) {
	full := iotest.ErrReader(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	_, _, err := writeLibrary(t.Context(), filepath.Join(t.TempDir(), "lib"), full)
	if !errors.Is(err, syscall.ENOSPC) || fault.KindOf(err) != fault.Storage {
		t.Errorf("error %v", err)
	}
}

// gpuTestPlatform is testPlatform with a companion.
func gpuTestPlatform(t testing.TB) (platform, []byte) {
	t.Helper()
	p := platform{
		product:    onnxRuntime,
		classifier: "test-gpu",
		library:    "libonnxruntime.so.1",
		companions: []string{"libonnxruntime_providers_shared.so"},
	}
	jar := makeJar(
		t,
		jarEntry{name: p.entry(p.companions[0]), data: []byte("companion")},
		jarEntry{name: p.entry(p.library), data: testLibrary},
	)
	p.jarSHA256, p.jarSize = hexSum(jar), int64(len(jar))
	return p, jar
}

func TestInstallWithCompanions(t *testing.T) {
	p, jar := gpuTestPlatform(t)
	cache, from := t.TempDir(), t.TempDir()
	install := func(from string) (Location, error) {
		return run(t.Context(), p, Options{From: from, Cache: cache})
	}
	jarFile := write(t, filepath.Join(from, p.jarName()), jar)
	slot := "onnxruntime/" + Version + "-test-gpu/"
	want := slot + "libonnxruntime.so.1 " + slot + "libonnxruntime_providers_shared.so " + slot + "manifest.json"
	check := func(loc Location, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		companion := filepath.Join(filepath.Dir(loc.Path), p.companions[0])
		if data, err := os.ReadFile(companion); err != nil || string(data) != "companion" {
			t.Errorf("the companion holds %q, %v", data, err)
		}
		if got := strings.Join(tree(t, cache), " "); got != want {
			t.Errorf("the cache holds %q", got)
		}
	}
	loc, err := install(jarFile)
	check(loc, err)
	check(install(jarFile))
	// A damaged companion is noticed, by its size at once and by its content when installing again.
	companion := filepath.Join(filepath.Dir(loc.Path), p.companions[0])
	write(t, companion, []byte("short"))
	if _, err := installed(
		filepath.Dir(loc.Path),
	); !errors.Is(err, fault.Library) ||
		!strings.Contains(err.Error(), p.companions[0]) {
		t.Errorf("error %v", err)
	}
	write(t, companion, []byte("COMPANION"))
	check(install(jarFile))
	// A library is taken with what lies beside it, or not at all.
	lib := write(t, filepath.Join(from, p.library), append(testLibrary, '!'))
	if _, err := install(lib); !errors.Is(err, fault.Library) || !strings.Contains(err.Error(), "is not beside") {
		t.Errorf("error %v", err)
	}
	check(loc, nil)
	write(t, filepath.Join(from, p.companions[0]), []byte("companion"))
	check(install(lib))
}

func TestFindGPU(t *testing.T) {
	if _, err := current(true); err != nil {
		t.Skip(err)
	}
	cache := t.TempDir()
	find := func(gpu bool) string {
		t.Helper()
		loc, err := Find("", cache)
		if gpu {
			loc, err = FindGPU("", cache)
		}
		if err != nil {
			if hints := fault.Hints(
				err,
			); !errors.Is(err, ErrNotFound) || len(hints) != 1 ||
				hints[0] != fault.Hint(fault.InstallLibrary{GPU: gpu}) {
				t.Errorf("error %v, hints %+v", err, hints)
			}
			return ""
		}
		return filepath.Base(filepath.Dir(loc.Path))
	}
	put := func(p platform) string {
		slot, err := slotIn(cache, p)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(slot, p.library), testLibrary)
		m := manifest{Source: "test", Library: p.library, SHA256: hexSum(testLibrary), Size: int64(len(testLibrary))}
		if err := writeManifest(slot, m); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(slot)
	}
	gpuPlatform, _ := current(true)
	cpuPlatform, _ := current(false)
	if a, b := find(false), find(true); a != "" || b != "" {
		t.Errorf("found %q, %q in nothing", a, b)
	}
	gpu := put(gpuPlatform)
	if a, b := find(false), find(true); a != gpu || b != gpu {
		t.Errorf("with CUDA only: %q, %q", a, b)
	}
	cpu := put(cpuPlatform)
	if a, b := find(false), find(true); a != cpu || b != gpu {
		t.Errorf("with both: %q, %q", a, b)
	}
	named := write(t, filepath.Join(t.TempDir(), "libonnxruntime.so.1"), testLibrary)
	if loc, err := FindGPU(named, cache); err != nil || loc.Path != named {
		t.Errorf("override: %v, %v", loc, err)
	}
}

func TestPlatforms(t *testing.T) {
	all := maps.Clone(platforms)
	for name, p := range gpuPlatforms {
		all[name+" with CUDA"] = p
	}
	for name, p := range oneDNNPlatforms {
		all[name+" oneDNN"] = p
	}
	for name, p := range all {
		if !hexSHA256.MatchString(p.jarSHA256) || p.jarSize <= 0 || p.jarSize > maxJar {
			t.Errorf("%s: checksum %q, size %d", name, p.jarSHA256, p.jarSize)
		}
		if !isLibraryName(p.library) || !strings.Contains(p.entry(p.library), "/"+p.classifier+"/") {
			t.Errorf("%s: library %q, entry %q", name, p.library, p.entry(p.library))
		}
	}
}

func TestOneDNN(t *testing.T) {
	cache := t.TempDir()
	if _, err := FindOneDNN("", cache); !errors.Is(err, fault.Library) {
		t.Errorf("error %v", err)
	}
	p := platform{product: oneDNN, classifier: "test", library: "libdnnl.so.3", companions: []string{"libgomp.so.1"}}
	jar := makeJar(
		t,
		jarEntry{name: p.entry("libdnnl.so.3"), data: testLibrary},
		jarEntry{name: p.entry("libgomp.so.1"), data: []byte("OpenMP")},
	)
	p.jarSHA256, p.jarSize = hexSum(jar), int64(len(jar))
	from := t.TempDir()
	if _, err := run(
		t.Context(),
		p,
		Options{From: write(t, filepath.Join(from, "a.jar"), jar), Cache: cache},
	); err != nil {
		t.Fatal(err)
	}
	slot := "dnnl/" + OneDNNVersion + "-test/"
	if got := strings.Join(tree(t, cache), " "); got != slot+"libdnnl.so.3 "+slot+"libgomp.so.1 "+slot+"manifest.json" {
		t.Errorf("the cache holds %q", got)
	}
	// A library of the user's own may need no OpenMP runtime, or find it elsewhere.
	own := write(t, filepath.Join(from, "libdnnl.so.3"), append(testLibrary, '!'))
	if _, err := run(t.Context(), p, Options{From: own, Cache: cache}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tree(t, cache), " "); got != slot+"libdnnl.so.3 "+slot+"manifest.json" {
		t.Errorf("the cache holds %q", got)
	}
	if loc, err := FindOneDNN(from, cache); err != nil || loc.Path != own || loc.Source != EnvOneDNN {
		t.Errorf("override: %v, %v", loc, err)
	}
	if _, err := FindOneDNN(
		t.TempDir(),
		cache,
	); !errors.Is(err, fault.Library) ||
		!strings.Contains(err.Error(), "no oneDNN library") {
		t.Errorf("error %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	p, good := testPlatform(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(makeJar(f, jarEntry{name: "../x", data: []byte("x")}, jarEntry{name: p.entry(p.library), data: []byte("lib")}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, jar []byte) {
		dir := t.TempDir()
		path := write(t, filepath.Join(dir, "a.jar"), jar)
		dst := filepath.Join(dir, "out", "lib")
		if err := os.Mkdir(filepath.Dir(dst), 0o755); err != nil {
			t.Fatal(err)
		}
		sum, size, err := unpack(t.Context(), dst, path, p.entry(p.library))
		if err != nil {
			if !errors.Is(err, fault.Library) {
				t.Fatalf("error %v is no fault of the library", err)
			}
		} else if got, rerr := os.ReadFile(dst); rerr != nil || int64(len(got)) != size || hexSum(got) != sum {
			t.Fatalf("%d bytes with sum %s reported, %v", size, sum, rerr)
		}
		for _, name := range tree(t, dir) {
			if name != "a.jar" && name != "out/lib" {
				t.Fatalf("wrote %s", name)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"source":"s","library":"libonnxruntime.so.1","sha256":"` + strings.Repeat("a", 64) + `","size":3}`))
	f.Add([]byte(`{"library":"../../x","size":-1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		slot := filepath.Join("a", "b")
		if filepath.Dir(filepath.Join(slot, m.Library)) != slot {
			t.Fatalf("library %q leaves the folder", m.Library)
		}
		if m.Size <= 0 || !hexSHA256.MatchString(m.SHA256) {
			t.Fatalf("accepted %+v", m)
		}
	})
}
