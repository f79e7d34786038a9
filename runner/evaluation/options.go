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
	"ordo/runner/target"
)

// Options say what to evaluate, and how.
type Options struct {
	Library    string            // the file of ONNX Runtime's library
	OneDNN     string            // oneDNN's, for ordo's operators; "": none
	Target     target.Target     // whose encoder it is
	Against    *target.Target    // another to compare with, nil: none
	Experiment config.Experiment // its data, augment and eval sections say what is shown and measured
	Name       string            // of the evaluation
	Version    string            // of ordo, for the record
	Threads    int               // ONNX Runtime's; 0 is one a core
	Splits     *data.Splits      // the images, if they are open already; nil: they are opened
	// Outputs are the encoder's that are measured; nil: features and embedding, or where there are no features all.
	Outputs []string
	// Input is what the user says of how the encoder takes images, before what its file says.
	Input models.InputOptions
	// Extent is how much is measured, one of the values of eval.Options.AtEnd; "" is full.
	Extent string
	// Alone leaves out the references.
	Alone bool
	// Progress hears how many views are encoded, after every batch. May be nil.
	Progress func(done, total int)
	Watch    data.Watch // hears how the images are read, and what is to be said of the evaluation
}

// protocolVersion changes when the same settings give other numbers.
const protocolVersion = 1

// settings is the hash of all that decides the numbers beside the encoder and the data.
func (o Options) settings(families []config.Family, in *models.Input) (string, error) {
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

func interrupted() error {
	return fault.New(fault.Interrupted, "interrupted in the evaluation: nothing was written")
}
