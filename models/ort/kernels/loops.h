// The inner loops, each compiled for several vector widths (loops_simd.h). All tensors are channels-last: rows of
// channels.
#ifndef ORDO_KERNELS_LOOPS_H
#define ORDO_KERNELS_LOOPS_H

#include <cstddef>
#include <cstdint>

#include "bf16.h"

namespace ordo {

// Window is how a pooling or a depthwise convolution goes over one image [height, width, channels].
struct Window {
  int64_t height, width, channels, out_height, out_width;
  int64_t kernel[2], strides[2], pads[4], dilations[2];  // pads: top, left, bottom, right
  bool count_padding;                                    // of an average: padding counts as values of 0
};

// NormGradient is what the gradient of a batch norm is computed from, rows of channels and values by channel.
// dz = dy + dy2? where y > 0. Where y is null, it is computed anew from x by factor and bias; where these are null too,
// dz = dy + dy2? everywhere.
template <class E>
struct NormGradient {
  const E *dy, *dy2, *y, *x;
  E *dz;  // must be there if dy2 is
  const float *mean, *factor, *bias;
};

// ImageLoops are those over activations of type E, float or bf16. All of them compute in float.
template <class E>
struct ImageLoops {
  // Sums over rows of x − center and of its square, for each channel.
  void (*moments)(const E *x, int64_t rows, int64_t channels, const float *center, float *sum, float *square);
  // y = relu?((x − mean) · factor + bias + residual?)
  void (*normalize)(const E *x, const E *residual, E *y, int64_t rows, int64_t channels, const float *mean,
                    const float *factor, const float *bias, bool relu);
  // dz, kept if n.dz is not null, and sums over rows of dz and of dz · (x − mean).
  void (*gradient_sums)(const NormGradient<E> &n, int64_t rows, int64_t channels, float *sum, float *product);
  // dx = a · dz + b · (x − mean) + c, with the dz that was kept if n.dz is not null; dx may be it.
  void (*gradient)(const NormGradient<E> &n, E *dx, int64_t rows, int64_t channels, const float *a, const float *b,
                   const float *c);

  // One row of an image: of the output for a pooling, of the input for its gradient, which adds up in float. Index is
  // the place within the window, row-major.
  void (*max_pool)(const Window &w, const E *x, int64_t row, E *y, uint8_t *index);
  void (*max_pool_gradient)(const Window &w, const E *dy, const uint8_t *index, int64_t row, float *dx);
  void (*average_pool)(const Window &w, const E *x, int64_t row, E *y);
  void (*average_pool_gradient)(const Window &w, const E *dy, int64_t row, float *dx);
};

struct Loops {
  int bits;  // of a vector

  // y[j, i] = x[i, j] for x of [rows, columns].
  void (*transpose)(const float *x, float *y, int64_t rows, int64_t columns);
  // dst += src
  void (*add)(float *dst, const float *src, int64_t n);
  // Rounds to nearest, ties to even; a NaN stays one.
  void (*round)(const float *x, bf16 *y, int64_t n);
  void (*widen)(const bf16 *x, float *y, int64_t n);

  // Joins `count` rows with these sums to what was seen: n rows with this mean and sum of squared differences from it
  // (Chan, Golub, LeVeque 1979); center becomes the new mean.
  void (*join)(double n, double *mean, double *squares, double count, float *center, const float *sum,
               const float *square, int64_t channels);

  // Gradients of a depthwise convolution over one image; weights and their gradient are [kernel height, kernel width,
  // channels]. The one of the weights is added to dw.
  void (*depthwise_input)(const Window &w, const float *dy, const float *weights, float *dx);
  void (*depthwise_weights)(const Window &w, const float *x, const float *dy, float *dw);

  ImageLoops<float> f32;
  ImageLoops<bf16> half;
  template <class E>
  const ImageLoops<E> &of() const;
};
template <>
inline const ImageLoops<float> &Loops::of() const { return f32; }
template <>
inline const ImageLoops<bf16> &Loops::of() const { return half; }

// loops are those for this processor.
const Loops &loops();

}  // namespace ordo
#endif
