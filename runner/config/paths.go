package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"ordo/models"
	"ordo/runner/track"
)

// Paths are the keys that name files or folders, and their values: relative to the working folder, or absolute.
func (e *Experiment) Paths() map[string]*string {
	return map[string]*string{
		"data.root": &e.Data.Root, "data.cache.dir": &e.Data.Cache.Dir,
		"model.artifacts": &e.Model.Artifacts, "model.weights": &e.Model.Weights, "train.from": &e.Train.From,
	}
}

// braced is ${NAME}. A plain $NAME stays: files may be called so.
var braced = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand puts the home folder in the place of a leading ~, and variables of the environment in that of ${NAME}. The
// environment is that of the process where environ is nil.
func expand(path string, environ []string) (string, error) {
	lookUp := os.LookupEnv
	if environ != nil {
		lookUp = func(name string) (value string, ok bool) {
			for _, text := range environ {
				if v, is := strings.CutPrefix(text, name+"="); is {
					value, ok = v, true
				}
			}
			return value, ok
		}
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, ok := lookUp("HOME")
		if !ok {
			var err error
			if home, err = os.UserHomeDir(); err != nil {
				return "", fmt.Errorf("~ stands for your home folder, which isn't known (%w); write it out", err)
			}
		}
		path = home + path[1:]
	}
	var missing error
	path = braced.ReplaceAllStringFunc(path, func(text string) string {
		name := text[2 : len(text)-1]
		value, ok := lookUp(name)
		if !ok || value == "" {
			missing = fmt.Errorf("the environment has no variable %s; set it or write the path out", name)
		}
		return value
	})
	return path, missing
}

// canonical is one spelling for all of a path: without superfluous parts, and relative where it is below the working
// folder. What lies elsewhere stays relative or absolute as it was written.
func canonical(path string) string {
	if path == "" {
		return ""
	}
	path = filepath.Clean(path)
	if wd, err := os.Getwd(); err == nil && filepath.IsAbs(path) {
		if below, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(below) {
			return below
		}
	}
	return path
}

// paths expands the experiment's paths and gives each one spelling.
func (l *loader) paths(e *Experiment, environ []string) {
	for key, path := range e.Paths() {
		expanded, err := expand(*path, environ)
		if err != nil {
			l.mistakes.add(l.origins.of(key), "%s: %v", key, err)
			continue
		}
		*path = canonical(expanded)
	}
}

// fromDigits is how many digits of a checkpoint's checksum name it.
const fromDigits = 16

// runs looks at the run folders that an experiment names: that of model.weights stands for its encoder, and that of
// train.from has a checkpoint.
func (l *loader) runs(e *Experiment) {
	if info, err := os.Stat(e.Model.Weights); err == nil && info.IsDir() {
		if _, err := track.CheckEncoder(e.Model.Weights); err != nil {
			l.mistakes.add(l.origins.of("model.weights"), "model.weights: %v", err)
			return
		}
		e.Model.Weights = track.EncoderFile(e.Model.Weights)
	}
	if e.Train.From == "" || e.Train.FromCheckpoint != "" {
		return
	}
	sum, err := models.CheckpointSum(track.CheckpointFile(e.Train.From))
	if err != nil {
		l.mistakes.add(l.origins.of("train.from"), "train.from: %v", err)
		sum = "unknown" // one mistake is enough
	}
	e.Train.FromCheckpoint = sum[:min(len(sum), fromDigits)]
}
