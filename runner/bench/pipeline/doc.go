// Package pipeline measures how fast an experiment's images become views: decoding, packing, reading an epoch, each
// operation alone, whole views; and, where Python has them, torchvision and Albumentations beside ordo.
//
// # What is measured
//
// An operation's row is a whole view with nothing but that operation: the image is taken from memory, cropped or
// resized to the view's size, operated on, and written as normalised float32 planes. A step that is left to chance is
// done every time. The row "none" is the same without an operation; what an operation costs by itself is the difference
// of the two times. The row "plan" is the experiment's view plan, all its views in turn, with its probabilities.
//
// Every number is the median over rounds. Those of one worker are of one goroutine, and nothing else runs: rendering
// allocates nothing, so the garbage collector has nothing to do.
//
// # Beside other libraries
//
// A script that is part of ordo composes the same transformations of torchvision's transforms v2 (on uint8 tensors, the
// faster way there) and of Albumentations (on uint8 arrays), and gets the same images as raw pixels. Both run on one
// thread. Rounds alternate between ordo and the others, so that a machine that is busy slows all of them. Ordo's
// framing by a circle is not done there; what a library lacks is left out.
//
// # Memory
//
// Peak memory is the process's largest resident size, pages of mapped files included as long as they are mapped.
// Anonymous memory is the part that no file backs: what the kernel can't take back.
package pipeline
