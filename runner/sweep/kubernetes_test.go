package sweep

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ordo/models/fault"
	"ordo/models/golden"
	"ordo/runner/launch"
)

// TestManifest: the golden file was decoded strictly into Kubernetes' own Go types. The plan's hash and the folder are
// put in.
func TestManifest(t *testing.T) {
	b := newBench(t, twoSeeds+"retries: 2\n")
	p := b.plan()
	k := launch.Kubernetes{Image: "registry.example/ordo:1", Claim: "runs", Mount: b.dir, Namespace: "ssl", Queue: "team",
		Memory: "8Gi", GPUs: 1, CPUs: 4, Parallel: 1}
	if _, err := p.Manifest(Options{Dir: b.out}, k, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.out); err == nil {
		t.Error("the sweep's folder was made")
	}
	text, err := p.Manifest(Options{Dir: b.out}, k, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b.out); err != nil {
		t.Error(err)
	}
	golden.Compare(t, filepath.Join("testdata", "job.yaml"),
		strings.NewReplacer(p.Hash, "HASH", b.dir, "/mnt").Replace(text))
}

func TestManifestFails(t *testing.T) {
	b := newBench(t, twoSeeds)
	for says, k := range map[string]launch.Kubernetes{
		"image":            {Claim: "runs", Mount: b.dir},
		"claim":            {Image: "ordo", Mount: b.dir},
		"absolute path":    {Image: "ordo", Claim: "runs", Mount: "mnt"},
		"is not below":     {Image: "ordo", Claim: "runs", Mount: "/elsewhere"},
		"is not below /el": {Image: "ordo", Claim: "runs", Mount: "/elsewhere/"},
	} {
		_, err := b.plan().Manifest(Options{Dir: b.out}, k, true)
		if !errors.Is(err, fault.Config) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
