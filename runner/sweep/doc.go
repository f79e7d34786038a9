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
// The words are those of Weights & Biases' sweeps. A key is one of the experiment's, with dots or nested below
// `parameters`. The last parameter changes fastest; with several base files, each is run with every combination.
// Combinations that resolve to the same experiment are one trial. What is expected is compared with the means of the
// table's rows; a group's key is written whole or by its last part, several with commas, and its ranges stand in place
// of those of every row.
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
//	failures.json               exit status and last lines of the trials that failed
//	results.csv, results.md     the table
//
// # What a sweep promises
//
// All trials are resolved and checked before the first one starts. A trial is finished when its run folder has a
// result.json, which `ordo run` writes last; nothing else is remembered, so a sweep that was killed at any moment goes
// on where it was, and what is finished is not run again. Failed and interrupted trials are run again, and `ordo run`
// goes on from their checkpoints. One process works in a folder at a time, and a lock that the trials inherit keeps the
// next one out until the last of them has stopped.
//
// The table has a row for every combination without the seed: mean and sample standard deviation (n-1) over the trials
// that are finished. Below it stands what their results warn of, each warning once with how many trials have it.
package sweep
