// Package nonfinite finds where in a training step numbers stop being finite.
//
// [Find] runs the step's forward and backward pass again and looks at what every node of the training graph gives, in
// the graph's order, in which a node comes after those that it needs. The first one that gives a NaN or an infinity is
// the cause, for all that it takes is finite. A run looks at some tensors at a time ([Options].Tensors), so that memory
// stays near that of a step; each run is the same, since nothing is updated.
//
// What a graph gives to the outside can't be fused with what follows it, so the last bits may be others than in the
// training; where a number only just overflows, nothing may be found.
package nonfinite
