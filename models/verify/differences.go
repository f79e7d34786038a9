package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	// firstChange is the share of the outputs' scale by which the first step changes the loss, if the loss is linear.
	firstChange = 4e-3
	// largestStep bounds the step by a share of the parameter's own length (or of an element of size 1 each, for
	// zeros).
	largestStep = 0.1
	// smallestStep is a share as well, for outputs that are 0 but for rounding: they tell no scale.
	smallestStep = 1e-4
	halvings     = 5
	// agreement of two successive slopes, relative to the gradient's length, from which no smaller step is tried.
	agreement = 1e-3
)

// zeroShare is the share of what was summed with which a gradient that is 0 but for rounding is compared. A thousand
// times less would be rounding still; more would let a gradient pass that is wrong to be 0.
const zeroShare = 0.03

// differences fills in the finite differences' part of the parameters' report.
func (c *check) differences(ctx context.Context, gradients []gradient, progress Progress) error {
	longest := 0.0
	for _, g := range gradients {
		longest = max(longest, g.length)
	}
	scale := 0.0 // the loss's terms, as if none cancelled another
	for name, dz := range c.dz {
		for i, d := range dz {
			v := float64(d) * float64(c.z[name][i])
			scale += v * v
		}
	}
	scale = math.Sqrt(scale)
	for i, g := range gradients {
		if err := ctx.Err(); err != nil {
			return err
		}
		length := max(g.length, floorShare*longest)
		deviation, err := c.difference(g, length, scale)
		if err != nil {
			return fmt.Errorf("finite differences of %s: %w", g.Name, err)
		}
		if g.isZero() {
			length = max(length, zeroShare*g.summed)
		}
		e := ratio(deviation, length)
		c.report.Parameters[i].Difference = e
		c.limit(e, c.o.DifferenceTolerance, "the gradient of %s is off by %s of finite differences", g.Name, e)
		if progress != nil {
			progress(i+1, len(gradients))
		}
	}
	return nil
}

// difference measures the slope along a direction and gives its deviation from the gradient's.
func (c *check) difference(g gradient, length, scale float64) (float64, error) {
	before, err := c.trainer.Parameter(g.Name)
	if err != nil {
		return 0, err
	}
	u := c.direction(g)
	claimed := 0.0
	for i, v := range g.values {
		claimed += u[i] * float64(v)
	}
	own := 0.0
	for _, v := range before {
		own += float64(v) * float64(v)
	}
	ones := math.Sqrt(float64(len(before)))
	size := max(math.Sqrt(own), ones*1e-2)
	step := max(min(firstChange*scale/length, largestStep*size), smallestStep*size)
	slope := func(e float64) (float64, error) {
		moved := slices.Clone(before)
		var l [2]float64
		for side, sign := range []float64{1, -1} {
			for i, v := range before {
				moved[i] = float32(float64(v) + sign*e*u[i])
			}
			if err := c.trainer.SetParameter(g.Name, moved); err != nil {
				return 0, err
			}
			if _, err := c.pass(); err != nil {
				return 0, err
			}
			l[side] = c.value()
		}
		return (l[0] - l[1]) / (2 * e), nil
	}
	var measured float64
	if g.isZero() {
		// Nothing bends where nothing changes, and the larger the step, the less rounding counts.
		if own == 0 {
			size = ones
		}
		measured, err = slope(largestStep * size)
	} else {
		measured, err = refine(slope, step, agreement*length)
	}
	if err := errors.Join(err, c.trainer.SetParameter(g.Name, before)); err != nil {
		return 0, err
	}
	return math.Abs(measured - claimed), nil
}

// refine halves the step until the slopes agree twice in a row, and gives the extrapolation of the two that agree best.
// One agreement can be an accident of the loss's bends.
func refine(slope func(float64) (float64, error), step, near float64) (float64, error) {
	last, err := slope(step)
	if err != nil {
		return 0, err
	}
	best, gap, agreed := last, math.Inf(1), 0
	for range halvings {
		step /= 2
		next, err := slope(step)
		if err != nil {
			return 0, err
		}
		d := math.Abs(next - last)
		// Where two pairs agree alike, the smaller step is the better one: bends come in linearly.
		if d < 2*gap {
			best, gap = (4*next-last)/3, min(d, gap)
		}
		if agreed++; d > near {
			agreed = 0
		}
		if agreed == 2 {
			break
		}
		last = next
	}
	return best, nil
}

// direction of length one: the gradient's, weighted at random, and something random.
func (c *check) direction(g gradient) []float64 {
	u := make([]float64, len(g.values))
	length := 0.0
	for i, v := range g.values {
		if g.length > 0 {
			u[i] = float64(v) / g.length * c.random.Float64()
		}
		u[i] += c.random.NormFloat64() / math.Sqrt(float64(len(u))) / 2
		length += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(length)
	}
	return u
}

// value is the loss of the last pass.
func (c *check) value() float64 {
	sum := 0.0
	for _, name := range c.lossOutputs() {
		for i, d := range c.dz[name] {
			sum += float64(d) * float64(c.z[name][i])
		}
	}
	return sum
}
