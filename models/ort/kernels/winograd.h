// Convolutions of 3x3 with stride 1 by the algorithm of Winograd: F(4x4, 3x3) of Lavin & Gray, "Fast Algorithms for
// Convolutional Neural Networks" (CVPR 2016). An output is cut into tiles of 4x4, each computed from 6x6 pixels of the
// input with 36 products for every pair of channels instead of 144:
//
//	Y = Aᵀ [Σ_c U ⊙ V] A,   U = G g Gᵀ,   V = Bᵀ d B
//
// for a tile d of the input and a kernel g. The matrices belong to the points 0, ±a, ±b, ∞ of an interpolation, with a
// = 1/√2 and b = √2, whose rounding errors are the least among those tried (winograd_simd.h). The gradient by the input
// is a convolution itself, of dY with the kernels turned by 180 degrees.
#ifndef ORDO_KERNELS_WINOGRAD_H
#define ORDO_KERNELS_WINOGRAD_H

#include <cstddef>
#include <cstdint>

namespace ordo {

class Run;

constexpr int64_t kPositions = 36;  // in a transformed tile
constexpr int64_t kTile = 4;        // pixels of the output on a side

// Tiles cuts images [height, width, channels] and outputs [out_height, out_width, filters], both channels-last, into
// tiles. They are numbered through all images.
struct Tiles {
  int64_t height, width, out_height, out_width;
  int64_t top, left;      // padding
  int64_t rows, columns;  // tiles of an image

  int64_t of_image() const { return rows * columns; }
};

// cut gives the tiles of a convolution.
inline Tiles cut(int64_t height, int64_t width, int64_t out_height, int64_t out_width, int64_t top, int64_t left) {
  return {height, width, out_height, out_width, top, left,
          (out_height + kTile - 1) / kTile, (out_width + kTile - 1) / kTile};
}

// WinogradLoops work on tiles [first, first + count), which are the first ones where they lie transformed. Channels and
// filters are multiples of `lanes`. Transformed tiles are [36][count][channels], transformed kernels [36] × panels of
// [channels][2 or 1 vectors of filters]; `stride` is the distance between positions.
struct WinogradLoops {
  int64_t lanes;

  // v = Bᵀ d B
  void (*input)(const Tiles &g, const float *x, int64_t channels, int64_t first, int64_t count, float *v,
                int64_t stride);
  // u = G g Gᵀ for the vectors [begin, end) of filters. The kernel of channel c and filter f starts at w[c ·
  // channel_step + f · filter_step]; turned: by 180 degrees.
  void (*kernels)(const float *w, int64_t channel_step, int64_t filter_step, bool turned, int64_t channels,
                  int64_t filters, int64_t begin, int64_t end, float *u, int64_t stride);
  // m = v u at each position
  void (*multiply)(const float *v, const float *u, float *m, int64_t v_stride, int64_t u_stride, int64_t m_stride,
                   int64_t count, int64_t channels, int64_t filters);
  // y = Aᵀ m A + bias?, where pixels of y are so many floats apart
  void (*output)(const Tiles &g, const float *m, int64_t stride, int64_t filters, int64_t first, int64_t count,
                 const float *bias, float *y, int64_t pixel);
};

// winograd_loops are those for this processor, null where there are none.
const WinogradLoops *winograd_loops();

// Kernels are the weights of a convolution: that of channel c for filter f has its nine values at data[c · channel_step
// + f · filter_step]. Turned: by 180 degrees, as the gradient by the input wants them, whose channels are the
// convolution's filters.
struct Kernels {
  const float *data;
  int64_t channel_step, filter_step;
  bool turned;
};

// Winograd is a convolution that was prepared for so many images.
class Winograd {
 public:
  Winograd() = default;
  Winograd(const Tiles &tiles, int64_t images, int64_t channels, int64_t filters, int64_t threads);
  explicit operator bool() const { return tasks_ > 0; }

  // possible says whether both numbers are multiples of this processor's vectors.
  static bool possible(int64_t channels, int64_t filters);

  // pays says whether this is likely to be faster than oneDNN's direct convolution, in bfloat16 or float32.
  static bool pays(const Tiles &tiles, int64_t images, int64_t channels, int64_t filters, bool bf16);

  // run computes y from x, with the session's scratch memory.
  void run(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const;

 private:
  Tiles tiles_{};
  const WinogradLoops *loops_ = nullptr;
  int64_t count_ = 0, channels_ = 0, filters_ = 0, tasks_ = 0;  // tiles of the batch
  int64_t block_ = 0;                                           // tiles at a time, or
  int64_t panel_ = 0;                                           // filters at a time
  int64_t v_stride_ = 0, m_stride_ = 0, u_stride_ = 0;          // floats from position to position

  void by_tiles(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const;
  void by_filters(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const;
};

}  // namespace ordo
#endif
