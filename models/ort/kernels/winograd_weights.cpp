#include "winograd_weights.h"

#include <algorithm>

#include "loops.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ORDO_X86 1
#endif

namespace ordo {
namespace {

// WeightsLoops are for vectors of so many lanes.
struct WeightsLoops {
  int lanes;
  void (*gradient)(const WinogradWeights &w, int64_t images, const float *x, const float *dy, float *dw, float *scratch);
  void (*sum)(const WinogradWeights &w, const float *const *slices, int64_t count, float *oihw, int64_t begin, int64_t end);
};

}  // namespace
}  // namespace ordo

#ifdef ORDO_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define NAMESPACE winograd_weights256
#include "winograd_weights.inc"
#undef WIDTH
#undef NAMESPACE
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#define WIDTH 16
#define NAMESPACE winograd_weights512
#include "winograd_weights.inc"
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

constexpr int64_t kBlock = 48;  // tiles, at most: what they are transformed to shall stay in the cache, and suffice to pay for the way back

}  // namespace

int64_t WinogradWeights::block(int64_t images) const {
  const int64_t all = tiles(images), blocks = (all + kBlock - 1) / kBlock;
  return (all + blocks - 1) / blocks;
}

size_t WinogradWeights::scratch(int64_t images) const {
  const int64_t positions = (tile + 2) * (tile + 2), rows = std::min(kBlock, tiles(images)) | 1;
  return size_t(positions * ((channels + filters) * rows + (lanes + 1) * lanes)) * sizeof(float);
}

double WinogradWeights::cost(int64_t images) const {
  const double all = double(tiles(images)), blocks = all / double(block(images)), positions = (tile + 2) * (tile + 2);
  const double cs = double(channels) / lanes, ks = double(filters) / lanes;
  return positions * (all * (cs * ks * lanes + 7 * cs + 5 * ks) + blocks * cs * ks * lanes * 4);
}

double WinogradWeights::direct_cost(int64_t images) const {
  return 1.2 * 9 * double(images * out_height * out_width) * double(channels) * double(filters) / lanes;
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

bool WinogradWeights::pays(int64_t images, bool bf16) const { return cost(images) < (bf16 ? 0.6 : 1) * direct_cost(images); }

void WinogradWeights::gradient(int64_t images, const float *x, const float *dy, float *dw, char *scratch) const {
  with(lanes)->gradient(*this, images, x, dy, dw, reinterpret_cast<float *>(scratch));
}

void WinogradWeights::sum(const float *const *slices, int64_t count, float *oihw, int64_t begin, int64_t end) const {
  with(lanes)->sum(*this, slices, count, oihw, begin, end);
}

}  // namespace ordo
