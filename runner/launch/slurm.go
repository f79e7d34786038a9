package launch

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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
	"ordo/models/whole"
)

// Slurm says how tasks are submitted to a Slurm cluster: as job arrays. Empty values are left to the cluster's
// defaults.
type Slurm struct {
	Partition string
	Account   string
	Time      string   // of a task, as sbatch takes it: minutes, H:M:S or D-H:M:S
	Memory    string   // of a task: 8G
	GPUs      string   // of a task: 1, or a100:1
	CPUs      int      // of a task
	Parallel  int      // tasks at once; 0: as many as there is room for
	Extra     []string // further arguments of sbatch
}

const (
	slurmDir      = "slurm"
	submittedFile = "submitted.jsonl"
	scriptFile    = "job.sh"

	// arraySize is the largest index of a job array on most clusters; later tasks are in arrays of their own.
	arraySize = 1000
	// warnSeconds is how long before a job's end Slurm warns, so that a checkpoint can be made.
	warnSeconds = 120
	// patience is how long one call of a scheduler's program may take.
	patience = time.Minute
)

// submission is a line of submittedFile.
type submission struct {
	Jobs  []string  `json:"jobs"`
	Tasks []int     `json:"tasks"`
	At    time.Time `json:"at"`
}

// Submit submits an array and gives the numbers of its jobs, without waiting for them. The script and what the tasks
// say are in the folder slurm of dir.
func (s Slurm) Submit(ctx context.Context, dir string, a Array) (jobs []string, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	script, err := filepath.Abs(filepath.Join(dir, slurmDir, scriptFile))
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(script), 0o755); err != nil {
		return nil, fault.Writing(filepath.Dir(script), err)
	}
	if err := renameio.WriteFile(script, []byte(a.script()), 0o755); err != nil {
		return nil, fault.Writing(script, err)
	}
	for _, args := range s.calls(script, a) {
		job, err := sbatch(ctx, args)
		if err != nil {
			return jobs, err
		}
		jobs = append(jobs, job)
	}
	at := time.Now().UTC().Truncate(time.Second)
	return jobs, whole.AppendLine(filepath.Join(filepath.Dir(script), submittedFile), submission{jobs, a.Tasks, at})
}

// Script is what Submit would write and call, for people.
func (s Slurm) Script(dir string, a Array) (string, error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	script := filepath.Join(dir, slurmDir, scriptFile)
	text := "# " + script + "\n" + a.script()
	for _, args := range s.calls(script, a) {
		text += "\n$ sbatch " + quoted(args) + "\n"
	}
	return text, nil
}

// script is what the jobs run.
func (a Array) script() string {
	return "#!/bin/sh\n# Of `ordo " + a.Command + " --launcher slurm`. $1 is what is added to the task's number.\n" +
		"n=$((SLURM_ARRAY_TASK_ID + $1))\n" + a.Lines
}

// calls are the arguments of sbatch, for each piece of the array.
func (s Slurm) calls(script string, a Array) (all [][]string) {
	for offset := 0; len(a.Tasks) > 0 && offset < a.Tasks[len(a.Tasks)-1]; offset += arraySize {
		var tasks []int
		for _, n := range a.Tasks {
			if n > offset && n <= offset+arraySize {
				tasks = append(tasks, n-offset)
			}
		}
		if len(tasks) > 0 {
			all = append(all, s.arguments(a.Name, script, tasks, offset))
		}
	}
	return all
}

// leastMinutes is the shortest time of a job: Slurm's warning must leave some for training.
const leastMinutes = 5

// Check refuses a time in which nothing could be done.
func (s Slurm) Check() error {
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

// arguments are those of sbatch for an array of tasks.
func (s Slurm) arguments(name, script string, tasks []int, offset int) []string {
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
	return slices.Concat(args, s.Extra, []string{script, strconv.Itoa(offset)})
}

// sbatch submits a job array and gives its number.
func sbatch(ctx context.Context, args []string) (string, error) {
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

// Cancel cancels the jobs that were submitted from dir; what they run may make a checkpoint first.
func Cancel(ctx context.Context, dir string) (jobs []string, err error) {
	path := filepath.Join(dir, slurmDir, submittedFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fault.Reading(fault.Other, path, err)
	}
	for line := range strings.Lines(string(text)) {
		var s submission
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
