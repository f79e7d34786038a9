package tracker

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// Trackers tell of a run that is at work.
type Trackers struct {
	experiment config.Experiment
	client     *mlflow.Client // nil: MLflow is not told
	pace       pace
	workers    []*worker

	mutex sync.Mutex
	notes []string
}

// New prepares to tell whom the experiment names. It asks nobody yet. A fault is of kind Config.
func New(e config.Experiment, env mlflow.Environment) (*Trackers, error) {
	client, err := clientOf(e.Track.MLflow.URI, env)
	if err != nil {
		return nil, err
	}
	return &Trackers{experiment: e, client: client, pace: defaultPace}, nil
}

// clientOf gives a client of the server at an address, or with config.URIFromEnvironment of the environment's; nil
// where there is none.
func clientOf(address string, env mlflow.Environment) (*mlflow.Client, error) {
	switch {
	case address == "":
		return nil, nil
	case address != config.URIFromEnvironment:
		return mlflow.New(address, env)
	case env.URI == "":
		return nil, fault.New(fault.Config, "track.mlflow.uri is env, and the environment has no MLFLOW_TRACKING_URI").
			Advise("set it")
	}
	client, err := mlflow.New(env.URI, env)
	if err != nil {
		err = fault.New(fault.Config, "MLFLOW_TRACKING_URI: %w", err)
	}
	return client, err
}

// Start begins to tell of the run in dir, whose files of metrics and times must be there, and not be cut any more. The
// run is at work, or finished.
func (t *Trackers) Start(dir string, record track.Record) error {
	last, err := t.finished(dir)
	if err != nil {
		return err
	}
	var sinks []sink
	if t.experiment.Track.TensorBoard {
		sinks = append(sinks, newBoard(dir))
	}
	if t.client != nil {
		a, err := newAbout(dir, record, t.experiment)
		if err != nil {
			return err
		}
		s := newServer(t.client, t.experiment.Track.MLflow.Experiment, a)
		s.ended = last
		sinks = append(sinks, s)
	}
	for _, s := range sinks {
		w := newWorker(s, dir, t.pace, t.note)
		w.last = last
		t.workers = append(t.workers, w)
		w.start()
	}
	return nil
}

// finished is when the last line of a run was written that has ended long ago; zero: it is at work.
func (t *Trackers) finished(dir string) (time.Time, error) {
	if t.client == nil && !t.experiment.Track.TensorBoard {
		return time.Time{}, nil
	}
	switch _, err := track.ReadResult(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	return lastWritten(dir)
}

func (t *Trackers) note(text string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.notes = append(t.notes, text)
}

// TakeNotes gives the warnings that came since the last call. Those who are told run beside the run and can't write its
// log.
func (t *Trackers) TakeNotes() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	notes := t.notes
	t.notes = nil
	return notes
}

// Stop tells what is left, and how the run ended: nil, or its error. It takes some seconds where somebody doesn't
// answer.
func (t *Trackers) Stop(err error) {
	var all sync.WaitGroup
	for _, w := range t.workers {
		all.Go(func() { w.stop(statusOf(err)) })
	}
	all.Wait()
	t.workers = nil
}

func statusOf(err error) string {
	switch {
	case err == nil:
		return mlflow.Finished
	case errors.Is(err, fault.Interrupted), errors.Is(err, context.Canceled):
		return mlflow.Killed
	}
	return mlflow.Failed
}
