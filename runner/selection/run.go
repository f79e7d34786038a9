package selection

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/google/renameio/v2"

	"ordo/augment"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/runner/config"
	"ordo/runner/sweep"
	"ordo/runner/track"
)

// Event is something that happened to a trial.
type Event struct {
	Stage   string // pilot, seed-1, …, joint
	Trial   string // of a cell: base, hue-invariant
	Status  string // as in package sweep
	Outcome *float64
	Ended   int // trials that are finished by now, those of earlier calls included
	Total   int // as many as there may be
	Failed  sweep.Failure
	Log     string // the log's path
}

// early is the p below which a family's later rounds are left out.
const early = 0.001

// The files of a folder.
const (
	planFile     = "plan.json"
	filesDir     = "files"
	resultFile   = "select.json"
	pageFile     = "select.html"
	selectedFile = "selected.yaml"
	pilotStage   = "pilot"
	jointStage   = "joint"
)

// plan is plan.json: what was asked.
type plan struct {
	Base   string   `json:"base"` // the resolved experiment's text
	Asked  []string `json:"families"`
	Seeds  int      `json:"seeds"`
	Only   bool     `json:"screens_only,omitempty"`
	Range  bool     `json:"range,omitempty"`
	Others bool     `json:"comparators,omitempty"`
	Fast   bool     `json:"fast,omitempty"`
	Blind  bool     `json:"without_labels,omitempty"`
	Margin float64  `json:"margin"`
	Budget string   `json:"budget,omitempty"`
	Runs   int      `json:"runs,omitempty"` // that the budget has room for, as it was measured once
}

// selection is the state of one call of Run.
type selection struct {
	*design
	dir  string
	seen []observation
	rows []trial

	mu    sync.Mutex
	ended int // trials, over all stages
}

// trial is a finished one.
type trial struct {
	cell, seed int
	folder     string
	numbers    map[string]float64 // of its evaluation
}

// mostJobs is how many trials run at once where the user leaves it open.
const mostJobs = 16

func (o Options) jobs() int {
	if o.Jobs > 0 {
		return o.Jobs
	}
	return min(runtime.GOMAXPROCS(0), mostJobs)
}

// threads are those of a trial, which shares the cores with others.
func threads(e config.Experiment, jobs int) int {
	if jobs == 1 || e.Model.Threads > 0 {
		return e.Model.Threads
	}
	return max(1, runtime.GOMAXPROCS(0)/jobs)
}

// runs is how many trials there may be.
func (d *design) runs() int {
	if d.o.pilotOnly() {
		return 1
	}
	n := 1 + d.o.Seeds*(len(d.cells)+len(d.ranges())+1+mostRunners) + d.extra()
	if d.o.NoLabels { // no joint choice
		n = 1 + d.o.Seeds*len(d.cells)
	}
	if d.o.Runs > 0 {
		n = min(n, d.o.Runs)
	}
	return n
}

// extra is how many runs there may be for comparators alone.
func (d *design) extra() int {
	if !d.o.Compare {
		return 0
	}
	return 2 * len(d.candidates)
}

// Folder is where the answer to a question goes by default: runs/select-NAME-HASH.
func Folder(o Options) (string, error) {
	p, err := o.plan()
	if err != nil {
		return "", err
	}
	p.Runs = 0 // the budget says it
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("selection: hash: %w", err)
	}
	sum := sha256.Sum256(text)
	return filepath.Join("runs", "select-"+o.Base.Name+"-"+hex.EncodeToString(sum[:])[:10]), nil
}

func (o Options) plan() (plan, error) {
	text, err := o.Base.YAML()
	return plan{Base: string(text), Asked: o.Families, Seeds: o.Seeds, Only: o.Screens, Range: o.Range, Others: o.Compare,
		Fast: o.Fast, Blind: o.NoLabels, Margin: o.Margin, Budget: o.Budget, Runs: o.Runs}, err
}

// Run trains what isn't trained yet, and writes the answer into the folder. When it is interrupted, or trials fail, the
// same call goes on.
func Run(ctx context.Context, o Options) (Result, error) {
	d, err := newDesign(o)
	if err != nil {
		return Result{}, err
	}
	s := &selection{design: d, dir: o.Dir}
	if s.dir == "" {
		if s.dir, err = Folder(o); err != nil {
			return Result{}, err
		}
	}
	s.o.Jobs = s.o.jobs()
	if err := s.freeze(); err != nil {
		return Result{}, err
	}
	pilot, err := s.pilotRun(ctx)
	if err != nil {
		return Result{}, err
	}
	rounds, err := s.rounds(ctx)
	if err != nil {
		return Result{}, err
	}
	ranged, err := s.weaker(ctx, rounds)
	if err != nil {
		return Result{}, err
	}
	r, err := s.judge(pilot, rounds)
	if err != nil {
		return r, err
	}
	if !ranged {
		r.Notes = append(r.Notes, "the runs were used up before weaker invariance could be tried")
	}
	if err := s.compareJoint(ctx, &r, rounds); err != nil {
		return r, err
	}
	if err := s.compare(ctx, &r, rounds); err != nil {
		return r, err
	}
	return r, s.write(ctx, &r)
}

// Frozen returns how many runs a folder's question has room for, if it was asked with this budget; else 0.
func Frozen(dir, budget string) int {
	var was plan
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil || json.Unmarshal(text, &was) != nil || was.Budget != budget {
		return 0
	}
	return was.Runs
}

// freeze writes the question into a folder that has none, and refuses a folder with another one.
func (s *selection) freeze() error {
	p, err := s.o.plan()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("selection: write %s: %w", planFile, err)
	}
	file := filepath.Join(s.dir, planFile)
	was, err := os.ReadFile(file)
	switch {
	case err == nil && string(was) == string(text)+"\n":
		return nil
	case err == nil:
		return fault.New(fault.Other, "%s holds the answer to another question", s.dir).With(fault.OtherFolder{})
	case !errors.Is(err, fs.ErrNotExist):
		return fault.Reading(fault.Other, file, err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Reading(fault.Other, s.dir, err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.Name() != filesDir {
			return fault.New(fault.Other, "%s holds %s and no selection", s.dir, e.Name()).With(fault.OtherFolder{})
		}
	}
	if err := os.MkdirAll(filepath.Join(s.dir, filesDir), 0o755); err != nil {
		return fault.Writing(s.dir, err)
	}
	return s.put(planFile, append(text, '\n'))
}

// put writes a file of the folder, whole or not at all.
func (s *selection) put(name string, text []byte) error {
	file := filepath.Join(s.dir, name)
	if err := renameio.WriteFile(file, text, 0o644, renameio.WithTempDir(filepath.Dir(file))); err != nil {
		return fault.Writing(file, err)
	}
	return nil
}

// store writes an experiment's file, unless it is there.
func (s *selection) store(e config.Experiment) (string, error) {
	name := e.Name + ".yaml"
	text, err := e.YAML()
	if err != nil {
		return "", err
	}
	if was, err := os.ReadFile(filepath.Join(s.dir, filesDir, name)); err == nil && string(was) == string(text) {
		return name, nil
	}
	return name, s.put(filepath.Join(filesDir, name), text)
}

// sweep trains experiments with one seed, and returns their folders in the same order.
func (s *selection) sweep(ctx context.Context, stage string, seed int, all []config.Experiment) ([]string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "# A round of `ordo select`.\nname: %s\nbase:\n", stage)
	for _, e := range all {
		e.Model.Threads = threads(e, s.o.Jobs)
		name, err := s.store(e)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "  - %s\n", name)
	}
	fmt.Fprintf(&text, "method: grid\nparameters:\n  seed: {value: %d}\n  data.fold: {value: %d}\n", seed, fold(seed))
	file := filepath.Join(filesDir, "sweep-"+stage+".yaml")
	if err := s.put(file, []byte(text.String())); err != nil {
		return nil, err
	}
	environ := config.WithoutKeys(s.o.Environ) // the base has what they say
	p, err := sweep.NewPlan(filepath.Join(s.dir, file), nil, environ)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, stage)
	ended := 0
	count := func(now int) {
		s.ended += now - ended
		ended = now
	}
	_, err = p.Run(ctx, sweep.Options{
		Dir: dir, Jobs: min(s.o.Jobs, len(all)), Command: s.o.Command, Environ: environ,
		Progress: func(e sweep.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			count(e.Ended)
			s.tell(stage, e)
		},
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	count(len(p.Trials)) // those of earlier calls, too
	s.mu.Unlock()
	var folders []string
	for _, t := range p.Trials {
		folders = append(folders, filepath.Join(stage, t.Folder))
	}
	if len(folders) != len(all) {
		return nil, fmt.Errorf("selection: %d trials of %d experiments", len(folders), len(all))
	}
	return folders, nil
}

// tell reports an event. The caller holds mu.
func (s *selection) tell(stage string, e sweep.Event) {
	if s.o.Progress == nil {
		return
	}
	told := Event{Stage: stage, Trial: cmp.Or(strings.TrimSuffix(e.Trial.Base, ".yaml"), stage), Status: e.Status,
		Ended: s.ended, Total: s.runs(), Failed: e.Failed, Log: e.Log}
	if e.Status == sweep.Finished {
		x, ok := outcome(func(name string) (float64, bool) { x, ok := e.Numbers["evaluation."+name]; return x, ok })
		if ok && !s.o.NoLabels {
			told.Outcome = &x
		}
	}
	s.o.Progress(told)
}

// outcome is what trials are compared by: the mean of kNN's and the probe's accuracy on the features.
func outcome(number func(name string) (float64, bool)) (float64, bool) {
	knn, ok := number("knn." + graph.Features)
	probe, also := number("probe." + graph.Features)
	return (knn + probe) / 2, ok && also
}

// pilotRun trains the pilot.
func (s *selection) pilotRun(ctx context.Context) (folder string, err error) {
	e, err := s.pilot()
	if err != nil {
		return "", err
	}
	folders, err := s.sweep(ctx, pilotStage, 1, []config.Experiment{e})
	if err != nil {
		return "", err
	}
	return folders[0], nil
}

// rounds trains a round a seed, and returns how many there were.
func (s *selection) rounds(ctx context.Context) (int, error) {
	if s.o.pilotOnly() {
		return 0, nil
	}
	open := make([]int, len(s.candidates))
	for i := range open {
		open[i] = i
	}
	for seed := 1; seed <= s.o.Seeds; seed++ {
		cells := []int{0}
		for c := range s.cells {
			if slices.Contains(open, s.cells[c].family) {
				cells = append(cells, c)
			}
		}
		// The joint choice is still to be tried, with as many seeds as there are rounds.
		if len(open) == 0 || s.o.Runs > 0 && s.ended+len(cells)+seed > s.o.Runs {
			return seed - 1, nil
		}
		if err := s.round(ctx, fmt.Sprintf("seed-%d", seed), seed, cells); err != nil {
			return 0, err
		}
		if t, ok := fit(s.seen, len(s.cells), seed); ok && !s.o.NoLabels {
			open = slices.DeleteFunc(open, func(f int) bool { return s.test(t, f) < early })
		}
	}
	return s.o.Seeds, nil
}

// test is the p of a family's roles' being one.
func (d *design) test(t twoWay, family int) float64 {
	return t.test(d.of(family, augment.RoleAbsent), d.of(family, augment.RoleInvariant), d.of(family, augment.RoleOrdered))
}

// weaker trains the cells of weaker invariance with as many seeds as there were rounds; ok is false where there were
// too few runs left.
func (s *selection) weaker(ctx context.Context, rounds int) (ok bool, err error) {
	more := s.ranges()
	if len(more) == 0 || rounds == 0 {
		return true, nil
	}
	if s.o.Runs > 0 && s.ended+rounds*len(more) > s.o.Runs {
		return false, nil
	}
	var cells []int
	for _, c := range more {
		cells = append(cells, len(s.cells))
		s.cells = append(s.cells, c)
	}
	for seed := 1; seed <= rounds; seed++ {
		if err := s.round(ctx, fmt.Sprintf("range-%d", seed), seed, cells); err != nil {
			return false, err
		}
	}
	return true, nil
}

// round trains cells with a seed and takes their outcomes.
func (s *selection) round(ctx context.Context, stage string, seed int, cells []int) error {
	var all []config.Experiment
	for _, c := range cells {
		e, err := s.experiment(s.cells[c])
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	folders, err := s.sweep(ctx, stage, seed, all)
	if err != nil {
		return err
	}
	for i, c := range cells {
		t, y, err := s.read(c, seed, folders[i])
		if err != nil {
			return err
		}
		s.rows = append(s.rows, t)
		s.seen = append(s.seen, observation{c, seed - 1, y})
	}
	return nil
}

// read reads a trial's numbers and its outcome.
func (s *selection) read(cell, seed int, folder string) (trial, float64, error) {
	r, err := track.ReadResult(filepath.Join(s.dir, folder))
	if err != nil {
		return trial{}, 0, err
	}
	y, ok := outcome(func(name string) (float64, bool) { x, ok := r.Metrics[name]; return x, ok })
	if s.o.NoLabels {
		return trial{cell, seed, folder, r.Metrics}, 0, nil
	}
	if !ok {
		return trial{}, 0, fault.New(fault.Data, "the images have no labels of two classes or more, and trials are compared "+
			"by how well features tell classes").Advise("name images with labels")
	}
	return trial{cell, seed, folder, r.Metrics}, y, nil
}
