// Loops that do as much as a processor can.
#pragma once

// ordo_limits_widths writes the widths of vectors, in bits, that this processor has, at most 3 of them, and returns how
// many.
int ordo_limits_widths(int *bits);

// ordo_limits_tiles says whether it has matrix units for bfloat16 (AMX) that this process may use.
int ordo_limits_tiles(void);

// ORDO_LIMITS_TILES stands for these in place of a width.
#define ORDO_LIMITS_TILES -1

// ordo_limits_multiply_add does multiply-adds in vectors of that width, of float32, or in matrix units, and returns the
// number of operations: two for each.
double ordo_limits_multiply_add(int bits, long rounds);

// ordo_limits_seconds is the time for which the calling thread has had a processor.
double ordo_limits_seconds(void);

// ordo_limits_triad computes a = b + s*c.
void ordo_limits_triad(float *a, const float *b, const float *c, float s, long n);
