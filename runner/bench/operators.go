package bench

import (
	"time"

	"ordo/models"
)

// Op is what one operator took and did in a step.
type Op struct {
	Op          string  `json:"op"`
	CallsStep   float64 `json:"calls_per_step"`
	SecondsStep float64 `json:"seconds_per_step"`
	Share       float64 `json:"share"` // of all operators' time
	// Operations are those of convolutions, as direct ones, and of matrix products; 0 for all else.
	Operations float64 `json:"operations_per_step"`
	Bytes      float64 `json:"bytes_per_step"` // of inputs and outputs, each once
	GFLOPS     float64 `json:"gflops"`
	GBPerSec   float64 `json:"gb_per_second"`
	// Limit is what binds the operator, of its multiply-adds and its memory that whose share of Limits is larger:
	// LimitCompute or LimitMemory; "" without Limits. LimitShare is that share.
	Limit      string  `json:"limit,omitempty"`
	LimitShare float64 `json:"limit_share"`
}

// The values of Op.Limit.
const (
	LimitCompute = "multiply-add"
	LimitMemory  = "memory"
)

// adamW is ONNX Runtime's optimizer. It takes lists of tensors, of which a profile doesn't tell the sizes: for every
// float32 parameter it reads four numbers, the gradient and two moments among them, and writes three.
const (
	adamW      = "AdamWOptimizer"
	adamWBytes = (4 + 3) * 4
)

// operators reads the profiles of the steps.
func (m *measurement) operators(profile string) error {
	ops, err := models.ReadProfiles(profile, m.o.Warmup)
	if err != nil {
		return err
	}
	total := time.Duration(0)
	for _, op := range ops {
		total += op.Time
	}
	for _, op := range ops {
		if op.Op == adamW {
			op.Bytes = float64(adamWBytes*m.result.Parameters) * float64(op.Calls)
		}
		m.result.Ops = append(m.result.Ops, newOp(op, m.o.Steps, total, m.result.Limits))
	}
	return nil
}

// newOp holds an operator's work in a number of steps against the limits, which may be nil.
func newOp(op models.OpTime, steps int, total time.Duration, l *Limits) Op {
	n, seconds := float64(steps), max(op.Time.Seconds(), 1e-9)
	b := Op{
		Op: op.Op, SecondsStep: op.Time.Seconds() / n, CallsStep: float64(op.Calls) / n,
		Share:      float64(op.Time) / float64(max(total, 1)),
		Operations: op.Operations / n, Bytes: op.Bytes / n,
		GFLOPS: op.Operations / 1e9 / seconds, GBPerSec: op.Bytes / 1e9 / seconds,
	}
	if l != nil {
		b.Limit, b.LimitShare = LimitMemory, b.GBPerSec/l.Memory
		if share := b.GFLOPS / l.MultiplyAdd; share > b.LimitShare {
			b.Limit, b.LimitShare = LimitCompute, share
		}
	}
	return b
}
