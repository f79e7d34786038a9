// A convolution of small images on the processor's matrix units (AMX), from activations in bfloat16, and with flipped
// weights the gradient by the input of one with strides of 1.
//
// oneDNN goes along the rows of an image, which fill a tile of 16 badly where they are short. Here the pixels of all
// images are the rows of one matrix product,
//
//	Y[p, o] = Σ_{a, b, c} X[p moved by (a, b), c] W[o, c, a, b],
//
// whose left matrix is copied for a block of pixels at a time, and whose sums stay in float32 until all are there.
#ifndef ORDO_KERNELS_TILE_FORWARD_H
#define ORDO_KERNELS_TILE_FORWARD_H

#include <cstddef>
#include <cstdint>

#include "bf16.h"

namespace ordo {

struct TileForward {
  int64_t channels, height, width, filters, out_height, out_width;  // of what is gone over, and of the result
  int64_t kernel[2], strides[2], pads[2], dilations[2];             // pads: top, left

  // pays: rows are so short that this is faster.
  bool pays() const { return out_width <= 4; }

  // weights is the size of the right matrix; pack copies blocks [begin, end) of 16 filters into it, from W [filters,
  // channels, kernel height, kernel width], or flipped, for the gradient by the input, from [channels, filters, …].
  size_t weights() const;
  void pack(const float *w, bool flipped, bf16 *to, int64_t begin, int64_t end) const;
  int64_t blocks() const { return (filters + 15) / 16; }

  size_t scratch() const;  // of run, in bytes
  // run computes images of [height, width, channels]; bias may be null.
  void run(int64_t images, const bf16 *x, const bf16 *weights, const float *bias, bf16 *y, char *scratch) const;

 private:
  int64_t depth() const;  // of the product: places by channels, these in full tiles
};

}  // namespace ordo
#endif
