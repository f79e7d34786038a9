package loss

import (
	"fmt"
	"math"
)

// Schedules of a weight.
const (
	ScheduleConstant = "constant"
	ScheduleLinear   = "linear"
	ScheduleCosine   = "cosine"
)

const defaultWarmup = 0.1

// ramp is the factor of a weight when the share progress of the training is done. It rises from 0 to 1 over the share
// warmup: constant is 1, linear is min(1, progress/warmup), cosine (1 - cos(π*min(1, progress/warmup)))/2.
func ramp(schedule string, warmup, progress float64) float64 {
	if schedule == ScheduleConstant || progress >= warmup {
		return 1
	}
	if schedule == ScheduleCosine {
		return (1 - math.Cos(math.Pi*progress/warmup)) / 2
	}
	return progress / warmup
}

// resolveSchedule fills in what was left at zero.
func resolveSchedule(schedule *string, warmup *float64) {
	if *schedule == "" {
		*schedule = ScheduleConstant
	}
	if *warmup == 0 && *schedule != ScheduleConstant {
		*warmup = defaultWarmup
	}
}

// validateSchedule adds the faults of a resolved schedule; the keys have the prefix.
func validateSchedule(add func(error), prefix, schedule string, warmup float64) {
	add(oneOf(prefix+"schedule", schedule, ScheduleConstant, ScheduleLinear, ScheduleCosine))
	switch {
	case schedule == ScheduleConstant && warmup != 0:
		add(fmt.Errorf("%swarmup: has no meaning for schedule %s, got %g", prefix, schedule, warmup))
	case schedule != ScheduleConstant && !(warmup > 0 && warmup <= 1):
		add(fmt.Errorf("%swarmup: must be in (0, 1], got %g", prefix, warmup))
	}
}
