package config

import (
	"fmt"
	"net/url"
	"unicode/utf8"
)

// URIFromEnvironment is the value of MLflow.URI that leaves the address to the environment.
const URIFromEnvironment = "env"

// Track is the `track:` section of an experiment: who is told, while a run is at work, what metrics.jsonl and
// timing.jsonl gain. No weight depends on it, and it is no part of the experiment's hash.
type Track struct {
	TensorBoard bool   `yaml:"tensorboard"` // writes event files into the run's folder tensorboard; default false
	MLflow      MLflow `yaml:"mlflow"`
}

// MLflow says which MLflow server is told.
type MLflow struct {
	// URI is the address of the server, as in http://localhost:5000, or env for that of the variable MLFLOW_TRACKING_URI.
	// Empty, the default: none is told. Names and tokens come from the environment only: MLFLOW_TRACKING_TOKEN, or
	// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
	URI string `yaml:"uri"`
	// Experiment is the experiment of MLflow that the run becomes part of, made where it isn't there. Empty, the default:
	// one that is called as the experiment's name.
	Experiment string `yaml:"experiment"`
}

// maxExperiment is how many letters the name of an experiment can have in MLflow.
const maxExperiment = 255

// Validate returns the first fault, starting with its key.
func (t Track) Validate() error {
	if t.MLflow.URI != "" && t.MLflow.URI != URIFromEnvironment {
		if err := CheckServer(t.MLflow.URI); err != nil {
			return fmt.Errorf("mlflow.uri: %w", err)
		}
	}
	if n := utf8.RuneCountInString(t.MLflow.Experiment); n > maxExperiment {
		return fmt.Errorf("mlflow.experiment: must be a name of at most %d letters, got %d", maxExperiment, n)
	}
	return nil
}

// CheckServer returns what is wrong with the address of a server. One with a password is refused: addresses are written
// into run folders.
func CheckServer(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("must be an address that begins with http:// or https://, or env, got %q", address)
	case u.User != nil:
		return fmt.Errorf("must be an address without a name and a password: " +
			"give them by the variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
	}
	return nil
}
