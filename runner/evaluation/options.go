package evaluation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/config"
	"ordo/runner/data"
)

// Options say what to evaluate, and how.
type Options struct {
	Library    string            // the file of ONNX Runtime's library
	Target     Target            // whose encoder it is
	Against    *Target           // another to compare with, nil: none
	Experiment config.Experiment // its data, augment and eval sections say what is shown and measured
	Name       string            // of the evaluation
	Version    string            // of ordo, for the record
	Threads    int               // ONNX Runtime's; 0 is one a core
	Splits     *data.Splits      // the images, if they are open already; nil: they are opened
	// Outputs are the encoder's that are measured; nil: features and embedding, or where there are no features all.
	Outputs []string
	// Input is what the user says of how the encoder takes images, before what its file says.
	Input models.InputOptions
	// Brief leaves kNN, and of every family the order of distances and kNN on transformed images.
	Brief bool
	// Alone leaves out the references.
	Alone bool
	// Progress hears how many views are encoded, after every batch. May be nil.
	Progress func(done, total int)
	Watch    data.Watch // hears how the images are read, and what is to be said of the evaluation
}

// protocolVersion changes when the same settings give other numbers.
const protocolVersion = 1

// settings is the hash of all that decides the numbers beside the encoder and the data.
func (o Options) settings(families []family, in *models.Input) (string, error) {
	e := o.Experiment
	e.Eval.AtEnd, e.Eval.EveryEpochs = "", 0 // when is all that they say
	names := make([]augment.Family, len(families))
	for i, f := range families {
		names[i] = f.Family
	}
	all := map[string]any{"version": protocolVersion, "eval": e.Eval, "outputs": o.Outputs}
	if in != nil {
		all["families"], all["framing"], all["input"] = names, e.Augment.Framing, in
		all["mean"], all["std"] = e.Augment.Mean, e.Augment.Std
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("evaluation: hash of the settings: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:10], nil
}

// family is a family that is evaluated, and the role that it has in the experiment.
type family struct {
	augment.Family
	role string // "": none
}

// families are those that an experiment names in any role, each once, and those that its eval section adds.
func families(e config.Experiment) ([]family, error) {
	var list []family
	seen := map[string]bool{}
	add := func(f augment.Family, role string) {
		if !seen[f.Name()] {
			seen[f.Name()] = true
			f.Levels, f.Sampling, f.Signed = 1, "", false // of no meaning here, but a plan asks for a level
			list = append(list, family{f, role})
		}
	}
	for _, f := range e.Augment.Ordered {
		role, ok := e.Augment.Roles[f.Name()]
		if !ok {
			role = augment.RoleOrdered
		}
		add(f, role)
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

func interrupted() error {
	return fault.New(fault.Interrupted, "interrupted in the evaluation: nothing was written")
}
