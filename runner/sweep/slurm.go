package sweep

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
)

// Slurm says how trials are submitted to a Slurm cluster: as job arrays, a task a trial. Empty values are left to the
// cluster's defaults.
type Slurm struct {
	Partition string
	Account   string
	Time      string   // of a trial, as sbatch takes it: minutes, H:M:S or D-H:M:S
	Memory    string   // of a trial: 8G
	GPUs      string   // of a trial: 1, or a100:1
	CPUs      int      // of a trial
	Parallel  int      // trials at once; 0: as many as there is room for
	Extra     []string // further arguments of sbatch
}

// Submission is what Submit did.
type Submission struct {
	Jobs   []string  `json:"jobs"`   // their numbers
	Trials []int     `json:"trials"` // that they run
	At     time.Time `json:"at"`
	// Left are trials that are finished or run already.
	Left int `json:"left"`
}

const (
	slurmDir      = "slurm"
	submittedFile = "submitted.jsonl"
	scriptFile    = "job.sh"

	// arraySize is the largest index of a job array on most clusters; later trials are in arrays of their own.
	arraySize = 1000
	// warnSeconds is how long before a job's end Slurm warns, so that a checkpoint can be made.
	warnSeconds = 120
	// patience is how long one call of a scheduler's program may take.
	patience = time.Minute
)

// Submit submits the trials that are neither finished nor running, and returns without waiting for them: how far they
// are is read from the folder ([Plan.Status]). A trial that is submitted twice runs once: the second one finds its
// result, or its folder taken.
func (p *Plan) Submit(ctx context.Context, o Options, s Slurm) (Submission, error) {
	sub := Submission{At: now()}
	if err := cmp.Or(s.check(), p.startable()); err != nil {
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
	script := filepath.Join(dir, slurmDir, scriptFile)
	if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
		return sub, fault.Writing(filepath.Dir(script), err)
	}
	text := fmt.Sprintf("#!/bin/sh\n# Of `ordo sweep --launcher slurm`. $1 is what is added to the task's number.\n"+
		"exec %s trial --requeue -- %s $((SLURM_ARRAY_TASK_ID + $1))\n", quoted(o.Command), quoted([]string{dir}))
	if err := renameio.WriteFile(script, []byte(text), 0o755); err != nil {
		return sub, fault.Writing(script, err)
	}
	for offset := 0; offset < len(p.Trials); offset += arraySize {
		var tasks []int
		for _, n := range sub.Trials {
			if n > offset && n <= offset+arraySize {
				tasks = append(tasks, n-offset)
			}
		}
		if len(tasks) == 0 {
			continue
		}
		job, err := s.sbatch(ctx, p.Name, script, tasks, offset)
		if err != nil {
			return sub, err
		}
		sub.Jobs = append(sub.Jobs, job)
	}
	return sub, appendLine(filepath.Join(dir, slurmDir, submittedFile), sub)
}

// leastMinutes is the shortest time of a job: Slurm's warning must leave some for training.
const leastMinutes = 5

// check refuses a time in which nothing could be done.
func (s Slurm) check() error {
	if s.Time == "" {
		return nil
	}
	minutes, ok := slurmMinutes(s.Time)
	if !ok || minutes < leastMinutes {
		return fault.New(fault.Config, "a job's time must be at least %d minutes, written as minutes, M:S, H:M:S or "+
			"D-H:M:S; got %q", leastMinutes, s.Time)
	}
	return nil
}

// slurmMinutes reads a time as sbatch does.
func slurmMinutes(text string) (minutes float64, ok bool) {
	days, clock, hasDays := strings.Cut(text, "-")
	if !hasDays {
		days, clock = "0", text
	}
	d, err := strconv.ParseUint(days, 10, 16)
	parts := strings.Split(clock, ":")
	if err != nil || len(parts) > 3 {
		return 0, false
	}
	units := []float64{60, 1, 1. / 60} // hours, minutes, seconds
	if !hasDays && len(parts) < 3 {
		units = units[1:]
	}
	minutes = float64(d) * 24 * 60
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return 0, false
		}
		minutes += float64(n) * units[i]
	}
	return minutes, true
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

// sbatch submits a job array and gives its number.
func (s Slurm) sbatch(ctx context.Context, name, script string, tasks []int, offset int) (string, error) {
	array := ranges(tasks)
	if s.Parallel > 0 {
		array += "%" + strconv.Itoa(s.Parallel)
	}
	args := []string{
		"--parsable", "--array=" + array, "--job-name=" + name, "--requeue", "--open-mode=append",
		"--output=" + filepath.Join(filepath.Dir(script), "%A_%a.out"), fmt.Sprintf("--signal=B:USR1@%d", warnSeconds),
	}
	for _, o := range [][2]string{
		{"partition", s.Partition}, {"account", s.Account}, {"time", s.Time}, {"mem", s.Memory}, {"gpus-per-task", s.GPUs},
	} {
		if o[1] != "" {
			args = append(args, "--"+o[0]+"="+o[1])
		}
	}
	if s.GPUs != "" {
		args = append(args, "--ntasks=1")
	}
	if s.CPUs > 0 {
		args = append(args, fmt.Sprintf("--cpus-per-task=%d", s.CPUs))
	}
	args = slices.Concat(args, s.Extra, []string{script, strconv.Itoa(offset)})
	said, err := scheduler(ctx, "sbatch", args...)
	if err != nil {
		return "", err
	}
	job, _, _ := strings.Cut(strings.TrimSpace(said), ";") // behind it is the cluster's name
	if _, err := strconv.Atoi(job); err != nil {
		return "", fault.New(fault.Other, "sbatch gave no job's number: %q", said)
	}
	return job, nil
}

// scheduler calls a program of Slurm's, which may hang when its controller is away.
func scheduler(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fault.New(fault.Other, "there is no %s here", program).Advise("call it where jobs are submitted from")
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fault.New(fault.Other, "%s did not answer in %v", program, patience).Advise("try again later")
	case err != nil:
		said := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return "", fault.New(fault.Other, "%s: %s", program, cmp.Or(strings.Join(said, "; "), err.Error()))
	}
	return stdout.String(), nil
}

// ranges writes ascending numbers as sbatch takes them: 1-3,5.
func ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		} else {
			parts = append(parts, strconv.Itoa(numbers[i]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// plain is what a shell takes as one word without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=@+-]+$`)

// quoted writes words for a shell.
func quoted(words []string) string {
	var all []string
	for _, w := range words {
		if !plain.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		all = append(all, w)
	}
	return strings.Join(all, " ")
}

// maxRequeues bounds how often a job requeues itself: one whose checkpoints never come would do so for ever.
const maxRequeues = 200

// Requeue puts the job that this process runs in back into Slurm's queue. restarts is how often that was done; environ
// is the job's environment.
func Requeue(ctx context.Context, environ map[string]string) error {
	job := environ["SLURM_JOB_ID"]
	if job == "" {
		return fault.New(fault.Other, "this is no job of Slurm's: SLURM_JOB_ID is not set").Advise("leave out --requeue")
	}
	if n, err := strconv.Atoi(environ["SLURM_RESTART_COUNT"]); err == nil && n >= maxRequeues {
		return fault.New(fault.Other, "the job was requeued %d times, and is not once more", n)
	}
	_, err := scheduler(ctx, "scontrol", "requeue", job)
	return err
}

// End is when a job of Slurm's ends, less the time for a last checkpoint. ok is false if its environment doesn't say.
func End(environ map[string]string) (at time.Time, ok bool) {
	seconds, err := strconv.ParseInt(environ["SLURM_JOB_END_TIME"], 10, 64)
	return time.Unix(seconds-warnSeconds/2, 0), err == nil && seconds > 0
}

// Cancel cancels the jobs that were submitted for the sweep in dir; their trials make a checkpoint first.
func (p *Plan) Cancel(ctx context.Context, dir string) (jobs []string, err error) {
	path := filepath.Join(cmp.Or(dir, p.Dir()), slurmDir, submittedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fault.Reading(fault.Other, path, err)
	}
	for line := range strings.Lines(string(text)) {
		var s Submission
		if json.Unmarshal([]byte(line), &s) == nil {
			jobs = append(jobs, s.Jobs...)
		}
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	_, err = scheduler(ctx, "scancel", append([]string{"--quiet", "--full"}, jobs...)...)
	return jobs, err
}
