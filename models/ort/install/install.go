package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ordo/models/fault"
)

// Bounds on what is read from a file of the user's or from a jar. The largest real library (with debug symbols apart)
// is a tenth of it.
const (
	maxJar     = 256 << 20
	maxLibrary = 512 << 20
)

// Options says what to install and where.
type Options struct {
	// OneDNN asks for oneDNN instead of ONNX Runtime; GPU must be false.
	OneDNN bool
	// From is a jar of the pinned release, a library, or a folder that holds one of them. Empty: the jar is fetched with
	// mvn. A jar must be the pinned one, byte for byte; a library is taken as it is and its SHA-256 recorded.
	From string
	// GPU asks for the library with the CUDA execution provider, which has an installation of its own beside the other.
	GPU bool
	// Cache is the folder of ordo's cached files. Empty: the value of ORDO_CACHE, else "ordo" in the user's cache folder.
	Cache string
	// Progress receives a line of text for each thing done. Nil: none.
	Progress io.Writer
	// Check is asked about the unpacked library before it takes its place; its error, made a fault of the kind Library,
	// stops the installation and leaves what was installed before. Nil: no check.
	Check func(path string) error
}

// Run puts the library into the cache and returns it. If what is asked for is there already, undamaged by its SHA-256,
// it does nothing. If something else or something damaged is there, it is replaced. After an error, or when ctx is
// cancelled, the cache is as it was.
//
// No mvn, no network, a wrong checksum, a folder that holds no library are faults of the kind Library; what can't be
// written is one of the kind Storage.
func Run(ctx context.Context, o Options) (Location, error) {
	p, err := current(o.GPU)
	if o.OneDNN {
		p, err = currentOneDNN()
	}
	if err != nil {
		return Location{}, err
	}
	return run(ctx, p, o)
}

// run is Run for a given platform.
func run(ctx context.Context, p platform, o Options) (Location, error) {
	if o.Cache == "" {
		o.Cache = os.Getenv(EnvCache)
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	slot, err := slotIn(o.Cache, p)
	if err != nil {
		return Location{}, err
	}
	src, err := resolveSource(ctx, p, o.From)
	if err != nil {
		return Location{}, err
	}
	if loc, ok := alreadyInstalled(ctx, slot, src, o.Progress); ok {
		say(o.Progress, "%s is already installed: %s", p.product.title, loc.Path)
		return loc, nil
	}

	root := filepath.Dir(slot)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return Location{}, fault.Writing(root, err)
	}
	removeLeftovers(root)
	tmp, err := os.MkdirTemp(root, tmpPrefix)
	if err != nil {
		return Location{}, fault.Writing(root, err)
	}
	defer os.RemoveAll(tmp)

	filled := filepath.Join(tmp, "slot")
	m, err := fill(ctx, p, filled, src, o.Progress)
	if err != nil {
		return Location{}, err
	}
	if err := check(o, filepath.Join(filled, p.library), p, src); err != nil {
		return Location{}, err
	}
	if err := writeManifest(filled, m); err != nil {
		return Location{}, fault.Writing(root, err)
	}
	// The last point at which an interrupted installation can leave everything as it was.
	if ctx.Err() != nil {
		return Location{}, interrupted(ctx)
	}
	if err := place(filled, slot, m); err != nil {
		return Location{}, fault.Writing(slot, err)
	}
	loc, err := installed(slot)
	if err != nil {
		return Location{}, err
	}
	say(o.Progress, "installed %s", loc.Path)
	return loc, nil
}

// interrupted is the error of an installation whose context was cancelled.
func interrupted(ctx context.Context) error {
	return fault.New(fault.Interrupted, "the installation was stopped: %w", context.Cause(ctx))
}

// fill makes the folder with the library and its companions, and gives its manifest, which is not written yet.
func fill(ctx context.Context, p platform, folder string, src source, progress io.Writer) (manifest, error) {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return manifest{}, fault.Writing(lasting(folder), err)
	}
	if src.library == "" && src.jar == "" {
		say(progress, "fetching %s (%.0f MB) with mvn", p.coordinates(), float64(p.jarSize)/1e6)
		var err error
		if src.jar, err = fetch(ctx, p, filepath.Join(filepath.Dir(folder), "jar")); err != nil {
			return manifest{}, err
		}
	}
	m := manifest{Source: src.name, SourceSHA256: src.sha256, Library: p.library}
	for i, name := range p.files() {
		f, err := fillFile(ctx, p, folder, name, src, progress)
		if errors.Is(err, errOptional) {
			continue
		}
		if err != nil {
			return manifest{}, err
		}
		if i == 0 {
			m.SHA256, m.Size = f.SHA256, f.Size
		} else {
			m.Companions = append(m.Companions, f)
		}
	}
	return m, nil
}

// errOptional says that a companion is not there and is not needed.
var errOptional = errors.New("install: a companion that is not needed is missing")

// fillFile copies one of a platform's files into the folder.
func fillFile(ctx context.Context, p platform, folder, name string, src source, progress io.Writer) (companion, error) {
	f := companion{Name: name}
	var err error
	to := filepath.Join(folder, name)
	if src.library == "" {
		say(progress, "unpacking %s", name)
		f.SHA256, f.Size, err = unpack(ctx, to, src.jar, p.entry(name))
		return f, err
	}
	from := src.library
	if name != p.library {
		from = filepath.Join(filepath.Dir(src.library), name)
	}
	say(progress, "copying %s", from)
	f.SHA256, f.Size, err = copyLibrary(ctx, to, from)
	if name == p.library || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if p.product == oneDNN {
		return f, errOptional // its OpenMP runtime, which the system may have or another build does without
	}
	return f, fault.New(fault.Library, "%s, which it needs, is not beside %s", name, src.library).
		Advise("give the library where it was unpacked")
}

// check asks the caller about the unpacked library.
func check(o Options, library string, p platform, src source) error {
	if o.Check == nil {
		return nil
	}
	err := o.Check(library)
	if err == nil {
		return nil
	}
	// The user knows the source, not the temporary file, and what to do is not to install once more.
	what := strings.ReplaceAll(err.Error(), library, src.name)
	if !strings.Contains(what, src.name) {
		what = fmt.Sprintf("%s cannot be used (%s)", src.name, what)
	}
	return fault.New(fault.Library, "%s", what).Advise("give another library or jar").With(p.from("FILE"))
}

// source is what an installation is made from: the artifact (neither path set), a jar, or a library.
type source struct {
	name    string // for the manifest
	sha256  string // of the jar
	jar     string // path
	library string // path
}

const giveSource = "give a jar, a library or a folder that holds one"

// resolveSource finds out what `from` is and refuses what cannot be installed.
func resolveSource(ctx context.Context, p platform, from string) (source, error) {
	if from == "" {
		return source{name: p.coordinates(), sha256: p.jarSHA256}, nil
	}
	path, err := filepath.Abs(from)
	if err != nil {
		return source{}, fmt.Errorf("install: %s: %w", from, err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return source{}, fault.New(fault.Library, "%s does not exist", from).Advise(giveSource)
	}
	if err != nil {
		return source{}, fault.Reading(fault.Library, from, err)
	}
	if info.IsDir() {
		file, ok := libraryInFolder(p.product, path)
		if !ok {
			file = filepath.Join(path, p.jarName())
			if _, err := os.Stat(file); err != nil {
				return source{}, fault.New(fault.Library, "the folder %s holds neither %s nor %s", from, p.library, p.jarName()).
					Advise("name the file itself")
			}
		}
		path = file
		if info, err = os.Stat(path); err != nil {
			return source{}, fault.Reading(fault.Library, path, err)
		}
	}
	if !info.Mode().IsRegular() {
		return source{}, fault.New(fault.Library, "%s is not a file", path).Advise(giveSource)
	}
	if strings.HasSuffix(path, ".jar") {
		if err := checkJar(ctx, p, path, info.Size()); err != nil {
			return source{}, err
		}
		// The bytes are the artifact's, wherever they came from.
		return source{name: p.coordinates(), sha256: p.jarSHA256, jar: path}, nil
	}
	if !isLibraryName(filepath.Base(path)) {
		return source{}, fault.New(fault.Library, "%s is neither a jar nor a shared library (.so, .dylib, .dll)", path).
			Advise("give one of these")
	}
	return source{name: path, library: path}, nil
}

// checkJar compares a jar with the pinned checksum.
func checkJar(ctx context.Context, p platform, path string, size int64) error {
	if size > maxJar {
		return fault.New(fault.Library, "%s has %d bytes, too many for %s", path, size, p.jarName()).
			Advise("give the jar of that release")
	}
	sum, err := sumFile(ctx, path)
	if err != nil {
		return fault.Reading(fault.Library, path, err)
	}
	if sum == p.jarSHA256 {
		return nil
	}
	for _, known := range []map[string]platform{platforms, gpuPlatforms, oneDNNPlatforms} {
		for _, other := range known {
			if sum == other.jarSHA256 {
				f := fault.New(fault.Library, "%s is the jar %s; this installation needs %s", path, other.jarName(), p.jarName())
				if other.product == p.product && other.jarSystem() == p.jarSystem() {
					return f.With(other.from(path)) // the one with CUDA, or the one without
				}
				return f.Advise("give that one")
			}
		}
	}
	return fault.New(fault.Library, "%s is not the pinned release %s (its SHA-256 is %s, expected %s)",
		path, p.coordinates(), sum, p.jarSHA256).
		Advise("get that jar, or, if you trust this one, unpack it and give the library in it")
}

// alreadyInstalled reports whether slot holds just what src would give. It reads the whole installed library.
func alreadyInstalled(ctx context.Context, slot string, src source, progress io.Writer) (Location, bool) {
	m, err := readManifest(slot)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			say(progress, "replacing what is damaged in %s", slot)
		}
		return Location{}, false
	}
	for _, f := range m.files() {
		path := filepath.Join(slot, f.Name)
		sum, err := sumFile(ctx, path)
		if ctx.Err() != nil {
			return Location{}, false
		}
		if err != nil || sum != f.SHA256 {
			say(progress, "replacing the damaged %s", path)
			return Location{}, false
		}
	}
	if src.library != "" {
		// Two paths may hold one library: what counts is the bytes.
		if given, err := sumFile(ctx, src.library); err != nil || given != m.SHA256 {
			return Location{}, false
		}
	} else if m.SourceSHA256 != src.sha256 {
		return Location{}, false
	}
	return Location{Path: filepath.Join(slot, m.Library), Source: m.Source, SHA256: m.SHA256}, true
}

// copyLibrary copies the library at src to the new file dst and returns its checksum and size.
func copyLibrary(ctx context.Context, dst, src string) (sum string, size int64, err error) {
	f, err := os.Open(src)
	if err != nil {
		return "", 0, fault.Reading(fault.Library, src, err)
	}
	defer f.Close()
	sum, size, err = writeLibrary(ctx, dst, f)
	if errors.Is(err, errTooLarge) {
		err = fault.New(fault.Library, "%s has more than %d MiB, too many for such a library", src, maxLibrary>>20).
			Advise("give the library itself")
	}
	if err == nil && size == 0 {
		err = fault.New(fault.Library, "%s is empty", src).Advise("give the library itself")
	}
	return sum, size, fault.Reading(fault.Library, src, err)
}

var errTooLarge = errors.New("larger than any of these libraries")

// writeLibrary copies r, at most maxLibrary bytes, to the new file dst and syncs it. An error of r comes back as it is.
func writeLibrary(ctx context.Context, dst string, r io.Reader) (sum string, size int64, err error) {
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return "", 0, fault.Writing(lasting(dst), err)
	}
	hash := sha256.New()
	in := &ctxReader{ctx: ctx, r: r}
	size, err = io.Copy(io.MultiWriter(f, hash), io.LimitReader(in, maxLibrary+1))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	switch {
	case in.err != nil:
		return "", 0, in.err
	case err != nil:
		return "", 0, fault.Writing(lasting(dst), err)
	case size > maxLibrary:
		return "", 0, errTooLarge
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

// lasting is a path without the temporary part of an installation.
func lasting(path string) string {
	before, _, _ := strings.Cut(path, string(os.PathSeparator)+tmpPrefix)
	return before
}

// writeManifest writes the manifest into the folder dir and syncs file and folder.
func writeManifest(dir string, m manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, manifestName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close(), syncDir(dir))
}

// place gives the filled folder its name. If another process was faster with the same library, its folder stays; any
// other folder of that name is replaced.
func place(filled, slot string, want manifest) error {
	const tries = 10 // each lost race means that another process has just succeeded
	var err error
	for range tries {
		if err = os.Rename(filled, slot); err == nil {
			return syncDir(filepath.Dir(slot))
		}
		if _, serr := os.Lstat(slot); serr != nil {
			if errors.Is(serr, fs.ErrNotExist) {
				continue // taken away by another process that replaces it
			}
			return err
		}
		if m, merr := readManifest(slot); merr == nil && slices.Equal(m.files(), want.files()) && intact(slot, m) {
			return nil
		}
		// The old folder goes into ours, which is removed when the installation ends, whichever way.
		old := filepath.Join(filepath.Dir(filled), fmt.Sprintf("old-%d", time.Now().UnixNano()))
		if rerr := os.Rename(slot, old); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			return rerr
		}
	}
	return err
}

// intact compares the files in slot with their checksums.
func intact(slot string, m manifest) bool {
	for _, f := range m.files() {
		if sum, err := sumFile(context.Background(), filepath.Join(slot, f.Name)); err != nil || sum != f.SHA256 {
			return false
		}
	}
	return true
}

const tmpPrefix = ".install-"

// removeLeftovers removes the temporary folders of installations that were killed. Those of running ones are younger
// than an hour.
func removeLeftovers(root string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return // only tidying up
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), tmpPrefix) && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(filepath.Join(root, e.Name()))
		}
	}
}

// sumFile returns the SHA-256 of a file in hex.
func sumFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, &ctxReader{ctx: ctx, r: f}); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// ctxReader stops reading when its context is cancelled, and keeps the error that it stopped at.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (c *ctxReader) Read(p []byte) (n int, err error) {
	if c.ctx.Err() != nil {
		err = interrupted(c.ctx)
	} else {
		n, err = c.r.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// say writes a line of progress; a progress line that cannot be written is no reason to stop.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
