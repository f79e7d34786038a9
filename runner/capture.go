package runner

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ordo/models/fault"
	"ordo/models/whole"
	"ordo/runner/loader"
	"ordo/runner/npy"
	"ordo/runner/track"
	"ordo/runner/train"
)

// Captured is what a run keeps of its first step whose numbers were not finite, in nonfinite/step.json; the state of
// before the step is in state.ckpt beside it, and what the network was shown in batch.npy.
type Captured struct {
	Step   int               `json:"step"`  // from 1
	Epoch  int               `json:"epoch"` // from 1
	Error  string            `json:"error"`
	Rate   float32           `json:"lr"`
	Seed   uint64            `json:"seed"` // with step and view it decides all draws
	Images []CapturedImage   `json:"images"`
	Views  []CapturedView    `json:"views"`
	Draws  []string          `json:"draw_names,omitempty"`
	Batch  string            `json:"batch_sha256,omitempty"` // of the network's input, float32
	Graphs map[string]string `json:"graphs"`                 // SHA-256 by file name
}

// CapturedImage is an image of the batch, in its order.
type CapturedImage struct {
	Index int    `json:"index"` // in the training images
	ID    string `json:"id"`
}

// CapturedView is a view of all images of the batch.
type CapturedView struct {
	Family string      `json:"family"`          // "": a base view
	Scales []float64   `json:"scales"`          // of every image
	Draws  [][]float32 `json:"draws,omitempty"` // of every image, by draw_names
}

// capture keeps the first step whose numbers are not finite; the trainer is as it was before it.
func (r *run) capture(cause error, rate float32) error {
	file := track.NonFiniteFile(r.folder.Dir())
	if _, err := os.Stat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil // that of an earlier step, or there is trouble that others will tell of
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fault.Writing(filepath.Dir(file), err)
	}
	r.origin.Step, r.origin.Lines = r.step, r.folder.Extents()
	if err := r.trainer.Save(track.NonFiniteState(r.folder.Dir())); err != nil {
		return err
	}
	bad := r.stepper.Bad()
	if bad.Images != nil {
		if err := writeBatch(track.NonFiniteBatch(r.folder.Dir()), bad); err != nil {
			return err
		}
	}
	e, set := r.o.Experiment, r.splits.Train
	c := Captured{Step: r.step + 1, Epoch: r.step/r.perEpoch + 1, Error: cause.Error(), Rate: rate, Seed: e.Seed,
		Draws: bad.Views.DrawNames, Batch: bad.Sum, Graphs: r.origin.Graphs}
	for _, i := range loader.StepImages(e.Seed, r.step, e.Train.BatchSize, set.Len()) {
		c.Images = append(c.Images, CapturedImage{i, set.ID(i)})
	}
	for v, family := range bad.Views.Family {
		n, columns := bad.Views.Images, len(bad.Views.DrawNames)
		view := CapturedView{Scales: bad.Views.Scale[v*n : (v+1)*n]}
		if family >= 0 {
			view.Family = bad.Views.Names[family]
		}
		for i := range n {
			if at := (v*n + i) * columns; columns > 0 {
				view.Draws = append(view.Draws, bad.Views.Draws[at:at+columns])
			}
		}
		c.Views = append(c.Views, view)
	}
	if err := track.WriteSealed(file, c); err != nil {
		return err
	}
	return r.note(fmt.Sprintf("step %d is kept in %s", c.Step, filepath.Dir(file)))
}

// writeBatch writes what the network was shown, [V*N, 3, S, S], for people to look at.
func writeBatch(path string, bad train.Batch) error {
	var b bytes.Buffer
	var shape []int
	for _, d := range bad.Shape {
		shape = append(shape, int(d))
	}
	err := errors.Join(npy.Start(&b, "<f4", shape...), binary.Write(&b, binary.LittleEndian, bad.Images))
	if err != nil {
		return fmt.Errorf("runner: the batch: %w", err)
	}
	return whole.WriteFile(path, b.Bytes())
}
