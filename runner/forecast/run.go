package forecast

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"ordo/models"
	"ordo/models/table"
	"ordo/runner/catalogue"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/machine"
	"ordo/runner/report"
	"ordo/runner/track"
)

// Options say what is asked.
type Options struct {
	Experiment config.Experiment
	Dir        string // the run folder, which need not be there
	Libraries  models.Libraries
}

// States of a run's folder, beside those of package catalogue.
const (
	// New is a folder that isn't there, or is empty.
	New = "new"
	// Taken is one that holds something else, which a run refuses.
	Taken = "taken"
)

// Run is what a run would take.
type Run struct {
	Name       string  `json:"name"`
	Hash       string  `json:"hash"`
	Folder     string  `json:"folder"`
	Status     string  `json:"status"` // finished, running, stopped, new or taken
	Epoch      float64 `json:"epoch"`  // that it has reached
	Source     string  `json:"source"` // of the images
	Images     int     `json:"images"`
	TestImages int     `json:"test_images"`
	Pace
	MinutesLeft float64 `json:"minutes_left"`
	Packs       []Pack  `json:"packs,omitempty"` // that the images are kept in
}

// Pack is a split's file of packed images.
type Pack struct {
	File  string `json:"file"`
	There bool   `json:"there"`
	Bytes int64  `json:"bytes,omitempty"` // about; 0: unknown
}

// Of says what a run would take. Faults are those that the run would end with before its first step.
func Of(ctx context.Context, o Options) (Run, error) {
	e := o.Experiment
	sets, err := data.List(ctx, e.Data)
	if err != nil {
		return Run{}, err
	}
	r := Run{Name: e.Name, Hash: e.Hash(), Folder: o.Dir, Source: e.Data.Source, Images: sets.Train.Len(),
		TestImages: sets.Test.Len()}
	if r.Pace, err = Measure(ctx, e, o.Libraries, r.Images); err != nil {
		return Run{}, err
	}
	kept, err := data.Places(ctx, e.Data)
	if err != nil {
		return Run{}, err
	}
	for _, k := range kept {
		if k.File == "" {
			r.Memory += k.Bytes
		} else {
			r.Packs = append(r.Packs, Pack(k))
		}
	}
	r.Status, r.Epoch, err = Look(o.Dir, r.Hash)
	r.MinutesLeft = Left(r.Minutes, r.Status, r.Epoch, r.Epochs)
	return r, err
}

// Look says what a folder has of the run with a hash: a status and the epoch that it has reached.
func Look(dir, hash string) (status string, epoch float64, err error) {
	run, err := catalogue.Look(dir)
	switch {
	case err == nil && run.Hash != hash:
		return Taken, 0, nil
	case err == nil:
		return run.Status, run.Epoch, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", 0, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(entries) > 0 {
		return Taken, 0, nil //nolint:nilerr // a file, or what can't be read
	}
	return New, 0, nil
}

// Left is how many of a run's minutes are left.
func Left(minutes float64, status string, epoch float64, epochs int) float64 {
	switch {
	case status == track.Finished || status == Taken:
		return 0
	case epochs > 0:
		return minutes * max(0, 1-epoch/float64(epochs))
	}
	return minutes
}

// state says what a status means for the same command.
func (r Run) state() string {
	switch r.Status {
	case catalogue.Finished:
		return "finished: nothing would be trained"
	case catalogue.Running:
		return fmt.Sprintf("a process works on it, at epoch %.1f of %d", r.Epoch, r.Epochs)
	case catalogue.Stopped:
		return fmt.Sprintf("stopped at epoch %.1f of %d: it would go on", r.Epoch, r.Epochs)
	case Taken:
		return "holds something else, so the run would be refused"
	}
	return "not there yet"
}

// Text says it in lines of at most 80 columns, but for long names.
func (r Run) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) { Line(&b, name, format, args...) }
	line("run", "%s, hash %s", r.Name, r.Hash)
	line("folder", "%s", r.Folder)
	line("", "%s", r.state())
	line("images", "%d for training, %d for testing, of %s", r.Images, r.TestImages, r.Source)
	line("model", "%s, %d trainable values", r.Backbone, r.Parameters)
	line("step", "%d images, %d views of each, %s", r.BatchSize, r.Views, report.Seconds(r.StepSeconds))
	line("training", "%s of %s, %d steps in all", report.Plural(r.Epochs, "epoch"), report.Plural(r.EpochSteps, "step"),
		r.Steps)
	line("time", "%s, the evaluation among it", r.time())
	line("memory", "about %s", machine.Bytes(r.Memory))
	line("checkpoint", "%s; %d are kept while it trains", machine.Bytes(r.Checkpoint), r.Kept)
	line("disk", "about %s in the run folder, without pictures and reports", machine.Bytes(r.Disk))
	for _, p := range r.Packs {
		size := "of a size that isn't known before"
		if p.Bytes > 0 {
			size = "about " + machine.Bytes(p.Bytes)
		}
		if p.There {
			line("packed", "%s, there already:", size)
		} else {
			line("packed", "%s, to be made first:", size)
		}
		line("", "%s", p.File)
	}
	return b.String()
}

func (r Run) time() string {
	if r.MinutesLeft == 0 {
		return "none left of " + Minutes(r.Minutes)
	}
	if r.MinutesLeft < r.Minutes {
		return fmt.Sprintf("%s left of %s", Minutes(r.MinutesLeft), Minutes(r.Minutes))
	}
	return Minutes(r.Minutes)
}

// Line writes a fact with its name before it.
func Line(b *strings.Builder, name, format string, args ...any) {
	b.WriteString(table.Fact(name, 12, fmt.Sprintf(format, args...)) + "\n")
}

// Minutes says a time in words.
func Minutes(m float64) string {
	switch {
	case m == 0:
		return "no time"
	case m <= 1:
		return "about a minute"
	case m < 120:
		return fmt.Sprintf("about %.0f minutes", math.Ceil(m))
	}
	return fmt.Sprintf("about %.1f hours", m/60)
}
