package tracker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"time"

	"ordo/models/fault"
	"ordo/runner/track"
	"ordo/runner/tracker/mlflow"
)

// told is what mlflow.json knows: what servers have of the run, by their addresses and the experiments there.
type told struct {
	Servers map[string]*atServer `json:"servers"`
}

// atServer is a run at a server.
type atServer struct {
	Key    string        `json:"key"`    // names the run before it has an id
	Run    string        `json:"run_id"` // ""; it isn't made yet
	Status string        `json:"status"` // that it was given
	Params []mlflow.Text `json:"params"` // that are still to be sent
	Told   position      `json:"told"`   // that the server has for sure
	// Next are metrics that are being sent, of the rows up to Then. They stand here before they are sent, so that they
	// have the same times when they are sent again.
	Next []mlflow.Metric `json:"next"`
	Then position        `json:"then"`
}

// server tells an MLflow server.
type server struct {
	client     *mlflow.Client
	experiment string // its name
	id         string // of the experiment; "": it isn't known yet
	about      about
	file       string
	all        told
	at         *atServer // of all, that of the client's server; nil: mlflow.json isn't read yet
	ready      bool      // the server knows that the run is at work
	ended      time.Time // the run, long ago; zero: it ends when end is called
}

func newServer(c *mlflow.Client, experiment string, a about) *server {
	experiment = cmp.Or(experiment, a.record.Name)
	return &server{client: c, experiment: experiment, about: a, file: track.MLflowFile(a.dir)}
}

func (s *server) name() string { return "MLflow at " + s.client.Address() }

func (s *server) send(ctx context.Context, rows []row) error {
	if err := s.read(); err != nil {
		return err
	}
	if len(s.at.Next) == 0 && len(s.at.Told.left(rows)) == 0 {
		return nil
	}
	if err := s.begin(ctx, rows[0].time); err != nil {
		return err
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	rows = s.at.Told.left(rows)
	for len(rows) > 0 {
		s.at.Then = s.at.Told
		n := 0
		for _, r := range rows {
			if n > 0 && len(s.at.Next)+len(r.values) > mlflow.MaxMetrics {
				break
			}
			s.at.Next = append(s.at.Next, metrics(r)...)
			s.at.Then.pass(r)
			n++
		}
		rows = rows[n:]
		if err := s.write(); err != nil {
			return err
		}
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read reads mlflow.json.
func (s *server) read() error {
	if s.at != nil {
		return nil
	}
	err := track.ReadSealed(s.file, &s.all)
	if errors.Is(err, fault.Data) {
		return fault.New(fault.Data, "%s was changed, or isn't ordo's", s.file).
			Advise("remove it; another run is made at the server then")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.all.Servers == nil {
		s.all.Servers = map[string]*atServer{}
	}
	key := s.client.Address() + " " + s.experiment
	if s.at = s.all.Servers[key]; s.at == nil {
		s.at = &atServer{Key: rand.Text(), Params: s.about.params()}
		s.all.Servers[key] = s.at
	}
	return nil
}

func (s *server) write() error { return track.WriteSealed(s.file, s.all) }

// begin makes the run at the server, where it began at a time, or says there that it goes on.
func (s *server) begin(ctx context.Context, began time.Time) error {
	if s.ready {
		return nil
	}
	if s.at.Run == "" {
		// With its key on the disk, the run is found again where the answer is lost.
		if err := s.write(); err != nil {
			return err
		}
		var err error
		if s.id == "" {
			if s.id, err = s.client.Experiment(ctx, s.experiment); err != nil {
				return err
			}
		}
		s.at.Run, err = s.client.Run(ctx, mlflow.NewRun{Experiment: s.id, Name: s.about.runName(), Key: s.at.Key,
			Began: began, Tags: s.about.tags()})
		if err != nil {
			return err
		}
		s.at.Status = mlflow.Running
	} else if s.at.Status != mlflow.Running {
		if err := s.client.Update(ctx, s.at.Run, mlflow.Running, time.Time{}); err != nil {
			return s.gone(err)
		}
		s.at.Status = mlflow.Running
	}
	for len(s.at.Params) > 0 {
		n := min(len(s.at.Params), mlflow.MaxParams)
		if err := s.client.Log(ctx, s.at.Run, mlflow.Batch{Params: s.at.Params[:n]}); err != nil {
			return err
		}
		s.at.Params = s.at.Params[n:]
	}
	s.ready = true
	return s.write()
}

// flush sends what is to be sent next.
func (s *server) flush(ctx context.Context) error {
	for len(s.at.Next) > 0 {
		n := min(len(s.at.Next), mlflow.MaxMetrics)
		if err := s.client.Log(ctx, s.at.Run, mlflow.Batch{Metrics: s.at.Next[:n]}); err != nil {
			return s.gone(err)
		}
		s.at.Next = s.at.Next[n:]
		if len(s.at.Next) == 0 {
			s.at.Told = s.at.Then
		}
	}
	return nil
}

// gone says what to do where the run isn't there any more.
func (s *server) gone(err error) error {
	if mlflow.Missing(err) {
		return fault.New(fault.Other, "%w", err).Advise("remove %s to make another run there", s.file)
	}
	return err
}

func (s *server) end(ctx context.Context, status string) error {
	if err := s.read(); err != nil {
		return err
	}
	if s.at.Run == "" || s.at.Status == status {
		return nil // it had nothing to tell
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if paths := s.about.paths(); len(paths) > 0 {
		if err := s.client.Log(ctx, s.at.Run, mlflow.Batch{Tags: paths}); err != nil {
			return s.gone(err)
		}
	}
	ended := s.ended
	if ended.IsZero() {
		ended = time.Now()
	}
	if err := s.client.Update(ctx, s.at.Run, status, ended); err != nil {
		return err
	}
	s.at.Status = status
	return s.write()
}

func (*server) close() error { return nil }

// metrics are the numbers of a row as MLflow takes them.
func metrics(r row) []mlflow.Metric {
	var all []mlflow.Metric
	for _, v := range r.values {
		all = append(all, mlflow.Metric{Key: mlflow.Name(v.name), Value: v.x, Timestamp: r.time.UnixMilli(), Step: r.step})
	}
	return all
}
