// Package machine says what ordo runs on: the processor, the memory of the machine and of this process, what the
// kernel's control groups leave of both, and the space on a disk.
//
// Sizes are in bytes. What a system does not tell is zero, never an error: these numbers are shown and compared, and
// nothing fails without them. [BeyondCores] warns of more threads than cores.
package machine
