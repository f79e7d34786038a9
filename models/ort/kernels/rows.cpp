// Layer norm and the gradients of layer norm and softmax, over the last dimensions. Tasks have runs of rows.
//
// Sums over rows are in float32 within a block of them, and the blocks of a task, and then the tasks, are added up in
// float64 in their order.
#include <cstring>

#include "pointwise.h"
#include "session.h"

namespace ordo {
namespace {

constexpr int64_t kMinElements = 16384;  // of a task
constexpr int64_t kBlock = 256;          // rows

// Matrix is a tensor seen as rows.
struct Matrix {
  int64_t rows = 1, width = 1, tasks;
  std::vector<int64_t> outer;  // the shape of one value for each row

  // The rows go along the dimensions from `axis` on.
  Matrix(const Tensor &x, const char *name, int64_t axis, int threads) {
    const int64_t rank = int64_t(x.dims.size());
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank)
      throw Fault(std::string("axis must be one of ") + name + ", which has shape " + shape(x.dims));
    for (int64_t i = 0; i < rank; i++) {
      (i < axis ? rows : width) *= x.dims[i];
      outer.push_back(i < axis ? x.dims[i] : 1);
    }
    if (rows * width == 0) throw Fault(std::string(name) + " is empty, it has shape " + shape(x.dims));
    tasks = std::max<int64_t>(1, std::min<int64_t>({threads, rows, rows * width / kMinElements}));
  }
};

// parameter is an input with a value for each place of a row, null if it may be left out and is.
float *parameter(const Run &run, size_t i, const char *name, int64_t width, bool optional) {
  const Tensor t = run.input(i);
  if (!t && optional) return nullptr;
  if (!t || t.size() != width)
    throw Fault(std::string(name) + " must have " + std::to_string(width) + " values, it has shape " + shape(t.dims));
  return t.floats();
}

struct LayerNorm : Kernel {
  int64_t axis;
  float epsilon;
  explicit LayerNorm(const Node &node) : axis(node.integer("axis", -1)), epsilon(node.real("epsilon", 1e-5f)) {}
  void run(const Run &run) override {
    const Tensor x = run.input(0);
    const Matrix m(x, "X", axis, run.session.threads);
    const float *scale = parameter(run, 1, "scale", m.width, false), *bias = parameter(run, 2, "bias", m.width, true);
    const Tensor y = run.output(0, x.dims), mean = run.output(1, m.outer), inverse = run.output(2, m.outer);
    run.parallel(m.tasks, [&](size_t t) {
      const Part part(m.rows, m.tasks, t);
      const int64_t o = part.begin * m.width;
      pointwise().layer_norm(x.floats() + o, y.floats() + o, part.end - part.begin, m.width, scale, bias, epsilon,
                             mean.floats() + part.begin, inverse.floats() + part.begin);
    });
  }
};

struct LayerNormGrad : Kernel {
  int64_t axis;
  explicit LayerNormGrad(const Node &node) : axis(node.integer("axis", -1)) {}
  void run(const Run &run) override {
    const Tensor dy = run.input(0), x = run.input(1);
    if (dy.dims != x.dims) throw Fault("dY has shape " + shape(dy.dims) + ", X has " + shape(x.dims));
    const Matrix m(x, "X", axis, run.session.threads);
    const float *scale = parameter(run, 2, "scale", m.width, false), *mean = parameter(run, 3, "mean", m.rows, false),
                *inverse = parameter(run, 4, "inverse", m.rows, false);
    const std::vector<int64_t> dims = run.input(2).dims;
    const Tensor dx = run.output(0, x.dims), dscale = run.output(1, dims), dbias = run.output(2, dims);

    // A task's scratch: sums of its blocks in float64 and of one block in float32, of dscale and dbias each.
    const int64_t w = m.width;
    const size_t bytes = 2 * w * (sizeof(double) + sizeof(float));
    for (int64_t t = 0; t < m.tasks; t++) run.session.slice(t).reserve(bytes);
    run.parallel(m.tasks, [&](size_t t) {
      double *total = reinterpret_cast<double *>(run.session.slice(t).reserve(bytes));
      float *sum = reinterpret_cast<float *>(total + 2 * w);
      std::memset(total, 0, 2 * w * sizeof *total);
      const Part part(m.rows, m.tasks, t);
      for (int64_t row = part.begin; row < part.end; row += kBlock) {
        const int64_t o = row * w, rows = std::min(kBlock, part.end - row);
        std::memset(sum, 0, 2 * w * sizeof *sum);
        pointwise().layer_norm_gradient(dy.floats() + o, x.floats() + o, dx ? dx.floats() + o : nullptr, rows, w, scale,
                                        mean + row, inverse + row, sum, sum + w);
        for (int64_t i = 0; i < 2 * w; i++) total[i] += sum[i];
      }
    });
    for (int64_t i = 0; i < w; i++) {
      double s = 0, b = 0;
      for (int64_t t = 0; t < m.tasks; t++) {
        const double *total = reinterpret_cast<double *>(run.session.slice(t).reserve(bytes));
        s += total[i];
        b += total[w + i];
      }
      if (dscale) dscale.floats()[i] = float(s);
      if (dbias) dbias.floats()[i] = float(b);
    }
  }
};

struct SoftmaxGrad : Kernel {
  explicit SoftmaxGrad(const Node &) {}
  void run(const Run &run) override {
    const Tensor dy = run.input(0), y = run.input(1);
    if (dy.dims != y.dims) throw Fault("dY has shape " + shape(dy.dims) + ", Y has " + shape(y.dims));
    const Matrix m(y, "Y", -1, run.session.threads);
    const Tensor dx = run.output(0, y.dims);
    run.parallel(m.tasks, [&](size_t t) {
      const Part part(m.rows, m.tasks, t);
      const int64_t o = part.begin * m.width;
      pointwise().softmax_gradient(dy.floats() + o, y.floats() + o, dx.floats() + o, part.end - part.begin, m.width);
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm(const Node &node) { return std::make_unique<LayerNorm>(node); }
std::unique_ptr<Kernel> make_layer_norm_grad(const Node &node) { return std::make_unique<LayerNormGrad>(node); }
std::unique_ptr<Kernel> make_softmax_grad(const Node &node) { return std::make_unique<SoftmaxGrad>(node); }

}  // namespace ordo
