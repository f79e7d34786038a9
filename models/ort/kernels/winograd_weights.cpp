#include "winograd_weights.h"

#include <algorithm>
#include <cmath>

#include "loops.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ORDO_X86 1
#endif

namespace ordo {
namespace {

// WeightsLoops are for vectors of so many lanes.
struct WeightsLoops {
  int lanes;
  void (*gradient)(const WinogradWeights &w, int64_t images, const float *x, const float *dy, float *dw,
                   float *scratch);
  void (*sum)(const WinogradWeights &w, const float *const *slices, int64_t count, float *oihw, int64_t begin,
              int64_t end);
};

}  // namespace
}  // namespace ordo

#ifdef ORDO_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define NAMESPACE winograd_weights256
#include "winograd_weights_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define WIDTH 16
#define NAMESPACE winograd_weights512
#include "winograd_weights_simd.h"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options
#endif

namespace ordo {
namespace {

const WeightsLoops *with(int lanes) {
#ifdef ORDO_X86
  if (lanes == 16) return &winograd_weights512::table;
  if (lanes == 8) return &winograd_weights256::table;
#endif
  return nullptr;
}

// tiles, at most: what they are transformed to shall stay in the cache, and suffice to pay for the way back
constexpr int64_t kBlock = 48;

}  // namespace

int64_t WinogradWeights::block(int64_t images) const {
  const int64_t all = tiles(images), blocks = (all + kBlock - 1) / kBlock;
  return (all + blocks - 1) / blocks;
}

size_t WinogradWeights::scratch(int64_t images) const {
  const int64_t positions = (tile + 2) * (tile + 2), rows = std::min(kBlock, tiles(images)) | 1;
  return size_t(positions * ((channels + filters) * rows + (lanes + 1) * lanes)) * sizeof(float);
}

// Times are in multiplications of vectors, of which a Zen 4 begins one a cycle. Measured there with 16 to 512 channels
// on images of 1 to 32 pixels, the model finds the faster form wherever they differ by a tenth, but for calls of some
// microseconds.
double WinogradWeights::cost(int64_t images) const {
  constexpr double kInput = 7, kOutput = 5, kBack = 4;  // the three transforms, for a position
  constexpr double kWeight = 1.3;                       // the way of a weight to OIHW
  const double all = double(tiles(images)), blocks = std::ceil(all / double(block(images))),
               positions = (tile + 2) * (tile + 2);
  const double cs = double(channels) / lanes, ks = double(filters) / lanes;
  return positions * (all * (cs * ks * lanes + kInput * cs + kOutput * ks) + blocks * cs * ks * lanes * kBack) +
         kWeight * double(floats());
}

double WinogradWeights::direct_cost(int64_t images, bool bf16) const {
  constexpr double kProduct = 1.1, kWeight = 2;
  constexpr double kBf16Product = 0.55, kBf16Pixel = 30;  // pixels are rounded and paired first
  const double pixels = double(images * out_height * out_width), products = pixels * double(floats()) / lanes;
  const double rounding = kBf16Pixel * pixels * double(channels + filters) / lanes;
  return (bf16 ? kBf16Product * products + rounding : kProduct * products) + kWeight * double(floats());
}

bool WinogradWeights::choose(int64_t images) {
  lanes = loops().bits / 32;
  if (!with(lanes) || channels % lanes || filters % lanes) return false;
  tile = 2;
  const double two = cost(images);
  tile = 4;
  if (two < cost(images)) tile = 2;
  return true;
}

bool WinogradWeights::pays(int64_t images, bool bf16) const { return cost(images) < direct_cost(images, bf16); }

void WinogradWeights::gradient(int64_t images, const float *x, const float *dy, float *dw, char *scratch) const {
  with(lanes)->gradient(*this, images, x, dy, dw, reinterpret_cast<float *>(scratch));
}

void WinogradWeights::sum(const float *const *slices, int64_t count, float *oihw, int64_t begin, int64_t end) const {
  with(lanes)->sum(*this, slices, count, oihw, begin, end);
}

}  // namespace ordo
