// Package fault is how ordo says what a user can mend: one sentence with what happened, where, and what to do.
//
// It is the ground that the other packages stand on and imports the standard library only. An error gets its [Kind]
// where it is born, so that the command line can give it an exit status without knowing who made it; packages that wrap
// it add where it happened. What only one way of calling ordo can offer, such as a flag, is a [Hint], which the command
// line puts into words. An error that only a bug in ordo can cause is none of these: it is a plain error that begins
// with its package.
//
// Paths are said once, and never that of a temporary file: [Reading] and [Writing] make the sentence of what the
// operating system says of a file.
package fault
