package selection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"ordo/augment"
	"ordo/runner/config"
	"ordo/runner/eval"
)

// combination is the base with a choice of roles of all candidates.
type combination struct {
	name   string
	chosen map[string]string
	family int // of a runner-up; -1: the joint choice itself
	cell   int // in the table
	runs   []string
}

// mostRunners is how many runners-up are tried.
const mostRunners = 2

// compareJoint trains the base with the chosen roles and with the nearest runners-up, where they are none of the cells,
// and compares the choice with the base and the runners-up with the choice. A runner-up that is better for sure takes
// its place.
func (s *selection) compareJoint(ctx context.Context, r *Result, rounds int) error {
	r.Joint.Roles = map[string]string{}
	for _, f := range r.Families {
		r.Joint.Roles[f.Family] = f.Chosen()
	}
	if rounds == 0 || s.o.NoLabels {
		return nil
	}
	all := s.combinations(r)
	seen, cells := slices.Clone(s.seen), len(s.cells)
	for i := range all {
		c := &all[i]
		if c.cell = s.cellOf(c.chosen); c.cell >= 0 {
			for _, row := range s.rows {
				if row.cell == c.cell {
					c.runs = append(c.runs, row.folder)
				}
			}
			continue
		}
		if s.o.Runs > 0 && s.ended+rounds > s.o.Runs {
			r.Notes = append(r.Notes, "the runs were used up before all choices of roles could be tried together")
			all = all[:i]
			break
		}
		c.cell = cells
		cells++
		e, err := s.chosen(c.name, c.chosen)
		if err != nil {
			return err
		}
		e.Eval.AtEnd = eval.AtEndRoles
		if c.runs, err = s.everySeed(ctx, e, rounds); err != nil {
			return err
		}
		for k, folder := range c.runs {
			_, y, err := s.read(c.cell, k+1, folder)
			if err != nil {
				return err
			}
			seen = append(seen, observation{c.cell, k, y})
		}
	}
	r.Runs = s.ended
	if t, ok := fit(seen, cells, rounds); ok && len(all) > 0 {
		s.choose(r, t, all)
	}
	return nil
}

// combinations are the joint choice and its runners-up: the other roles of the verdicts that were not out, the nearest
// first.
func (s *selection) combinations(r *Result) []combination {
	all := []combination{{name: jointStage, chosen: r.Joint.Roles, family: -1}}
	type other struct {
		family int
		role   string
		off    float64
	}
	var others []other
	for i := range r.Families {
		f := &r.Families[i]
		for _, role := range roles {
			if f.Verdict != Undecided && role != f.Chosen() && !f.out(role) {
				others = append(others, other{i, role, math.Abs(f.difference(role, f.Chosen()).Value)})
			}
		}
	}
	slices.SortStableFunc(others, func(a, b other) int { return cmp.Compare(a.off, b.off) })
	for _, o := range others[:min(mostRunners, len(others))] {
		name := r.Families[o.family].Family
		chosen := maps.Clone(r.Joint.Roles)
		chosen[name] = o.role
		all = append(all, combination{name: jointStage + "-" + nameOf(name) + "-" + o.role, chosen: chosen, family: o.family})
	}
	return all
}

// choose compares the combinations that were tried.
func (s *selection) choose(r *Result, t twoWay, all []combination) {
	joint := all[0].cell
	r.Joint.Runs = all[0].runs
	best := 0
	for i, c := range all[1:] {
		name := s.candidates[c.family].Name()
		runner := Runner{Family: name, Role: c.chosen[name], Gain: t.difference(c.cell, joint), Runs: c.runs}
		r.Joint.Runners = append(r.Joint.Runners, runner)
		if runner.Gain.Low > 0 && t.cells[c.cell] > t.cells[all[best].cell] {
			best = i + 1
		}
	}
	if best > 0 {
		runner := r.Joint.Runners[best-1]
		r.Joint.Roles[runner.Family] = runner.Role
		r.Notes = append(r.Notes, fmt.Sprintf("together with the others, %s is better %s, and so it was chosen",
			runner.Family, runner.Role))
	}
	if all[best].cell == 0 {
		return // nothing was changed
	}
	gain := t.difference(all[best].cell, 0)
	r.Joint.Gain = &gain
	if gain.High < 0 {
		r.Notes = append(r.Notes, "the chosen roles together are worse than the base: they don't add up, take them one at "+
			"a time")
	}
}

// cellOf is the cell that has these roles, or -1.
func (d *design) cellOf(chosen map[string]string) int {
	base, changed, n := d.baseRoles(), 0, 0
	for i, c := range d.candidates {
		if chosen[c.Name()] != base[c.Name()] {
			changed = i
			n++
		}
	}
	switch n {
	case 0:
		return 0
	case 1:
		return d.of(changed, chosen[d.candidates[changed].Name()])
	}
	return -1
}

// chosen is the base with chosen roles, in as many views as the trials have: ordered families have fewer levels where
// they are many.
func (d *design) chosen(name string, chosen map[string]string) (config.Experiment, error) {
	p := *d
	p.candidates = slices.Clone(d.candidates)
	room, ordered := d.views-leastBase-d.reserved(), 0
	for _, c := range d.candidates {
		if chosen[c.Name()] == augment.RoleOrdered {
			ordered++
		}
	}
	needed := 0
	for i := range p.candidates {
		c := &p.candidates[i]
		if chosen[c.Name()] == augment.RoleOrdered {
			c.Levels = min(c.Levels, max(1, room/ordered))
			needed += c.Levels
		}
	}
	p.views += max(0, needed-room)
	return p.with(name, chosen, d.everyone())
}

// everySeed trains an experiment with all seeds, as many at once as trials may be.
func (s *selection) everySeed(ctx context.Context, e config.Experiment, seeds int) ([]string, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	folders, errs := make([]string, seeds), make([]error, seeds)
	running := make(chan struct{}, s.o.Jobs)
	var all sync.WaitGroup
	for i := range seeds {
		running <- struct{}{}
		all.Go(func() {
			defer func() { <-running }()
			if ctx.Err() != nil {
				return
			}
			found, err := s.sweep(ctx, fmt.Sprintf("%s-%d", e.Name, i+1), i+1, []config.Experiment{e})
			if errs[i] = err; err != nil {
				stop(err)
				return
			}
			folders[i] = found[0]
		})
	}
	all.Wait()
	return folders, errors.Join(errs...)
}
