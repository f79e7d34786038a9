package artifacts

import (
	"slices"

	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/roles"
)

// State says what training does with a stored tensor.
type State string

// The states.
const (
	Trained  State = "trained"
	Frozen   State = "frozen"   // it could be trained
	Kept     State = "kept"     // a running statistic, which the forward pass updates
	Constant State = "constant" // no parameter
)

// Tensor is a float32 tensor that the forward graph stores, and what becomes of it.
type Tensor struct {
	Name  string     `json:"name"`
	Shape []int64    `json:"shape"`
	State State      `json:"state"`
	Kind  roles.Kind `json:"kind"`
	Op    string     `json:"op"` // where it is used
	Why   string     `json:"why"`
}

// assignRoles decides which stored tensors are parameters, and makes initializers of them all.
func (p *preparation) assignRoles() error {
	if err := p.untie(); err != nil {
		return err
	}
	p.roles = roles.Of(p.m)
	var names []string
	for _, r := range p.roles {
		names = append(names, r.Tensor.GetName())
	}
	train, err := patternList{"train", p.o.Train}.matches(names)
	if err != nil {
		return err
	}
	freeze, err := patternList{"freeze", p.o.Freeze}.matches(names)
	if err != nil {
		return err
	}
	p.byPattern = map[string]string{}
	for _, r := range p.roles {
		name := r.Tensor.GetName()
		switch {
		case train[name] && r.Kind.Statistic():
			if slices.Contains(p.o.Train, name) {
				return fault.New(fault.Config, "train: %q is a running statistic of a batch norm, which the forward pass "+
					"keeps and no gradient comes to", name).Advise("leave it out")
			}
		case train[name]:
			p.byPattern[name] = "train"
		case freeze[name]:
			p.byPattern[name] = "freeze"
		}
		if !r.Kind.Trained() && !r.Kind.Statistic() && p.byPattern[name] != "train" {
			continue
		}
		p.parameters = append(p.parameters, name)
		if p.byPattern[name] == "freeze" {
			p.frozen = append(p.frozen, name)
		}
	}
	roles.Hoist(p.m, func(name string) bool { return slices.Contains(p.parameters, name) })
	return nil
}

// untie takes apart what an exporter has merged.
func (p *preparation) untie() error {
	list := roles.Of(p.m)
	var names []string
	for _, r := range list {
		names = append(names, r.Tensor.GetName())
	}
	keep, err := patternList{"keep_tied", p.o.KeepTied}.matches(names)
	if err != nil {
		return err
	}
	p.untied = roles.Untie(p.m, list, func(name string) bool { return keep[name] })
	return nil
}

// tensors says what became of all stored tensors; parameters are those of the artifacts.
func (p *preparation) tensors(parameters []graph.Parameter) []Tensor {
	trained := map[string]bool{}
	for _, q := range parameters {
		trained[q.Name] = q.Trainable
	}
	var list []Tensor
	for _, r := range p.roles {
		t := Tensor{
			Name: r.Tensor.GetName(), Shape: append([]int64{}, r.Tensor.GetDims()...), State: Constant, Kind: r.Kind,
			Op: r.Op, Why: r.Kind.Why(),
		}
		by := p.byPattern[t.Name]
		switch {
		case trained[t.Name]:
			t.State = Trained
		case r.Kind.Statistic():
			t.State = Kept
		case slices.Contains(p.parameters, t.Name):
			t.State = Frozen
		}
		switch {
		case by == "train" || by == "freeze" && t.State == Frozen:
			t.Why = "named by " + by
		case t.State == Frozen:
			t.Why = "no gradient comes to it"
		}
		list = append(list, t)
	}
	return list
}
