#include "tile_forward.h"

#include <algorithm>
#include <cstring>

#include "loops.h"
#include "tiles.h"
#include "tiles_simd.h"

namespace ordo {

#ifdef ORDO_TILES

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")

namespace {

constexpr int64_t kPanel = 256;          // pixels at a time
constexpr int64_t kDepth = 512;          // numbers of each that are copied at a time
constexpr int64_t kLine = kDepth + 32;   // from one to the next
constexpr int64_t kSquare = kTile * kTile;


}  // namespace

int64_t TileForward::depth() const { return kernel[0] * kernel[1] * up(channels, kPixels); }

size_t TileForward::weights() const { return size_t(up(filters, kTile) * depth()); }

size_t TileForward::scratch() const {
  return size_t(kPanel * kLine) * sizeof(bf16) + size_t(kPanel * up(filters, kTile)) * sizeof(float);
}

void TileForward::pack(const float *w, bool flipped, bf16 *to, int64_t begin, int64_t end) const {
  const int64_t places = kernel[0] * kernel[1], full = up(channels, kPixels), k = depth();
  for (int64_t block = begin; block < end; block++) {
    bf16 *const tiles = to + block * kTile * k;
    std::memset(tiles, 0, size_t(kTile * k) * sizeof(bf16));
    const int64_t some = std::min(kTile, filters - block * kTile);
    for (int64_t o = 0; o < some; o++)
      for (int64_t c = 0; c < channels; c++) {
        const int64_t f = block * kTile + o;
        const float *const from = w + (flipped ? c * filters + f : f * channels + c) * places;
        for (int64_t t = 0; t < places; t++) {
          const int64_t place = (flipped ? places - 1 - t : t) * full + c;
          const __m128i rounded = (__m128i)_mm_cvtneps_pbh(_mm_set_ss(from[t]));
          tiles[place / 2 * 2 * kTile + o * 2 + place % 2].bits = uint16_t(_mm_extract_epi16(rounded, 0));
        }
      }
  }
}

void TileForward::run(int64_t images, const bf16 *x, const bf16 *weights, const float *bias, bf16 *y,
                      char *scratch) const {
  const int64_t pixels = images * out_height * out_width, k = depth(), full = up(channels, kPixels),
                o16 = up(filters, kTile);
  float *const sums = reinterpret_cast<float *>(scratch);  // [filters/16, pixels/16, 16, 16]
  bf16 *const rows = reinterpret_cast<bf16 *>(sums + kPanel * o16);
  const Configured configured;
  for (int64_t first = 0; first < pixels; first += kPanel) {
    const int64_t count = std::min(kPanel, pixels - first), p16 = up(count, kTile);
    std::memset(sums, 0, size_t(kPanel * o16) * sizeof(float));
    for (int64_t from = 0; from < k; from += kDepth) {
      const int64_t deep = std::min(kDepth, k - from);
      for (int64_t p = 0; p < p16; p++) {
        bf16 *row = rows + p * kLine;
        const int64_t pixel = first + p, column = pixel % out_width, line = pixel / out_width % out_height,
                      image = pixel / (out_width * out_height);
        for (int64_t at = from; at < from + deep; at += kPixels, row += kPixels) {
          const int64_t place = at / full, c = at % full;
          const int64_t i = line * strides[0] - pads[0] + place / kernel[1] * dilations[0],
                        j = column * strides[1] - pads[1] + place % kernel[1] * dilations[1];
          const bool there = p < count && i >= 0 && i < height && j >= 0 && j < width;
          const __mmask32 mask = !there                    ? 0
                                 : channels - c >= kPixels ? 0xffffffff
                                                           : (__mmask32(1) << (channels - c)) - 1;
          const bf16 *const source = there ? x + ((image * height + i) * width + j) * channels + c : x;
          _mm512_storeu_si512(row, _mm512_maskz_loadu_epi16(mask, source));
        }
      }
      for (int64_t o = 0; o < o16; o += 2 * kTile)
        for (int64_t p = 0; p < p16; p += 2 * kTile)
          product_of(p + kTile < p16, o + kTile < o16)(rows + p * kLine, kLine, weights + o * k + from * kTile,
                                                       kTile * k, deep, sums + o * kPanel + p * kTile,
                                                       kTile * kPanel);
    }
    for (int64_t p = 0; p < count; p++)
      for (int64_t o = 0; o < filters; o += kTile) {
        const __mmask16 mask = mask_of(filters - o);
        __m512 sum = _mm512_loadu_ps(sums + o * kPanel + p / kTile * kSquare + p % kTile * kTile);
        if (bias) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, bias + o));
        _mm256_mask_storeu_epi16(y + (first + p) * filters + o, mask, (__m256i)_mm512_cvtneps_pbh(sum));
      }
  }
}

#pragma GCC pop_options
#pragma GCC diagnostic pop

#else
int64_t TileForward::depth() const { return 0; }
size_t TileForward::weights() const { return 0; }
size_t TileForward::scratch() const { return 0; }
void TileForward::pack(const float *, bool, bf16 *, int64_t, int64_t) const {}
void TileForward::run(int64_t, const bf16 *, const bf16 *, const float *, bf16 *, char *) const {}
#endif

}  // namespace ordo
