// What the loops on matrix units (tiles.h) share. Without ORDO_TILES the compiler has nothing for them.
#ifndef ORDO_KERNELS_TILES_SIMD_H
#define ORDO_KERNELS_TILES_SIMD_H

#include <cstdint>

#include "bf16.h"

namespace ordo {
namespace {

constexpr int64_t kTile = 16;    // rows and columns
constexpr int64_t kPixels = 32;  // numbers that a product of two tiles goes over

// up is n in full parts of `to`.
inline int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

}  // namespace
}  // namespace ordo

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define ORDO_TILES 1
#include <immintrin.h>

// GCC 12 warns of its own header: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")

namespace ordo {
namespace {

// Configured has the eight tiles at their full size, and puts back what was there: oneDNN has a configuration of its
// own.
class Configured {
 public:
  Configured() {
    _tile_storeconfig(&before_);
    __asm__ volatile("" : : "r"(&before_) : "memory");
    Config all;
    all.palette = 1;
    for (int i = 0; i < 8; i++) all.bytes[i] = 64, all.rows[i] = 16;
    __asm__ volatile("" : : "r"(&all) : "memory");  // GCC 12 takes the next line for one that reads 8 bytes
    _tile_loadconfig(&all);
  }
  ~Configured() {
    __asm__ volatile("" : : "r"(&before_) : "memory");
    if (before_.palette)
      _tile_loadconfig(&before_);
    else
      _tile_release();
  }

 private:
  struct alignas(64) Config {
    uint8_t palette = 0, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};
  };
  Config before_;
};

// transpose exchanges rows and columns of 16 by 16 numbers.
inline void transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int k = 0; k < 4; k++) {
    const __m512i a = _mm512_shuffle_i32x4(r[k], r[4 + k], 0x88), b = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0x88);
    const __m512i c = _mm512_shuffle_i32x4(r[k], r[4 + k], 0xdd), d = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0xdd);
    t[k] = _mm512_shuffle_i32x4(a, b, 0x88);
    t[4 + k] = _mm512_shuffle_i32x4(c, d, 0x88);
    t[8 + k] = _mm512_shuffle_i32x4(a, b, 0xdd);
    t[12 + k] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
  for (int i = 0; i < 16; i++) r[i] = t[i];
}

// mask_of are the first `left` of 16 places.
inline __mmask16 mask_of(int64_t left) {
  return left >= kTile ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1 << left) - 1);
}

// product adds Rows by Columns tiles of x y over `count` numbers to sums of 16 by 16, those of a column below each
// other. x has its rows `line` apart; y is [columns/16, count/2, 16, 2], blocks of 16 columns `block` apart, and their
// sums `column`.
template <int Rows, int Columns>
void product(const bf16 *x, int64_t line, const bf16 *y, int64_t block, int64_t count, float *sum, int64_t column) {
  constexpr int64_t square = kTile * kTile;
  const int64_t bytes = line * sizeof(bf16);
  _tile_loadd(0, sum, 64);
  if (Columns > 1) _tile_loadd(1, sum + column, 64);
  if (Rows > 1) _tile_loadd(2, sum + square, 64);
  if (Rows > 1 && Columns > 1) _tile_loadd(3, sum + column + square, 64);
  for (int64_t p = 0; p < count; p += kPixels) {
    _tile_loadd(4, x + p, bytes);
    _tile_loadd(6, y + p * kTile, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (Columns > 1) {
      _tile_loadd(7, y + block + p * kTile, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (Rows > 1) {
      _tile_loadd(5, x + kTile * line + p, bytes);
      _tile_dpbf16ps(2, 5, 6);
      if (Columns > 1) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sum, 64);
  if (Columns > 1) _tile_stored(1, sum + column, 64);
  if (Rows > 1) _tile_stored(2, sum + square, 64);
  if (Rows > 1 && Columns > 1) _tile_stored(3, sum + column + square, 64);
}

using ProductOfTiles = void (*)(const bf16 *, int64_t, const bf16 *, int64_t, int64_t, float *, int64_t);

// product_of gives the product of two tiles of rows, or one, and of columns.
inline ProductOfTiles product_of(bool tall, bool wide) {
  return tall ? (wide ? product<2, 2> : product<2, 1>) : (wide ? product<1, 2> : product<1, 1>);
}

}  // namespace
}  // namespace ordo

#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif
#endif
