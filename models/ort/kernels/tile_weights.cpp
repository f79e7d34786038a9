#include "tile_weights.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tiles.h"
#include "tiles_simd.h"

namespace ordo {
namespace {

constexpr int64_t kBlock = 512;         // pixels over which products are added up in tiles
constexpr int64_t kGroupBytes = 4 << 20;  // of both matrices of a group of images

int64_t down(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }  // floor

}  // namespace

#ifdef ORDO_TILES

// GCC 12 warns of its own header: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")

namespace {

// pairs gives 16 channels of two pixels, interleaved.
inline __m512i pairs(const bf16 *a, const bf16 *b, __mmask16 mask) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, a)),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, b)), 16));
}

// turn transposes the pixels at these places, `count` of them in full products, into lines of channels.
void turn(const bf16 *const *places, int64_t count, int64_t channels, bf16 *to, int64_t line) {
  for (int64_t p = 0; p < count; p += kPixels)
    for (int64_t c = 0; c < channels; c += kTile) {
      const __mmask16 mask = mask_of(channels - c);
      __m512i r[16];
      for (int i = 0; i < 16; i++) r[i] = pairs(places[p + 2 * i] + c, places[p + 2 * i + 1] + c, mask);
      transpose(r);
      for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + (c + i) * line + p, r[i]);
    }
}

// interleave puts pairs of pixels beside each other, as tiles have their right matrix: [filters/16, pairs, 16, 2].
void interleave(const bf16 *const *places, int64_t count, int64_t filters, bf16 *to) {
  for (int64_t p = 0; p < count; p += kPixels)
    for (int64_t o = 0; o < filters; o += kTile) {
      const __mmask16 mask = mask_of(filters - o);
      bf16 *const tile = to + (o * count + p * kTile);
      for (int i = 0; i < 16; i++)
        _mm512_storeu_si512(tile + i * kPixels, pairs(places[p + 2 * i] + o, places[p + 2 * i + 1] + o, mask));
    }
}

}  // namespace

void TileWeights::gradient(int64_t images, const bf16 *x, const bf16 *dy, float *dw, char *scratch) const {
  const int64_t most = group(images), all_pixels = pixels(most), all_line = line(most);
  const int64_t c16 = up(channels, kTile), o16 = up(filters, kTile), places = kernel[0] * kernel[1],
                phases = axes_[0].phases * axes_[1].phases;
  bf16 *turned = reinterpret_cast<bf16 *>(scratch);
  bf16 *paired = turned + phases * c16 * all_line;
  const bf16 **at = reinterpret_cast<const bf16 **>(paired + o16 * all_pixels);
  bf16 *zeros = reinterpret_cast<bf16 *>(at + all_line);
  std::memset(zeros, 0, std::max(c16, o16) * sizeof(bf16));
  std::memset(dw, 0, sums() * sizeof(float));
  const Configured configured;
  for (int64_t first = 0; first < images; first += most) {
    const int64_t n = std::min(most, images - first), count = pixels(n), length = line(n);
    const bf16 *xs = x + first * height * width * channels, *ys = dy + first * out_height * out_width * filters;
    std::fill_n(at, count, zeros);
    for (int64_t i = 0; i < n; i++)
      for (int64_t r = 0; r < out_height; r++)
        for (int64_t q = 0; q < out_width; q++)
          at[(i * axes_[0].pitch + r) * axes_[1].pitch + q] =
              ys + ((i * out_height + r) * out_width + q) * filters;
    interleave(at, count, filters, paired);
    for (int64_t v = 0; v < axes_[0].phases; v++)
      for (int64_t h = 0; h < axes_[1].phases; h++) {
        if (!axes_[0].has(v, kernel[0]) || !axes_[1].has(h, kernel[1])) continue;
        std::fill_n(at, length, zeros);
        for (int64_t i = 0; i < n; i++)
          for (int64_t r = v, gr = 0; r < height && gr < out_height + axes_[0].reach; r += strides[0], gr++)
            for (int64_t q = h, gq = 0; q < width && gq < out_width + axes_[1].reach; q += strides[1], gq++)
              at[margin() + (i * axes_[0].pitch + gr) * axes_[1].pitch + gq] =
                  xs + ((i * height + r) * width + q) * channels;
        turn(at, length, channels, turned + (v * axes_[1].phases + h) * c16 * length, length);
      }
    for (int64_t o = 0; o < o16; o += 2 * kTile)
      for (int64_t c = 0; c < c16; c += 2 * kTile) {
        const bool tall = c + kTile < c16, wide = o + kTile < o16;
        const ProductOfTiles run = product_of(tall, wide);
        // All places of the kernel in turn over pixels that a cache holds.
        for (int64_t p = 0; p < count; p += kBlock)
          for (int64_t a = 0; a < kernel[0]; a++)
            for (int64_t b = 0; b < kernel[1]; b++) {
              // An image smaller than the strides has nothing in some phases.
              if (axes_[0].phase[a] >= axes_[0].phases || axes_[1].phase[b] >= axes_[1].phases) continue;
              const int64_t phase = axes_[0].phase[a] * axes_[1].phases + axes_[1].phase[b];
              const bf16 *left = turned + (phase * c16 + c) * length + margin() + axes_[0].move[a] * axes_[1].pitch +
                                 axes_[1].move[b] + p;
              float *sum = dw + (o / kTile * places + a * kernel[1] + b) * c16 * kTile + c * kTile;
              run(left, length, paired + o * count + p * kTile, kTile * count, std::min(kBlock, count - p), sum,
                  places * c16 * kTile);
            }
      }
  }
}

#pragma GCC pop_options
#pragma GCC diagnostic pop

#else
void TileWeights::gradient(int64_t, const bf16 *, const bf16 *, float *, char *) const {}
#endif

TileWeights::Axis TileWeights::axis(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t pad,
                                    int64_t dilation) {
  Axis a{};
  a.phases = std::min(stride, size);
  bool over = false;  // the image goes on where the output has ended
  for (int64_t r = 0; r < a.phases; r++) over = over || (size - r + stride - 1) / stride > out;
  for (int64_t k = 0; k < kernel; k++) {
    const int64_t offset = k * dilation - pad;
    a.move[k] = down(offset, stride);
    a.phase[k] = offset - a.move[k] * stride;
    a.lead = std::max(a.lead, -a.move[k]);
    a.reach = std::max(a.reach, a.move[k]);
  }
  // Zeros behind a row are those before the next, unless the image has something there.
  a.pitch = out + (over ? a.lead + a.reach : std::max(a.lead, a.reach));
  return a;
}

bool TileWeights::choose() {
  if (kernel[0] > kMost || kernel[1] > kMost) return false;
  axes_[0] = axis(height, out_height, kernel[0], strides[0], pads[0], dilations[0]);
  axes_[1] = axis(width, out_width, kernel[1], strides[1], pads[1], dilations[1]);
  return true;
}

int64_t TileWeights::group(int64_t images) const {
  const int64_t each = grid() * 2 * (channels * axes_[0].phases * axes_[1].phases + filters);
  return std::max<int64_t>(1, std::min(images, kGroupBytes / each));
}
int64_t TileWeights::pixels(int64_t images) const { return up(images * grid(), kPixels); }

// A line has the places, what moves reach before and behind them, and an odd number of cache lines, so that the lines
// of a tile don't share their places in a cache.
int64_t TileWeights::line(int64_t images) const {
  const int64_t behind = axes_[0].reach * axes_[1].pitch + axes_[1].reach;
  const int64_t n = up(margin() + pixels(images) + behind, kPixels);
  return n / kPixels % 2 ? n : n + kPixels;
}

size_t TileWeights::scratch(int64_t images) const {
  const int64_t n = group(images), c16 = up(channels, kTile), o16 = up(filters, kTile);
  return size_t(axes_[0].phases * axes_[1].phases * c16 * line(n) + o16 * pixels(n) + std::max(c16, o16)) *
             sizeof(bf16) +
         size_t(line(n)) * sizeof(void *);
}

size_t TileWeights::sums() const { return size_t(kernel[0] * kernel[1] * up(channels, kTile) * up(filters, kTile)); }

void TileWeights::sum(const float *const *parts, int64_t n, float *dw, int64_t begin, int64_t end) const {
  const int64_t c16 = up(channels, kTile), places = kernel[0] * kernel[1];
  const int64_t row = kTile * places;
  std::vector<float> turned(kTile * row);  // [filters, channels, places]
  for (int64_t block = begin; block < end; block++)
    for (int64_t first = 0; first < channels; first += kTile) {
      const int64_t o = block * kTile, some = std::min(kTile, filters - o), few = std::min(kTile, channels - first);
      for (int64_t k = 0; k < places; k++)
        for (int64_t c = 0; c < few; c++) {
          float sum[kTile];
          const int64_t at = ((block * places + k) * c16 + first + c) * kTile;
          std::memcpy(sum, parts[0] + at, sizeof sum);
          for (int64_t part = 1; part < n; part++)
            for (int64_t i = 0; i < kTile; i++) sum[i] += parts[part][at + i];
          for (int64_t i = 0; i < kTile; i++) turned[i * row + c * places + k] = sum[i];
        }
      for (int64_t i = 0; i < some; i++)
        std::memcpy(dw + ((o + i) * channels + first) * places, &turned[i * row], few * places * sizeof(float));
    }
}

}  // namespace ordo
