// The gradient of a convolution by its weights on the processor's matrix units (AMX), from activations in bfloat16.
//
// For every place (a, b) of the kernel it is a matrix product over pixels p of the output,
//
//	dW[o, c, a, b] = Σ_p X[c, p moved by (a, b)] dY[p, o],
//
// whose left matrix has channels as rows and pixels beside each other. So X is transposed once, and then moving by
// (a, b) is reading from another place on: the pixels of all images of a group lie in one line, with zeros between rows
// and between images that are wide enough for every move. dY lies on the same grid, with zeros there, too. With strides
// the image falls into phases, each of which is transposed by itself.
//
// A tile multiplies 16 rows by 16 columns over 32 pixels and adds up in float32.
#ifndef ORDO_KERNELS_TILE_WEIGHTS_H
#define ORDO_KERNELS_TILE_WEIGHTS_H

#include <cstddef>
#include <cstdint>

#include "bf16.h"

namespace ordo {

struct TileWeights {
  int64_t channels, height, width, filters, out_height, out_width;
  int64_t kernel[2], strides[2], pads[4], dilations[2];  // pads: top, left, bottom, right

  // choose sets what follows from the above; false where the kernel is too large.
  bool choose();

  // scratch is what gradient needs for so many images, in bytes.
  size_t scratch(int64_t images) const;
  // sums is the number of floats of a gradient before it is added up, in full tiles: [filters/16, kernel places,
  // channels, 16].
  size_t sums() const;
  // gradient computes it for images of [height, width, channels] and dY of [out_height, out_width, filters].
  void gradient(int64_t images, const bf16 *x, const bf16 *dy, float *dw, char *scratch) const;
  // sum adds up n of them into dw [filters, channels, kernel height, kernel width], for blocks [begin, end) of 16
  // filters.
  void sum(const float *const *parts, int64_t n, float *dw, int64_t begin, int64_t end) const;
  int64_t blocks() const { return (filters + 15) / 16; }

 private:
  static constexpr int64_t kMost = 16;  // places of a kernel in one direction
  // Axis is one direction of the grid.
  struct Axis {
    int64_t pitch;             // places a row or image takes on the grid
    int64_t lead;              // the most that a move goes back
    int64_t reach;             // and forward
    int64_t phases;            // of the image
    int64_t phase[kMost], move[kMost];  // of each place of the kernel
    bool has(int64_t p, int64_t places) const {
      for (int64_t k = 0; k < places; k++)
        if (phase[k] == p) return true;
      return false;
    }
  };
  Axis axes_[2];

  static Axis axis(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation);
  int64_t grid() const { return axes_[0].pitch * axes_[1].pitch; }  // places of an image
  int64_t margin() const { return axes_[0].lead * axes_[1].pitch + axes_[1].lead; }
  int64_t group(int64_t images) const;                             // images at a time
  int64_t pixels(int64_t images) const;                            // places of the grid, in full tiles
  int64_t line(int64_t images) const;                              // of a channel
};

}  // namespace ordo
#endif
