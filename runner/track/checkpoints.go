package track

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
)

const (
	checkpointFile     = "last.ckpt"
	bestCheckpointFile = "best.ckpt"
	bestEncoderFile    = "best.onnx"
)

// earlier is the name of the checkpoint that is back steps older than the last.
func earlier(back int) string {
	if back == 0 {
		return checkpointFile
	}
	return fmt.Sprintf("last-%d.ckpt", back)
}

// CheckpointFile is the last checkpoint of the run in dir.
func CheckpointFile(dir string) string { return filepath.Join(dir, checkpointFile) }

// Checkpoint is the last checkpoint's file.
func (f *Folder) Checkpoint() string { return f.path(checkpointFile) }

// Checkpoints are the checkpoints that there are to go on from, the last one first.
func (f *Folder) Checkpoints() []string {
	var all []string
	missing := 0
	for back := 0; missing < 2; back++ { // a crash in Rotate leaves a gap of one
		if _, err := os.Stat(f.path(earlier(back))); err != nil {
			missing++
			continue
		}
		all = append(all, f.path(earlier(back)))
	}
	return all
}

// Rotate makes room for a checkpoint that is written next: the last one gets the second place, and of all keep stay
// with it. The last one stays where it is until the new one takes its place.
func (f *Folder) Rotate(keep int) error {
	for back := keep; f.exists(earlier(back)); back++ { // of a run that kept more
		if err := os.Remove(f.path(earlier(back))); err != nil {
			return fault.Writing(f.path(earlier(back)), err)
		}
	}
	for back := keep - 1; back > 0; back-- {
		from, to := f.path(earlier(back-1)), f.path(earlier(back))
		var err error
		if back == 1 {
			err = link(from, to)
		} else {
			err = os.Rename(from, to)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Writing(to, err)
		}
	}
	return nil
}

func (f *Folder) exists(name string) bool {
	_, err := os.Stat(f.path(name))
	return err == nil
}

// Promote puts one of Checkpoints in the place of the last, which is of no use: Rotate must not pass that on.
func (f *Folder) Promote(checkpoint string) error {
	return fault.Writing(f.Checkpoint(), link(checkpoint, f.Checkpoint()))
}

// DropEarlier removes all checkpoints but the last: a finished run needs no other.
func (f *Folder) DropEarlier() error { return f.Rotate(1) }

// KeepBest keeps the last checkpoint as the best.
func (f *Folder) KeepBest() error {
	return fault.Writing(f.path(bestCheckpointFile), link(f.Checkpoint(), f.path(bestCheckpointFile)))
}

// BestEncoder is the file of the best checkpoint's encoder.
func (f *Folder) BestEncoder() string { return f.path(bestEncoderFile) }

const nonFiniteDir = "nonfinite"

// NonFiniteState is the checkpoint of before the first step of the run in dir whose numbers were not finite,
// NonFiniteBatch what the network was shown in it, and NonFiniteFile what else is known of the step.
func NonFiniteState(dir string) string { return filepath.Join(dir, nonFiniteDir, "state.ckpt") }

// NonFiniteBatch is an array of NumPy's.
func NonFiniteBatch(dir string) string { return filepath.Join(dir, nonFiniteDir, "batch.npy") }

// NonFiniteFile is a sealed file; it is written after the state.
func NonFiniteFile(dir string) string { return filepath.Join(dir, nonFiniteDir, "step.json") }

// link gives a file a second name, in place of what has it; where a file system has no links, a copy.
func link(from, to string) error {
	source, err := os.Stat(from)
	if err != nil {
		return err
	}
	if there, err := os.Stat(to); err == nil && os.SameFile(source, there) {
		return nil
	}
	temporary := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+"0") // as sweep knows it
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(from, temporary) == nil {
		return os.Rename(temporary, to)
	}
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	target, err := renameio.NewPendingFile(to, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer target.Cleanup() //nolint:errcheck // after a successful rename there is nothing left to clean
	if _, err := io.Copy(target, file); err != nil {
		return err
	}
	return target.CloseAtomicallyReplace()
}
