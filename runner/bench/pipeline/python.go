package pipeline

import (
	"context"
	_ "embed" // the script
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/runner/bench/script"
)

//go:embed transforms.py
var transforms []byte

// transformsFile is the script's name in its folder.
const transformsFile = "transforms.py"

// libraries are those that the script knows, in the order in which they are shown.
var libraries = [...]string{"torchvision", "albumentations"}

// python is the script at work.
type python struct {
	versions map[string]*string // by library, and "python"; nil: not there
	script   *script.Script
	dir      string
}

// startPython starts the script on images. Where there is no Python with one of the libraries, the error wraps
// script.ErrNoComparison.
func startPython(ctx context.Context, program string, images []augment.Image) (*python, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, script.NoComparison("%s can't be started: %w", program, err).
			Advise("name a Python with torchvision")
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ordo-beside-")
	if err != nil {
		return nil, fault.Writing(os.TempDir(), err)
	}
	p := &python{dir: dir}
	if err := p.start(ctx, path, images); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *python) start(ctx context.Context, program string, images []augment.Image) error {
	if err := p.write(images); err != nil {
		return fault.Writing(p.dir, err)
	}
	command := exec.CommandContext(ctx, program, transformsFile)
	command.Dir = p.dir
	var err error
	if p.script, err = script.Start(command); err != nil {
		return err
	}
	if err := p.script.Ask(map[string]bool{"hello": true}, &p.versions); err != nil {
		return script.NoComparison("the script doesn't run: %w", err)
	}
	for _, library := range libraries {
		if p.versions[library] != nil {
			return nil
		}
	}
	return script.NoComparison("%s has neither torchvision nor Albumentations", program).
		Advise("install one of them there, or name another Python")
}

// write puts the script and the images into its folder.
func (p *python) write(images []augment.Image) error {
	var list [][]any
	for i, m := range images {
		name := strconv.Itoa(i) + ".rgb"
		list = append(list, []any{name, m.Width, m.Height})
		if err := os.WriteFile(filepath.Join(p.dir, name), m.Pix, 0o600); err != nil {
			return err
		}
	}
	index, err := json.Marshal(list)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"images.json": index, transformsFile: transforms} {
		if err := os.WriteFile(filepath.Join(p.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// rate returns the views in a second, or why there is no number.
func (p *python) rate(library string, op operation, seconds float64) (views float64, missing string, err error) {
	var answer struct {
		Views, Seconds float64
		Missing        string
	}
	err = p.script.Ask(map[string]any{
		"library": library, "seconds": seconds,
		"operation": map[string]any{
			"name": op.name, "views": op.steps, "size": op.plan.ImageSize(), "mean": op.mean, "std": op.std,
		},
	}, &answer)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("the script for %s ended: %w", library, err)
	case answer.Missing != "":
		return 0, answer.Missing, nil
	}
	return answer.Views / answer.Seconds, "", nil
}

// close ends the script and removes its files.
func (p *python) close() {
	if p.script != nil {
		p.script.Close()
	}
	_ = os.RemoveAll(p.dir) // a temporary folder
}
