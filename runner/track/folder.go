package track

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

// ErrOccupied is wrapped by Open's error for a folder that another process works in or that holds something else.
var ErrOccupied = errors.New("the folder is taken")

// Record is run.json: what a number must be read with.
type Record struct {
	Name        string `json:"name"`
	Hash        string `json:"hash"`
	Seed        uint64 `json:"seed"`
	Data        string `json:"data_fingerprint"`
	Model       string `json:"model_fingerprint,omitempty"` // of a folder of artifacts
	Ordo        string `json:"ordo"`
	ONNXRuntime string `json:"onnxruntime"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	CPU         string `json:"cpu"`
	Threads     int    `json:"threads"` // fixes the order of sums: another number, other last bits
	// Paths are the absolute paths of the experiment's files, by their keys, when the run began.
	Paths map[string]string `json:"paths,omitempty"`
}

// Folder is an open run folder. The process that has it open has it alone.
type Folder struct {
	dir     string
	created bool     // by this process
	lock    *os.File // held
	metrics *os.File
	timing  *os.File
	log     *os.File
	began   Record
	evals   map[int]bool // steps that have an evaluation line
}

const (
	experimentFile = "experiment.yaml"
	recordFile     = "run.json"
	metricsFile    = "metrics.jsonl"
	timingFile     = "timing.jsonl"
	resultFile     = "result.json"
	reportFile     = "report.txt"
	logFile        = "log.txt"
	lockFile       = ".lock"
	graphsDir      = "graphs"
	checkpointFile = "last.ckpt"
	encoderFile    = "encoder.onnx"
)

// Open makes the folder for a run, or opens it again to go on. A folder that is not empty and not this experiment's
// (another hash, other data, or no run at all) is refused with ErrOccupied and left as it is; so is one that another
// process has open.
func Open(dir string, r Record, experiment []byte) (*Folder, error) {
	f := &Folder{dir: dir, evals: map[int]bool{}}
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		f.created = true
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fault.Writing(dir, err)
		}
		f.created = true
	case !errors.Is(err, fs.ErrExist):
		return nil, fault.Writing(dir, err)
	}
	if err := f.open(r, experiment); err != nil {
		f.Abandon()
		return nil, err
	}
	return f, nil
}

func (f *Folder) open(r Record, experiment []byte) (err error) {
	// Before anything is written: a mistyped --out must not touch other files.
	if _, err := ReadRecord(f.dir); errors.Is(err, fs.ErrNotExist) {
		if err := f.mustBeEmpty(); err != nil {
			return err
		}
	}
	if err := f.take(); err != nil {
		return err
	}
	f.sweep()
	was, err := ReadRecord(f.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		was = r
		if err := f.write(experimentFile, experiment); err != nil {
			return err
		}
		if err := f.writeJSON(recordFile, r); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if err := Check(f.dir, was, r); err != nil {
		return err
	}
	f.began = was
	if err := os.MkdirAll(f.Graphs(), 0o755); err != nil {
		return fault.Writing(f.Graphs(), err)
	}
	for name, file := range map[string]**os.File{metricsFile: &f.metrics, timingFile: &f.timing, logFile: &f.log} {
		if *file, err = os.OpenFile(f.path(name), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
			return fault.Writing(f.path(name), err)
		}
	}
	if _, err := f.log.Seek(0, io.SeekEnd); err != nil {
		return fault.Writing(f.path(logFile), err)
	}
	return nil
}

// Check refuses to take the run in dir, which began as was, for the run now.
func Check(dir string, was, now Record) error {
	switch {
	case was.Hash != now.Hash:
		return occupied("%s holds a run of another experiment (hash %s, not %s)", dir, was.Hash, now.Hash)
	case was.Data != now.Data:
		return occupied("the data of the run in %s have changed since it started (fingerprint %s, now %s)", dir, was.Data,
			now.Data)
	case was.Model != now.Model:
		return occupied("the artifacts of the run in %s have changed since it started", dir)
	}
	return nil
}

// occupied refuses a folder whose content is another run's.
func occupied(format string, args ...any) error {
	return fault.New(fault.Other, "%w: %s", ErrOccupied, fmt.Sprintf(format, args...)).Advise("remove it").
		With(fault.OtherFolder{})
}

// take locks the folder for this process.
func (f *Folder) take() error {
	lock, err := os.OpenFile(f.path(lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fault.Writing(f.path(lockFile), err)
	}
	for patience := time.Second; ; patience -= lockPause {
		if err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			f.lock = lock
			return nil
		}
		if patience <= 0 {
			_ = lock.Close()
			return fault.New(fault.Other, "%w: another ordo works in %s", ErrOccupied, f.dir).Advise("wait for it").
				With(fault.OtherFolder{})
		}
		time.Sleep(lockPause)
	}
}

// lockPause is how often a held lock is tried again, for a second: a killed process keeps its lock until its memory is
// gone.
const lockPause = 50 * time.Millisecond

// temporary are the names that files have before they are whole.
var temporary = regexp.MustCompile(
	`^\.(experiment\.yaml|run\.json|result\.json|report\.txt|last\.ckpt|encoder\.onnx|[a-z]+\.(svg|png|html))\d+$`)

// sweep removes what a process that was killed while it wrote a file left behind.
func (f *Folder) sweep() {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return // it only tidies
	}
	for _, e := range entries {
		if temporary.MatchString(e.Name()) {
			_ = os.Remove(f.path(e.Name()))
		}
	}
}

// mustBeEmpty says what stands in the way of a new run. What a process that was killed at its very start left is no
// obstacle.
func (f *Folder) mustBeEmpty() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return fault.Reading(fault.Storage, f.dir, err)
	}
	for _, e := range entries {
		if n := e.Name(); n != lockFile && n != experimentFile && !temporary.MatchString(n) {
			return fault.New(fault.Other, "%w: %s holds %s and no run", ErrOccupied, f.dir, n).With(fault.OtherFolder{})
		}
	}
	return nil
}

// ReadRecord reads the record of the run in dir. Without one, the error wraps fs.ErrNotExist.
func ReadRecord(dir string) (Record, error) {
	var r Record
	return r, readJSON(filepath.Join(dir, recordFile), &r)
}

// ReadResult reads the result of the finished run in dir. Without one, the error wraps fs.ErrNotExist.
func ReadResult(dir string) (Result, error) {
	var r Result
	err := readJSON(filepath.Join(dir, resultFile), &r)
	r.Run = dir // it may have been moved
	return r, err
}

// ExperimentFile is the resolved experiment of the run in dir.
func ExperimentFile(dir string) string { return filepath.Join(dir, experimentFile) }

// EncoderFile is the exported inference graph of the run in dir.
func EncoderFile(dir string) string { return filepath.Join(dir, encoderFile) }

// Dir is the run folder.
func (f *Folder) Dir() string { return f.dir }

// Began is the record of the process that started the run; Threads of it must be kept, or the last bits change.
func (f *Folder) Began() Record { return f.began }

// Graphs is the folder of the training graphs.
func (f *Folder) Graphs() string { return f.path(graphsDir) }

// Checkpoint is the checkpoint's file.
func (f *Folder) Checkpoint() string { return f.path(checkpointFile) }

// HasCheckpoint says whether there is something to go on from.
func (f *Folder) HasCheckpoint() bool {
	_, err := os.Stat(f.Checkpoint())
	return err == nil
}

// line is what Rewind must know of a line.
type line struct {
	Step       int             `json:"step"`
	Evaluation json.RawMessage `json:"evaluation"`
}

// Rewind drops the lines of metrics.jsonl and timing.jsonl behind a step, the checkpoint's, or that a crash cut off,
// and goes on behind the rest. Step 0 drops all. It is an error if metrics.jsonl does not reach the step.
func (f *Folder) Rewind(step int) error {
	last, err := rewind(f.metrics, step, f.evals)
	if err != nil {
		return fault.Writing(f.path(metricsFile), err)
	}
	if last != step {
		return fault.New(fault.Other, "%s ends at step %d, but the checkpoint is of step %d: the folder is damaged",
			f.path(metricsFile), last, step).Advise("remove it to start anew").With(fault.OtherFolder{})
	}
	if _, err := rewind(f.timing, step, map[int]bool{}); err != nil {
		return fault.Writing(f.path(timingFile), err)
	}
	return nil
}

// rewind gives the step of the last line that it keeps, 0 without one, and notes the evaluations.
func rewind(file *os.File, step int, evals map[int]bool) (last int, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	keep := int64(0)
	for r := bufio.NewReader(file); ; {
		text, err := r.ReadBytes('\n')
		var l line
		if err != nil || json.Unmarshal(text, &l) != nil || l.Step > step {
			break
		}
		if l.Evaluation != nil {
			evals[l.Step] = true
		}
		last = l.Step
		keep += int64(len(text))
	}
	if err := file.Truncate(keep); err != nil {
		return 0, err
	}
	_, err = file.Seek(keep, io.SeekStart)
	return last, err
}

// HasEval says whether metrics.jsonl has an evaluation of that step.
func (f *Folder) HasEval(step int) bool { return f.evals[step] }

// Step appends a training step's line to metrics.jsonl.
func (f *Folder) Step(s Step) error { return appendLine(f.metrics, s) }

// Eval appends an evaluation's line to metrics.jsonl.
func (f *Folder) Eval(e EvalLine) error {
	if err := appendLine(f.metrics, e); err != nil {
		return err
	}
	f.evals[e.Step] = true
	return f.Sync()
}

// Guard appends a guard's line to metrics.jsonl.
func (f *Folder) Guard(g GuardLine) error { return appendLine(f.metrics, g) }

// Timing appends a line to timing.jsonl.
func (f *Folder) Timing(t Timing) error { return appendLine(f.timing, t) }

// Log appends a line to log.txt, with the time.
func (f *Folder) Log(text string) error {
	if _, err := fmt.Fprintf(f.log, "%s %s\n", time.Now().UTC().Format(time.RFC3339), text); err != nil {
		return fault.Writing(f.path(logFile), err)
	}
	return nil
}

// Warning stands before what log.txt and the screen warn of.
const Warning = "warning: "

// Warnings lists what log.txt warns of: each sentence once, in the order of their first time, without Warning; of one
// with several lines the first. All processes that worked on the run have written there.
func (f *Folder) Warnings() ([]string, error) {
	text, err := os.ReadFile(f.path(logFile))
	if err != nil {
		return nil, fault.New(fault.Storage, "read what the run warned of: %w", err)
	}
	all := []string{}
	for line := range strings.Lines(string(text)) {
		_, said, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ") // after the time
		if said, ok := strings.CutPrefix(said, Warning); ok && !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	return all, nil
}

// Sync puts the lines on the disk; it goes before every checkpoint, so that no checkpoint is ahead of its metrics.
func (f *Folder) Sync() error {
	if err := errors.Join(f.metrics.Sync(), f.timing.Sync()); err != nil {
		return fault.Writing(f.path(metricsFile), err)
	}
	return nil
}

// Finish writes the report, pictures and the page by file name and, last, the result.
func (f *Folder) Finish(r Result, report []byte, pictures map[string][]byte) error {
	if err := f.write(reportFile, report); err != nil {
		return err
	}
	for name, picture := range pictures {
		if err := f.write(name, picture); err != nil {
			return err
		}
	}
	return f.writeJSON(resultFile, r)
}

// Close releases the folder. The lock goes last.
func (f *Folder) Close() error {
	var err error
	for _, file := range []*os.File{f.metrics, f.timing, f.log, f.lock} {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	if err != nil {
		return fault.Writing(f.dir, err)
	}
	return nil
}

// Abandon closes the folder and, if this process made it and there is no checkpoint in it, removes it.
func (f *Folder) Abandon() {
	switch {
	case f.created && f.lock == nil: // nothing of ours is in it yet, but another process's may be
		_ = os.Remove(f.dir)
	case f.created && !f.HasCheckpoint():
		_ = os.RemoveAll(f.dir)
	}
	_ = f.Close() // the error that led here matters more
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Folder) write(name string, data []byte) error {
	return fault.Writing(f.path(name), renameio.WriteFile(f.path(name), data, 0o644))
}

func (f *Folder) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("track: write %s: %w", name, err)
	}
	return f.write(name, append(data, '\n'))
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fault.Reading(fault.Other, path, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return damaged(path, err)
	}
	return nil
}

func appendLine(file *os.File, v any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("track: write %s: %w", filepath.Base(file.Name()), err)
	}
	_, err := file.Write(b.Bytes())
	return fault.Writing(file.Name(), err)
}

// damaged is the fault of a file that doesn't hold what was written into it.
func damaged(path string, err error) error {
	return fault.New(fault.Other, "%s is damaged: %w", path, err).Advise("remove its folder to start anew").
		With(fault.OtherFolder{})
}
