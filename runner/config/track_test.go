package config_test

import (
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/runner/config"
)

func TestTrack(t *testing.T) {
	plain := parse(t, "seed: 1")
	for _, c := range []struct{ text, says string }{
		{"{tensorboard: true}", ""},
		{"{mlflow: {uri: env, experiment: x}}", ""},
		{"{mlflow: {uri: 'https://host/base'}}", ""},
		{"{mlflow: {uri: 'sqlite:///x.db'}}", "track.mlflow.uri: must be an address that begins with http://"},
		{"{mlflow: {uri: localhost}}", "track.mlflow.uri: must be an address"},
		{"{mlflow: {uri: 'http://u:secret@host'}}", "MLFLOW_TRACKING_USERNAME"},
		{"{mlflow: {experiment: " + strings.Repeat("x", 256) + "}}", "must be a name of at most 255"},
		{"{tensorbord: true}", "track.tensorboard"},
	} {
		e, err := config.Parse("x.yaml", []byte("track: "+c.text), nil, nil)
		switch {
		case c.says != "":
			if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), c.says) ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: error %v, want %q", c.text, err, c.says)
			}
		case err != nil:
			t.Errorf("%s: %v", c.text, err)
		case e.Hash() != plain.Hash():
			t.Errorf("%s changes the hash", c.text)
		}
	}
	if got := plain.Settings()["track.tensorboard"]; got != "false" {
		t.Errorf("the setting is %q", got)
	}
}
