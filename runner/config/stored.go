package config

import (
	"slices"
	"strings"

	"ordo/runner/track"
)

// ofImages are the keys that bound how many images a run saw; they say nothing of another image set.
var ofImages = []string{"data.images", "data.test_images", "data.per_class", "data.test_per_class"}

// OtherImages says whether overrides KEY=VALUE name another image set than a run's own.
func OtherImages(overrides []string) bool {
	return slices.ContainsFunc(overrides, func(text string) bool {
		key, _, _ := strings.Cut(text, "=")
		return key == "data.root" || key == "data.source"
	})
}

// LoadRun reads the resolved experiment of the run in dir and changes it by overrides KEY=VALUE. Where these name
// another image set, all of its images count: the run's own bounds on their number are dropped, but not those that the
// overrides set.
func LoadRun(dir string, overrides []string) (Experiment, error) {
	if OtherImages(overrides) {
		var all []string
		for _, key := range ofImages {
			all = append(all, key+"=0")
		}
		overrides = slices.Concat(all, overrides)
	}
	return Load(track.ExperimentFile(dir), overrides, nil)
}
