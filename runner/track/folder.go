package track

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// ErrOccupied is wrapped by Open's error for a folder that another process works in or that holds something else.
var ErrOccupied = errors.New("track: the folder is taken")

// Record is run.json: what a number must be read with.
type Record struct {
	Name        string `json:"name"`
	Hash        string `json:"hash"`
	Seed        uint64 `json:"seed"`
	Data        string `json:"data_fingerprint"`
	Ordo        string `json:"ordo"`
	ONNXRuntime string `json:"onnxruntime"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	CPU         string `json:"cpu"`
	Threads     int    `json:"threads"` // fixes the order of sums: another number, other last bits
}

// Folder is an open run folder. The process that has it open has it alone.
type Folder struct {
	dir     string
	created bool
	lock    *os.File
	metrics *os.File
	timing  *os.File
	record  Record
	evals   map[int]bool // steps that have an evaluation line
}

const (
	experimentFile = "experiment.yaml"
	recordFile     = "run.json"
	metricsFile    = "metrics.jsonl"
	timingFile     = "timing.jsonl"
	resultFile     = "result.json"
	reportFile     = "report.txt"
	lockFile       = ".lock"
	graphsDir      = "graphs"
	checkpointFile = "last.ckpt"
	encoderFile    = "encoder.onnx"
)

// Open makes the folder for a run, or opens it again to go on. A folder that is not empty and not this experiment's
// (another hash, or no run at all) is refused with ErrOccupied; so is one that another process has open.
func Open(dir string, r Record, experiment []byte) (*Folder, error) {
	f := &Folder{dir: dir, record: r, evals: map[int]bool{}}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		f.created = true
	}
	if err := os.MkdirAll(filepath.Join(dir, graphsDir), 0o755); err != nil {
		return nil, fmt.Errorf("track: make run folder: %w", err)
	}
	if err := f.open(experiment); err != nil {
		f.Abandon()
		return nil, err
	}
	return f, nil
}

func (f *Folder) open(experiment []byte) (err error) {
	if f.lock, err = os.OpenFile(f.path(lockFile), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return fmt.Errorf("track: lock run folder: %w", err)
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("%w: another ordo works in %s", ErrOccupied, f.dir)
	}
	switch was, err := ReadRecord(f.dir); {
	case err == nil && was.Hash != f.record.Hash:
		return fmt.Errorf("%w: %s holds a run of another experiment (hash %s, not %s); name another folder with --out, or remove it",
			ErrOccupied, f.dir, was.Hash, f.record.Hash)
	case err == nil && was.Data != f.record.Data:
		return fmt.Errorf("%w: the data of the run in %s have changed since it started (fingerprint %s, now %s); name another folder with --out, or remove it",
			ErrOccupied, f.dir, was.Data, f.record.Data)
	case err == nil:
		f.record.Threads = was.Threads
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if err := f.mustBeEmpty(); err != nil {
			return err
		}
		if err := f.write(experimentFile, experiment); err != nil {
			return err
		}
		if err := f.writeJSON(recordFile, f.record); err != nil {
			return err
		}
	}
	if f.metrics, err = os.OpenFile(f.path(metricsFile), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return fmt.Errorf("track: open metrics: %w", err)
	}
	if f.timing, err = os.OpenFile(f.path(timingFile), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644); err != nil {
		return fmt.Errorf("track: open timing: %w", err)
	}
	return nil
}

// mustBeEmpty keeps a mistyped --out from mixing a run into somebody's files.
func (f *Folder) mustBeEmpty() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return fmt.Errorf("track: read run folder: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case lockFile, graphsDir, experimentFile:
		default:
			return fmt.Errorf("%w: %s holds %s and no run; name another folder with --out", ErrOccupied, f.dir, e.Name())
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
	return r, readJSON(filepath.Join(dir, resultFile), &r)
}

// ExperimentFile is the resolved experiment of the run in dir.
func ExperimentFile(dir string) string { return filepath.Join(dir, experimentFile) }

// EncoderFile is the exported inference graph of the run in dir.
func EncoderFile(dir string) string { return filepath.Join(dir, encoderFile) }

// ReportFile is the table that ended the run in dir.
func ReportFile(dir string) string { return filepath.Join(dir, reportFile) }

// Dir is the run folder.
func (f *Folder) Dir() string { return f.dir }

// Threads is the number that the run was started with: going on with another would change its last bits.
func (f *Folder) Threads() int { return f.record.Threads }

// Graphs is the folder of the training graphs.
func (f *Folder) Graphs() string { return f.path(graphsDir) }

// Checkpoint is the checkpoint's file.
func (f *Folder) Checkpoint() string { return f.path(checkpointFile) }

// HasCheckpoint says whether there is something to go on from.
func (f *Folder) HasCheckpoint() bool {
	_, err := os.Stat(f.Checkpoint())
	return err == nil
}

// line is what Rewind must know of a line of metrics.jsonl.
type line struct {
	Step int             `json:"step"`
	Eval json.RawMessage `json:"eval"`
}

// Rewind drops the lines of metrics.jsonl and timing.jsonl behind a step, the checkpoint's, or that a crash cut off, and
// goes on behind the rest. Step 0 drops all.
func (f *Folder) Rewind(step int) error {
	if err := rewind(f.metrics, step, f.evals); err != nil {
		return fmt.Errorf("track: rewind %s: %w", metricsFile, err)
	}
	if err := rewind(f.timing, step, nil); err != nil {
		return fmt.Errorf("track: rewind %s: %w", timingFile, err)
	}
	return nil
}

func rewind(file *os.File, step int, evals map[int]bool) error {
	if _, err := file.Seek(0, 0); err != nil {
		return err
	}
	keep := int64(0)
	for r := bufio.NewReader(file); ; {
		text, err := r.ReadBytes('\n')
		var l line
		if err != nil || json.Unmarshal(text, &l) != nil || l.Step > step {
			break
		}
		if l.Eval != nil && evals != nil {
			evals[l.Step] = true
		}
		keep += int64(len(text))
	}
	if err := file.Truncate(keep); err != nil {
		return err
	}
	_, err := file.Seek(keep, 0)
	return err
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

// Timing appends a line to timing.jsonl.
func (f *Folder) Timing(t Timing) error { return appendLine(f.timing, t) }

// Sync puts the lines on the disk; it goes before every checkpoint, so that no checkpoint is ahead of its metrics.
func (f *Folder) Sync() error {
	if err := errors.Join(f.metrics.Sync(), f.timing.Sync()); err != nil {
		return fmt.Errorf("track: sync metrics: %w", err)
	}
	return nil
}

// Finish writes the report and, last, the result.
func (f *Folder) Finish(r Result, report []byte) error {
	if err := f.write(reportFile, report); err != nil {
		return err
	}
	return f.writeJSON(resultFile, r)
}

// Close releases the folder.
func (f *Folder) Close() error {
	var err error
	for _, file := range []*os.File{f.metrics, f.timing, f.lock} {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("track: close run folder: %w", err)
	}
	return nil
}

// Abandon closes the folder and, if this process made it and there is no checkpoint in it, removes it.
func (f *Folder) Abandon() {
	_ = f.Close() // the error that led here matters more
	if f.created && !f.HasCheckpoint() {
		_ = os.RemoveAll(f.dir)
	}
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Folder) write(name string, data []byte) error {
	if err := renameio.WriteFile(f.path(name), data, 0o644); err != nil {
		return fmt.Errorf("track: write %s: %w", name, err)
	}
	return nil
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
		return fmt.Errorf("track: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("track: %s is damaged: %w", path, err)
	}
	return nil
}

func appendLine(file *os.File, v any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return fmt.Errorf("track: write %s: %w", filepath.Base(file.Name()), err)
	}
	if _, err := file.Write(b.Bytes()); err != nil {
		return fmt.Errorf("track: write %s: %w", filepath.Base(file.Name()), err)
	}
	return nil
}
