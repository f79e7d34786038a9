package sweep

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"time"

	"ordo/runner/launch"
)

// Submission is what Submit did.
type Submission struct {
	Jobs   []string  `json:"jobs"`   // their numbers
	Trials []int     `json:"trials"` // that they run
	At     time.Time `json:"at"`
	// Left are trials that are finished or run already.
	Left int `json:"left"`
}

// Submit submits the trials that are neither finished nor running to Slurm, a task each, and returns without waiting
// for them: how far they are is read from the folder ([Plan.Status]). A trial that is submitted twice runs once: the
// second one finds its result, or its folder taken.
func (p *Plan) Submit(ctx context.Context, o Options, s launch.Slurm) (Submission, error) {
	sub := Submission{At: now()}
	if err := cmp.Or(s.Check(), p.startable()); err != nil {
		return sub, err
	}
	dir, err := filepath.Abs(cmp.Or(o.Dir, p.Dir()))
	if err != nil {
		return sub, err
	}
	if err := p.start(dir); err != nil {
		return sub, err
	}
	for _, t := range p.Trials {
		state, err := t.state(dir)
		if err != nil {
			return sub, err
		}
		if state.Status == Finished || state.Status == Running {
			sub.Left++
		} else {
			sub.Trials = append(sub.Trials, t.Number)
		}
	}
	if len(sub.Trials) == 0 {
		return sub, nil
	}
	a := p.array(slices.Concat(o.Command, []string{"trial", "--requeue", "--", dir}))
	a.Tasks = sub.Trials
	sub.Jobs, err = s.Submit(ctx, dir, a)
	return sub, err
}

// array is that of all trials, run by a command before their numbers.
func (p *Plan) array(command []string) launch.Array {
	return launch.Array{Command: "sweep", Name: p.Name, Hash: p.Hash, Lines: launch.Numbered(command), Of: len(p.Trials)}
}

// start makes the sweep's folder if need be.
func (p *Plan) start(dir string) error {
	held, err := take(dir)
	if err != nil {
		return err
	}
	defer held.Release() //nolint:errcheck // the end of the process gives it back, too
	return p.lay(dir)
}

// Manifest is the YAML of a Job that runs the trials on Kubernetes, an index a trial, for `kubectl apply`. It puts the
// sweep's folder, which pods must find, in place, or leaves that out where nothing is to be written. A trial that is
// finished ends at once, so the manifest may be applied again.
func (p *Plan) Manifest(o Options, k launch.Kubernetes, write bool) (string, error) {
	if err := p.startable(); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(cmp.Or(o.Dir, p.Dir()))
	if err != nil {
		return "", err
	}
	a := p.array([]string{"ordo", "sweep", "trial", "--", filepath.ToSlash(dir)})
	text, err := k.Manifest(launch.Job{Array: a, Dir: filepath.ToSlash(dir), Retries: p.retries, FailFast: p.failFast})
	if err == nil && write {
		err = p.start(dir)
	}
	return text, err
}

// Cancel cancels the jobs that were submitted to Slurm for the sweep in dir; their trials make a checkpoint first.
func (p *Plan) Cancel(ctx context.Context, dir string) (jobs []string, err error) {
	return launch.Cancel(ctx, cmp.Or(dir, p.Dir()))
}
