package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"ordo/augment"
	"ordo/models/fault"
)

// Folds is how many folds Options.Fold chooses from: each puts a fifth of the training images aside.
const Folds = 5

// labelled is what fold asks of a set or a dataset.
type labelled interface {
	Len() int
	Label(i int) int
}

// fold returns the items that a fold keeps for training and those that it puts aside, both in the set's order: of every
// class, and of the images without one, the fold-th of five blocks of neighbours. A class of fewer images than folds
// has nothing aside in some of them.
func fold(set labelled, fold int) (train, aside []int) {
	sizes, seen := map[int]int{}, map[int]int{}
	for i := range set.Len() {
		sizes[set.Label(i)]++
	}
	for i := range set.Len() {
		label := set.Label(i)
		at, n := seen[label], sizes[label]
		seen[label]++
		if at >= n*(fold-1)/Folds && at < n*fold/Folds {
			aside = append(aside, i)
		} else {
			train = append(train, i)
		}
	}
	return train, aside
}

// fold puts a fold of a listed training split in the place of the test split.
func (o Options) fold(s Sets) (Sets, error) {
	if o.Fold == 0 {
		return s, nil
	}
	train, aside := fold(s.Train, o.Fold)
	s.Train, s.Test = Subset(s.Train, train), Subset(s.Train, aside)
	return s, o.checkFold(len(aside), len(train))
}

// checkFold refuses a fold that has nothing to put aside.
func (o Options) checkFold(aside, train int) error {
	if aside > 0 && train > 0 {
		return nil
	}
	return fault.New(fault.Config, "data.fold: fold %d puts %d of %d training images aside", o.Fold, aside, aside+train).
		Advise("leave data.fold out, or bring %d images of a class", Folds)
}

// foldOf is fold for packed images, which stay one file for all folds.
func (o Options) foldOf(all Dataset) (Splits, error) {
	train, aside := fold(all, o.Fold)
	return Splits{Train: newPart(all, train), Test: newPart(all, aside)}, o.checkFold(len(aside), len(train))
}

// part are some images of a dataset.
type part struct {
	Dataset
	items       []int
	fingerprint string
}

func newPart(all Dataset, items []int) *part {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %d", all.Fingerprint(), items) // a hash takes everything
	return &part{all, items, hex.EncodeToString(sum.Sum(nil)[:8])}
}

func (p *part) Len() int            { return len(p.items) }
func (p *part) Label(i int) int     { return p.Dataset.Label(p.items[i]) }
func (p *part) ID(i int) string     { return p.Dataset.ID(p.items[i]) }
func (p *part) Fingerprint() string { return p.fingerprint }

func (p *part) Image(i int) (augment.Image, error) { return p.Dataset.Image(p.items[i]) }

// TakeNotes are those of the whole dataset, which says each once.
func (p *part) TakeNotes() []string {
	if all, ok := p.Dataset.(interface{ TakeNotes() []string }); ok {
		return all.TakeNotes()
	}
	return nil
}
