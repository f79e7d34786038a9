// Loops that do as much as a processor can.
#pragma once

// ordo_limits_widths writes the widths of vectors, in bits, that this processor has, at most 3 of them, and returns how
// many.
int ordo_limits_widths(int *bits);

// ordo_limits_multiply_add does multiply-adds in vectors of that width, and returns the number of float32 operations:
// two for each.
double ordo_limits_multiply_add(int bits, long rounds);

// ordo_limits_seconds is the time for which the calling thread has had a processor.
double ordo_limits_seconds(void);

// ordo_limits_triad computes a = b + s*c.
void ordo_limits_triad(float *a, const float *b, const float *c, float s, long n);
