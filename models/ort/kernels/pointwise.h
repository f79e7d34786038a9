// The loops of activations and of operators on rows, each compiled for several vector widths (pointwise_simd.h).
#ifndef ORDO_KERNELS_POINTWISE_H
#define ORDO_KERNELS_POINTWISE_H

#include <cstdint>

namespace ordo {

// The activations, in the order of their loops.
enum Activation { HARD_SIGMOID, HARD_SWISH, SIGMOID, SILU, GELU, GELU_TANH, ACTIVATIONS };

// Slope is that of the straight part of HARD_SIGMOID: alpha · x + beta.
struct Slope {
  float alpha, beta;
};

struct Pointwise {
  // y = f(x)
  void (*activate[ACTIVATIONS])(const float *x, float *y, int64_t n, Slope slope);
  // dx = dy · f'(x); dx may be dy.
  void (*activation_gradient[ACTIVATIONS])(const float *dy, const float *x, float *dx, int64_t n, Slope slope);

  // For each row: its mean, 1/√(variance + epsilon), and y = (x − mean) · inverse · scale + bias?; y may be x.
  void (*layer_norm)(const float *x, float *y, int64_t rows, int64_t width, const float *scale, const float *bias,
                     float epsilon, float *mean, float *inverse);
  // With x̂ = (x − mean) · inverse: dscale += dy · x̂ and dbias += dy, summed over rows, and, unless dx is null,
  // with g = dy · scale, dx = (g − mean(g) − x̂ · mean(g · x̂)) · inverse; dx may be dy.
  void (*layer_norm_gradient)(const float *dy, const float *x, float *dx, int64_t rows, int64_t width,
                              const float *scale, const float *mean, const float *inverse, float *dscale, float *dbias);
  // dx = y · (dy − Σ dy · y), the sum over a row; dx may be dy.
  void (*softmax_gradient)(const float *dy, const float *y, float *dx, int64_t rows, int64_t width);

  // y = x · scale for each row; y may be x.
  void (*scale)(const float *x, const float *scale, float *y, int64_t rows, int64_t width);
  // dscale += dy · x, summed over rows, and, unless dx is null, dx = dy · scale; dx may be dy.
  void (*scale_gradient)(const float *dy, const float *x, const float *scale, float *dx, float *dscale, int64_t rows,
                         int64_t width);
};

// pointwise are those for this processor.
const Pointwise &pointwise();

}  // namespace ordo
#endif
