// What all operators of a session share: threads, scratch memory, access to tensors, errors.
//
// Errors are exceptions inside and become an OrtStatus at the border to C. An operator is asked by one thread and
// divides its work into tasks for ONNX Runtime's pool; sessions may run several operators at once, so each holds the
// session's lock while it works.
#ifndef ORDO_KERNELS_SESSION_H
#define ORDO_KERNELS_SESSION_H

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "bf16.h"
#include "onednn.h"
#include "ort.h"

namespace ordo {

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Buffer is memory that grows and keeps nothing when it does, aligned to cache lines.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer();
  char *reserve(size_t bytes);
  size_t size() const { return size_; }

 private:
  char *data_ = nullptr;
  size_t size_ = 0;
};

// Layout hands out parts of one buffer: first all sizes are added, then the buffer is reserved.
struct Layout {
  size_t bytes = 0;
  size_t add(size_t n) {
    size_t at = bytes;
    bytes += (n + 63) / 64 * 64;
    return at;
  }
};

class Session {
 public:
  Session(Ort api, int threads)
      : ort(api), threads(std::max(1, threads)), slices_(this->threads), streams_(this->threads) {}

  const Ort ort;
  const int threads;
  std::mutex lock;

  // Scratch memory of the operator that holds the lock: for the asking thread, and for each task.
  Buffer &shared() { return shared_; }
  Buffer &slice(size_t i) { return slices_[i]; }
  dnnl_stream *stream(size_t i);
  size_t scratch() const;

  // check throws what a status says.
  void check(OrtStatus *status) const;

  // parallel calls task(i) for i in [0, n) on ONNX Runtime's threads. The first fault by number is thrown.
  template <class Task>
  void parallel(OrtKernelContext *context, size_t n, Task &&task) {
    if (n == 0) return;
    if (n == 1) return task(size_t{0});
    struct Call {
      Task &task;
      std::vector<std::string> faults;
    } call{task, std::vector<std::string>(n)};
    check(ort.KernelContext_ParallelFor(
        context,
        [](void *data, size_t i) {
          Call &call = *static_cast<Call *>(data);
          try {
            call.task(i);
          } catch (const std::exception &e) {
            call.faults[i] = e.what();
          }
        },
        n, 0, &call));
    for (const std::string &f : call.faults)
      if (!f.empty()) throw Fault(f);
  }

 private:
  Buffer shared_;
  std::vector<Buffer> slices_;
  std::vector<Owned<dnnl_stream>> streams_;
};

// Tensor is an input or output; data is null where an optional one is left out.
struct Tensor {
  void *data = nullptr;
  std::vector<int64_t> dims;
  float *floats() const { return static_cast<float *>(data); }
  template <class E>
  E *as() const { return static_cast<E *>(data); }
  int64_t size() const;
  explicit operator bool() const { return data != nullptr; }
};

// Node reads the attributes of an operator that is being made.
class Node {
 public:
  // half: the operator's activations are in bfloat16.
  Node(const Ort &ort, const OrtKernelInfo *info, bool half) : half(half), ort_(ort), info_(info) {}
  const bool half;
  std::string name() const;
  int64_t integer(const char *name, int64_t missing) const;
  float real(const char *name, float missing) const;
  std::string text(const char *name, const char *missing) const;
  // integers gives count values; missing ones are all `missing`.
  std::vector<int64_t> integers(const char *name, size_t count, int64_t missing) const;
  // integers gives as many values as there are, at most 8; none if they are missing.
  std::vector<int64_t> integers(const char *name) const;

 private:
  bool given(OrtStatus *status) const;
  const Ort &ort_;
  const OrtKernelInfo *info_;
};

// Run is one call of an operator.
class Run {
 public:
  Run(Session &session, OrtKernelContext *context) : session(session), context(context) {}
  Session &session;
  OrtKernelContext *const context;

  Tensor input(size_t i) const;
  // image is an input of rank 4, which must be there.
  Tensor image(size_t i, const char *name) const;
  // channels is an input of rank 2 or more, which must be there and not empty.
  Tensor channels(size_t i, const char *name) const;
  // vector is an input of rank 1 with n values, which must be there.
  float *vector(size_t i, const char *name, int64_t n) const;
  Tensor output(size_t i, const std::vector<int64_t> &dims) const;
  template <class Task>
  void parallel(size_t n, Task &&task) const {
    session.parallel(context, n, task);
  }
};

// Kernel is one node's operator.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const Run &run) = 0;
};

// Part is what task i of n gets of [0, size).
struct Part {
  int64_t begin, end;
  Part(int64_t size, int64_t n, int64_t i) : begin(size * i / n), end(size * (i + 1) / n) {}
};

std::string shape(const std::vector<int64_t> &dims);

using Make = std::unique_ptr<Kernel> (*)(const Node &);
std::unique_ptr<Kernel> make_reorder(const Node &);
std::unique_ptr<Kernel> make_round(const Node &);
std::unique_ptr<Kernel> make_widen(const Node &);
std::unique_ptr<Kernel> make_conv(const Node &);
std::unique_ptr<Kernel> make_conv_grad(const Node &);
std::unique_ptr<Kernel> make_normalize(const Node &);
std::unique_ptr<Kernel> make_batch_norm(const Node &);
std::unique_ptr<Kernel> make_batch_norm_grad(const Node &);
std::unique_ptr<Kernel> make_max_pool(const Node &);
std::unique_ptr<Kernel> make_max_pool_grad(const Node &);
std::unique_ptr<Kernel> make_average_pool(const Node &);
std::unique_ptr<Kernel> make_average_pool_grad(const Node &);
std::unique_ptr<Kernel> make_linear(const Node &);
std::unique_ptr<Kernel> make_linear_grad(const Node &);
std::unique_ptr<Kernel> make_matmul(const Node &);
std::unique_ptr<Kernel> make_activation(const Node &);
std::unique_ptr<Kernel> make_activation_grad(const Node &);
std::unique_ptr<Kernel> make_channel_scale(const Node &);
std::unique_ptr<Kernel> make_channel_scale_grad(const Node &);
std::unique_ptr<Kernel> make_layer_norm(const Node &);
std::unique_ptr<Kernel> make_layer_norm_grad(const Node &);
std::unique_ptr<Kernel> make_softmax_grad(const Node &);

}  // namespace ordo
#endif
