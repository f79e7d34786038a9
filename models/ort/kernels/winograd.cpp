// Convolutions by Winograd's algorithm: how their work is divided and where it is kept (the loops are in
// winograd_simd.h).
//
// All tiles of the batch are dealt out to the threads, whatever image they are of. A thread takes a block of tiles at a
// time through all steps, so that transformed tiles stay in its cache. Where kernels are many and tiles few, it is the
// other way round: all tiles are transformed, then the filters are dealt out, and a thread takes a few at a time, whose
// transformed kernels stay in its cache. The sum over channels is done in one go for each output, in the order of
// channels: results are the same either way, and for any number of threads.
#include "winograd.h"

#include <algorithm>

#include "session.h"

namespace ordo {
namespace {

constexpr int64_t kLine = 16;               // floats in a cache line
constexpr int64_t kBlockBytes = 256 << 10;  // of transformed tiles in a block, which share a level 2 cache with kernels
constexpr int64_t kLeastBlock = 56;         // tiles in a block nevertheless, or transformed kernels would be read too
                                            // often
constexpr int64_t kDeepBytes = 4 << 20;     // of transformed kernels: where they are more than this,
constexpr int64_t kFlatBytes = 12 << 20;    // and transformed tiles less than this, it goes by filters
constexpr int64_t kSerial = 4096;           // kernels up to which one thread transforms them all
constexpr int64_t kShare = 8;               // tiles at least for a thread

// apart is a stride from position to position that spreads them over the sets of a cache.
int64_t apart(int64_t floats) { return ((floats + kLine - 1) / kLine | 1) * kLine; }

// What pays: the transforms of a tile and a channel, and those of a kernel, cost as many multiplications at each of the
// positions; oneDNN multiplies kBrain times faster in bfloat16; and the gain must be worth the rounding.
constexpr double kTransform = 12, kKernels = 6, kBrain = 1.8, kMargin = 1.05;

// taps are the pairs of an output and one of its three inputs along an axis that is not padding.
int64_t taps(int64_t outputs, int64_t inputs, int64_t pad) {
  int64_t n = 0;
  for (int64_t o = 0; o < outputs; o++)
    n += std::max<int64_t>(0, std::min(o - pad + 3, inputs) - std::max<int64_t>(o - pad, 0));
  return n;
}

}  // namespace

bool Winograd::possible(int64_t channels, int64_t filters) {
  const WinogradLoops *loops = winograd_loops();
  return loops && channels % loops->lanes == 0 && filters % loops->lanes == 0;
}

// The costs are in multiplications, of which both algorithms do about the same number in a second. The factors are
// those of a Zen 4: they foretell the ratio of both times within a quarter for 16 to 512 channels, images of 3 to 32
// pixels and batches of 1 to 64.
bool Winograd::pays(const Tiles &t, int64_t images, int64_t channels, int64_t filters, bool bf16) {
  const double products = double(channels) * filters, count = double(images) * t.of_image();
  const double transforms = kTransform * count * (channels + filters), kernels = kKernels * products;
  const double winograd = kPositions * (count * products + transforms + kernels);
  // oneDNN leaves out what is multiplied with padding.
  const double direct =
      double(images) * taps(t.out_height, t.height, t.top) * taps(t.out_width, t.width, t.left) * products;
  return winograd * kMargin < direct / (bf16 ? kBrain : 1);
}

Winograd::Winograd(const Tiles &tiles, int64_t images, int64_t channels, int64_t filters, int64_t threads)
    : tiles_(tiles), loops_(winograd_loops()), count_(images * tiles.of_image()), channels_(channels),
      filters_(filters) {
  const int64_t bytes = kPositions * sizeof(float);
  tasks_ = std::clamp<int64_t>(count_ / kShare, 1, threads);
  if (bytes * channels * filters > kDeepBytes && bytes * channels * count_ < kFlatBytes) {
    panel_ = 2 * loops_->lanes;
    block_ = count_;
  } else {
    const int64_t share = (count_ + tasks_ - 1) / tasks_,
                  fits = std::max(kLeastBlock, kBlockBytes / (bytes * (channels + filters)));
    const int64_t blocks = (share + fits - 1) / fits;
    panel_ = filters;
    block_ = (share + blocks - 1) / blocks;
  }
  v_stride_ = apart(block_ * channels);
  m_stride_ = apart(block_ * panel_);
  u_stride_ = apart(channels * panel_);
}

void Winograd::run(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const {
  if (panel_ < filters_)
    by_filters(run, x, w, bias, y);
  else
    by_tiles(run, x, w, bias, y);
}

void Winograd::by_tiles(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const {
  const WinogradLoops &loops = *loops_;
  float *u = reinterpret_cast<float *>(run.session.shared().reserve(kPositions * u_stride_ * sizeof(float)));
  const int64_t vectors = filters_ / loops.lanes;
  const int64_t transforms = channels_ * filters_ > kSerial ? std::min<int64_t>(run.session.threads, vectors) : 1;
  run.parallel(transforms, [&](size_t i) {
    const Part part(vectors, transforms, i);
    loops.kernels(w.data, w.channel_step, w.filter_step, w.turned, channels_, filters_, part.begin, part.end, u,
                  u_stride_);
  });
  run.parallel(tasks_, [&](size_t i) {
    const Part part(count_, tasks_, i);
    const size_t floats = kPositions * (v_stride_ + m_stride_);
    float *v = reinterpret_cast<float *>(run.session.slice(i).reserve(floats * sizeof(float))),
          *m = v + kPositions * v_stride_;
    for (int64_t first = part.begin; first < part.end; first += block_) {
      const int64_t count = std::min(block_, part.end - first);
      loops.input(tiles_, x, channels_, first, count, v, v_stride_);
      loops.multiply(v, u, m, v_stride_, u_stride_, m_stride_, count, channels_, filters_);
      loops.output(tiles_, m, m_stride_, filters_, first, count, bias, y, filters_);
    }
  });
}

void Winograd::by_filters(const Run &run, const float *x, const Kernels &w, const float *bias, float *y) const {
  const WinogradLoops &loops = *loops_;
  float *v = reinterpret_cast<float *>(run.session.shared().reserve(kPositions * v_stride_ * sizeof(float)));
  run.parallel(tasks_, [&](size_t i) {
    const Part part(count_, tasks_, i);
    loops.input(tiles_, x, channels_, part.begin, part.end - part.begin, v + part.begin * channels_, v_stride_);
  });
  const int64_t panels = (filters_ + panel_ - 1) / panel_, tasks = std::min<int64_t>(run.session.threads, panels);
  run.parallel(tasks, [&](size_t i) {
    const Part part(panels, tasks, i);
    const size_t floats = kPositions * (u_stride_ + m_stride_);
    float *u = reinterpret_cast<float *>(run.session.slice(i).reserve(floats * sizeof(float))),
          *m = u + kPositions * u_stride_;
    for (int64_t p = part.begin; p < part.end; p++) {
      const int64_t first = p * panel_, filters = std::min(panel_, filters_ - first);
      loops.kernels(w.data + first * w.filter_step, w.channel_step, w.filter_step, w.turned, channels_, filters, 0,
                    filters / loops.lanes, u, u_stride_);
      loops.multiply(v, u, m, v_stride_, u_stride_, m_stride_, count_, channels_, filters);
      loops.output(tiles_, m, m_stride_, filters, 0, count_, bias ? bias + first : nullptr, y + first, filters_);
    }
  });
}

}  // namespace ordo
