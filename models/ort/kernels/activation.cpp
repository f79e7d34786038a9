// Activations and products with a factor for each channel, and their gradients. Tasks have runs of elements, or images.
#include <cstring>

#include "pointwise.h"
#include "session.h"

namespace ordo {
namespace {

constexpr int64_t kRun = 64;             // elements, so that results don't depend on the number of tasks
constexpr int64_t kMinElements = 16384;  // of a task

struct Named {
  const char *name;
  Activation activation;
};
const Named kActivations[] = {{"hard_sigmoid", HARD_SIGMOID}, {"hard_swish", HARD_SWISH}, {"sigmoid", SIGMOID},
                              {"silu", SILU},                 {"gelu", GELU},             {"gelu_tanh", GELU_TANH}};

struct Activated : Kernel {
  Activation activation = ACTIVATIONS;
  Slope slope;
  explicit Activated(const Node &node) : slope{node.real("alpha", 0.2f), node.real("beta", 0.5f)} {
    const std::string kind = node.text("kind", "");
    for (const Named &n : kActivations)
      if (kind == n.name) activation = n.activation;
    if (activation == ACTIVATIONS)
      throw Fault("kind must be hard_sigmoid, hard_swish, sigmoid, silu, gelu or gelu_tanh");
  }

  // over calls body(begin, count) for runs of n elements.
  template <class Body>
  static void over(const Run &run, int64_t n, Body body) {
    const int64_t runs = (n + kRun - 1) / kRun,
                  tasks = std::max<int64_t>(1, std::min<int64_t>(run.session.threads, n / kMinElements));
    run.parallel(tasks, [&](size_t t) {
      const Part part(runs, tasks, t);
      const int64_t begin = part.begin * kRun, end = std::min(n, part.end * kRun);
      if (begin < end) body(begin, end - begin);
    });
  }
};

struct Activate : Activated {
  using Activated::Activated;
  void run(const Run &run) override {
    const Tensor x = run.input(0), y = run.output(0, x.dims);
    over(run, x.size(), [&](int64_t begin, int64_t n) {
      pointwise().activate[activation](x.floats() + begin, y.floats() + begin, n, slope);
    });
  }
};

struct ActivationGrad : Activated {
  using Activated::Activated;
  void run(const Run &run) override {
    const Tensor dy = run.input(0), x = run.input(1);
    if (dy.dims != x.dims) throw Fault("dY has shape " + shape(dy.dims) + ", X has " + shape(x.dims));
    const Tensor dx = run.output(0, x.dims);
    over(run, x.size(), [&](int64_t begin, int64_t n) {
      pointwise().activation_gradient[activation](dy.floats() + begin, x.floats() + begin, dx.floats() + begin, n,
                                                  slope);
    });
  }
};

// Factors are one for each channel of each image: [N, C, 1, 1].
struct Factors {
  int64_t images, channels, pixels;
  const float *values;
  Factors(const Run &run, size_t i, const Tensor &x)
      : images(x.dims[0]), channels(x.dims[1]), pixels(x.dims[2] * x.dims[3]) {
    const Tensor s = run.input(i);
    if (s.dims != std::vector<int64_t>{images, channels, 1, 1})
      throw Fault("the factors must have shape " + shape({images, channels, 1, 1}) + ", they have " + shape(s.dims));
    values = s.floats();
  }
  // over calls body(image) for all images.
  template <class Body>
  void over(const Run &run, Body body) const {
    const int64_t tasks = std::min<int64_t>(run.session.threads, images);
    run.parallel(tasks, [&](size_t t) {
      const Part part(images, tasks, t);
      for (int64_t i = part.begin; i < part.end; i++) body(t, i);
    });
  }
};

struct ChannelScale : Kernel {
  explicit ChannelScale(const Node &) {}
  void run(const Run &run) override {
    const Tensor x = run.image(0, "X");
    const Factors f(run, 1, x);
    const Tensor y = run.output(0, x.dims);
    f.over(run, [&](size_t, int64_t i) {
      const int64_t o = i * f.pixels * f.channels;
      pointwise().scale(x.floats() + o, f.values + i * f.channels, y.floats() + o, f.pixels, f.channels);
    });
  }
};

struct ChannelScaleGrad : Kernel {
  explicit ChannelScaleGrad(const Node &) {}
  void run(const Run &run) override {
    const Tensor dy = run.image(0, "dY"), x = run.image(1, "X");
    if (dy.dims != x.dims) throw Fault("dY has shape " + shape(dy.dims) + ", X has " + shape(x.dims));
    const Factors f(run, 2, x);
    const Tensor dx = run.output(0, x.dims), ds = run.output(1, {f.images, f.channels, 1, 1});
    const int64_t c = f.channels, block = 256;
    const size_t bytes = c * (sizeof(double) + sizeof(float));
    for (int64_t t = 0; t < std::min<int64_t>(run.session.threads, f.images); t++) run.session.slice(t).reserve(bytes);
    f.over(run, [&](size_t t, int64_t i) {
      // In float32 over a block of pixels, and these in float64.
      double *total = reinterpret_cast<double *>(run.session.slice(t).reserve(bytes));
      float *sum = reinterpret_cast<float *>(total + c);
      std::memset(total, 0, c * sizeof *total);
      for (int64_t p = 0; p < f.pixels; p += block) {
        const int64_t o = (i * f.pixels + p) * c;
        std::memset(sum, 0, c * sizeof *sum);
        pointwise().scale_gradient(dy.floats() + o, x.floats() + o, f.values + i * c, dx ? dx.floats() + o : nullptr,
                                   sum, std::min(block, f.pixels - p), c);
        for (int64_t k = 0; k < c; k++) total[k] += sum[k];
      }
      if (ds)
        for (int64_t k = 0; k < c; k++) ds.floats()[i * c + k] = float(total[k]);
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_activation(const Node &node) { return std::make_unique<Activate>(node); }
std::unique_ptr<Kernel> make_activation_grad(const Node &node) { return std::make_unique<ActivationGrad>(node); }
std::unique_ptr<Kernel> make_channel_scale(const Node &node) { return std::make_unique<ChannelScale>(node); }
std::unique_ptr<Kernel> make_channel_scale_grad(const Node &node) { return std::make_unique<ChannelScaleGrad>(node); }

}  // namespace ordo
