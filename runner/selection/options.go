package selection

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
)

// Options say what is asked, and how it is found out.
type Options struct {
	// Base is the experiment around which roles are changed, one family at a time.
	Base config.Experiment
	// Families are the candidates; empty: all entries of augment.ordered. One that the base doesn't list joins it as
	// strong as it is by default, absent.
	Families []string
	Seeds    int // rounds, in [2, 100]; default 3
	// Screens trains the pilot only: no trials, no verdicts. It is all that there is for images without labels.
	Screens bool
	// Fast trains the pilot only, too, and decides by its screen forgetting: invariant, keep (not invariant) or undecided.
	Fast bool
	// NoLabels doesn't look at labels: trials have the numbers that need none, and no verdict (package documentation).
	NoLabels bool
	// Range asks also up to which strength invariance costs nothing: at a quarter and at half of every candidate's max.
	Range bool
	// Compare asks also what others' ways to choose would have said (package documentation): two runs more a family.
	Compare bool
	Margin  float64 // a difference in outcome that doesn't matter, in [0, 1); default 0.005
	// Runs bounds how many trials are trained, the pilot among them; 0: as many as it takes. Rounds that don't fit are
	// left out.
	Runs int
	// Budget is what the user said in place of Runs, such as a time; a part of the question.
	Budget string
	Dir    string // the folder; "": runs/select-NAME-HASH
	Jobs   int    // trials at once; 0: one a core, 16 at most
	// Command is what `ordo run` is: the program and its first arguments.
	Command []string
	Environ []string // of the trials
	// Progress hears of every trial that starts or ends, by one goroutine at a time. May be nil.
	Progress func(Event)
}

// Defaults of Options.
const (
	DefaultSeeds  = 3
	DefaultMargin = 0.005

	// MinSeeds and MaxSeeds are the range of Options.Seeds.
	MinSeeds = 2
	MaxSeeds = 100
)

// defaultBase is the experiment for images of which nothing is known.
//
//go:embed default.yaml
var defaultBase []byte

// DefaultBase is the base for a set of images of which nothing is known, with overrides KEY=VALUE and an environment as
// in config.Load.
func DefaultBase(overrides, environ []string) (config.Experiment, error) {
	return config.Parse("select.yaml", defaultBase, overrides, environ)
}

// candidate is a family whose role is asked for.
type candidate struct {
	augment.Family
	role string // in the base
}

// pilotOnly says whether there are no trials.
func (o Options) pilotOnly() bool { return o.Screens || o.Fast }

// check returns all faults of the options, of kind fault.Config.
func (o Options) check() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.Seeds < MinSeeds || o.Seeds > MaxSeeds {
		add("seeds must be in [%d, %d], got %d", MinSeeds, MaxSeeds, o.Seeds)
	}
	if !(o.Margin >= 0 && o.Margin < 1) {
		add("the margin must be in [0, 1), got %v", o.Margin)
	}
	if o.Base.Data.Fold != 0 {
		add("data.fold: the selection holds a fold out for every seed, leave it out of the experiment")
	}
	if o.Base.Loss.Order.Kind == loss.KindNone {
		add("loss.order.kind: is none, so that no family would be ordered; take one of the others")
	}
	if o.Compare && (o.pilotOnly() || o.NoLabels) {
		add("comparators are held against trials' accuracy, and there is none with the pilot alone or without labels; " +
			"keep one of the two")
	}
	if o.NoLabels && (o.Fast || o.Range) {
		add("the fast way and ranges need labels; keep one of the two")
	}
	return fault.Wrap(fault.Config, errors.Join(faults...))
}

// Candidates names the families that are asked for, and all others that the base lists: what a verdict can be on.
func (o Options) Candidates() ([]string, error) {
	list, err := o.candidates()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range slices.Concat(list, o.others(list)) {
		names = append(names, c.Name())
	}
	return names, nil
}

// candidates lists the candidates with their roles in the base.
func (o Options) candidates() ([]candidate, error) {
	var all []candidate
	listed := map[string]bool{}
	for _, f := range o.Base.Augment.Ordered {
		listed[f.Name()] = true
		if len(o.Families) > 0 && !slices.Contains(o.Families, f.Name()) {
			continue
		}
		all = append(all, candidate{f, o.Base.Augment.Role(f)})
	}
	for _, t := range o.Base.Augment.Invariant {
		if t.Family == nil || listed[t.Family.Name()] || !slices.Contains(o.Families, t.Family.Name()) {
			continue
		}
		f := *t.Family
		f.Levels = defaultLevels
		listed[f.Name()] = true
		all = append(all, candidate{f, augment.RoleInvariant})
	}
	for _, name := range o.Families {
		if listed[name] {
			continue
		}
		f, err := augment.DefaultFamily(name)
		if err != nil {
			return nil, fault.Wrap(fault.Config, err)
		}
		listed[name] = true
		all = append(all, candidate{f, augment.RoleAbsent})
	}
	if len(all) == 0 {
		return nil, fault.New(fault.Config, "%s lists no family in augment.ordered, so there is no candidate", o.Base.Name).
			Advise("name families, or add entries to augment.ordered")
	}
	return all, nil
}

// defaultLevels are the ordered views of a candidate that the base has as invariant only.
const defaultLevels = 3

// others are entries of augment.ordered that are no candidates, and keep their roles.
func (o Options) others(candidates []candidate) []candidate {
	var all []candidate
	for _, f := range o.Base.Augment.Ordered {
		if !slices.ContainsFunc(candidates, func(c candidate) bool { return c.Name() == f.Name() }) {
			all = append(all, candidate{f, o.Base.Augment.Role(f)})
		}
	}
	return all
}

// fold is the fold that a seed holds out.
func fold(seed int) int { return 1 + (seed-1)%data.Folds }

// nameOf makes a family's name part of a file's.
func nameOf(family string) string { return strings.ReplaceAll(family, augment.JointSeparator, "_") }
