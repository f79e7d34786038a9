package track

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"ordo/models/fault"
	"ordo/runner/lock"
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
	Threads     int    `json:"threads"`           // fixes the order of sums: another number, other last bits
	Experiment  string `json:"experiment_sha256"` // of experiment.yaml
	// Parent is the run that this one goes on from; nil: it began anew.
	Parent *Parent `json:"parent,omitempty"`
	// Paths are the absolute paths of the experiment's files, by their keys, when the run began.
	Paths map[string]string `json:"paths,omitempty"`
}

// Parent is a run from whose checkpoint another goes on.
type Parent struct {
	Run        string `json:"run"` // its folder, as it was named
	Name       string `json:"name"`
	Hash       string `json:"hash"`
	Step       int    `json:"step"`  // steps done there
	Epoch      int    `json:"epoch"` // epochs done there
	Schedule   string `json:"schedule"`
	Checkpoint string `json:"checkpoint_sha256"`
}

// Folder is an open run folder. The process that has it open has it alone.
type Folder struct {
	dir     string
	created bool // by this process
	lock    *lock.Lock
	metrics *lines
	timing  *lines
	log     *lines
	logger  slog.Handler // into log
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
	pageFile       = "report.html"
	logFile        = "log.txt"
	lockFile       = ".lock"
	graphsDir      = "graphs"
	tensorBoardDir = "tensorboard"
	mlflowFile     = "mlflow.json"
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
	r.Experiment = sum(experiment)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		was = r
		if err := f.write(experimentFile, experiment); err != nil {
			return err
		}
		if err := WriteSealed(f.path(recordFile), r); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if err := Check(f.dir, was, r); err != nil {
		return err
	}
	f.began = was
	if err := f.mendExperiment(experiment); err != nil {
		return err
	}
	if err := os.MkdirAll(f.Graphs(), 0o755); err != nil {
		return fault.Writing(f.Graphs(), err)
	}
	for name, file := range map[string]**lines{metricsFile: &f.metrics, timingFile: &f.timing, logFile: &f.log} {
		if *file, err = openLines(f.path(name)); err != nil {
			return err
		}
	}
	f.logger = newLogger(f.log)
	return nil
}

// mendExperiment writes experiment.yaml again where it is not what the run began with and what is there now is.
func (f *Folder) mendExperiment(now []byte) error {
	err := CheckExperiment(f.dir)
	if err == nil || sum(now) != f.began.Experiment {
		return err
	}
	return f.write(experimentFile, now)
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
func (f *Folder) take() (err error) {
	f.lock, err = lock.Take(f.path(lockFile), time.Second)
	var held *lock.HeldError
	if errors.As(err, &held) {
		return fault.New(fault.Other, "%w: another ordo works in %s (%v)", ErrOccupied, f.dir, held.Holder).
			Advise("%s", held.Wait()).With(fault.OtherFolder{})
	}
	return err
}

// temporary are the names that files have before they are whole.
var temporary = regexp.MustCompile(
	`^\.(experiment\.yaml|run\.json|mlflow\.json|result\.json|report\.txt|(last|last-\d+|best)\.ckpt|` +
		`(encoder|best)\.onnx|[a-z-]+\.(svg|png|html))\d+$`)

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
	path := filepath.Join(dir, recordFile)
	if err := ReadSealed(path, &r); err != nil {
		return r, err
	}
	if r.Threads < 0 || r.Threads > maxThreads {
		return r, damaged(path, fmt.Errorf("it says %d threads", r.Threads))
	}
	return r, nil
}

// maxThreads bounds what a record can ask for: model.threads goes no further, nor has a machine so many cores.
const maxThreads = 4096

// ReadResult reads the result of the finished run in dir, and makes sure that it is this run's. Without one, the error
// wraps fs.ErrNotExist.
func ReadResult(dir string) (Result, error) {
	var r Result
	path := filepath.Join(dir, resultFile)
	if err := ReadSealed(path, &r); err != nil {
		return r, err
	}
	r.Run = dir // it may have been moved
	if r.Status != Finished || r.Steps < 1 {
		return r, damaged(path, fmt.Errorf("its status is %q after %d steps", r.Status, r.Steps))
	}
	record, err := sumFile(filepath.Join(dir, recordFile))
	if err != nil {
		return r, fault.Reading(fault.Data, filepath.Join(dir, recordFile), err)
	}
	if record != r.Files[recordFile] {
		return r, damaged(path, errors.New("it is another run's: "+recordFile+" is not the one that it was written beside"))
	}
	return r, nil
}

// CheckExperiment compares the experiment of the run in dir with what its record says. One that was changed is a fault
// of kind Data.
func CheckExperiment(dir string) error {
	record, err := ReadRecord(dir)
	if err != nil {
		return err
	}
	return check(dir, experimentFile, record.Experiment, recordFile)
}

// CheckFiles compares files of the finished run in dir with what its result says; nil are all that it knows. The first
// one that was changed is a fault of kind Data.
func CheckFiles(dir string, names ...string) error {
	r, err := ReadResult(dir)
	if err != nil {
		return err
	}
	if names == nil {
		names = slices.Sorted(maps.Keys(r.Files))
	}
	for _, name := range names {
		if err := check(dir, name, r.Files[name], resultFile); err != nil {
			return err
		}
	}
	return nil
}

// Verify compares all files of the run in dir with what it knows of them: of one that isn't finished the experiment.
// What was changed is a fault of kind Data. Without a run, the error wraps fs.ErrNotExist.
func Verify(dir string) (finished bool, err error) {
	if err := CheckExperiment(dir); err != nil {
		return false, err
	}
	switch err := CheckFiles(dir); {
	case errors.Is(err, fs.ErrNotExist):
		if _, missing := os.Stat(filepath.Join(dir, resultFile)); missing != nil {
			return false, nil
		}
		return true, err
	default:
		return true, err
	}
}

// check compares a file with its checksum, which another file of the folder has.
func check(dir, name, want, in string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	found, err := sumFile(path)
	if err != nil {
		return fault.Reading(fault.Data, path, err)
	}
	if found != want {
		return damaged(path, fmt.Errorf("its checksum differs from that in %s", in))
	}
	return nil
}

// ExperimentFile is the resolved experiment of the run in dir.
func ExperimentFile(dir string) string { return filepath.Join(dir, experimentFile) }

// EncoderFile is the exported inference graph of the run in dir.
func EncoderFile(dir string) string { return filepath.Join(dir, encoderFile) }

// MetricsFile has the steps, readings and evaluations of the run in dir.
func MetricsFile(dir string) string { return filepath.Join(dir, metricsFile) }

// PageFile is the page of the run in dir.
func PageFile(dir string) string { return filepath.Join(dir, pageFile) }

// TensorBoardDir is the folder of the event files of the run in dir.
func TensorBoardDir(dir string) string { return filepath.Join(dir, tensorBoardDir) }

// MLflowFile is what is known of the run in dir by MLflow.
func MLflowFile(dir string) string { return filepath.Join(dir, mlflowFile) }

// Dir is the run folder.
func (f *Folder) Dir() string { return f.dir }

// Began is the record of the process that started the run; Threads of it must be kept, or the last bits change.
func (f *Folder) Began() Record { return f.began }

// GraphsDir is the folder of the training graphs of the run in dir.
func GraphsDir(dir string) string { return filepath.Join(dir, graphsDir) }

// Graphs is the folder of the training graphs.
func (f *Folder) Graphs() string { return GraphsDir(f.dir) }

// Extents are the parts of the files that grow which a checkpoint belongs to, by their names.
func (f *Folder) Extents() map[string]Extent {
	all := map[string]Extent{}
	for name, l := range f.growing() {
		all[name] = l.extent()
	}
	return all
}

func (f *Folder) growing() map[string]*lines {
	return map[string]*lines{metricsFile: f.metrics, timingFile: f.timing, logFile: f.log}
}

// Fits says whether the files of metrics and times begin as they did when a checkpoint was made. Where they don't, the
// error says which.
func (f *Folder) Fits(extents map[string]Extent) error {
	for _, name := range []string{metricsFile, timingFile} {
		if !f.growing()[name].begins(extents[name]) {
			return fmt.Errorf("%s does not begin as it did then", name)
		}
	}
	return nil
}

// LogFits says the same of the log, which nothing but warnings is read from.
func (f *Folder) LogFits(extents map[string]Extent) bool { return f.log.begins(extents[logFile]) }

// Rewind drops the lines of metrics.jsonl and timing.jsonl behind a checkpoint's; nil drops all. The files must fit.
func (f *Folder) Rewind(extents map[string]Extent) error {
	for _, l := range []*lines{f.metrics, f.timing} {
		if err := l.rewind(extents[filepath.Base(l.file.Name())].Bytes); err != nil {
			return err
		}
	}
	return f.noteEvals()
}

// noteEvals notes which evaluations there are.
func (f *Folder) noteEvals() error {
	history, err := ReadHistory(f.dir)
	for _, e := range history.Evals {
		f.evals[e.Step] = true
	}
	return err
}

// Adopt begins metrics and times with those of the run in another folder, up to a checkpoint's extents. They must be
// what the checkpoint knows.
func (f *Folder) Adopt(dir string, extents map[string]Extent) error {
	for _, l := range []*lines{f.metrics, f.timing} {
		name := filepath.Base(l.file.Name())
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return fault.Reading(fault.Data, path, err)
		}
		want := extents[name]
		if int64(len(text)) < want.Bytes || sum(text[:want.Bytes]) != want.SHA256 {
			return damaged(path, errors.New("it does not begin as the checkpoint says"))
		}
		if _, err := l.Write(text[:want.Bytes]); err != nil {
			return fault.Writing(l.file.Name(), err)
		}
	}
	return f.noteEvals()
}

// HasEval says whether metrics.jsonl has an evaluation of that step.
func (f *Folder) HasEval(step int) bool { return f.evals[step] }

// Step appends a training step's line to metrics.jsonl.
func (f *Folder) Step(s Step) error { return f.metrics.append(s) }

// Eval appends an evaluation's line to metrics.jsonl.
func (f *Folder) Eval(e EvalLine) error {
	if err := f.metrics.append(e); err != nil {
		return err
	}
	f.evals[e.Step] = true
	return f.Sync()
}

// Guard appends a guard's line to metrics.jsonl.
func (f *Folder) Guard(g GuardLine) error { return f.metrics.append(g) }

// Timing appends a line to timing.jsonl.
func (f *Folder) Timing(t Timing) error { return f.timing.append(t) }

// Sync puts the lines on the disk; it goes before every checkpoint, so that no checkpoint is ahead of its metrics.
func (f *Folder) Sync() error {
	if err := errors.Join(f.metrics.file.Sync(), f.timing.file.Sync(), f.log.file.Sync()); err != nil {
		return fault.Writing(f.path(metricsFile), err)
	}
	return nil
}

// Finish writes the report, pictures and the page by file name and, last, the result with the checksums of all files.
func (f *Folder) Finish(r Result, report []byte, pictures map[string][]byte) (Result, error) {
	if err := f.write(reportFile, report); err != nil {
		return r, err
	}
	for name, picture := range pictures {
		if err := f.write(name, picture); err != nil {
			return r, err
		}
	}
	var err error
	if r.Files, err = f.sums(); err != nil {
		return r, err
	}
	return r, WriteSealed(f.path(resultFile), r)
}

// unsummed are the files that have no checksum in the result.
var unsummed = []string{logFile, pageFile, resultFile, mlflowFile}

// sums are the checksums of the folder's files, by their paths with slashes. The log may go on, the page can be made
// anew, the lock changes, and what trackers keep goes on behind the end.
func (f *Folder) sums() (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && path == f.path(tensorBoardDir):
			return filepath.SkipDir
		case err != nil || !d.Type().IsRegular():
			return err
		}
		name, err := filepath.Rel(f.dir, path)
		if err != nil || slices.Contains(unsummed, name) || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		all[filepath.ToSlash(name)], err = sumFile(path)
		return err
	})
	return all, fault.Reading(fault.Storage, f.dir, err)
}

// Close releases the folder. The lock goes last.
func (f *Folder) Close() error {
	var err error
	for _, l := range []*lines{f.metrics, f.timing, f.log} {
		if l != nil {
			err = errors.Join(err, l.file.Close())
		}
	}
	if f.lock != nil {
		err = errors.Join(err, f.lock.Release())
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
	case f.created && len(f.Checkpoints()) == 0:
		_ = os.RemoveAll(f.dir)
	}
	_ = f.Close() // the error that led here matters more
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Folder) write(name string, data []byte) error {
	return fault.Writing(f.path(name), renameio.WriteFile(f.path(name), data, 0o644))
}

// damaged is the fault of a file that doesn't hold what was written into it.
func damaged(path string, err error) error {
	return fault.New(fault.Data, "%s is damaged: %w", path, err).Advise("remove its folder to start anew").
		With(fault.OtherFolder{})
}
