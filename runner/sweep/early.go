package sweep

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
	"ordo/runner/search"
	"ordo/runner/track"
)

// early says when trials stop before their end: the section early_terminate.
type early struct {
	Type   string `json:"type"`       // asha or median
	Min    int    `json:"min_epochs"` // the first epoch at whose end trials are compared; default 1
	Eta    int    `json:"eta,omitempty"`
	Every  int    `json:"every_epochs,omitempty"` // of median: epochs between comparisons; default Min
	Trials int    `json:"min_trials,omitempty"`   // of median: that are finished before one is stopped; default 5
}

// Rules of early_terminate.
const (
	ruleASHA   = "asha"
	ruleMedian = "median"
)

// maxRung bounds epochs of rungs, and what they are multiplied by.
const maxRung = 1_000_000

// early reads the section.
func (p *parser) early(n *yaml.Node) *early {
	e := &early{Min: 1}
	given := map[string]*yaml.Node{}
	p.keys("early_terminate", n, []string{"type", "min_epochs", "eta", "every_epochs", "min_trials"},
		func(key string, v *yaml.Node) { given[key] = v })
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return e
	}
	if given["type"] == nil {
		p.mistake(n.Line, "early_terminate: needs a type, as in {type: asha, min_epochs: 1, eta: 3}")
		return e
	}
	e.Type = p.text("early_terminate.type", given["type"])
	whole := func(key string, into *int, least, most int) {
		if v := given[key]; v != nil {
			p.whole("early_terminate."+key, v, into, least, most)
		}
	}
	whole("min_epochs", &e.Min, 1, maxRung)
	foreign := map[string][]string{ruleASHA: {"every_epochs", "min_trials"}, ruleMedian: {"eta"}}
	for _, key := range foreign[e.Type] {
		if v := given[key]; v != nil {
			p.mistake(v.Line, "early_terminate.%s: is not for %s", key, e.Type)
		}
	}
	switch e.Type {
	case ruleASHA:
		e.Eta = 3
		whole("eta", &e.Eta, 2, 100)
	case ruleMedian:
		e.Every, e.Trials = max(1, e.Min), 5
		whole("every_epochs", &e.Every, 1, maxRung)
		whole("min_trials", &e.Trials, 1, maxTrials)
	case "hyperband":
		p.mistake(given["type"].Line, "early_terminate.type: hyperband stops trials for good; write asha, which compares "+
			"them at the same epochs and lets the good ones go on, as in {type: asha, min_epochs: 3, eta: 3}")
	case "": // it is no text
	default:
		p.mistake(given["type"].Line, "early_terminate.type: must be %s or %s, got %q", ruleASHA, ruleMedian, e.Type)
	}
	return e
}

// next is the epoch behind which a trial is compared next, of a training of so many; its end, if there is none.
func (e *early) next(epoch, epochs int) int {
	if e.Type == ruleASHA {
		return search.Halving{Min: e.Min, Eta: e.Eta}.Next(epoch, epochs)
	}
	at := e.Min
	if epoch >= at {
		at += ((epoch-at)/e.Every + 1) * e.Every
	}
	return min(at, epochs)
}

// briefly are the numbers of evaluations between the epochs.
var briefly = []string{"knn", "order_accuracy", "order_spearman", "order_kendall", "knn_transformed"}

// How a number can be known before a training's end.
const (
	never       = iota
	trained     // of every epoch's steps
	betweenThem // by the evaluations between the epochs
)

// known says how a number of results is known before the end.
func known(path string) int {
	parts := strings.Split(path, ".")
	switch {
	case path == "loss" || parts[0] == "loss_terms":
		return trained
	case path == "knn_top1" || parts[0] == "order_accuracy":
		return betweenThem
	case parts[0] == "evaluation" && len(parts) > 2 && slices.Contains(briefly, parts[len(parts)-2]):
		return betweenThem
	}
	return never
}

// checkEarly refuses, before any trial has begun, comparisons of what isn't there.
func (p *Plan) checkEarly(file string) error {
	if p.early == nil {
		return nil
	}
	name := p.Metric.Name
	how := known(name)
	if how == never {
		return fault.New(fault.Config, "%s: early_terminate: %s is measured at a training's end only", file, name).
			Advise("let metric.name be one that evaluations between the epochs have, such as knn_top1 or " +
				"order_accuracy.FAMILY.OUTPUT, or loss")
	}
	compared := false
	var faults []error
	said := map[string]bool{}
	for _, t := range p.Trials {
		every := t.experiment.Eval.EveryEpochs
		for at := p.early.next(0, t.Training); at < t.Training; at = p.early.next(at, t.Training) {
			compared = true
			if how != betweenThem || every > 0 && at%every == 0 {
				continue
			}
			text := fmt.Sprintf("%s: early_terminate: trials are compared by %s after epoch %d, and eval.every_epochs is %d",
				file, name, at, every)
			if !said[text] {
				said[text] = true
				faults = append(faults, fault.New(fault.Config, "%s", text).
					Advise("set eval.every_epochs=%d in the base or among the parameters", p.early.Min))
			}
			break
		}
	}
	if !compared && len(p.Trials) > 0 {
		faults = append(faults, fault.New(fault.Config, "%s: early_terminate.min_epochs: no training has more than %d "+
			"epochs, so none is ever compared", file, p.early.Min).Advise("lower it, or raise train.epochs"))
	}
	return errors.Join(faults...)
}

// point is a number after an epoch.
type point struct {
	epoch int
	value float64
}

// course reads how a number of the trial went, by its evaluations or by the means of its epochs.
func (t Trial) course(dir, name string) ([]point, error) {
	h, err := track.ReadHistory(dir)
	if err != nil {
		return nil, err
	}
	var all []point
	add := func(epoch float64, r track.Result) error {
		numbers, err := r.Numbers()
		if x, ok := numbers[name]; ok && err == nil {
			all = append(all, point{int(math.Round(epoch)), x})
		}
		return err
	}
	if known(name) == betweenThem {
		for _, l := range h.Evals {
			var r track.Result
			r.SetEvaluation(l.Evaluation)
			if err := add(l.Epoch, r); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	from := 0
	for i, s := range h.Steps {
		if s.Epoch != math.Trunc(s.Epoch) {
			continue
		}
		var r track.Result
		r.Loss, r.LossTerms = track.History{Steps: h.Steps[:i+1]}.MeanLoss(i + 1 - from)
		if err := add(s.Epoch, r); err != nil {
			return nil, err
		}
		from = i + 1
	}
	return all, nil
}
