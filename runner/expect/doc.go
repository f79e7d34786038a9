// Package expect compares what a run or a sweep found with what its file expects.
//
// The `expect:` section of a file (config.Expect) has a range for each of some numbers, by their paths in a run's
// result. A [Report] puts the numbers beside them: each is inside of its range, ends included, or it isn't. Of a sweep
// the mean over the trials of a row of its table is compared, and only once all of them are finished.
// Of a selection its verdicts are compared with those that the section names (config.Verdict).
//
// The ranges are about what a method gives, not about bits: they should hold for other seeds and processors, so three
// deviations over seeds and no less than 0.02 on each side is a good measure.
package expect
