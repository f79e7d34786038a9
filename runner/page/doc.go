// Package page makes the page of a run, of several side by side, or of a sweep: one HTML file that needs no
// other and asks for nothing from any network.
//
// It shows what the run folder holds (package track) and what its evaluations found (package evaluation): settings,
// curves of the training, distance and told classes over the scale of every family, and all numbers beside their
// references. Some test images are encoded for the rest: maps of features and embedding (package plane), the way of an
// image over scale, nearest neighbours, and the views of the training. Where there is nothing to encode them with, or
// the images are gone, the page says so and has everything else.
//
// # Several runs
//
// Runs lie over each other, a colour each, with the keys that tell them apart. Those of one experiment but for the seed
// are one group; the difference of two groups is the mean over the seeds that both have, paired, with Student's 95 %
// interval from two seeds on.
//
// # Sweeps
//
// The page of a sweep ([Sweep]) has its table with intervals and paired differences, which keys decide (package
// importance), and two drawings in SVG with a line a trial: over the keys, and over the epochs. Colour tells how good a
// trial is by its rank among all; the arrow keys go through the trials from the best on. Links to the trials' own pages
// are relative. Its size grows by about 1 kB a trial.
//
// # Unfinished and damaged runs
//
// An unfinished run has a page of what is there. A file that is damaged is a sentence on the page and among
// [Made.Damage]; what can be read is shown.
//
// # The file
//
// Everything is said in HTML, so that it can be read without scripts: behind every chart and every map stands its
// table. A script draws charts and maps from JSON in the page, whose texts are escaped; a Content-Security-Policy lets
// no other script run and no request leave, but for those of a [Live] page to where it came from. Charts are drawn by
// uPlot 1.6.32 (github.com/leeoniya/uPlot, MIT), as it comes in the npm package uplot: uplot/uPlot.iife.min.js has the
// SHA-256
//
//	19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f
//
// and uplot/uPlot.min.css
//
//	df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04
//
// It was chosen over Apache ECharts because every run folder gets a copy: 51 kB against 1.1 MB. Pictures lie together
// in one JPEG for each map.
package page
