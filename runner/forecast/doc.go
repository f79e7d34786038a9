// Package forecast says what a training would take before it begins, and leaves nothing on the disk.
//
// A few steps of the experiment are timed on images that are drawn for it ([Measure], by package bench), after two that
// aren't: the first ones take memory. An epoch is as many of these as the images have batches, and a run's start and
// evaluation are a quarter more. Memory is the most that the process had in these steps, and the images where they are
// kept in memory. The checkpoint is written once, to a temporary file, as a run writes it.
//
// [Of] asks further what is in the run's folder: a run that is finished takes no time, and one that was stopped only
// what is left. Package sweep adds up the runs of a sweep by [Measure], package selection those of its trials.
package forecast
