package sweep

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/forecast"
	"ordo/runner/machine"
	"ordo/runner/report"
)

// Forecast is what a sweep would train.
type Forecast struct {
	Name     string          `json:"name"`
	Hash     string          `json:"hash"`
	Folder   string          `json:"folder"`
	Jobs     int             `json:"jobs"` // trials at once
	Trials   []ForecastTrial `json:"trials"`
	Finished int             `json:"finished"` // trials
	Timed    int             `json:"timed"`    // experiments of which steps were timed; the others have steps like theirs
	Minutes  float64         `json:"minutes_left"`
	AtMost   bool            `json:"at_most,omitempty"` // trials may be stopped before their end, or not be chosen
	Memory   int64           `json:"memory_bytes"`      // of all trials at once
	Disk     int64           `json:"disk_bytes"`        // of all run folders
}

// ForecastTrial is what a trial would take.
type ForecastTrial struct {
	Trial
	Status string  `json:"status"` // as forecast.Run's
	Epoch  float64 `json:"epoch"`
	Images int     `json:"images"`
	forecast.Pace
	MinutesLeft float64 `json:"minutes_left"`
}

// maxTimed bounds how many kinds of steps are timed: a sweep over networks would take minutes before it says anything.
const maxTimed = 8

// kind is what decides how long a step takes. Trials that differ in other keys have steps of one kind.
type kind struct {
	size, batch, micro, views int
	model, optimizer, losses  string
}

func kindOf(e config.Experiment, views int) kind {
	losses := e.Loss.Invariance.Kind + " " + e.Loss.Order.Kind
	for _, t := range e.Loss.Terms {
		switch {
		case t.Invariance != nil:
			losses += " " + t.Invariance.Kind
		case t.Order != nil:
			losses += " " + t.Order.Kind
		case t.Baseline != nil:
			losses += " " + t.Baseline.Kind
		}
	}
	return kind{e.Data.ImageSize, e.Train.BatchSize, e.Train.MicroBatch, views, fmt.Sprintf("%+v", e.Model),
		e.Train.Optimizer, losses}
}

// Forecast says what Run would train with the same options, and leaves nothing on the disk.
func (p *Plan) Forecast(ctx context.Context, o Options, libraries models.Libraries) (Forecast, error) {
	f := Forecast{Name: p.Name, Hash: p.Hash, Folder: cmp.Or(o.Dir, p.Dir()), Jobs: cmp.Or(o.Jobs, p.Jobs),
		AtMost: p.searching()}
	if _, err := p.check(f.Folder); err != nil {
		return f, err
	}
	images := map[string]int{}
	paces := map[kind]forecast.Pace{}
	longest := forecast.Pace{}
	for _, t := range p.Trials {
		e := t.experiment
		if f.Jobs > 1 && t.Threads == 0 {
			e.Model.Threads = share(f.Jobs)
		}
		set := fmt.Sprintf("%+v", e.Data)
		if _, ok := images[set]; !ok {
			sets, err := data.List(ctx, e.Data)
			if err != nil {
				return f, of(t, err)
			}
			images[set] = sets.Train.Len()
		}
		plan, err := augment.NewPlan(e.Augment, e.Data.ImageSize)
		if err != nil {
			return f, of(t, err)
		}
		k := kindOf(e, len(plan.Views()))
		pace, ok := paces[k]
		switch {
		case ok:
			pace, err = pace.Of(e, images[set])
		case len(paces) == maxTimed:
			pace, err = longest.Of(e, images[set])
		default:
			if pace, err = forecast.Measure(ctx, e, libraries, images[set]); pace.StepSeconds > longest.StepSeconds {
				longest = pace
			}
			paces[k] = pace
		}
		if err != nil {
			return f, of(t, err)
		}
		if err := f.add(ForecastTrial{Trial: t, Images: images[set], Pace: pace}); err != nil {
			return f, err
		}
	}
	f.Timed = len(paces)
	f.Minutes /= float64(min(f.Jobs, max(1, len(p.Trials)-f.Finished)))
	f.Memory *= int64(min(f.Jobs, len(p.Trials)))
	return f, nil
}

// of puts a trial's folder before an error.
func of(t Trial, err error) error {
	if fault.KindOf(err) == fault.Interrupted {
		return err
	}
	return fmt.Errorf("%s: %w", t.Folder, err)
}

// add adds a trial.
func (f *Forecast) add(t ForecastTrial) (err error) {
	if t.Status, t.Epoch, err = forecast.Look(filepath.Join(f.Folder, t.Folder), t.Hash); err != nil {
		return err
	}
	t.MinutesLeft = forecast.Left(t.Minutes, t.Status, t.Epoch, t.Epochs)
	f.Trials = append(f.Trials, t)
	if t.Status == Finished {
		f.Finished++
	}
	f.Minutes += t.MinutesLeft
	f.Memory = max(f.Memory, t.Memory)
	f.Disk += t.Disk
	return nil
}

// Text says it in lines of at most 80 columns, but for long names.
func (f Forecast) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) { forecast.Line(&b, name, format, args...) }
	line("sweep", "%s, hash %s", f.Name, f.Hash)
	line("folder", "%s", f.Folder)
	line("trials", "%d, %d of them finished; %d at once", len(f.Trials), f.Finished, f.Jobs)
	most := ""
	if f.AtMost {
		most = "at most "
	}
	line("time", "%s%s left; steps of %s were timed", most, forecast.Minutes(f.Minutes), report.Plural(f.Timed, "kind"))
	line("memory", "about %s", machine.Bytes(f.Memory))
	line("disk", "about %s in the run folders, without pictures and reports", machine.Bytes(f.Disk))
	rows := [][]string{{"trial", "state", "images", "views", "steps", "values", "step", "minutes"}}
	for _, t := range f.Trials {
		state := t.Status
		if t.Epoch > 0 && t.Status != Finished {
			state += fmt.Sprintf(" at %.1f/%d", t.Epoch, t.Epochs)
		}
		rows = append(rows, []string{t.Folder, state, fmt.Sprint(t.Images), fmt.Sprint(t.Views), fmt.Sprint(t.Steps),
			fmt.Sprint(t.Parameters), t.Step().Round(time.Millisecond).String(), fmt.Sprintf("%.1f", t.MinutesLeft)})
	}
	b.WriteString("\n" + table.Columns(rows, 0))
	return b.String()
}
