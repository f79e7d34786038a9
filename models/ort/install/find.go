package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Environment variables that this package reads.
const (
	EnvLibrary = "ORDO_ONNXRUNTIME" // a library, or a folder that holds one; overrides the installed library
	EnvOneDNN  = "ORDO_ONEDNN"      // the same for oneDNN
	EnvCache   = "ORDO_CACHE"       // the folder of ordo's cached files; default "ordo" in the user's cache folder
)

// ErrNotFound says that no library is installed and that ORDO_ONNXRUNTIME is not set.
var ErrNotFound = errors.New("ONNX Runtime with the training API was not found: run `ordo runtime install`")

// ErrNoOneDNN says that oneDNN is not installed and that ORDO_ONEDNN is not set. ordo works without it, with slower kernels.
var ErrNoOneDNN = errors.New("oneDNN was not found: run `ordo runtime install`")

// ErrUnfit is the kind of every error that says that a library, a jar or a setting is there and cannot be used, or that
// the library could not be fetched. Its message says what, where and what to do.
var ErrUnfit = errors.New("the library cannot be used")

// Location says where a library is and how it was found.
type Location struct {
	Path   string // of the library file, absolute
	Source string // EnvLibrary, or where the installed library came from: an artifact's coordinates or a file's path
	SHA256 string // of the library file when it was installed, in hex; empty for a library named by EnvLibrary
}

// Find returns the library to load: the one that override names, the value of ORDO_ONNXRUNTIME (a file, or a folder that
// holds one), else the one installed in the cache folder, the value of ORDO_CACHE. Either may be empty. Where only the
// library with CUDA is installed, that is the one: it computes on the CPU too. Find looks at names and sizes only; Run
// compares checksums.
//
// If override names no library, or the installed library is damaged, the error is an ErrUnfit; if nothing is installed,
// an ErrNotFound.
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
// It does not look whether the one named has CUDA. If there is none, the error is an ErrNotFound.
func FindGPU(override, cache string) (Location, error) { return find(override, cache, true) }

func find(override, cache string, gpu bool) (Location, error) {
	if override != "" {
		return findOverride(onnxRuntime, override)
	}
	p, err := current(gpu)
	if err != nil {
		return Location{}, err
	}
	slot, err := slotIn(cache, p)
	if err != nil {
		return Location{}, err
	}
	loc, err := installed(slot)
	if errors.Is(err, os.ErrNotExist) {
		if gpu {
			return Location{}, unfit(ErrNotFound, "ONNX Runtime with CUDA was not found: run `ordo runtime install --gpu` (looked in %s; "+
				"%s is not set)", slot, EnvLibrary)
		}
		return Location{}, fmt.Errorf("%w (looked in %s; %s is not set)", ErrNotFound, slot, EnvLibrary)
	}
	return loc, err
}

// FindOneDNN returns the oneDNN to load: the one that override names, the value of ORDO_ONEDNN (a file, or a folder that
// holds one), else the one installed in the cache folder. If there is none, the error is an ErrNoOneDNN.
func FindOneDNN(override, cache string) (Location, error) {
	if override != "" {
		return findOverride(oneDNN, override)
	}
	p, err := currentOneDNN()
	if err != nil {
		return Location{}, err
	}
	slot, err := slotIn(cache, p)
	if err != nil {
		return Location{}, err
	}
	loc, err := installed(slot)
	if errors.Is(err, os.ErrNotExist) {
		return Location{}, fmt.Errorf("%w (looked in %s; %s is not set)", ErrNoOneDNN, slot, EnvOneDNN)
	}
	return loc, err
}

// CacheDir returns the folder of ordo's cached files: cache if it is not empty (the value of ORDO_CACHE), else "ordo" in
// the user's cache folder. It need not exist.
func CacheDir(cache string) (string, error) {
	if cache != "" {
		return filepath.Abs(cache)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", unfit(err, "there is no cache folder for this user (%v): set %s to a folder", err, EnvCache)
	}
	return filepath.Join(dir, "ordo"), nil
}

// findOverride resolves the value of a product's environment variable.
func findOverride(p *product, value string) (Location, error) {
	path, err := filepath.Abs(value)
	if err != nil {
		return Location{}, fmt.Errorf("install: %s=%s: %w", p.env, value, err)
	}
	const remedy = "set it to the library's file or its folder, or unset it"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Location{}, unfit(err, "%s names %s, which does not exist: %s", p.env, value, remedy)
	case err != nil:
		return Location{}, unfit(err, "%s names %s, which cannot be read (%v): %s", p.env, value, err, remedy)
	case info.IsDir():
		file, ok := libraryInFolder(p, path)
		if !ok {
			return Location{}, unfit(nil, "%s names the folder %s, which holds no %s library: %s",
				p.env, value, p.title, remedy)
		}
		path = file
	case !info.Mode().IsRegular():
		return Location{}, unfit(nil, "%s names %s, which is not a file: %s", p.env, value, remedy)
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
