package selection

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/bench"
	"ordo/runner/data"
)

// Cost is what Run would train at most.
type Cost struct {
	Families []string      `json:"families"`
	Views    int           `json:"views"` // of an image, in every trial
	Images   int           `json:"images"`
	Runs     int           `json:"runs"`    // the pilot and the joint cell among them
	Steps    int           `json:"steps"`   // of a trial
	Step     time.Duration `json:"step_ns"` // median
	Minutes  float64       `json:"minutes"` // of all runs, as many at once as Options.Jobs says
}

// Check reports what is wrong with a question before anything is done: its options, the trials' experiments, and images
// that aren't there.
func Check(ctx context.Context, o Options) error {
	d, err := newDesign(o)
	if err != nil {
		return err
	}
	sets, err := d.list(ctx)
	if batch := o.Base.Train.BatchSize; err == nil && sets.Train.Len() < batch {
		return fault.New(fault.Config, "train.batch_size: is %d, and with a fifth held out there are %d training images",
			batch, sets.Train.Len()).Advise("lower it")
	}
	if err == nil && len(sets.Train.Classes()) < 2 && !o.Screens {
		return fault.New(fault.Data, "the images have no labels of two classes or more, and roles are compared by how well "+
			"features tell classes").Advise("name images with labels").With(fault.Option{Name: "screens"})
	}
	return err
}

// list lists the images of a trial with the first seed.
func (d *design) list(ctx context.Context) (data.Sets, error) {
	e := d.o.Base.Data
	e.Fold = fold(1)
	return data.List(ctx, e)
}

// Steps that are timed, and that go before them.
const timedSteps, warmSteps = 5, 2

// evaluationShare is how much longer a trial takes for its start and its evaluation.
const evaluationShare = 0.25

// EstimateCost counts the trials and times steps of one, as they will run.
func EstimateCost(ctx context.Context, o Options, libraries models.Libraries) (Cost, error) {
	d, err := newDesign(o)
	if err != nil {
		return Cost{}, err
	}
	e, err := d.experiment(d.cells[0])
	if err != nil {
		return Cost{}, err
	}
	sets, err := d.list(ctx)
	if err != nil {
		return Cost{}, err
	}
	jobs := d.o.jobs()
	e.Model.Threads = threads(e, jobs)
	measured, err := bench.Step(ctx,
		bench.Options{Experiment: e, Libraries: libraries, Steps: timedSteps, Warmup: warmSteps})
	if err != nil {
		return Cost{}, err
	}
	c := Cost{Views: d.views, Images: sets.Train.Len(), Runs: d.runs(),
		Steps: e.Train.Epochs * (sets.Train.Len() / e.Train.BatchSize),
		Step:  time.Duration(measured.MedianSeconds * float64(time.Second))}
	for _, f := range d.candidates {
		c.Families = append(c.Families, f.Name())
	}
	one := c.Step.Minutes() * float64(c.Steps) * (1 + evaluationShare)
	c.Minutes = one * math.Ceil(float64(c.Runs)/float64(jobs))
	return c, nil
}

// Text says the cost in words.
func (c Cost) Text(name string) string {
	took := fmt.Sprintf("about %.0f minutes", math.Ceil(c.Minutes))
	if c.Minutes <= 1 {
		took = "about a minute"
	}
	return fmt.Sprintf("%s: up to %d runs for %s, each %d steps on %d images, %d views of each; %s",
		name, c.Runs, strings.Join(c.Families, ", "), c.Steps, c.Images, c.Views, took)
}

// RunsIn is how many trials a time has room for.
func (c Cost) RunsIn(budget time.Duration) int {
	if c.Minutes <= 0 {
		return c.Runs
	}
	return int(budget.Minutes() / c.Minutes * float64(c.Runs))
}
