// Package loader renders views into the model's input tensor: batches, or the micro-batches that they are made of,
// ahead of the training loop, and evaluation views.
//
// What is written where is a function of (seed, epoch, sample, view) and never of the number of workers or of timing.
package loader
