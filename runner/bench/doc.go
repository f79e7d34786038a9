// Package bench measures how fast an experiment's training steps are, and what their time goes into.
//
// [Step] takes steps of the whole experiment, loss and heads included, on images that are drawn for it, and holds what
// ONNX Runtime did against what the processor can do. [Beside] compares steps of the backbone alone with PyTorch's: a
// script that is part of ordo, torch_step.py, trains the same network there, and [BackboneSteps] is ordo's side of it.
// Every side is a process of its own, so that memory is a side's own; sides take turns, so that a machine that is busy
// slows all of them.
//
// Package pipeline, below, measures how images become views; package script talks with the programs of other libraries.
// A median is always [Median], and things in a second are [Rate].
package bench
