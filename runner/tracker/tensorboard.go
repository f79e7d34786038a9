package tracker

import (
	"context"
	"strings"
	"time"

	"ordo/runner/track"
	"ordo/runner/tracker/tensorboard"
)

// board writes TensorBoard's event file.
type board struct {
	dir  string
	file *tensorboard.File // nil: not open yet
	told position
}

func newBoard(run string) *board { return &board{dir: track.TensorBoardDir(run)} }

func (b *board) name() string { return "TensorBoard in " + b.dir }

func (b *board) send(_ context.Context, rows []row) error {
	if b.file == nil {
		file, events, err := tensorboard.Open(b.dir)
		if err != nil {
			return err
		}
		b.file = file
		for _, e := range events {
			b.told.pass(row{kind: kindOf(strings.Replace(e.Scalars[0].Tag, "/", ".", 1)), step: e.Step})
		}
	}
	rows = b.told.left(rows)
	if err := b.file.Add(events(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		b.told.pass(r)
	}
	return nil
}

func (b *board) end(context.Context, string) error { return nil }

func (b *board) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// events are the rows as TensorBoard takes them.
func events(rows []row) []tensorboard.Event {
	var all []tensorboard.Event
	for _, r := range rows {
		e := tensorboard.Event{Time: r.time, Step: r.step}
		for _, v := range r.values {
			e.Scalars = append(e.Scalars, tensorboard.Scalar{Tag: strings.Replace(v.name, ".", "/", 1), Value: v.x})
		}
		if len(e.Scalars) > 0 {
			all = append(all, e)
		}
	}
	return all
}

// eventFile is the whole event file of rows.
func eventFile(rows []row) []byte {
	began := time.Time{}
	if len(rows) > 0 {
		began = rows[0].time
	}
	file := tensorboard.Header(began)
	for _, e := range events(rows) {
		file = tensorboard.Append(file, e)
	}
	return file
}
