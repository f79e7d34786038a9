package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ordo/models/fault"
)

// Environment variables that this package reads.
const (
	EnvLibrary = "ORDO_ONNXRUNTIME" // a library, or a folder that holds one; overrides the installed library
	EnvOneDNN  = "ORDO_ONEDNN"      // the same for oneDNN
	EnvCache   = "ORDO_CACHE"       // the folder of ordo's cached files; default "ordo" in the user's cache folder
)

// ErrNotFound is wrapped by the error for a library that is not installed and that no setting names.
var ErrNotFound = errors.New("not found")

// Location says where a library is and how it was found.
type Location struct {
	Path   string // of the library file, absolute
	Source string // EnvLibrary, or where the installed library came from: an artifact's coordinates or a file's path
	SHA256 string // of the library file when it was installed, in hex; empty for a library named by EnvLibrary
}

// Find returns the library to load: the one that override names, the value of ORDO_ONNXRUNTIME (a file, or a folder
// that holds one), else the one installed in the cache folder, the value of ORDO_CACHE. Either may be empty. Where only
// the library with CUDA is installed, that is the one: it computes on the CPU too. Find looks at names and sizes only;
// Run compares checksums.
//
// An override that names no library, and a damaged installation, are faults of the kind Library; where nothing is
// installed the fault wraps ErrNotFound.
func Find(override, cache string) (Location, error) {
	loc, err := find(override, cache, false)
	if errors.Is(err, ErrNotFound) {
		if gpu, gpuErr := find("", cache, true); gpuErr == nil {
			return gpu, nil
		}
	}
	return loc, err
}

// FindGPU returns the library to load for CUDA: the one that override names, else the one that was installed with CUDA.
// It does not look whether the one named has CUDA. If there is none, the fault wraps ErrNotFound.
func FindGPU(override, cache string) (Location, error) { return find(override, cache, true) }

func find(override, cache string, gpu bool) (Location, error) {
	if override != "" {
		return findOverride(onnxRuntime, override)
	}
	p, err := current(gpu)
	if err != nil {
		return Location{}, err
	}
	what := "ONNX Runtime with the training API"
	if gpu {
		what = "ONNX Runtime with CUDA"
	}
	return findInstalled(p, cache, what)
}

// FindOneDNN returns the oneDNN to load: the one that override names, the value of ORDO_ONEDNN (a file, or a folder
// that holds one), else the one installed in the cache folder. If there is none, the fault wraps ErrNotFound; ordo
// works without oneDNN, with slower kernels.
func FindOneDNN(override, cache string) (Location, error) {
	if override != "" {
		return findOverride(oneDNN, override)
	}
	p, err := currentOneDNN()
	if err != nil {
		return Location{}, err
	}
	return findInstalled(p, cache, p.product.title)
}

// findInstalled returns what is installed for a platform.
func findInstalled(p platform, cache, what string) (Location, error) {
	slot, err := slotIn(cache, p)
	if err != nil {
		return Location{}, err
	}
	loc, err := installed(slot)
	if errors.Is(err, os.ErrNotExist) {
		err = fault.New(fault.Library, "%s was %w (looked in %s; %s is not set)", what, ErrNotFound, slot, p.product.env)
	}
	if f := new(fault.Error); errors.As(err, &f) {
		return Location{}, f.With(p.from(""))
	}
	return loc, err
}

// UnfitRuntime is the fault of a file that was found and cannot be loaded as ONNX Runtime. The loader's reason may
// begin with the path, which is said once.
func UnfitRuntime(path, reason string) error { return onnxRuntime.unfit(path, reason) }

// UnfitOneDNN is UnfitRuntime for oneDNN.
func UnfitOneDNN(path, reason string) error { return oneDNN.unfit(path, reason) }

func (p *product) unfit(path, reason string) error {
	return fault.New(fault.Library, "%s cannot be used as %s (%s)", path, p.title, strings.TrimPrefix(reason, path+": ")).
		With(fault.InstallLibrary{OneDNN: p == oneDNN})
}

// CacheDir returns the folder of ordo's cached files: cache if it is not empty (the value of ORDO_CACHE), else "ordo"
// in the user's cache folder. It need not exist.
func CacheDir(cache string) (string, error) {
	if cache != "" {
		return filepath.Abs(cache)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fault.New(fault.Library, "there is no cache folder for this user (%w)", err).
			Advise("set %s to a folder", EnvCache)
	}
	return filepath.Join(dir, "ordo"), nil
}

// findOverride resolves the value of a product's environment variable.
func findOverride(p *product, value string) (Location, error) {
	path, err := filepath.Abs(value)
	if err != nil {
		return Location{}, fmt.Errorf("install: %s=%s: %w", p.env, value, err)
	}
	unfit := func(what string) error {
		return fault.New(fault.Library, "%s names %s, which %s", p.env, value, what).
			Advise("set it to the library's file or its folder, or unset it")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Location{}, unfit("does not exist")
	case err != nil:
		return Location{}, unfit(fmt.Sprintf("cannot be read (%v)", errors.Unwrap(err)))
	case info.IsDir():
		file, ok := libraryInFolder(p, path)
		if !ok {
			return Location{}, unfit(fmt.Sprintf("is a folder that holds no %s library", p.title))
		}
		path = file
	case !info.Mode().IsRegular():
		return Location{}, unfit("is not a file")
	}
	return Location{Path: path, Source: p.env}, nil
}

// libraryInFolder looks for a product's library in dir and in dir/lib, the layout of the projects' own archives.
func libraryInFolder(p *product, dir string) (string, bool) {
	for _, d := range []string{dir, filepath.Join(dir, "lib")} {
		for _, pattern := range p.patterns {
			// The patterns are ours, but dir may hold characters that Glob takes for a pattern, so match by name.
			entries, err := os.ReadDir(d)
			if err != nil {
				continue
			}
			for _, e := range entries {
				path := filepath.Join(d, e.Name())
				if ok, _ := filepath.Match(pattern, e.Name()); !ok {
					continue
				}
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
					return path, true
				}
			}
		}
	}
	return "", false
}

// isLibraryName reports whether a file's name looks like that of a shared library of any platform.
func isLibraryName(name string) bool {
	return strings.Contains(name, ".so") || strings.HasSuffix(name, ".dylib") || strings.HasSuffix(name, ".dll")
}
