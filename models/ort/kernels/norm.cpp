// Batch norm in training mode, with the sum and the ReLU that follow it in a residual block, and its gradient.
//
// A task has a run of rows (pixels) of all channels. Means and variances come from blocks of rows: sums of x − center
// and its square in float32, with the mean so far as center, so that a large mean costs no digits; the blocks are
// joined in float64, those of the tasks in their order, so results depend on the number of tasks and on nothing else.
#include <cmath>
#include <cstring>

#include "loops.h"
#include "session.h"

namespace ordo {
namespace {

constexpr int64_t kMinRows = 64;  // of a task

struct Rows {
  int64_t rows, channels, tasks, block;
  Rows(const Tensor &x, int threads, int64_t largest_block) : rows(x.size() / x.dims[1]), channels(x.dims[1]) {
    tasks = std::max<int64_t>(1, std::min<int64_t>(threads, rows / kMinRows));
    block = std::min<int64_t>(largest_block, std::max<int64_t>(16, 16384 / channels));
  }
};

// forward calls body(row, rows) for the blocks of a part in order, backward in the opposite order: what the first pass
// read last is still in the cache.
template <class Body>
void forward(const Rows &r, Part p, Body body) {
  for (int64_t at = p.begin; at < p.end; at += r.block) body(at, std::min(r.block, p.end - at));
}
template <class Body>
void backward(const Rows &r, Part p, Body body) {
  for (int64_t n = (p.end - p.begin + r.block - 1) / r.block; n-- > 0;) {
    int64_t at = p.begin + n * r.block;
    body(at, std::min(r.block, p.end - at));
  }
}

void copy(const float *x, float *y, int64_t n) { std::memcpy(y, x, n * sizeof(float)); }
void copy(const bf16 *x, float *y, int64_t n) { loops().widen(x, y, n); }

struct BatchNorm : Kernel {
  double epsilon, momentum;
  bool relu, half;
  explicit BatchNorm(const Node &node)
      : epsilon(node.real("epsilon", 1e-5f)),
        momentum(node.real("momentum", 0.1f)),
        relu(node.integer("relu", 0)),
        half(node.half) {}

  void run(const Run &run) override { half ? over<bf16>(run) : over<float>(run); }

  // over works on activations of type E.
  template <class E>
  void over(const Run &run) const {
    const ImageLoops<E> &images = loops().of<E>();
    const Tensor x = run.channels(0, "X");
    const Rows r(x, run.session.threads, 512);
    const int64_t c = r.channels;
    const float *scale = run.vector(1, "scale", c), *bias = run.vector(2, "bias", c);
    float *running_mean = run.vector(3, "running_mean", c), *running_var = run.vector(4, "running_var", c);
    const Tensor residual = run.input(5);
    if (residual && residual.dims != x.dims)
      throw Fault("the residual has shape " + shape(residual.dims) + ", X has " + shape(x.dims));
    const Tensor y = run.output(0, x.dims);
    float *mean = run.output(1, {c}).floats(), *inverse = run.output(2, {c}).floats();

    // A task's scratch: mean and squares in float64, center, sum and square in float32.
    const size_t line = size_t(c) * sizeof(double);
    for (int64_t t = 0; t < r.tasks; t++) run.session.slice(t).reserve(4 * line);
    run.parallel(r.tasks, [&](size_t t) {
      double *m = reinterpret_cast<double *>(run.session.slice(t).reserve(4 * line)), *squares = m + c;
      float *center = reinterpret_cast<float *>(squares + c), *sum = center + c, *square = sum + c;
      const Part part(r.rows, r.tasks, t);
      copy(x.as<E>() + part.begin * c, center, c);
      std::memset(m, 0, 2 * line);
      forward(r, part, [&](int64_t row, int64_t rows) {
        images.moments(x.as<E>() + row * c, rows, c, center, sum, square);
        loops().join(double(row - part.begin), m, squares, double(rows), center, sum, square, c);
      });
    });

    const double n = double(r.rows);
    float *factor = reinterpret_cast<float *>(run.session.shared().reserve(c * sizeof(float)));
    double *m = reinterpret_cast<double *>(run.session.slice(0).reserve(4 * line)), *squares = m + c;
    for (int64_t t = 1; t < r.tasks; t++) {
      const Part part(r.rows, r.tasks, t);
      const double *tm = reinterpret_cast<double *>(run.session.slice(t).reserve(4 * line)), *ts = tm + c;
      const double before = double(part.begin), count = double(part.end - part.begin), total = before + count;
      for (int64_t i = 0; i < c; i++) {
        const double delta = tm[i] - m[i];
        m[i] += delta * (count / total);
        squares[i] += ts[i] + delta * delta * (before * count / total);
      }
    }
    for (int64_t i = 0; i < c; i++) {
      const double variance = squares[i] > 0 ? squares[i] / n : squares[i] * 0;  // keeps a NaN
      mean[i] = float(m[i]);
      inverse[i] = float(1 / std::sqrt(variance + epsilon));
      running_mean[i] = float(running_mean[i] * (1 - momentum) + m[i] * momentum);
      running_var[i] = float(running_var[i] * (1 - momentum) + variance * momentum);
      factor[i] = scale[i] * inverse[i];
    }
    run.parallel(r.tasks, [&](size_t t) {
      backward(r, Part(r.rows, r.tasks, t), [&](int64_t row, int64_t rows) {
        const int64_t o = row * c;
        images.normalize(x.as<E>() + o, residual ? residual.as<E>() + o : nullptr, y.as<E>() + o, rows, c, mean, factor,
                         bias, relu);
      });
    });
  }
};

// With dz = dy + dy2? (where y > 0), s = Σ dz, p = Σ dz (x − mean), i = 1/√(variance + epsilon) over n rows:
//
//	dscale = p i,  dbias = s,  dx = scale i (dz − s/n − (x − mean) i² p/n)
struct BatchNormGrad : Kernel {
  bool relu, half;
  explicit BatchNormGrad(const Node &node) : relu(node.integer("relu", 0)), half(node.half) {}

  void run(const Run &run) override { half ? over<bf16>(run) : over<float>(run); }

  template <class E>
  void over(const Run &run) const {
    const ImageLoops<E> &images = loops().of<E>();
    const Tensor dy = run.channels(0, "dY"), x = run.channels(1, "X"), dy2 = run.input(6);
    const Rows r(x, run.session.threads, 128);
    const int64_t c = r.channels;
    const float *scale = run.vector(3, "scale", c), *mean = run.vector(4, "saved_mean", c),
                *inverse = run.vector(5, "saved_inv_std", c);
    const float *bias = relu && run.input(7) ? run.vector(7, "bias", c) : nullptr;
    const Tensor y = relu && !bias ? run.channels(2, "Y") : Tensor{};
    if (dy.dims != x.dims || (y && y.dims != x.dims) || (dy2 && dy2.dims != x.dims))
      throw Fault("dY, dY2, X and Y must have one shape");
    const Tensor dx = run.output(0, x.dims);
    float *dscale = run.output(1, {c}).floats(), *dbias = run.output(2, {c}).floats();
    const Tensor dresidual = run.output(3, x.dims);

    float *factor = reinterpret_cast<float *>(run.session.shared().reserve(4 * c * sizeof(float))), *a = factor + c,
          *b = a + c, *k = b + c;
    for (int64_t i = 0; i < c; i++) factor[i] = scale[i] * inverse[i];  // as forward
    // Of two gradients the sum is kept: where it was asked for, or in the memory of dx.
    const NormGradient<E> all{dy.as<E>(), dy2.as<E>(), y.as<E>(), x.as<E>(),
                              dresidual ? dresidual.as<E>() : dy2 ? dx.as<E>() : nullptr,
                              mean, bias ? factor : nullptr, bias};
    const auto from = [&](int64_t o) {
      const auto moved = [o](auto *p) { return p ? p + o : p; };
      return NormGradient<E>{all.dy + o,    moved(all.dy2), moved(all.y), all.x + o,
                             moved(all.dz), mean,           all.factor,   bias};
    };

    const size_t line = size_t(c) * sizeof(double);
    for (int64_t t = 0; t < r.tasks; t++) run.session.slice(t).reserve(3 * line);
    run.parallel(r.tasks, [&](size_t t) {
      double *s = reinterpret_cast<double *>(run.session.slice(t).reserve(3 * line)), *p = s + c;
      float *sum = reinterpret_cast<float *>(p + c), *product = sum + c;
      std::memset(s, 0, 2 * line);
      forward(r, Part(r.rows, r.tasks, t), [&](int64_t row, int64_t rows) {
        images.gradient_sums(from(row * c), rows, c, sum, product);
        for (int64_t i = 0; i < c; i++) {
          s[i] += sum[i];
          p[i] += product[i];
        }
      });
    });
    const double n = double(r.rows);
    for (int64_t i = 0; i < c; i++) {
      double s = 0, p = 0;
      for (int64_t t = 0; t < r.tasks; t++) {
        const double *ts = reinterpret_cast<double *>(run.session.slice(t).reserve(3 * line));
        s += ts[i];
        p += ts[c + i];
      }
      const double inv = inverse[i], f = scale[i] * inv;
      dscale[i] = float(p * inv);
      dbias[i] = float(s);
      a[i] = float(f);
      b[i] = float(-f * inv * inv * p / n);
      k[i] = float(-f * s / n);
    }
    run.parallel(r.tasks, [&](size_t t) {
      backward(r, Part(r.rows, r.tasks, t), [&](int64_t row, int64_t rows) {
        images.gradient(from(row * c), dx.as<E>() + row * c, rows, c, a, b, k);
      });
    });
  }
};

// Normalize is a batch norm in evaluation mode: its statistics are given.
struct Normalize : Kernel {
  double epsilon;
  bool relu, half;
  explicit Normalize(const Node &node)
      : epsilon(node.real("epsilon", 1e-5f)), relu(node.integer("relu", 0)), half(node.half) {}

  void run(const Run &run) override { half ? over<bf16>(run) : over<float>(run); }

  template <class E>
  void over(const Run &run) const {
    const Tensor x = run.channels(0, "X");
    const Rows r(x, run.session.threads, 512);
    const int64_t c = r.channels;
    const float *scale = run.vector(1, "scale", c), *bias = run.vector(2, "bias", c), *mean = run.vector(3, "mean", c),
                *var = run.vector(4, "var", c);
    const Tensor residual = run.input(5);
    if (residual && residual.dims != x.dims)
      throw Fault("the residual has shape " + shape(residual.dims) + ", X has " + shape(x.dims));
    const Tensor y = run.output(0, x.dims);
    float *factor = reinterpret_cast<float *>(run.session.shared().reserve(c * sizeof(float)));
    for (int64_t i = 0; i < c; i++) factor[i] = float(scale[i] / std::sqrt(double(var[i]) + epsilon));
    run.parallel(r.tasks, [&](size_t t) {
      const Part part(r.rows, r.tasks, t);
      const int64_t o = part.begin * c;
      loops().of<E>().normalize(x.as<E>() + o, residual ? residual.as<E>() + o : nullptr, y.as<E>() + o,
                                part.end - part.begin, c, mean, factor, bias, relu);
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_normalize(const Node &node) { return std::make_unique<Normalize>(node); }
std::unique_ptr<Kernel> make_batch_norm(const Node &node) { return std::make_unique<BatchNorm>(node); }
std::unique_ptr<Kernel> make_batch_norm_grad(const Node &node) { return std::make_unique<BatchNormGrad>(node); }

}  // namespace ordo
