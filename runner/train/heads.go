package train

import (
	"errors"
	"maps"
	"slices"

	"ordo/loss"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/graph"
	"ordo/models/heads"
	"ordo/runner/config"
)

// Sizes of the heads that neededHeads makes.
const (
	pairHidden  = 512
	maxHidden   = 2048
	orderHidden = 128
	orderSize   = 32
)

// neededHeads gives a head for every output that a loss looks at and that no model has by itself, as the package's
// documentation lists them. columns are those of the model's own outputs.
func neededHeads(needs []loss.Need, columns map[string]int) []heads.Head {
	var list []heads.Head
	features, embedding := columns[models.Features], columns[models.Embedding]
	for _, n := range needs {
		h := heads.Default()
		h.Name = n.Output
		switch n.Kind {
		case loss.NeedPredictor:
			h.Name, h.Output, h.Input = heads.Predictor, n.Output, graph.Embedding
			h.Layers = []int{min(4*embedding, maxHidden), embedding}
		case loss.NeedClassifier:
			hidden := min(4*features, maxHidden)
			h.Layers = []int{hidden, hidden, n.Dim}
		case loss.NeedPair:
			h.Kind, h.Layers = heads.Pair, []int{pairHidden, pairHidden, n.Dim}
		case loss.NeedConditioned:
			h.Kind, h.Input, h.Layers = heads.Conditioned, graph.Embedding, []int{embedding}
		case loss.NeedOwn:
			h.Layers = []int{orderHidden, orderSize}
		case loss.NeedLinear:
			h.Layers = []int{n.Dim}
		default:
			continue
		}
		list = append(list, h)
	}
	return list
}

// batchOf says to the heads what the batches are made of.
func batchOf(v loss.Views) (heads.Batch, error) {
	b := heads.Batch{Views: len(v.Family), Draws: len(v.DrawNames)}
	for i, f := range v.Family {
		switch f {
		case loss.BaseView:
			if b.BaseViews++; b.BaseViews != i+1 {
				return b, errors.New("train: a base view stands behind others")
			}
		case loss.PlainView:
			b.PlainView = i
		}
	}
	return b, nil
}

// completeModel opens an experiment's model, with all heads that its loss needs. What doesn't fit is a fault of the
// experiment.
func completeModel(e config.Experiment, needs []loss.Need, v loss.Views) (*models.Model, error) {
	m, err := models.Open(e.Model, e.Data.ImageSize)
	if err != nil {
		return nil, err
	}
	batch, err := batchOf(v)
	if err != nil {
		return nil, err
	}
	columns := maps.Clone(m.Columns())
	needed := neededHeads(needs, columns)
	list := e.Model.With(needed, batch).Heads
	for i, h := range list {
		if h.Kind == heads.Conditioned && (batch.Draws == 0 || batch.PlainView == 0) {
			return nil, fault.New(fault.Config,
				"model.heads[%d]: a head of kind %s needs augment.plain_view and transformations that draw something", i, h.Kind)
		}
		if e.Model.Artifacts == "" {
			columns[h.Resolved().Output] = h.Layers[len(h.Layers)-1]
		}
	}
	for _, n := range needs {
		if err := fits(list, n, needed, columns); err != nil {
			return nil, err
		}
	}
	return m, m.SetHeads(list)
}

// fits checks the output that a need asks for, if the model has it: its columns and the kind of its head.
func fits(list []heads.Head, n loss.Need, needed []heads.Head, columns map[string]int) error {
	gives := func(h heads.Head) bool { return h.Resolved().Output == n.Output }
	want := n.Dim
	if k := slices.IndexFunc(needed, gives); k >= 0 && n.Kind != loss.NeedOwn {
		want = needed[k].Layers[len(needed[k].Layers)-1]
	}
	if got := columns[n.Output]; want != 0 && got != 0 && got != want {
		return fault.New(fault.Config, "model: the output %s must have %d numbers for this loss, it has %d",
			n.Output, want, got)
	}
	own := slices.IndexFunc(list, gives)
	if kind := kindOf(n.Kind); own >= 0 && list[own].Resolved().Kind != kind {
		return fault.New(fault.Config, "model.heads[%d].kind: the output %s must be of a head of kind %s for this loss",
			own, n.Output, orPerceptron(kind))
	}
	return nil
}

// kindOf is the kind of head that gives an output, resolved.
func kindOf(k loss.NeedKind) string {
	switch k {
	case loss.NeedPair:
		return heads.Pair
	case loss.NeedConditioned:
		return heads.Conditioned
	default:
		return ""
	}
}

func orPerceptron(kind string) string {
	if kind == "" {
		return heads.Perceptron
	}
	return kind
}
