package tracker

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
	"ordo/runner/tracker/tensorboard"
)

// rowsOf are all rows of the run in dir.
func rowsOf(dir string) ([]row, error) {
	h, err := track.ReadHistory(dir)
	if err != nil {
		return nil, err
	}
	last, err := lastWritten(dir)
	if err != nil {
		return nil, err
	}
	c := clock(h.Timing)
	c.fill(last)
	return c.rows(h, last), nil
}

// lastWritten is when the metrics of the run in dir were last written.
func lastWritten(dir string) (time.Time, error) {
	info, err := os.Stat(track.MetricsFile(dir))
	if err != nil {
		return time.Time{}, fault.Reading(fault.Data, track.MetricsFile(dir), err)
	}
	return info.ModTime(), nil
}

// WriteCSV writes a table of the runs' numbers, a number a row: run, step, epoch, name, value. Times have no epoch.
func WriteCSV(w io.Writer, dirs []string) error {
	table := csv.NewWriter(w)
	if err := table.Write([]string{"run", "step", "epoch", "name", "value"}); err != nil {
		return err
	}
	for _, dir := range dirs {
		rows, err := rowsOf(dir)
		if err != nil {
			return err
		}
		for _, r := range rows {
			epoch := ""
			if r.kind != ofTiming {
				epoch = number(r.epoch)
			}
			for _, v := range r.values {
				if err := table.Write([]string{dir, strconv.Itoa(r.step), epoch, v.name, number(v.x)}); err != nil {
					return err
				}
			}
		}
	}
	table.Flush()
	return table.Error()
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// WriteEvents writes the event file of the run in dir into a folder, in the place of one that is there, and returns its
// name. "" stands for the folder in the run's own, into which a process that works on the run must not be writing.
func WriteEvents(dir, into string) (string, error) {
	if into == "" {
		if into = track.TensorBoardDir(dir); track.InUse(dir) {
			return "", atWork(dir)
		}
	}
	rows, err := rowsOf(dir)
	if err != nil {
		return "", err
	}
	return write(into, tensorboard.FileName, eventFile(rows))
}

// atWork refuses to meddle with what the run's own process does.
func atWork(dir string) error {
	return fault.New(fault.Other, "a process works in %s, which tells what its experiment says", dir).
		Advise("wait until it has ended")
}

// WriteWandb writes into a folder what a script needs to log the run in dir to Weights & Biases, and returns the name
// of its largest file:
//
//	config.json    the experiment's keys, and below ordo what the numbers must be read with
//	history.jsonl  an object a step: _step, _timestamp (seconds since 1970), and the numbers by their names
//	summary.json   the numbers of result.json; none, where the run is not finished
func WriteWandb(dir, into string) (string, error) {
	rows, err := rowsOf(dir)
	if err != nil {
		return "", err
	}
	a, err := aboutFolder(dir)
	if err != nil {
		return "", err
	}
	settings := map[string]any{"ordo": a.facts()}
	for key, value := range a.experiment.Settings() {
		settings[key] = value
	}
	summary := map[string]float64{}
	if result, err := track.ReadResult(dir); err == nil {
		if summary, err = result.Numbers(); err != nil {
			return "", err
		}
	}
	for name, content := range map[string]any{"config.json": settings, "summary.json": summary} {
		text, err := json.MarshalIndent(content, "", "  ")
		if err == nil {
			_, err = write(into, name, append(text, '\n'))
		}
		if err != nil {
			return "", err
		}
	}
	var lines bytes.Buffer
	for i := 0; i < len(rows); {
		step := rows[i].step
		line := map[string]any{"_step": step, "_timestamp": float64(rows[i].time.UnixMilli()) / 1000}
		for ; i < len(rows) && rows[i].step == step; i++ {
			for _, v := range rows[i].values {
				line[v.name] = v.x
			}
		}
		if err := json.NewEncoder(&lines).Encode(line); err != nil {
			return "", fmt.Errorf("tracker: %w", err)
		}
	}
	return write(into, "history.jsonl", lines.Bytes())
}

// write writes a file, whole or not at all, into a folder that is made if need be.
func write(dir, name string, content []byte) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fault.Writing(dir, err)
	}
	path := filepath.Join(dir, name)
	return path, fault.Writing(path, renameio.WriteFile(path, content, 0o644, renameio.WithTempDir(dir)))
}

// aboutFolder says what the run in dir is.
func aboutFolder(dir string) (about, error) {
	e, err := config.LoadRun(dir, nil)
	if err != nil {
		return about{}, err
	}
	record, err := track.ReadRecord(dir)
	if err != nil {
		return about{}, err
	}
	return newAbout(dir, record, e)
}

// SendOptions say which run is sent to an MLflow server.
type SendOptions struct {
	Dir string // the run folder; nobody may be at work there
	// URI and Experiment are as in config.MLflow; empty, the experiment of the run says them.
	URI, Experiment string
	Environment     mlflow.Environment
	Note            func(text string) // hears a warning where it takes several tries
}

// sendPace is for people who wait.
var sendPace = pace{first: time.Second, most: 5 * time.Second, tries: 6}

// Send tells an MLflow server what it doesn't know yet of a run that isn't at work, and says whom it told. Where the
// run's own process has told it, it goes on there.
func Send(ctx context.Context, o SendOptions) (string, error) { return send(ctx, o, sendPace) }

func send(ctx context.Context, o SendOptions, p pace) (string, error) {
	if track.InUse(o.Dir) {
		return "", atWork(o.Dir)
	}
	a, err := aboutFolder(o.Dir)
	if err != nil {
		return "", err
	}
	m := a.experiment.Track.MLflow
	if o.URI != "" {
		m.URI = o.URI
	}
	if o.Experiment != "" {
		m.Experiment = o.Experiment
	}
	client, err := clientOf(m.URI, o.Environment)
	if err != nil {
		return "", err
	}
	if client == nil {
		return "", fault.New(fault.Config, "%s names no MLflow server in track.mlflow.uri", o.Dir).
			With(fault.Option{Name: "uri"})
	}
	if _, err := track.ReadHistory(o.Dir); err != nil { // what was changed is not sent
		return "", err
	}
	s := newServer(client, m.Experiment, a)
	if s.ended, err = lastWritten(o.Dir); err != nil {
		return "", err
	}
	status := mlflow.Killed
	if _, err := track.ReadResult(o.Dir); err == nil {
		status = mlflow.Finished
	}
	w := newWorker(s, o.Dir, p, o.Note)
	w.last, w.quiet = s.ended, true
	defer context.AfterFunc(ctx, w.cancel)()
	w.start()
	w.stop(status)
	switch {
	case ctx.Err() != nil:
		return "", fault.New(fault.Interrupted, "interrupted while %s was sent", o.Dir).Advise("the same command goes on")
	case w.failed != nil && fault.KindOf(w.failed) == fault.Other:
		return "", fault.New(fault.Other, "%s: %s, %w", o.Dir, s.name(), w.failed)
	}
	return s.name() + ", run " + s.at.Run, w.failed
}
