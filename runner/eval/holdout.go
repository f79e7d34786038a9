package eval

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ordo/models/fault"
)

// A penalty is chosen on a part of the training rows that is held out, never on the test rows.

// Choice is how a penalty was chosen.
type Choice struct {
	Penalty float64   `json:"penalty"`
	HeldOut int       `json:"held_out"`         // training rows that chose; 0: there was one penalty only
	Scores  []float64 `json:"scores,omitempty"` // of every penalty on them: accuracy, or mean squared error
	AtEdge  bool      `json:"at_edge"`          // the least or the largest of several was chosen: others may be better
}

func newChoice(penalties, scores []float64, best, heldOut int) Choice {
	p := penalties[best]
	return Choice{Penalty: p, HeldOut: heldOut, Scores: scores,
		AtEdge: len(penalties) > 1 && (p == slices.Min(penalties) || p == slices.Max(penalties))}
}

// holdOutByClass holds a share of every class out, drawn by the seed: rounded, at least one row and never all of
// them. Of a class with one row nothing is held out. Both parts are in rising order.
func holdOutByClass(labels []int, share float64, seed uint64) (fit, held []int) {
	rows := map[int][]int{}
	for i, c := range labels {
		rows[c] = append(rows[c], i)
	}
	for c, of := range rows {
		r := draws(seed, uint64(c))
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		n := heldRows(len(of), share)
		held = append(held, of[:n]...)
		fit = append(fit, of[n:]...)
	}
	slices.Sort(held)
	slices.Sort(fit)
	return fit, held
}

// holdOutByImage holds a share of the images out with all their rows, drawn by the seed.
func holdOutByImage(images []int, share float64, seed uint64) (fit, held []int) {
	all := slices.Compact(slices.Sorted(slices.Values(images)))
	r := draws(seed, 0)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	out := map[int]bool{}
	for _, image := range all[:heldRows(len(all), share)] {
		out[image] = true
	}
	for i, image := range images {
		if out[image] {
			held = append(held, i)
		} else {
			fit = append(fit, i)
		}
	}
	return fit, held
}

// draws is the random numbers of one of many things that a seed decides: they have nothing to do with another's, or
// with the next seed's.
func draws(seed, number uint64) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], number)
	return rand.New(rand.NewChaCha8(key))
}

func heldRows(rows int, share float64) int {
	if rows < 2 {
		return 0
	}
	return min(max(int(math.Round(share*float64(rows))), 1), rows-1)
}

func nothingHeldOut(what string, rows int) error {
	return fault.New(fault.Data, "%s: none of %d training rows can be held out to choose a penalty", what, rows).
		Advise("give more training images, or one penalty only")
}

func penaltyFaults(penalties []float64, share float64) []error {
	var faults []error
	if len(penalties) == 0 {
		faults = append(faults, errors.New("penalties: there must be at least one"))
	}
	for i, p := range penalties {
		if !(p > 0 && p <= 1e12) {
			faults = append(faults, fmt.Errorf("penalties[%d]: must be in (0, 1e12], got %g", i, p))
		}
	}
	return append(faults, shareFaults(share)...)
}

func shareFaults(share float64) []error {
	if share > 0 && share < 1 {
		return nil
	}
	return []error{fmt.Errorf("hold_out: must be in (0, 1), got %g", share)}
}
