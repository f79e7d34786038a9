package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/track"
)

// keptOrigin is the name under which the checkpoint keeps what it belongs to.
const keptOrigin = "origin"

// origin is what a checkpoint belongs to. The graphs have no checksum of their own, and one that is damaged may well
// run, to other numbers; so may the checkpoint of another run that has parameters of the same shapes, and metrics that
// were changed become a result.
type origin struct {
	Run    string                  `json:"run"`    // hash of the experiment
	Graphs map[string]string       `json:"graphs"` // SHA-256 of the files in the folder of graphs, by name
	Lines  map[string]track.Extent `json:"lines"`  // what metrics, times and log were
	Step   int                     `json:"step"`   // of the run
}

// MarshalBinary gives JSON.
func (o *origin) MarshalBinary() ([]byte, error) { return json.Marshal(o) }

// UnmarshalBinary takes what MarshalBinary gave.
func (o *origin) UnmarshalBinary(data []byte) error { return json.Unmarshal(data, o) }

// originOf is that of a checkpoint of this run with these graphs.
func (r *run) originOf(a models.Artifacts) *origin { return graphsOrigin(r.now.Hash, a) }

// graphsOrigin is that of a checkpoint of the run with that hash.
func graphsOrigin(hash string, a models.Artifacts) *origin {
	a.Checkpoint = nil
	o := &origin{Run: hash, Graphs: map[string]string{}}
	for name, data := range a.Files() {
		sum := sha256.Sum256(data)
		o.Graphs[name] = hex.EncodeToString(sum[:])
	}
	return o
}

// checkpoint is one that the run can go on from.
type checkpoint struct {
	parameters []byte
	kept       map[string][]byte
	origin     origin
}

// usableCheckpoint reads the last checkpoint that is whole and belongs to this run and to the folder's files. One that
// is passed over is a warning; it is nil if there is none at all, and a fault if there is none that can be used.
func (r *run) usableCheckpoint() (*checkpoint, error) {
	var wrong error
	for _, file := range r.folder.Checkpoints() {
		c, err := r.readCheckpoint(file)
		if err != nil {
			if wrong == nil {
				wrong = err
			}
			continue
		}
		if wrong != nil {
			text := fmt.Sprintf("%s%s; going on from the checkpoint before it, of step %d", track.Warning, said(wrong),
				c.origin.Step)
			if err := errors.Join(r.note(text), r.folder.Promote(file)); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	if wrong != nil {
		return nil, fault.New(fault.Data, "%s", said(wrong)).Advise(startAnew).With(fault.OtherFolder{})
	}
	return nil, nil
}

// readOrigin reads a checkpoint and what it belongs to.
func readOrigin(file string) (*checkpoint, error) {
	parameters, kept, err := models.ReadCheckpoint(file)
	if err != nil {
		return nil, err
	}
	c := &checkpoint{parameters: parameters, kept: kept}
	if err := json.Unmarshal(kept[keptOrigin], &c.origin); err != nil {
		return nil, fault.New(fault.Data, "%s does not say what run it is of", file)
	}
	delete(kept, keptOrigin) // that of whoever goes on from it takes its place
	return c, nil
}

// readCheckpoint reads a checkpoint and holds it against the run and its folder.
func (r *run) readCheckpoint(file string) (*checkpoint, error) {
	c, err := readOrigin(file)
	if err != nil {
		return nil, err
	}
	if c.origin.Run != r.now.Hash {
		return nil, fmt.Errorf("%s is the checkpoint of another run (hash %s, not %s)", file, c.origin.Run, r.now.Hash)
	}
	if s := c.origin.Step; s < 1 || s > r.total {
		return nil, fmt.Errorf("%s is of step %d, outside of this experiment's %d steps", file, s, r.total)
	}
	if err := r.folder.Fits(c.origin.Lines); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// checkGraphs compares the graphs with those that the checkpoint was made with.
func (o origin) checkGraphs(folder string, now *origin) error {
	for _, name := range slices.Sorted(maps.Keys(o.Graphs)) {
		if now.Graphs[name] != o.Graphs[name] {
			return fault.New(fault.Data, "%s is not the file that the run began with: its checksum differs from the "+
				"checkpoint's", filepath.Join(folder, name)).Advise(startAnew)
		}
	}
	return nil
}

// startAnew is what to do with a folder that is damaged.
const startAnew = "remove the run's folder to start anew"
