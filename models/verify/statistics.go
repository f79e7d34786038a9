package verify

import (
	"math"
	"slices"

	"ordo/models/onnxgraph"
	"ordo/models/ort"
)

// norm is a batch norm whose input is read out.
type norm struct {
	output         string // of the step
	mean, variance string // parameters
	momentum       float64
	shape          onnxgraph.Shape // of the input, [batch, channels, …]
}

// checkStatistics holds the running statistics after the pass against the moments of what the batch norms saw, and
// against the reference.
func (c *check) checkStatistics(p ort.Probe) error {
	uses := map[string]int{}
	for _, n := range c.norms {
		uses[n.mean]++
	}
	known := map[string]bool{}
	samples := map[string]int{} // values a channel, by the variance's name
	floors := map[string]float64{}
	for _, n := range c.norms {
		i := slices.Index(c.trainer.StepOutputs(), n.output)
		before, err := c.trainer.Parameter(n.mean)
		if err != nil {
			return err
		}
		variances, err := c.trainer.Parameter(n.variance)
		if err != nil {
			return err
		}
		known[n.mean], known[n.variance] = true, true
		if uses[n.mean] > 1 {
			c.notef("%s is kept by several batch norms, its moments are not compared", n.mean)
			continue
		}
		channels := len(before)
		inner := int64(1)
		for _, d := range n.shape[min(2, len(n.shape)):] {
			inner *= max(d.Size, 1)
		}
		mean, variance := moments(p.Outputs[i], channels, int(inner))
		samples[n.variance] = len(p.Outputs[i]) / channels
		// A mean that is 0 but for rounding is rounded as what it is the mean of.
		floors[n.mean] = (1 - n.momentum) * math.Sqrt(slices.Max(variance))
		c.statistic(n.mean, p.Statistics[n.mean], blend(before, mean, n.momentum), floors[n.mean])
		c.statistic(n.variance, p.Statistics[n.variance], blend(variances, variance, n.momentum), 0)
	}
	c.compareStatistics(p, samples, floors)
	return nil
}

// statistic reports one running statistic, whose error is relative to its largest element, or to the floor if that is
// more.
func (c *check) statistic(name string, got, want []float32, floor float64) {
	e := ratio(deviation(got, want), max(largest(want), floor))
	c.report.Statistics = append(c.report.Statistics, StatisticReport{Name: name, Moments: e, Reference: none()})
	c.limit(e, c.o.Tolerance, "%s is off by %s after a step", name, e)
}

// blend is what a running statistic becomes.
func blend(old []float32, batch []float64, momentum float64) []float32 {
	out := make([]float32, len(old))
	for i, v := range old {
		out[i] = float32(momentum*float64(v) + (1-momentum)*batch[i])
	}
	return out
}

// moments are mean and biased variance of each channel of values [rows, channels, inner]. The rows of a head that looks
// at several views are fewer than the images.
func moments(values []float32, channels, inner int) (mean, variance []float64) {
	mean, variance = make([]float64, channels), make([]float64, channels)
	batch := len(values) / (channels * inner)
	for pass := range 2 {
		for n := range batch {
			for k := range channels {
				at := (n*channels + k) * inner
				for _, v := range values[at : at+inner] {
					if pass == 0 {
						mean[k] += float64(v)
					} else {
						d := float64(v) - mean[k]
						variance[k] += d * d
					}
				}
			}
		}
		for k := range channels {
			if pass == 0 {
				mean[k] /= float64(batch * inner)
			} else {
				variance[k] /= float64(batch * inner)
			}
		}
	}
	return mean, variance
}

// compareStatistics compares with the reference, whose variances are unbiased as torch's: the part that comes from the
// batch is larger by n/(n−1).
func (c *check) compareStatistics(p ort.Probe, samples map[string]int, floors map[string]float64) {
	r := c.o.Reference
	if r == nil {
		return
	}
	names := r.names("buffer_after/")
	still := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		before, ok := r.arrays["buffer_before/"+name]
		return !ok || !slices.Equal(before.Data, r.arrays["buffer_after/"+name].Data)
	})
	if len(names) > 0 && len(still) == len(names) {
		c.notef("in the reference the running statistics after the step equal those before it, so they are not " +
			"compared")
		return
	}
	for _, name := range names {
		i := slices.IndexFunc(c.report.Statistics, func(s StatisticReport) bool { return s.Name == name })
		before, ok := r.arrays["buffer_before/"+name]
		if i < 0 || !ok {
			c.notef("buffer_after/%s of the reference is not compared", name)
			continue
		}
		want := slices.Clone(r.arrays["buffer_after/"+name].Data)
		if n, ok := samples[name]; ok && n > 1 && len(want) == len(before.Data) {
			momentum := c.momentum(name)
			for k := range want {
				kept := momentum * float64(before.Data[k])
				want[k] = float32(kept + (float64(want[k])-kept)*float64(n-1)/float64(n))
			}
		}
		e := ratio(deviation(p.Statistics[name], want), max(largest(want), floorShare, floors[name]))
		c.report.Statistics[i].Reference = e
		c.limit(e, c.o.Tolerance, "%s is off by %s of the reference after a step", name, e)
	}
}

func (c *check) momentum(variance string) float64 {
	for _, n := range c.norms {
		if n.variance == variance {
			return n.momentum
		}
	}
	return 0.9
}
