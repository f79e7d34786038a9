// Pooling, and the reordering of images. Tasks have rows of images.
#include <limits>

#include "loops.h"
#include "session.h"

namespace ordo {
namespace {

struct Pool : Kernel {
  Window attributes{};
  bool ceil_mode, half;

  explicit Pool(const Node &node) : ceil_mode(node.integer("ceil_mode", 0)), half(node.half) {
    const auto kernel = node.integers("kernel_shape", 2, 0), strides = node.integers("strides", 2, 1);
    const auto pads = node.integers("pads", 4, 0), dilations = node.integers("dilations", 2, 1);
    for (int i = 0; i < 2; i++) {
      attributes.kernel[i] = kernel[i], attributes.strides[i] = strides[i], attributes.dilations[i] = dilations[i];
      attributes.pads[i] = pads[i], attributes.pads[2 + i] = pads[2 + i];
      if (kernel[i] < 1 || strides[i] < 1 || dilations[i] < 1 || pads[i] < 0 || pads[2 + i] < 0 ||
          pads[i] >= kernel[i] * dilations[i] || pads[2 + i] >= kernel[i] * dilations[i])
        throw Fault("kernel_shape, strides and dilations must be at least 1, pads at least 0 and less than the kernel");
    }
    attributes.count_padding = node.integer("count_include_pad", 0);
  }

  // over gives the window for images of this size.
  Window over(int64_t height, int64_t width, int64_t channels) const {
    Window w = attributes;
    w.height = height, w.width = width, w.channels = channels;
    for (int axis = 0; axis < 2; axis++) {
      const int64_t size = axis ? width : height, span = (w.kernel[axis] - 1) * w.dilations[axis] + 1;
      const int64_t room = size + w.pads[axis] + w.pads[2 + axis] - span;
      if (room < 0) throw Fault("the kernel is larger than the image with its padding");
      int64_t n = (room + (ceil_mode ? w.strides[axis] - 1 : 0)) / w.strides[axis] + 1;
      // A window must not begin in the padding at the end.
      if (ceil_mode && (n - 1) * w.strides[axis] >= size + w.pads[axis]) n--;
      (axis ? w.out_width : w.out_height) = n;
    }
    return w;
  }

  // rows calls body(image, row) for all rows of all images.
  template <class Body>
  static void rows(const Run &run, int64_t images, int64_t height, Body body) {
    parts(run, images, height, [&](size_t, Part part) {
      for (int64_t i = part.begin; i < part.end; i++) body(i / height, i % height);
    });
  }
  // parts calls body(task, part) for parts of all rows.
  template <class Body>
  static void parts(const Run &run, int64_t images, int64_t height, Body body) {
    const int64_t all = images * height, tasks = std::min<int64_t>(run.session.threads, all);
    run.parallel(tasks, [&](size_t t) { body(t, Part(all, tasks, t)); });
  }

  // gradient_rows calls body(image, row, dx) for all rows of a gradient, each of `line` numbers: where it is in
  // bfloat16, a row is added up in float and then rounded.
  template <class Body>
  void gradient_rows(const Run &run, const Tensor &dx, int64_t images, int64_t height, int64_t line, Body body) const {
    if (!half)
      return rows(run, images, height,
                  [&](int64_t image, int64_t row) { body(image, row, dx.floats() + (image * height + row) * line); });
    for (int64_t t = 0; t < run.session.threads; t++) run.session.slice(t).reserve(line * sizeof(float));
    parts(run, images, height, [&](size_t t, Part part) {
      float *sum = reinterpret_cast<float *>(run.session.slice(t).reserve(line * sizeof(float)));
      for (int64_t i = part.begin; i < part.end; i++) {
        body(i / height, i % height, sum);
        loops().round(sum, dx.as<bf16>() + i * line, line);
      }
    });
  }
};

struct MaxPool : Pool {
  explicit MaxPool(const Node &node) : Pool(node) {
    if (attributes.kernel[0] * attributes.kernel[1] > std::numeric_limits<uint8_t>::max())
      throw Fault("kernel_shape has more than 255 places");
  }
  void run(const Run &run) override { half ? pool<bf16>(run) : pool<float>(run); }

  template <class E>
  void pool(const Run &run) const {
    const Tensor x = run.image(0, "X");
    const Window w = over(x.dims[2], x.dims[3], x.dims[1]);
    const std::vector<int64_t> dims{x.dims[0], w.channels, w.out_height, w.out_width};
    const Tensor y = run.output(0, dims), index = run.output(1, dims);
    const int64_t line = w.out_width * w.channels;
    rows(run, dims[0], w.out_height, [&](int64_t image, int64_t row) {
      const int64_t o = (image * w.out_height + row) * line;
      loops().of<E>().max_pool(w, x.as<E>() + image * w.height * w.width * w.channels, row, y.as<E>() + o,
                               index ? static_cast<uint8_t *>(index.data) + o : nullptr);
    });
  }
};

// PoolGrad is told the size of the images: what it computes from would allow several.
struct PoolGrad : Pool {
  std::vector<int64_t> size;
  explicit PoolGrad(const Node &node) : Pool(node), size(node.integers("image_shape", 2, 0)) {}
  Window over_gradient(const Tensor &dy) const {
    const Window w = over(size[0], size[1], dy.dims[1]);
    if (dy.dims[2] != w.out_height || dy.dims[3] != w.out_width)
      throw Fault("dY has shape " + shape(dy.dims) + ", which does not fit image_shape " + shape(size));
    return w;
  }
};

struct MaxPoolGrad : PoolGrad {
  using PoolGrad::PoolGrad;
  void run(const Run &run) override { half ? pool<bf16>(run) : pool<float>(run); }

  template <class E>
  void pool(const Run &run) const {
    const Tensor dy = run.image(0, "dY"), index = run.image(1, "index");
    if (index.dims != dy.dims) throw Fault("dY and index must have one shape");
    const Window w = over_gradient(dy);
    const Tensor dx = run.output(0, {dy.dims[0], w.channels, w.height, w.width});
    const int64_t image_size = w.out_height * w.out_width * w.channels;
    gradient_rows(run, dx, dy.dims[0], w.height, w.width * w.channels, [&](int64_t image, int64_t row, float *sum) {
      loops().of<E>().max_pool_gradient(w, dy.as<E>() + image * image_size,
                                        static_cast<uint8_t *>(index.data) + image * image_size, row, sum);
    });
  }
};

struct AveragePool : Pool {
  using Pool::Pool;
  void run(const Run &run) override { half ? pool<bf16>(run) : pool<float>(run); }

  template <class E>
  void pool(const Run &run) const {
    const Tensor x = run.image(0, "X");
    const Window w = over(x.dims[2], x.dims[3], x.dims[1]);
    const Tensor y = run.output(0, {x.dims[0], w.channels, w.out_height, w.out_width});
    rows(run, x.dims[0], w.out_height, [&](int64_t image, int64_t row) {
      loops().of<E>().average_pool(w, x.as<E>() + image * w.height * w.width * w.channels, row,
                                   y.as<E>() + (image * w.out_height + row) * w.out_width * w.channels);
    });
  }
};

struct AveragePoolGrad : PoolGrad {
  using PoolGrad::PoolGrad;
  void run(const Run &run) override { half ? pool<bf16>(run) : pool<float>(run); }

  template <class E>
  void pool(const Run &run) const {
    const Tensor dy = run.image(0, "dY");
    const Window w = over_gradient(dy);
    const Tensor dx = run.output(0, {dy.dims[0], w.channels, w.height, w.width});
    gradient_rows(run, dx, dy.dims[0], w.height, w.width * w.channels, [&](int64_t image, int64_t row, float *sum) {
      loops().of<E>().average_pool_gradient(w, dy.as<E>() + image * w.out_height * w.out_width * w.channels, row, sum);
    });
  }
};

struct Reorder : Kernel {
  bool to_nhwc;
  explicit Reorder(const Node &node) {
    const std::string to = node.text("to", "");
    if (to != "nhwc" && to != "nchw") throw Fault("to must be nhwc or nchw");
    to_nhwc = to == "nhwc";
  }
  void run(const Run &run) override {
    const Tensor x = run.image(0, "X"), y = run.output(0, x.dims);
    const int64_t images = x.dims[0], channels = x.dims[1], pixels = x.dims[2] * x.dims[3];
    const int64_t tasks = std::min<int64_t>(run.session.threads, images);
    run.parallel(tasks, [&](size_t t) {
      const Part part(images, tasks, t);
      for (int64_t i = part.begin; i < part.end; i++) {
        const int64_t o = i * channels * pixels;
        if (to_nhwc)
          loops().transpose(x.floats() + o, y.floats() + o, channels, pixels);
        else
          loops().transpose(x.floats() + o, y.floats() + o, pixels, channels);
      }
    });
  }
};

// Round and Widen go from float to bfloat16 and back.
struct Convert : Kernel {
  explicit Convert(const Node &) {}
  template <class Body>
  static void parts(const Run &run, int64_t n, Body body) {
    const int64_t tasks = std::max<int64_t>(1, std::min<int64_t>(run.session.threads, n / 16384));
    run.parallel(tasks, [&](size_t t) {
      const Part part(n, tasks, t);
      body(part.begin, part.end - part.begin);
    });
  }
};
struct Round : Convert {
  using Convert::Convert;
  void run(const Run &run) override {
    const Tensor x = run.input(0), y = run.output(0, x.dims);
    parts(run, x.size(), [&](int64_t at, int64_t n) { loops().round(x.floats() + at, y.as<bf16>() + at, n); });
  }
};
struct Widen : Convert {
  using Convert::Convert;
  void run(const Run &run) override {
    const Tensor x = run.input(0), y = run.output(0, x.dims);
    parts(run, x.size(), [&](int64_t at, int64_t n) { loops().widen(x.as<bf16>() + at, y.floats() + at, n); });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_round(const Node &node) { return std::make_unique<Round>(node); }
std::unique_ptr<Kernel> make_widen(const Node &node) { return std::make_unique<Widen>(node); }
std::unique_ptr<Kernel> make_reorder(const Node &node) { return std::make_unique<Reorder>(node); }
std::unique_ptr<Kernel> make_max_pool(const Node &node) { return std::make_unique<MaxPool>(node); }
std::unique_ptr<Kernel> make_max_pool_grad(const Node &node) { return std::make_unique<MaxPoolGrad>(node); }
std::unique_ptr<Kernel> make_average_pool(const Node &node) { return std::make_unique<AveragePool>(node); }
std::unique_ptr<Kernel> make_average_pool_grad(const Node &node) { return std::make_unique<AveragePoolGrad>(node); }

}  // namespace ordo
