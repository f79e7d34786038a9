// Package sweep runs one experiment with many values of its keys: a grid, each combination a process of its own.
//
// # The file
//
//	base: mnist-rotation.yaml                  # the experiment, beside the sweep file; or a list of several
//	method: grid                               # every combination
//	metric: {name: knn_top1, goal: maximize}   # marks the best row; a path into the result
//	columns: [order_accuracy.rotate.features]  # further numbers; left out: kNN, orders, loss
//	parameters:
//	  augment.roles.rotate: {values: [absent, invariant, ordered]}
//	  seed: {values: [1, 2, 3]}
//	  train: {parameters: {epochs: {value: 15}}}
//	jobs: 1                                    # trials at once
//	expect:                                    # what it should find: config.Expect
//	  minutes: 15                              # on 2 cores, as a guide
//	  knn_top1: [0.8, 1]                       # of every row
//	  rotate=ordered:                          # of the rows with this value
//	    order_accuracy.rotate.embedding: [0.9, null]
//
// and, where they are wanted:
//
//	method: random                             # run_cap combinations that are drawn, seeded by search_seed (1)
//	run_cap: 20                                # of a grid: no more than its first ones
//	parameters:
//	  train.lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
//	  train.epochs: {min: 10, max: 40}         # whole bounds draw whole numbers, others uniform ones
//	  augment.roles.hue: {values: [absent, ordered], probabilities: [0.3, 0.7]}
//	  loss.order.weight: {values: [1, 10], when: {augment.roles.hue: ordered}}
//	metric: {name: knn_top1, goal: maximize, target: 0.95}   # once a trial has it, no other begins
//	method: tpe                                # run_cap combinations, chosen by what was found (package search)
//	early_terminate: {type: asha, min_epochs: 1, eta: 3}    # or {type: median, min_epochs, every_epochs, min_trials}
//	seeds: 3                                   # every combination with the seeds 1, 2, 3; or a list
//	exclude: [{train.lr: 0.1, seed: [2, 3]}]   # combinations that are left out
//	baseline: {augment.roles.hue: absent}      # rows are compared with the one that has this, and else the same
//	retries: 2                                 # of a trial that fails
//	fail_fast: true                            # the first that fails for good stops the sweep
//
// The words are those of Weights & Biases' sweeps. Distributions: uniform, log_uniform_values, normal (mu, sigma), each
// also with q_ before its name and a step q, and int_uniform. A key is one of the experiment's, with dots or nested
// below `parameters`. The last parameter changes fastest; with several base files, each is run with every combination.
// Combinations that resolve to the same experiment are one trial. What is expected is compared with the means of the
// table's rows; a group's key is written whole or by its last part, several with commas, and its ranges stand in place
// of those of every row.
//
// # A search
//
// With tpe the first ten combinations are drawn, and the others chosen one after the other, each when a worker is free:
// by the metrics of those that are finished, with those that run counted as bad ones. With seeds a combination is
// judged by the mean over them. What failed, or has no such number, counts as the worst, so that the search leaves
// where trainings diverge. A search also ends where nothing is left that wasn't tried.
//
// early_terminate compares trials by the metric while they train, in any method: by the evaluation after an epoch
// (eval.every_epochs) or the epoch's mean loss. A trial pauses there: its process ends, with a checkpoint (`ordo run
// --until-epoch`). By asha it waits at the epochs min_epochs, eta min_epochs, eta² min_epochs, … until it is among the
// best 1/eta of those that came there, and goes on then; what still waits when nothing else is to be run is stopped. By
// median it is stopped if its best number up to there is worse than the median of the means of the finished ones, if
// min_trials (5) are; it is looked at after min_epochs, and every every_epochs (min_epochs) from there. A stopped trial
// has no result and did not fail; the table and [Plan.Status] say after which epoch. What isn't stopped ends with the
// bits of a training that never paused. To tpe, a trial that came further is better than all that didn't.
//
// # The folder
//
// A sweep lives in runs/NAME-HASH; the hash names the list of its resolved trials, so a changed sweep is another
// folder.
//
//	sweep.json                  the plan, frozen when the sweep was first started
//	base/FILE                   the experiment file as it was then; trials read this one
//	001-rotate-absent-seed-1/   a trial's run folder, made by `ordo run`
//	001-rotate-absent-seed-1.log  all that its processes said
//	001-rotate-absent-seed-1.attempts.jsonl  how those of its processes ended that did not finish it
//	search.jsonl                what a search decided, and on which grounds, a line each
//	results.csv, results.md     the table
//	report.html                 its page, which `ordo sweep` writes when it ends (page.Sweep)
//
// # What a sweep promises
//
// All trials are resolved and checked before the first one starts. A trial is finished when its run folder has a
// result.json, which `ordo run` writes last; nothing else is remembered, so a sweep that was killed at any moment goes
// on where it was, and what is finished is not run again. Failed and interrupted trials are run again, and `ordo run`
// goes on from their checkpoints. A trial that was told to stop (exit status 75 or 130) goes on, and counts as no
// failure. The folder has all that is needed to go on without the sweep's file ([Open]), and a scheduler may run single
// trials ([Plan.RunTrial]). One process works in a folder at a time, and a lock that the trials inherit keeps the next
// one out until the last of them has stopped.
//
// A search is one process that decides; a scheduler can't run its trials by themselves, but can run `ordo sweep`. What
// it decides depends on its file and on the lines of search.jsonl alone, each of which is on the disk before it is
// acted upon. So a search that was killed makes the same decisions: with one trial at once all that it would have made,
// with several those that follow from the order in which trials ended.
//
// The table has a row for every combination without the seed: mean and sample standard deviation (n-1) over the trials
// that are finished. Rows are compared by the differences of trials with the same seed (package statistics): those with
// the best row, whose interval may hold 0 ("within noise"), and those with the baseline's. Below it stands what their
// results warn of, each warning once with how many trials have it.
package sweep
