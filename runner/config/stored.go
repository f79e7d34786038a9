package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ordo/runner/track"
)

// ofImages are the keys that bound how many images a run saw; they say nothing of another image set.
var ofImages = []string{"data.images", "data.test_images", "data.per_class", "data.test_per_class", "data.fold"}

// OtherImages says whether overrides KEY=VALUE name another image set than a run's own.
func OtherImages(overrides []string) bool {
	return slices.ContainsFunc(overrides, func(text string) bool {
		key, _, _ := strings.Cut(text, "=")
		return key == "data.root" || key == "data.source"
	})
}

// LoadRun reads the resolved experiment of the run in dir and changes it by overrides KEY=VALUE. Its paths are where
// they were when it ran, whatever the working folder is now; a cache folder that isn't there any more is left to the
// default. Where the overrides name another image set, all of its
// images count: the run's own bounds on their number are dropped, but not those that the overrides set.
func LoadRun(dir string, overrides []string) (Experiment, error) {
	given := overrides
	if OtherImages(overrides) {
		var all []string
		for _, key := range ofImages {
			all = append(all, key+"=0")
		}
		overrides = slices.Concat(all, overrides)
	}
	if err := track.CheckExperiment(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Experiment{}, err
	}
	e, err := Load(track.ExperimentFile(dir), overrides, nil)
	if err != nil {
		return e, err
	}
	record, err := track.ReadRecord(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, err
	}
	for key, path := range e.Paths() {
		was := record.Paths[key]
		if was == "" || slices.ContainsFunc(given, func(text string) bool { return strings.HasPrefix(text, key+"=") }) {
			continue
		}
		// A run folder may have come from another machine, beside its images.
		_, moved := os.Stat(was)
		if _, missing := os.Stat(*path); moved == nil || missing != nil {
			*path = was
		}
	}
	// A folder that somebody sent doesn't decide where images are packed.
	if _, err := os.Stat(e.Data.Cache.Dir); err != nil && !slices.ContainsFunc(given, setsCache) {
		e.Data.Cache.Dir = ""
	}
	return e, nil
}

func setsCache(override string) bool { return strings.HasPrefix(override, "data.cache.dir=") }

// AbsolutePaths are the experiment's paths that are set, by their keys, as they are from any working folder.
func (e Experiment) AbsolutePaths() (map[string]string, error) {
	all := map[string]string{}
	for key, path := range e.Paths() {
		if *path == "" {
			continue
		}
		at, err := filepath.Abs(*path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		all[key] = at
	}
	return all, nil
}

// LoadFork reads what is to be run of a run's experiment with overrides KEY=VALUE: the run itself where they change
// nothing that its weights depend on (again is true), else one that goes on from its last checkpoint.
func LoadFork(dir string, overrides []string) (e Experiment, again bool, err error) {
	was, err := LoadRun(dir, nil)
	if err != nil {
		return e, false, err
	}
	if e, err = LoadRun(dir, overrides); err == nil && e.Hash() == was.Hash() {
		return e, true, nil
	}
	// Of a run that was a fork itself the lineage is in the record.
	from := []string{"train.from=" + dir, "train.from_checkpoint="}
	e, err = LoadRun(dir, slices.Concat(from, overrides))
	return e, false, err
}
