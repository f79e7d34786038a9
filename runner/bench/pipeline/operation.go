package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/models/fault"
)

// Names of the operations that are no transformation.
const (
	none = "none" // crop or resize, and normalise
	plan = "plan" // all views of the experiment
	all  = "all"  // every transformation and family that there is
)

// operation is something to time: views of a plan.
type operation struct {
	name  string
	plan  *augment.Plan
	views []int // those of the plan that are timed, in turn

	// What the others are told: the transformations of each view, as an experiment file has them, and normalisation.
	steps     [][]any
	mean, std [3]float64
}

// operations lists what is timed: none, each step and family of the experiment, those named besides (transformations,
// families or presets), and the plan.
func operations(o augment.Options, size int, names []string) ([]operation, error) {
	if slices.Contains(names, all) {
		names = slices.Concat(augment.TransformationNames(), augment.FamilyNames(), augment.PresetNames())
	}
	var ops []operation
	add := func(name string, one augment.Options) error {
		if slices.ContainsFunc(ops, func(op operation) bool { return op.name == name }) {
			return nil
		}
		op, err := newOperation(name, one, size)
		if err != nil {
			return err
		}
		ops = append(ops, op)
		return nil
	}
	alone := func(steps []augment.Transformation, families []augment.Family) augment.Options {
		one := augment.DefaultOptions()
		one.Mean, one.Std, one.Framing, one.BaseViews = o.Mean, o.Std, augment.FramingNone, 1
		one.Invariant, one.Ordered = steps, families
		return one
	}
	steps, err := invariant(o)
	if err != nil {
		return nil, err
	}
	if err := add(none, alone(nil, nil)); err != nil {
		return nil, err
	}
	for _, s := range steps {
		name := s.Name()
		if s.Family != nil {
			name = "random " + name // its scale is drawn for every view, as that of the ordered one
		}
		if err := add(name, alone([]augment.Transformation{always(s)}, nil)); err != nil {
			return nil, err
		}
	}
	for _, f := range o.Ordered {
		if err := add(f.Name(), alone(nil, []augment.Family{f})); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		one, err := named(name)
		if err != nil {
			return nil, err
		}
		whole := alone(one.Invariant, one.Ordered)
		if whole.Preset = one.Preset; one.Preset != "" {
			whole.BaseViews = 2
		}
		if err := add(name, whole); err != nil {
			return nil, err
		}
	}
	return ops, add(plan, o)
}

// invariant returns the steps of base views, those of a preset too.
func invariant(o augment.Options) ([]augment.Transformation, error) {
	if o.Preset == "" {
		return o.Invariant, nil
	}
	return augment.PresetTransformations(o.Preset)
}

// named has the transformation or family of this name, with its defaults, or the preset.
func named(name string) (augment.Options, error) {
	if slices.Contains(augment.PresetNames(), name) {
		return augment.Options{Preset: name}, nil
	}
	if s, err := augment.DefaultTransformation(name); err == nil {
		return augment.Options{Invariant: []augment.Transformation{always(s)}}, nil
	}
	f, err := augment.DefaultFamily(name)
	if err != nil {
		names := slices.Concat([]string{all}, augment.TransformationNames(), augment.FamilyNames(), augment.PresetNames())
		return augment.Options{}, fault.New(fault.Config, "no operation is called %q; there are %s", name,
			strings.Join(names, ", "))
	}
	return augment.Options{Ordered: []augment.Family{f}}, nil
}

// always returns the step as every view has it: with the probability 1, if it is left to chance.
func always(s augment.Transformation) augment.Transformation {
	s.Views = nil
	fields := reflect.ValueOf(&s).Elem()
	for i := range fields.NumField() {
		at := fields.Field(i)
		if at.Kind() != reflect.Pointer || at.IsNil() {
			continue
		}
		step := reflect.New(at.Type().Elem())
		step.Elem().Set(at.Elem())
		if p := step.Elem().FieldByName("P"); p.IsValid() && p.Kind() == reflect.Float64 {
			p.SetFloat(1)
		}
		at.Set(step)
	}
	return s
}

func newOperation(name string, o augment.Options, size int) (operation, error) {
	p, err := augment.NewPlan(o, size)
	if err != nil {
		return operation{}, fmt.Errorf("%s: %w", name, err)
	}
	op := operation{name: name, plan: p, mean: o.Mean, std: o.Std}
	steps, err := invariant(o)
	if err != nil {
		return operation{}, err
	}
	for _, f := range o.Ordered {
		if o.Roles[f.Name()] == augment.RoleInvariant {
			steps = append(slices.Clip(steps), augment.Transformation{Family: &f})
		}
	}
	families, err := generic(p.Families())
	if err != nil {
		return operation{}, err
	}
	for i, v := range p.Views() {
		if name != plan && len(families) > 0 && v.Family < 0 {
			continue // the operation is the family
		}
		number := 0 // which of the base views it is like
		if v.Family == augment.BaseView {
			number = v.Level % o.BaseViews
		}
		its := []augment.Transformation{}
		for _, s := range steps {
			if v.Family != augment.PlainView && (len(s.Views) == 0 || slices.Contains(s.Views, number)) {
				s.Views = nil
				its = append(its, s)
			}
		}
		described, err := generic(its)
		if err != nil {
			return operation{}, err
		}
		if v.Family >= 0 {
			described = append(described, families[v.Family])
		}
		op.views, op.steps = append(op.views, i), append(op.steps, described)
	}
	return op, nil
}

// generic returns a list as the YAML of an experiment has it.
func generic(list any) ([]any, error) {
	text, err := yaml.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("write the steps: %w", err)
	}
	var out []any
	if err := yaml.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("read the steps: %w", err)
	}
	return out, nil
}
