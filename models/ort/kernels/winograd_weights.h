// The gradient by the weights of convolutions of 3×3 with strides of 1, in Winograd's form (winograd_weights_simd.h has
// the formulas).
#ifndef ORDO_KERNELS_WINOGRAD_WEIGHTS_H
#define ORDO_KERNELS_WINOGRAD_WEIGHTS_H

#include <cstddef>
#include <cstdint>

namespace ordo {

// WinogradWeights computes such a gradient, with images channels-last. The batch is cut into slices, whose sums have an
// order of their own, [filters/lanes, channels/lanes, channel, place, filter].
struct WinogradWeights {
  int64_t channels, height, width, filters, out_height, out_width, top, left;  // top, left: padding before the image
  int tile;                                                                    // 4 or 2: the output has tile·tile
                                                                               // places
  int lanes;                                                                   // channels, or filters, that go together

  // choose gives the tile and lanes that make a slice of so many images cheapest; false where this form doesn't fit the
  // numbers of channels or the processor.
  bool choose(int64_t images);

  // pays: this form is expected to be faster than oneDNN's kernels, of float32 or bfloat16.
  bool pays(int64_t images, bool bf16) const;

  const char *name() const { return tile == 4 ? "winograd F(4x4, 3x3)" : "winograd F(2x2, 3x3)"; }

  // floats is the size of a slice's sum, scratch the bytes of memory that it is computed in.
  size_t floats() const { return size_t(9 * channels * filters); }
  size_t scratch(int64_t images) const;

  // gradient computes the sum of a slice.
  void gradient(int64_t images, const float *x, const float *dy, float *dw, char *scratch) const;
  // sum adds up the slices in their order and writes the filters [begin, end)·lanes to OIHW.
  void sum(const float *const *slices, int64_t count, float *oihw, int64_t begin, int64_t end) const;

  int64_t tiles(int64_t images) const {
    return images * ((out_height + tile - 1) / tile) * ((out_width + tile - 1) / tile);
  }
  // block is how many tiles are transformed and multiplied at a time.
  int64_t block(int64_t images) const;
  // cost and direct_cost estimate a slice's time in this form and by the definition.
  double cost(int64_t images) const;
  double direct_cost(int64_t images, bool bf16) const;
};

}  // namespace ordo
#endif
