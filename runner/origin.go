package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"

	"ordo/models"
	"ordo/models/fault"
)

// keptOrigin is the name under which the checkpoint keeps what it belongs to.
const keptOrigin = "origin"

// origin is what a checkpoint belongs to. The graphs have no checksum of their own, and one that is damaged may well
// run, to other numbers; so may the checkpoint of another run that has parameters of the same shapes.
type origin struct {
	Run    string            `json:"run"`    // hash of the experiment
	Graphs map[string]string `json:"graphs"` // SHA-256 of the files in the folder of graphs, by name
}

// MarshalBinary gives JSON.
func (o *origin) MarshalBinary() ([]byte, error) { return json.Marshal(o) }

// UnmarshalBinary takes what MarshalBinary gave.
func (o *origin) UnmarshalBinary(data []byte) error { return json.Unmarshal(data, o) }

// originOf is that of a checkpoint of this run with these graphs.
func (r *run) originOf(a models.Artifacts) *origin {
	a.Checkpoint = nil
	o := &origin{Run: r.now.Hash, Graphs: map[string]string{}}
	for name, data := range a.Files() {
		sum := sha256.Sum256(data)
		o.Graphs[name] = hex.EncodeToString(sum[:])
	}
	return o
}

// checkOrigin compares what the checkpoint says that it belongs to with what is there. Checkpoints of earlier versions
// say nothing.
func (r *run) checkOrigin(now *origin, kept map[string][]byte) error {
	stored, ok := kept[keptOrigin]
	if !ok {
		return nil
	}
	var was origin
	if err := was.UnmarshalBinary(stored); err != nil {
		return fault.New(fault.Data, "%s: what it belongs to can't be read: %w", r.folder.Checkpoint(), err).
			Advise(startAnew)
	}
	if was.Run != now.Run {
		return fault.New(fault.Data, "%s is the checkpoint of another run (hash %s, not %s)", r.folder.Checkpoint(), was.Run,
			now.Run).Advise(startAnew)
	}
	for _, name := range slices.Sorted(maps.Keys(was.Graphs)) {
		if now.Graphs[name] != was.Graphs[name] {
			return fault.New(fault.Data, "%s is not the file that the run began with: its checksum differs from the "+
				"checkpoint's", filepath.Join(r.folder.Graphs(), name)).Advise(startAnew)
		}
	}
	return nil
}

// startAnew is what to do with a folder that is damaged.
const startAnew = "remove the run's folder to start anew"
