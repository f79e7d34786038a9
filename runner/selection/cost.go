package selection

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/forecast"
)

// Cost is what Run would train at most.
type Cost struct {
	Families []string      `json:"families"`
	Views    int           `json:"views"` // of an image, in every trial
	Images   int           `json:"images"`
	Runs     int           `json:"runs"`                  // the pilot and the joint cell among them
	Compare  int           `json:"comparators,omitempty"` // of these, for comparators alone
	Steps    int           `json:"steps"`                 // of a trial
	Step     time.Duration `json:"step_ns"`               // median
	Minutes  float64       `json:"minutes"`               // of all runs, as many at once as Options.Jobs says
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
	if err == nil && len(sets.Train.Classes()) < 2 && !o.Screens && !o.NoLabels {
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
	pace, err := forecast.Measure(ctx, e, libraries, sets.Train.Len())
	if err != nil {
		return Cost{}, err
	}
	c := Cost{Views: d.views, Images: sets.Train.Len(), Runs: d.runs(), Compare: d.extra(), Steps: pace.Steps,
		Step: pace.Step()}
	for _, f := range d.candidates {
		c.Families = append(c.Families, f.Name())
	}
	c.Minutes = pace.Minutes * math.Ceil(float64(c.Runs)/float64(jobs))
	return c, nil
}

// Text says the cost in words.
func (c Cost) Text(name string) string {
	families := strings.Join(c.Families, ", ")
	if c.Compare > 0 {
		families += fmt.Sprintf(" (%d of them for comparators alone)", c.Compare)
	}
	return fmt.Sprintf("%s: up to %d runs for %s, each %d steps on %d images, %d views of each; %s",
		name, c.Runs, families, c.Steps, c.Images, c.Views, forecast.Minutes(c.Minutes))
}

// RunsIn is how many trials a time has room for.
func (c Cost) RunsIn(budget time.Duration) int {
	if c.Minutes <= 0 {
		return c.Runs
	}
	return int(budget.Minutes() / c.Minutes * float64(c.Runs))
}
