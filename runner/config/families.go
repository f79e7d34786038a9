package config

import (
	"ordo/augment"
	"ordo/models/fault"
)

// Family is a family that an experiment's evaluation measures, and the role that it has there.
type Family struct {
	augment.Family
	Role string // "": none
}

// Families are those that the experiment names in any role, each once, and those that its eval section adds.
func (e Experiment) Families() ([]Family, error) {
	var list []Family
	seen := map[string]bool{}
	add := func(f augment.Family, role string) {
		if !seen[f.Name()] {
			seen[f.Name()] = true
			f.Levels, f.Sampling, f.Signed = 1, "", false // of no meaning here, but a plan asks for a level
			list = append(list, Family{f, role})
		}
	}
	for _, f := range e.Augment.Ordered {
		add(f, e.Augment.Role(f))
	}
	invariant := e.Augment.Invariant
	if e.Augment.Preset != "" {
		var err error
		if invariant, err = augment.PresetTransformations(e.Augment.Preset); err != nil {
			return nil, fault.Wrap(fault.Config, err)
		}
	}
	for _, t := range invariant {
		if t.Family != nil {
			add(*t.Family, augment.RoleInvariant)
		}
	}
	for _, name := range e.Eval.FamilyList() {
		f, err := augment.DefaultFamily(name)
		if err != nil {
			return nil, fault.Wrap(fault.Config, err)
		}
		add(f, "")
	}
	return list, nil
}

// FamilyNames are the names of Families.
func (e Experiment) FamilyNames() ([]string, error) {
	list, err := e.Families()
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name()
	}
	return names, err
}
