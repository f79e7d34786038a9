package pipeline

import (
	"context"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"ordo/augment"
	"ordo/runner/script"
)

//go:embed beside.py
var besideScript []byte

// libraries are those that the script knows, in the order in which they are shown.
var libraries = [...]string{"torchvision", "albumentations"}

// beside is the script at work.
type beside struct {
	versions map[string]*string // by library, and "python"; nil: not there
	script   *script.Script
	dir      string
}

// errNoPython is wrapped by the errors of an interpreter that can't be used.
var errNoPython = errors.New("no comparison")

// startBeside starts the script on images.
func startBeside(ctx context.Context, python string, images []augment.Image) (*beside, error) {
	path, err := exec.LookPath(python)
	if err != nil {
		return nil, fmt.Errorf("%w: %s can't be started (%w); name a Python with torchvision", errNoPython, python, err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ordo-beside-")
	if err != nil {
		return nil, err
	}
	b := &beside{dir: dir}
	if err := b.start(ctx, path, images); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *beside) start(ctx context.Context, python string, images []augment.Image) error {
	var list [][]any
	for i, m := range images {
		name := strconv.Itoa(i) + ".rgb"
		list = append(list, []any{name, m.Width, m.Height})
		if err := os.WriteFile(filepath.Join(b.dir, name), m.Pix, 0o600); err != nil {
			return err
		}
	}
	index, err := json.Marshal(list)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"images.json": index, "beside.py": besideScript} {
		if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	command := exec.CommandContext(ctx, python, "beside.py")
	command.Dir = b.dir
	if b.script, err = script.Start(command); err != nil {
		return fmt.Errorf("%w: %w", errNoPython, err)
	}
	if err := b.script.Ask(map[string]bool{"hello": true}, &b.versions); err != nil {
		return fmt.Errorf("%w: %s doesn't run the script: %s", errNoPython, python, b.complaint(err))
	}
	for _, library := range libraries {
		if b.versions[library] != nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s has neither torchvision nor Albumentations; install one of them there, or name another Python",
		errNoPython, python)
}

// complaint is the last line of what Python said.
func (b *beside) complaint(err error) string {
	if last := b.script.Complaint(); last != "" {
		return last
	}
	return err.Error()
}

// rate returns the views in a second, or why there is no number.
func (b *beside) rate(library string, op operation, seconds float64) (views float64, missing string, err error) {
	var answer struct {
		Views, Seconds float64
		Missing        string
	}
	err = b.script.Ask(map[string]any{
		"library": library, "seconds": seconds,
		"operation": map[string]any{
			"name": op.name, "views": op.steps, "size": op.plan.ImageSize(), "mean": op.mean, "std": op.std,
		},
	}, &answer)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("the script for %s ended: %s", library, b.complaint(err))
	case answer.Missing != "":
		return 0, answer.Missing, nil
	}
	return answer.Views / answer.Seconds, "", nil
}

// close ends the script and removes its files.
func (b *beside) close() {
	if b.script != nil {
		b.script.Close()
	}
	_ = os.RemoveAll(b.dir) // a temporary folder
}
