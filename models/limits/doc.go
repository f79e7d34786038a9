// Package limits measures what a machine can do at most, for a program to be held against: multiply-adds of float32
// numbers in vector registers, and traffic with memory.
//
// [MultiplyAdd] runs chains of fused multiply-adds that are independent of each other and touch no memory. No program
// does more float32 operations in a second, and a large matrix product comes to nine tenths of it. [Memory] copies
// arrays that no cache holds, and adds them up (a = b + s·c, the triad of McCalpin's STREAM), and counts each array
// once. What fits a cache can be faster.
//
// [HalfMultiplyAdd] does the first for numbers of bfloat16 in the matrix units of processors that have them (AMX).
//
// All use a number of threads that begin together, and are the best of many short repetitions, because a machine is
// seldom without other work, which makes a number smaller.
package limits
