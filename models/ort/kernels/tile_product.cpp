// Products of matrices on the processor's matrix units: the factors are rounded to bfloat16 when they are copied, their
// products added up in float32.
//
// A tile has 16 rows of A over 32 numbers of k, or 16 columns of B, as pairs of k beside each other. The copies are
// made of blocks of 16 lines by 32 numbers, which are read along whichever of the two lies together, and transposed
// where the other is wanted.
#include <algorithm>

#include "product.h"
#include "tiles.h"
#include "tiles_simd.h"

#ifdef ORDO_TILES

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")

namespace ordo {
namespace {

constexpr int64_t kSquare = kTile * kPixels;  // numbers of a tile
constexpr int64_t kDepth = 512;               // of a block of k
constexpr int64_t kColumns = 1024;            // of B that are copied at a time
constexpr int64_t kStep = 2 * kTile;          // rows and columns of C at a time


// halves rounds 16 numbers, each into the lower half of 32 bits.
inline __m512i halves(__m512 x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x)); }

// copy takes a block of up to 16 lines of up to 32 numbers, `line` and `step` apart, and zeros where there are fewer.
// Pairs: the pairs of all lines beside each other, else lines below each other.
void copy(const float *from, int64_t line, int64_t step, int64_t lines, int64_t count, bool pairs, uint16_t *to) {
  __m512i r[16];
  const bool together = step == 1 || line != 1;  // lines are read
  if (step == 1) {
    const __mmask16 low = mask_of(count), high = mask_of(count - 16);
    for (int i = 0; i < 16; i++) {
      const float *p = from + (i < lines ? i : 0) * line;
      const __mmask16 any = i < lines ? 0xffff : 0;
      r[i] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high & any, p + 16),
                                          _mm512_maskz_loadu_ps(low & any, p));
    }
  } else if (line == 1) {
    const __mmask16 mask = mask_of(lines);
    for (int q = 0; q < 16; q++) {
      const float *p = from + 2 * q * step;
      const __m512 a = _mm512_maskz_loadu_ps(2 * q < count ? mask : 0, p);
      const __m512 b = _mm512_maskz_loadu_ps(2 * q + 1 < count ? mask : 0, p + step);
      r[q] = _mm512_or_si512(halves(a), _mm512_slli_epi32(halves(b), 16));
    }
  } else {
    for (int i = 0; i < 16; i++) {
      float row[32] = {};
      for (int64_t k = 0; i < lines && k < count; k++) row[k] = from[i * line + k * step];
      r[i] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(row + 16), _mm512_loadu_ps(row));
    }
  }
  if (together == pairs) transpose(r);
  for (int i = 0; i < 16; i++) _mm512_storeu_si512(to + i * kPixels, r[i]);
}

// square computes 32 by 32 numbers of C over `tiles` tiles of k each.
void square(const uint16_t *a, const uint16_t *b, int64_t tiles, float *c) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t k = 0; k < tiles; k++) {
    _tile_loadd(4, a + k * kSquare, 64);
    _tile_loadd(6, b + k * kSquare, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + (tiles + k) * kSquare, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + (tiles + k) * kSquare, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  constexpr int64_t bytes = kStep * sizeof(float);
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + kTile, bytes);
  _tile_stored(2, c + kTile * kStep, bytes);
  _tile_stored(3, c + kTile * kStep + kTile, bytes);
}

int64_t depth_of(const Product &p) { return up(std::min(p.k, kDepth), kPixels); }

size_t scratch(const Product &p) {
  const int64_t lines = kStep + up(std::min(p.n, kColumns), kStep);
  return size_t(lines * depth_of(p)) * sizeof(uint16_t) + kStep * kStep * sizeof(float);
}

void multiply(const Product &p, char *memory) {
  float *const sums = reinterpret_cast<float *>(memory);
  uint16_t *const a = reinterpret_cast<uint16_t *>(sums + kStep * kStep), *const b = a + kStep * depth_of(p);
  const Configured configured;
  for (int64_t k = 0; k < std::max<int64_t>(p.k, 1); k += kDepth) {
    const int64_t depth = std::min(kDepth, p.k - k), tiles = up(depth, kPixels) / kPixels;
    for (int64_t first = 0; first < p.n; first += kColumns) {
      const int64_t columns = std::min(kColumns, p.n - first);
      for (int64_t j = 0; j < up(columns, kStep); j += kTile)
        for (int64_t t = 0; t < tiles; t++)
          copy(p.b.data + (k + t * kPixels) * p.b.row + (first + j) * p.b.column, p.b.column, p.b.row, columns - j,
               depth - t * kPixels, true, b + (j / kTile * tiles + t) * kSquare);
      for (int64_t i = 0; i < p.m; i += kStep) {
        for (int64_t h = 0; h < kStep; h += kTile)
          for (int64_t t = 0; t < tiles; t++)
            copy(p.a.data + (i + h) * p.a.row + (k + t * kPixels) * p.a.column, p.a.row, p.a.column, p.m - i - h,
                 depth - t * kPixels, false, a + (h / kTile * tiles + t) * kSquare);
        for (int64_t j = 0; j < columns; j += kStep) {
          square(a, b + j / kTile * tiles * kSquare, tiles, sums);
          const int64_t rows = std::min(kStep, p.m - i), at = first + j;
          const __mmask16 low = mask_of(columns - j), high = mask_of(columns - j - kTile);
          const __m512 alpha = _mm512_set1_ps(p.alpha);
          for (int64_t r = 0; r < rows; r++) {
            float *const c = p.c + (i + r) * p.c_row + at;
            const float *add = k ? c : p.bias ? p.bias + at : nullptr;
            for (int half = 0; half < 2; half++) {
              const __mmask16 mask = half ? high : low;
              __m512 y = _mm512_mul_ps(_mm512_loadu_ps(sums + r * kStep + half * kTile), alpha);
              if (add) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(mask, add + half * kTile));
              _mm512_mask_storeu_ps(c + half * kTile, mask, y);
            }
          }
        }
      }
    }
  }
}

const Products table = {int(kStep), int(kStep), scratch, multiply};

}  // namespace

const Products *tile_products() { return tiles_possible() ? &table : nullptr; }

}  // namespace ordo

#pragma GCC pop_options
#pragma GCC diagnostic pop

#else
const ordo::Products *ordo::tile_products() { return nullptr; }
#endif
